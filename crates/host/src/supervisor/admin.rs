//! What the owner asks over the admin socket, carried out.

use std::{sync::Arc, time::Duration};

use punktfunk_proto::wire::CloseCode;
use punktfunk_trust::{
    ApproveError, ChangeError, DeviceName, DeviceState, Invitation, InvitedDevice, Knock as TrustKnock, KnockId,
    PairingPolicy, Presence, RevokeError, WindowState,
};

use super::{LiveSession, SessionId, Supervisor};
use crate::admin::{
    protocol::{
        AdminError, AdminErrorCode, AdminRequest, AdminResponse, Device, HostStatus, Knock, PinDigits, PinWindowOpen,
        PinWindowState, Session,
    },
    select::{FingerprintPrefix, KnockSelector},
    server::AdminHandler,
};
use crate::session::plan::codec_name;

impl AdminHandler for Supervisor {
    async fn handle(&self, request: AdminRequest) -> AdminResponse {
        let answer = match request {
            AdminRequest::Status => Ok(AdminResponse::Status(self.status())),
            AdminRequest::PairArm { bound_to } => {
                self.arm(bound_to.map_or(InvitedDevice::Anyone, InvitedDevice::Bound))
            }
            AdminRequest::PairDisarm => Ok(self.disarm()),
            AdminRequest::Pending => Ok(self.pending()),
            AdminRequest::Approve { knock, label } => self.approve(&knock, label.as_deref()),
            AdminRequest::Deny { knock } => self.deny(&knock),
            AdminRequest::Devices => Ok(AdminResponse::Devices { devices: self.devices() }),
            AdminRequest::RenameDevice { device, name } => self.rename(&device, &name),
            AdminRequest::RevokeDevice { device } => self.revoke(&device),
            AdminRequest::Sessions => {
                let sessions = self.sessions().all().iter().map(described).collect();
                Ok(AdminResponse::Sessions { sessions })
            }
            AdminRequest::StopSession { session } => self.stop_session(SessionId(session)),
        };
        answer.unwrap_or_else(AdminResponse::Error)
    }
}

type Answer = Result<AdminResponse, AdminError>;

impl Supervisor {
    fn status(&self) -> HostStatus {
        let (window, pending, devices, policy, id) = self.with_trust(|trust, now| {
            let devices = trust.devices().filter(|device| device.state == DeviceState::Paired).count();
            (trust.window(now), trust.knocks(now).count(), devices, trust.policy(), trust.host_id().to_owned())
        });
        let warnings = match policy {
            PairingPolicy::Open => vec![OPEN_WARNING.to_owned()],
            PairingPolicy::Require => Vec::new(),
        };
        HostStatus {
            host_version: env!("CARGO_PKG_VERSION").into(),
            name: self.config.host.display_name(),
            id: self.config.host.id.clone().unwrap_or(id),
            fingerprint: self.identity,
            listen: self.listen.to_string(),
            pairing_policy: match policy {
                PairingPolicy::Require => "require".into(),
                PairingPolicy::Open => "open".into(),
            },
            mdns: self.config.network.mdns.enable,
            display: self.backend.name().into(),
            encoder: self.encoder.name().into(),
            uptime_seconds: self.started.elapsed().as_secs(),
            pin_window: match window {
                WindowState::Armed { device, remaining } => Some(PinWindowState {
                    seconds_left: seconds(remaining),
                    bound_to: match device {
                        InvitedDevice::Anyone => None,
                        InvitedDevice::Bound(fingerprint) => Some(fingerprint),
                    },
                }),
                WindowState::Disarmed | WindowState::Spent { .. } => None,
            },
            pending: count(pending),
            devices: count(devices),
            sessions: count(self.sessions().all().len()),
            max_sessions: self.config.session.max_sessions.into(),
            warnings,
        }
    }

    fn arm(&self, device: InvitedDevice) -> Answer {
        let invitation = Invitation { device, ..Invitation::default() };
        let (pin, window) =
            self.change_trust(|trust, now| (trust.arm(now, invitation, &mut rand::rng()), trust.window(now)));
        let WindowState::Armed { remaining, .. } = window else {
            return Err(error(AdminErrorCode::Internal, "the PIN window did not open"));
        };
        let pin = PinDigits::try_from(pin.as_str().to_owned()).map_err(|text| error(AdminErrorCode::Internal, text))?;
        let bound_to = match device {
            InvitedDevice::Anyone => None,
            InvitedDevice::Bound(fingerprint) => Some(fingerprint),
        };
        Ok(AdminResponse::Armed(PinWindowOpen { pin, seconds_left: seconds(remaining), bound_to }))
    }

    fn disarm(&self) -> AdminResponse {
        let was_armed = self.change_trust(|trust, now| {
            let was_armed = matches!(trust.window(now), WindowState::Armed { .. });
            trust.disarm();
            was_armed
        });
        AdminResponse::Disarmed { was_armed }
    }

    fn pending(&self) -> AdminResponse {
        self.with_trust(|trust, now| AdminResponse::Pending {
            knocks: trust.knocks(now).map(|knock| shown(&knock)).collect(),
            dropped: trust.dropped_knocks(),
        })
    }

    fn find_knock(&self, selector: &KnockSelector) -> Result<TrustKnock, AdminError> {
        let mut knocks = self.with_trust(|trust, now| trust.knocks(now).collect::<Vec<_>>());
        match selector {
            KnockSelector::Id(id) => {
                knocks.retain(|knock| knock.id == KnockId::from_number(*id));
                knocks.pop().ok_or_else(|| error(AdminErrorCode::NotFound, ApproveError::Unknown.to_string()))
            }
            KnockSelector::Fingerprint(prefix) => Ok(prefix.find(knocks, |knock| knock.fingerprint)?),
        }
    }

