//! PIN windows, join links and knocks.

use std::net::{IpAddr, SocketAddr};

use punktfunk_proto::{
    pairing::{JoinAddress, JoinLink, JoinToken, PairingSecret},
    units::Fingerprint,
};
use punktfunk_trust::{
    ApproveError, Invitation, InvitedBy, InvitedDevice, Knock as TrustKnock, KnockId, Offer, Presence, WindowState,
};

use super::{Answer, Order, error, seconds};
use crate::admin::{
    protocol::{AccessWord, AdminError, AdminErrorCode, AdminResponse, ExpiresIn, Knock, PinDigits, PinWindowOpen},
    select::KnockSelector,
};

/// Rights and time as they were asked for; what is absent is the default.
pub(super) type Asked = (Option<AccessWord>, Option<ExpiresIn>);

/// The offer that was asked for.
fn offer((access, expires): Asked) -> Offer {
    let default = Offer::default();
    Offer { grants: access.map_or(default.grants, |AccessWord(grants)| grants), lifetime: lifetime(expires) }
}

fn lifetime(expires: Option<ExpiresIn>) -> Option<std::time::Duration> {
    expires.and_then(ExpiresIn::lifetime)
}

impl Order<'_> {
    pub(super) fn arm(&self, bound_to: Option<Fingerprint>, join: bool, asked: Asked) -> Answer {
        let invitation = Invitation {
            device: bound_to.map_or(InvitedDevice::Anyone, InvitedDevice::Bound),
            by: if join { InvitedBy::Token } else { InvitedBy::Pin },
            offer: offer(asked),
        };
        let (secret, window) =
            self.change(|trust, now| (trust.arm(now, invitation, &mut rand::rng()), trust.window(now)));
        let WindowState::Armed { remaining, .. } = window else {
            return Err(error(AdminErrorCode::Internal, "the PIN window did not open"));
        };
        let mut open = PinWindowOpen { pin: None, link: None, qr: None, seconds_left: seconds(remaining), bound_to };
        match secret {
            PairingSecret::Pin(pin) => {
                let digits = PinDigits::try_from(pin.digits().to_owned());
                open.pin = Some(digits.map_err(|text| error(AdminErrorCode::Internal, text))?);
            }
            PairingSecret::Token(token) => open.link = Some(self.link(token)?.to_text().to_string().into()),
        }
        Ok(AdminResponse::Armed(open))
    }

    /// The link to this host; taken back if nobody could follow it.
    fn link(&self, token: JoinToken) -> Result<JoinLink, AdminError> {
        let reachable = reachable(self.host.listen);
        let addresses = reachable.into_iter().filter_map(|at| JoinAddress::ip(at.ip(), at.port()).ok()).collect();
        let link = JoinLink::new(addresses, self.host.identity, token);
        let link = link.and_then(|link| link.named(&self.host.config.host.display_name()));
        link.map_err(|fault| {
            self.change(|trust, _| trust.disarm());
            error(AdminErrorCode::Refused, format!("no link can be made to this host: {fault}"))
        })
    }

    pub(super) fn disarm(&self) -> AdminResponse {
        let was_armed = self.change(|trust, now| {
            let was_armed = matches!(trust.window(now), WindowState::Armed { .. });
            trust.disarm();
            was_armed
        });
        AdminResponse::Disarmed { was_armed }
    }

    pub(super) fn pending(&self) -> AdminResponse {
        self.host.with_trust(|trust, now| AdminResponse::Pending {
            knocks: trust.knocks(now).map(|knock| shown(&knock)).collect(),
            dropped: trust.dropped_knocks(),
        })
    }

    fn find_knock(&self, selector: &KnockSelector) -> Result<TrustKnock, AdminError> {
        let mut knocks = self.host.with_trust(|trust, now| trust.knocks(now).collect::<Vec<_>>());
        match selector {
            KnockSelector::Id(id) => {
                knocks.retain(|knock| knock.id == KnockId::from_number(*id));
                knocks.pop().ok_or_else(|| error(AdminErrorCode::NotFound, ApproveError::Unknown.to_string()))
            }
            KnockSelector::Fingerprint(prefix) => Ok(prefix.find(knocks, |knock| knock.fingerprint)?),
        }
    }

    pub(super) fn approve(&self, selector: &KnockSelector, label: Option<&str>, asked: Asked) -> Answer {
        let knock = self.find_knock(selector)?;
        let device = self
            .change(|trust, now| trust.approve(now, knock.id, label, offer(asked)))
            .map_err(|refusal| not_approved(&refusal))?;
        tracing::info!(device = %device.name, fingerprint = device.fingerprint.short(), "approved");
        let admitted = knock.presence == Presence::Waiting;
        Ok(AdminResponse::Approved { device: self.as_told(&device), admitted })
    }

    pub(super) fn deny(&self, selector: &KnockSelector) -> Answer {
        let knock = self.find_knock(selector)?;
        let denied = self.change(|trust, now| trust.deny(now, knock.id)).map_err(|refusal| not_approved(&refusal))?;
        tracing::info!(fingerprint = denied.fingerprint.short(), "denied");
        Ok(AdminResponse::Denied { knock: shown(&denied) })
    }
}

/// Where devices of this network reach a host that listens on `listen`.
fn reachable(listen: SocketAddr) -> Vec<SocketAddr> {
    if !listen.ip().is_unspecified() {
        return vec![listen];
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    let usable = |ip: &IpAddr| match ip {
        IpAddr::V4(v4) => !v4.is_loopback() && !v4.is_link_local(),
        // A listener on an IPv4 address hears no IPv6.
        IpAddr::V6(v6) => listen.is_ipv6() && !v6.is_loopback() && !v6.is_unicast_link_local(),
    };
    let addresses = interfaces.iter().map(if_addrs::Interface::ip).filter(usable);
    addresses.take(JoinLink::MAX_ADDRESSES).map(|ip| SocketAddr::new(ip, listen.port())).collect()
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
