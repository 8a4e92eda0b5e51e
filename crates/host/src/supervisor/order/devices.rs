//! Paired devices.

use punktfunk_trust::{ChangeError, DeviceName, DeviceState, Offer, RevokeError};

use super::{Asked, Order, count, error};
use crate::admin::{
    protocol::{AccessWord, AdminError, AdminErrorCode, Device, DeviceChange, ExpiresIn, PairedBy},
    select::FingerprintPrefix,
};

impl Order<'_> {
    pub(in crate::supervisor) fn devices(&self) -> Vec<Device> {
        let mut devices = self.host.with_trust(|trust, _| {
            trust.devices().filter(|device| device.state == DeviceState::Paired).cloned().collect::<Vec<_>>()
        });
        devices.sort_by_key(|device| device.paired);
        devices.iter().map(|device| self.as_told(device)).collect()
    }

    pub(in crate::supervisor) fn find_device(&self, prefix: &FingerprintPrefix) -> Result<Device, AdminError> {
        Ok(prefix.find(self.devices(), |device| device.fingerprint)?)
    }

    pub(in crate::supervisor) fn rename(&self, prefix: &FingerprintPrefix, name: &str) -> Result<Device, AdminError> {
        let device = self.find_device(prefix)?;
        let name = DeviceName::written(name)
            .ok_or_else(|| error(AdminErrorCode::BadRequest, "a name needs at least one visible character"))?;
        self.change(|trust, now| trust.rename(now, device.fingerprint, name)).map_err(|fault| not_changed(&fault))?;
        self.find_device(prefix)
    }

    pub(in crate::supervisor) fn revoke(&self, prefix: &FingerprintPrefix) -> Result<(Device, u32), AdminError> {
        let device = self.find_device(prefix)?;
        let sessions_ended = count(self.host.sessions().of(device.fingerprint).len());
        self.change(|trust, now| trust.revoke(now, device.fingerprint)).map_err(|fault| not_removed(&fault))?;
        tracing::info!(device = device.name, sessions_ended, "revoked");
        Ok((device, sessions_ended))
    }

    pub(in crate::supervisor) fn forget(&self, prefix: &FingerprintPrefix) -> Result<Device, AdminError> {
        let known = self.host.with_trust(|trust, _| trust.devices().cloned().collect::<Vec<_>>());
        let device = prefix.find(known, |device| device.fingerprint)?;
        self.change(|trust, now| trust.forget(now, device.fingerprint)).map_err(|fault| not_removed(&fault))?;
        tracing::info!(device = %device.name, "forgotten");
        Ok(self.as_told(&device))
    }

    /// What is not asked for stays as it is, the time that is left too.
    pub(in crate::supervisor) fn set_access(
        &self,
        prefix: &FingerprintPrefix,
        (access, expires): Asked,
    ) -> Result<Device, AdminError> {
        let fingerprint = self.find_device(prefix)?.fingerprint;
        if access.is_none() && expires.is_none() {
            return Err(error(
                AdminErrorCode::BadRequest,
                "say what to change: what the device may do, or for how long",
            ));
        }
        self.change(|trust, now| {
            let time = trust.time(now);
            let Some(device) = trust.device(fingerprint) else { return Ok(false) };
            let grants = access.map_or(device.access.grants, |AccessWord(grants)| grants);
            let lifetime = expires.map_or(device.access.remaining(time), ExpiresIn::lifetime);
            trust.set_access(now, fingerprint, Offer { grants, lifetime })
        })
        .map_err(|fault| not_changed(&fault))?;
        self.find_device(prefix)
    }

    /// A name that cannot be stops the whole change.
    pub(in crate::supervisor) fn change_device(
        &self,
        prefix: &FingerprintPrefix,
        change: &DeviceChange,
    ) -> Result<Device, AdminError> {
        let asked = (change.access, change.expires);
        match (&change.name, asked) {
            (Some(name), (None, None)) => self.rename(prefix, name),
            (None, asked) => self.set_access(prefix, asked),
            (Some(name), asked) => {
                self.rename(prefix, name)?;
                self.set_access(prefix, asked)
            }
        }
    }

    pub(in crate::supervisor) fn as_told(&self, device: &punktfunk_trust::Device) -> Device {
        let unix = |time: punktfunk_proto::units::HostTime| time.nanos() / 1_000_000_000;
        Device {
            name: device.name.to_string(),
            fingerprint: device.fingerprint,
            grants: device.access.grants.bits(),
            access: AccessWord(device.access.grants),
            paired_by: match device.paired_by {
                punktfunk_trust::PairedBy::Pin => PairedBy::Pin,
                punktfunk_trust::PairedBy::Approval => PairedBy::Approval,
                punktfunk_trust::PairedBy::Declared => PairedBy::Declared,
            },
            paired_unix: unix(device.paired),
            last_seen_unix: device.last_seen.map(unix),
            expires_unix: device.access.expires.map(unix),
            connected: !self.host.sessions().of(device.fingerprint).is_empty()
                || self.host.moonlight.desk().runs_for(device.fingerprint).is_some(),
        }
    }
}

fn not_changed(fault: &ChangeError) -> AdminError {
    let code = match fault {
        ChangeError::Declared => AdminErrorCode::Refused,
        ChangeError::Store(_) => AdminErrorCode::NotStored,
    };
    error(code, fault.to_string())
}

fn not_removed(fault: &RevokeError) -> AdminError {
    let code = match fault {
        RevokeError::Declared => AdminErrorCode::Refused,
        RevokeError::NotStored(_) => AdminErrorCode::NotStored,
    };
    error(code, fault.to_string())
}