    fn approve(&self, selector: &KnockSelector, label: Option<&str>) -> Answer {
        let knock = self.find_knock(selector)?;
        let device = self
            .change_trust(|trust, now| trust.approve(now, knock.id, label, Default::default()))
            .map_err(|refusal| not_approved(&refusal))?;
        tracing::info!(device = %device.name, fingerprint = device.fingerprint.short(), "approved");
        let admitted = knock.presence == Presence::Waiting;
        Ok(AdminResponse::Approved { device: self.as_told(&device), admitted })
    }

    fn deny(&self, selector: &KnockSelector) -> Answer {
        let knock = self.find_knock(selector)?;
        let denied =
            self.change_trust(|trust, now| trust.deny(now, knock.id)).map_err(|refusal| not_approved(&refusal))?;
        tracing::info!(fingerprint = denied.fingerprint.short(), "denied");
        Ok(AdminResponse::Denied { knock: shown(&denied) })
    }

    fn devices(&self) -> Vec<Device> {
        let mut devices = self.with_trust(|trust, _| {
            trust.devices().filter(|device| device.state == DeviceState::Paired).cloned().collect::<Vec<_>>()
        });
        devices.sort_by_key(|device| device.paired);
        devices.iter().map(|device| self.as_told(device)).collect()
    }

    fn find_device(&self, prefix: &FingerprintPrefix) -> Result<Device, AdminError> {
        Ok(prefix.find(self.devices(), |device| device.fingerprint)?)
    }

    fn rename(&self, prefix: &FingerprintPrefix, name: &str) -> Answer {
        let device = self.find_device(prefix)?;
        let name = DeviceName::written(name)
            .ok_or_else(|| error(AdminErrorCode::BadRequest, "a name needs at least one visible character"))?;
        self.change_trust(|trust, now| trust.rename(now, device.fingerprint, name)).map_err(|fault| match fault {
            ChangeError::Declared => error(AdminErrorCode::Refused, fault.to_string()),
            ChangeError::Store(_) => error(AdminErrorCode::NotStored, fault.to_string()),
        })?;
        Ok(AdminResponse::Renamed { device: self.find_device(prefix)? })
    }

    fn revoke(&self, prefix: &FingerprintPrefix) -> Answer {
        let device = self.find_device(prefix)?;
        let sessions_ended = count(self.sessions().of(device.fingerprint).len());
        self.change_trust(|trust, now| trust.revoke(now, device.fingerprint)).map_err(|fault| match fault {
            RevokeError::Declared => error(AdminErrorCode::Refused, fault.to_string()),
            RevokeError::NotStored(_) => error(AdminErrorCode::NotStored, fault.to_string()),
        })?;
        tracing::info!(device = device.name, sessions_ended, "revoked");
        Ok(AdminResponse::Revoked { device, sessions_ended })
    }

    fn stop_session(&self, id: SessionId) -> Answer {
        let session = self
            .sessions()
            .find(id)
            .ok_or_else(|| error(AdminErrorCode::NotFound, "no session of this number is running"))?;
        session.close(CloseCode::Ended, "the owner of the host ended the session");
        Ok(AdminResponse::SessionStopped { session: described(&session) })
    }

    fn as_told(&self, device: &punktfunk_trust::Device) -> Device {
        let unix = |time: punktfunk_proto::units::HostTime| time.nanos() / 1_000_000_000;
        Device {
            name: device.name.to_string(),
            fingerprint: device.fingerprint,
            grants: device.access.grants.bits(),
            paired_unix: unix(device.paired),
            last_seen_unix: device.last_seen.map(unix),
            expires_unix: device.access.expires.map(unix),
            connected: !self.sessions().of(device.fingerprint).is_empty(),
        }
    }
}

/// Said by `ctl status` and the log as long as it is so.
pub(super) const OPEN_WARNING: &str =
    "pairing.policy is \"open\": whoever reaches this host on the network can use it without asking";

fn described(session: &Arc<LiveSession>) -> Session {
    let stats = session.pipeline.stats();
    Session {
        id: session.id.0,
        device: session.name.clone(),
        fingerprint: session.fingerprint,
        peer: session.peer.to_string(),
        mode: stats.mode,
        codec: codec_name(session.plan.codec).into(),
        bitrate_kbps: stats.bitrate_kbps,
        age_seconds: session.started.elapsed().as_secs(),
        frames_captured: stats.frames_captured,
        frames_dropped: stats.frames_dropped,
        frames_sent: stats.units_encoded,
        fec_percent: u8::try_from(stats.fec_percent).unwrap_or(u8::MAX),
    }
}

fn shown(knock: &TrustKnock) -> Knock {
    Knock {
        id: knock.id.number(),
        name: knock.name.to_string(),
        fingerprint: knock.fingerprint,
        source: knock.source.to_string(),
        age_seconds: knock.age.as_secs(),
        waiting: knock.presence == Presence::Waiting,
    }
}

fn not_approved(refusal: &ApproveError) -> AdminError {
    let code = match refusal {
        ApproveError::Unknown => AdminErrorCode::NotFound,
        ApproveError::NeedsBoundPin | ApproveError::Declared => AdminErrorCode::Refused,
        ApproveError::Store(_) => AdminErrorCode::NotStored,
    };
    error(code, refusal.to_string())
}

fn error(code: AdminErrorCode, message: impl Into<String>) -> AdminError {
    AdminError { code, message: message.into() }
}

fn seconds(time: Duration) -> u32 {
    u32::try_from(time.as_secs_f64().ceil() as u64).unwrap_or(u32::MAX)
}

fn count(items: usize) -> u32 {
    u32::try_from(items).unwrap_or(u32::MAX)
}
