//! What the owner asks over the admin socket, carried out.
//!
//! [`Order`] is one request by one user of this machine: what it changes is put down to that user in the audit log.

mod devices;
mod pairing;
mod upkeep;

use std::{sync::Arc, time::Duration};

use punktfunk_proto::{session::host_control::HostClosed, wire::CloseCode};
use punktfunk_trust::{DeviceState, InvitedDevice, Moment, Origin, PairingPolicy, Trust, WindowState};

use super::{LiveSession, SessionId, Supervisor, host_clock};
use crate::admin::{
    protocol::{
        AdminError, AdminErrorCode, AdminRequest, AdminResponse, AdministratorState, EndedSession, HostStatus,
        PinWindowState, Session,
    },
    server::{AdminHandler, Caller},
};
use crate::session::plan::codec_name;

/// One request.
struct Order<'a> {
    host: &'a Supervisor,
    origin: Origin,
}

type Answer = Result<AdminResponse, AdminError>;

impl AdminHandler for Supervisor {
    async fn handle(&self, request: AdminRequest, caller: Caller) -> AdminResponse {
        let order = Order { host: self, origin: Origin::ctl(caller.uid) };
        order.carry_out(request).await.unwrap_or_else(AdminResponse::Error)
    }
}

impl Order<'_> {
    async fn carry_out(&self, request: AdminRequest) -> Answer {
        match request {
            AdminRequest::Status => Ok(AdminResponse::Status(self.host.status())),
            AdminRequest::PairArm { bound_to, join, access, expires } => self.arm(bound_to, join, (access, expires)),
            AdminRequest::PairDisarm => Ok(self.disarm()),
            AdminRequest::Pending => Ok(self.pending()),
            AdminRequest::Approve { knock, label, access, expires } => {
                self.approve(&knock, label.as_deref(), (access, expires))
            }
            AdminRequest::Deny { knock } => self.deny(&knock),
            AdminRequest::Devices => Ok(AdminResponse::Devices { devices: self.devices() }),
            AdminRequest::RenameDevice { device, name } => self.rename(&device, &name),
            AdminRequest::RevokeDevice { device } => self.revoke(&device),
            AdminRequest::ForgetDevice { device } => self.forget(&device),
            AdminRequest::SetAccess { device, access, expires } => self.set_access(&device, (access, expires)),
            AdminRequest::Administrator => Ok(AdminResponse::Administrator(self.administrator())),
            AdminRequest::Claim { password } => self.claim(&password).await,
            AdminRequest::Unclaim => self.unclaim(),
            AdminRequest::Audit { after, limit } => self.audit(after, limit),
            AdminRequest::AuditVerify => self.verify_audit(),
            AdminRequest::Backup { key } => self.back_up(&key).await,
            AdminRequest::Identity => Ok(self.identity()),
            AdminRequest::PrepareIdentity => self.prepare_identity(),
            AdminRequest::WithdrawIdentity => self.withdraw_identity(),
            AdminRequest::PromoteIdentity => self.promote_identity(),
            AdminRequest::Sessions => {
                let sessions = self.host.sessions().all().iter().map(described).collect();
                Ok(AdminResponse::Sessions { sessions })
            }
            AdminRequest::SessionHistory => {
                let sessions = self.host.sessions().ended().cloned().collect();
                Ok(AdminResponse::SessionHistory { sessions })
            }
            AdminRequest::StopSession { session } => self.stop_session(SessionId(session)),
        }
    }

    /// Changes trust in the caller's name.
    fn change<T>(&self, act: impl FnOnce(&mut Trust, Moment) -> T) -> T {
        self.host.change_trust(|trust, now| act(&mut trust.acting(self.origin.clone()), now))
    }

    fn stop_session(&self, id: SessionId) -> Answer {
        let session = self
            .host
            .sessions()
            .find(id)
            .ok_or_else(|| error(AdminErrorCode::NotFound, "no session of this number is running"))?;
        session.close(CloseCode::Ended, "the owner of the host ended the session");
        Ok(AdminResponse::SessionStopped { session: described(&session) })
    }
}

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
            administrator: told(self.administrator().state()),
            uptime_seconds: self.started.elapsed().as_secs(),
            pin_window: match window {
                WindowState::Armed { device, remaining, .. } => Some(PinWindowState {
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
}

/// Said by `ctl status` and the log as long as it is so.
pub(super) const OPEN_WARNING: &str =
    "pairing.policy is \"open\": whoever reaches this host on the network can use it without asking";

/// The last word on a session, once its threads are gone.
pub(super) fn obituary(session: &Arc<LiveSession>, end: &HostClosed) -> EndedSession {
    let end = match end {
        HostClosed::ByClient { code } => format!("closed by the client ({code:#04x})"),
        HostClosed::ByHost { code, reason } => format!("closed by the host ({:#04x}): {reason}", code.code()),
        HostClosed::Lost => "the connection was lost".into(),
    };
    EndedSession { session: described(session), ended_unix: host_clock().nanos() / 1_000_000_000, end }
}

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

/// As answers say it.
fn told(state: punktfunk_trust::AdministratorState) -> AdministratorState {
    match state {
        punktfunk_trust::AdministratorState::Unclaimed => AdministratorState::Unclaimed,
        punktfunk_trust::AdministratorState::Claimed => AdministratorState::Claimed,
        punktfunk_trust::AdministratorState::Declared => AdministratorState::Declared,
    }
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
