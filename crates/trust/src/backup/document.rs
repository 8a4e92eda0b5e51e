//! What stands in a backup, as JSON. Written by every release, read by this one and later ones.

use punktfunk_proto::units::{Fingerprint, HostTime};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use super::{BackupError, RestoreError, Summary};
use crate::{
    access::{Access, Grants, NANOS},
    audit::{AuditHead, by_text},
    clock::Moment,
    device::{Device, DeviceState, PairedBy},
    name::DeviceName,
    store::Contents,
    trust::Trust,
};

/// The whole.
#[derive(Serialize, Deserialize)]
pub(super) struct Document {
    product: String,
    format: u32,
    pub(super) written_unix: u64,
    host_id: String,
    #[serde(with = "by_text")]
    pub(super) fingerprint: Fingerprint,
    pub(super) identity: IdentityFiles,
    pub(super) successor: Option<IdentityFiles>,
    /// The identity towards Moonlight, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) gamestream: Option<IdentityFiles>,
    clock_unix: u64,
    devices: Vec<DeviceLine>,
    pub(super) audit: AuditHead,
}

/// A certificate and its key, PEM, as they are stored.
#[derive(Serialize, Deserialize)]
pub(super) struct IdentityFiles {
    #[serde(with = "secret_text")]
    pub(super) certificate: Zeroizing<String>,
    #[serde(with = "secret_text")]
    pub(super) key: Zeroizing<String>,
}

/// All that a host has.
pub(super) struct Identities {
    pub(super) identity: IdentityFiles,
    pub(super) successor: Option<IdentityFiles>,
    pub(super) gamestream: Option<IdentityFiles>,
}

#[derive(Serialize, Deserialize)]
struct DeviceLine {
    #[serde(with = "by_text")]
    fingerprint: Fingerprint,
    name: String,
    #[serde(with = "by_text")]
    grants: Grants,
    granted_unix: u64,
    expires_unix: Option<u64>,
    paired_unix: u64,
    paired_by: How,
    last_seen_unix: Option<u64>,
    revoked_unix: Option<u64>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum How {
    Pin,
    Approval,
}

/// What is read before the rest: whose file it is.
#[derive(Deserialize)]
struct Label {
    product: String,
    format: u32,
}

impl Document {
    /// What `trust` holds at `now`. Devices of the configuration come with the configuration, not with the backup.
    pub(super) fn of(
        trust: &mut Trust,
        now: Moment,
        Identities { identity, successor, gamestream }: Identities,
    ) -> Result<Self, BackupError> {
        let time = trust.time(now);
        Ok(Self {
            product: PRODUCT.to_owned(),
            format: FORMAT,
            written_unix: unix(time),
            host_id: trust.host_id().to_owned(),
            fingerprint: trust.identity().fingerprint,
            identity,
            successor,
            gamestream,
            clock_unix: unix(time),
            devices: trust.stored_devices().filter_map(DeviceLine::of).collect(),
            audit: trust.audit_head()?,
        })
    }

    /// Reads one, if it is ours.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, RestoreError> {
        let label: Label = serde_json::from_slice(bytes).map_err(|_| RestoreError::Foreign)?;
        if label.product != PRODUCT {
            return Err(RestoreError::Foreign);
        }
        if label.format > FORMAT {
            return Err(RestoreError::Newer { found: label.format, known: FORMAT });
        }
        serde_json::from_slice(bytes).map_err(|error| RestoreError::Damaged { detail: error.to_string() })
    }

    pub(super) fn summary(&self) -> Summary {
        Summary { fingerprint: self.fingerprint, devices: self.devices.len(), audit: self.audit }
    }

    /// At least the bytes of its JSON.
    pub(super) fn size_estimate(&self) -> usize {
        let identities = std::iter::once(&self.identity).chain(&self.successor).chain(&self.gamestream);
        let pem: usize = identities.map(|files| 2 * (files.certificate.len() + files.key.len())).sum();
        4_096 + pem + 1_024 * self.devices.len()
    }

    /// The content of a store.
    pub(super) fn contents(&self, successor: Option<Fingerprint>) -> Contents {
        Contents {
            host_id: self.host_id.clone(),
            host_fingerprint: Some(self.fingerprint),
            successor,
            clock: time(self.clock_unix),
            devices: self.devices.iter().map(DeviceLine::device).collect(),
            declared: Vec::new(),
            administrator: None,
            configuration: None,
        }
    }
}

impl DeviceLine {
    fn of(device: &Device) -> Option<Self> {
        let paired_by = match device.paired_by {
            PairedBy::Pin => How::Pin,
            PairedBy::Approval => How::Approval,
            PairedBy::Declared => return None,
        };
        Some(Self {
            fingerprint: device.fingerprint,
            name: device.name.to_string(),
            grants: device.access.grants,
            granted_unix: unix(device.access.granted),
            expires_unix: device.access.expires.map(unix),
            paired_unix: unix(device.paired),
            paired_by,
            last_seen_unix: device.last_seen.map(unix),
            revoked_unix: match device.state {
                DeviceState::Paired => None,
                DeviceState::Revoked { at } => Some(unix(at)),
            },
        })
    }

    fn device(&self) -> Device {
        let (granted, expires) = (time(self.granted_unix), self.expires_unix.map(time));
        Device {
            fingerprint: self.fingerprint,
            name: DeviceName::claimed(Some(&self.name), self.fingerprint),
            access: Access { grants: self.grants, granted, expires },
            paired: time(self.paired_unix),
            paired_by: match self.paired_by {
                How::Pin => PairedBy::Pin,
                How::Approval => PairedBy::Approval,
            },
            last_seen: self.last_seen_unix.map(time),
            state: self.revoked_unix.map_or(DeviceState::Paired, |at| DeviceState::Revoked { at: time(at) }),
        }
    }
}

fn unix(time: HostTime) -> u64 {
    time.nanos() / NANOS
}

fn time(unix: u64) -> HostTime {
    HostTime::from_nanos(unix.saturating_mul(NANOS))
}

mod secret_text {
    use super::{Deserialize, Deserializer, Serializer, Zeroizing};

    pub(super) fn serialize<S: Serializer>(text: &Zeroizing<String>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(text)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
        String::deserialize(deserializer).map(Zeroizing::new)
    }
}

const PRODUCT: &str = "punktfunk-host";
/// Counts up when an older release could not read it.
const FORMAT: u32 = 1;
