//! What the owner asks over the admin socket: each request is an [`Order`] by a user of this machine.

use std::sync::Arc;

use punktfunk_trust::Origin;

use super::{Supervisor, order::Order};
use crate::admin::{
    protocol::{AdminErrorCode, AdminRequest, AdminResponse, ApproveRequest, ArmRequest, InvitedBy, Pending},
    server::{AdminHandler, Caller},
};

/// Where the admin socket's requests arrive. Orders may wait for the disk, so they run where waiting is allowed.
pub struct AdminDesk(pub Arc<Supervisor>);

impl AdminHandler for AdminDesk {
    async fn handle(&self, request: AdminRequest, caller: Caller) -> AdminResponse {
        let host = Arc::clone(&self.0);
        let carried_out = tokio::task::spawn_blocking(move || {
            let order = Order::new(&host, Origin::ctl(caller.uid));
            carry_out(&order, request).unwrap_or_else(AdminResponse::Error)
        });
        let fault = |fault| AdminResponse::error(AdminErrorCode::Internal, format!("the order failed: {fault}"));
        carried_out.await.unwrap_or_else(fault)
    }
}

type Answer = Result<AdminResponse, crate::admin::protocol::AdminError>;

fn carry_out(order: &Order<'_>, request: AdminRequest) -> Answer {
    Ok(match request {
        AdminRequest::Status => AdminResponse::Status(order.status()),
        AdminRequest::PairArm { bound_to, join, access, expires } => {
            let by = if join { InvitedBy::Link } else { InvitedBy::Pin };
            AdminResponse::Armed(order.arm(&ArmRequest { by, bound_to, access, expires })?)
        }
        AdminRequest::PairDisarm => AdminResponse::Disarmed { was_armed: order.disarm() },
        AdminRequest::Moonlights => AdminResponse::Moonlights(order.moonlights()),
        AdminRequest::TypeMoonlightPin(pin) => {
            AdminResponse::MoonlightPaired { device: order.type_moonlight_pin(&pin)? }
        }
        AdminRequest::Pending => {
            let Pending { knocks, dropped } = order.pending();
            AdminResponse::Pending { knocks, dropped }
        }
        AdminRequest::Approve { knock, label, access, expires } => {
            let (device, admitted) = order.approve(&knock, &ApproveRequest { label, access, expires })?;
            AdminResponse::Approved { device, admitted }
        }
        AdminRequest::Deny { knock } => AdminResponse::Denied { knock: order.deny(&knock)? },
        AdminRequest::Devices => AdminResponse::Devices { devices: order.devices() },
        AdminRequest::RenameDevice { device, name } => AdminResponse::Renamed { device: order.rename(&device, &name)? },
        AdminRequest::RevokeDevice { device } => {
            let (device, sessions_ended) = order.revoke(&device)?;
            AdminResponse::Revoked { device, sessions_ended }
        }
        AdminRequest::ForgetDevice { device } => AdminResponse::Forgotten { device: order.forget(&device)? },
        AdminRequest::SetAccess { device, access, expires } => {
            AdminResponse::AccessSet { device: order.set_access(&device, (access, expires))? }
        }
        AdminRequest::Administrator => AdminResponse::Administrator(order.administrator()),
        AdminRequest::Claim { password } => AdminResponse::Administrator(order.claim_here(&password)?),
        AdminRequest::Unclaim => AdminResponse::Administrator(order.unclaim()?),
        AdminRequest::Audit { after, limit } => AdminResponse::AuditRows { rows: order.audit_after(after, limit)? },
        AdminRequest::AuditVerify => AdminResponse::AuditVerified(order.verify_audit()?),
        AdminRequest::Backup { key } => {
            let written = order.back_up(&key)?;
            AdminResponse::Backup { file: base64_of(&written.file), devices: written.devices }
        }
        AdminRequest::Identity => AdminResponse::Identity(order.identity()),
        AdminRequest::PrepareIdentity => AdminResponse::Identity(order.prepare_identity()?),
        AdminRequest::WithdrawIdentity => AdminResponse::Identity(order.withdraw_identity()?),
        AdminRequest::PromoteIdentity => AdminResponse::Identity(order.promote_identity()?),
        AdminRequest::Sessions => AdminResponse::Sessions { sessions: order.sessions() },
        AdminRequest::SessionHistory => AdminResponse::SessionHistory { sessions: order.session_history() },
        AdminRequest::ExpectProbe { fingerprint } => {
            order.expect_probe(fingerprint);
            AdminResponse::ProbeExpected
        }
        AdminRequest::Doctor => AdminResponse::Doctor(order.doctor()),
        AdminRequest::Settings => AdminResponse::Settings(order.settings()),
        AdminRequest::ChangeSettings { changes } => AdminResponse::Settings(order.set(&changes)?),
        AdminRequest::Restart => {
            order.restart();
            AdminResponse::Restarting
        }
        AdminRequest::StopSession { session } => {
            AdminResponse::SessionStopped { session: order.stop_session(session)? }
        }
    })
}

fn base64_of(file: &[u8]) -> String {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    BASE64_STANDARD.encode(file)
}
