//! PIN windows, join links and knocks.

use std::net::{IpAddr, SocketAddr};

use punktfunk_proto::pairing::{JoinAddress, JoinLink, JoinToken, PairingSecret};
use punktfunk_trust::{
    ApproveError, Invitation, InvitedBy, InvitedDevice, Knock as TrustKnock, KnockId, Offer, Presence, WindowState,
};

use punktfunk_api::{HostEvent, Topic};
use qrcode::{Color, EcLevel};

use super::{Asked, Order, error, seconds};
use crate::admin::{
    protocol::{
        AccessWord, AdminError, AdminErrorCode, ApproveRequest, ArmRequest, Device, ExpiresIn, InvitedBy as AskedBy,
        Knock, Pending, PinDigits, PinWindowOpen, PinWindowState, QrCode,
    },
    select::KnockSelector,
};

/// The offer that was asked for.
pub(super) fn offer((access, expires): Asked) -> Offer {
    let default = Offer::default();
    Offer { grants: access.map_or(default.grants, |AccessWord(grants)| grants), lifetime: lifetime(expires) }
}

fn lifetime(expires: Option<ExpiresIn>) -> Option<std::time::Duration> {
    expires.and_then(ExpiresIn::lifetime)
}

impl Order<'_> {
    pub(in crate::supervisor) fn arm(&self, request: &ArmRequest) -> Result<PinWindowOpen, AdminError> {
        let bound_to = request.bound_to;
        let invitation = Invitation {
            device: bound_to.map_or(InvitedDevice::Anyone, InvitedDevice::Bound),
            by: match request.by {
                AskedBy::Pin => InvitedBy::Pin,
                AskedBy::Link => InvitedBy::Token,
            },
            offer: offer((request.access, request.expires)),
        };
        let (secret, window) =
            self.change(|trust, now| (trust.arm(now, invitation, &mut rand::rng()), trust.window(now)));
        let WindowState::Armed { remaining, .. } = window else {
            return Err(error(AdminErrorCode::Internal, "the PIN window did not open"));
        };
        // A window in the place of another looks the same to those who did not open it, but lasts longer.
        self.host.tell(HostEvent::Changed(Topic::Pairing));
        let mut open = PinWindowOpen { pin: None, link: None, qr: None, seconds_left: seconds(remaining), bound_to };
        match secret {
            PairingSecret::Pin(pin) => {
                let digits = PinDigits::try_from(pin.digits().to_owned());
                open.pin = Some(digits.map_err(|text| error(AdminErrorCode::Internal, text))?);
            }
            PairingSecret::Token(token) => {
                let text = self.link(token)?.to_text();
                open.qr = picture(&text);
                open.link = Some(text.to_string().into());
            }
        }
        Ok(open)
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

    pub(in crate::supervisor) fn disarm(&self) -> bool {
        self.change(|trust, now| {
            let was_armed = matches!(trust.window(now), WindowState::Armed { .. });
            trust.disarm();
            was_armed
        })
    }

    pub(in crate::supervisor) fn pending(&self) -> Pending {
        self.host.with_trust(|trust, now| Pending {
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

    /// The device as stored, and whether its connection was waiting and goes on.
    pub(in crate::supervisor) fn approve(
        &self,
        selector: &KnockSelector,
        request: &ApproveRequest,
    ) -> Result<(Device, bool), AdminError> {
        let knock = self.find_knock(selector)?;
        let offer = offer((request.access, request.expires));
        let device = self
            .change(|trust, now| trust.approve(now, knock.id, request.label.as_deref(), offer))
            .map_err(|refusal| not_approved(&refusal))?;
        tracing::info!(device = %device.name, fingerprint = device.fingerprint.short(), "approved");
        let admitted = knock.presence == Presence::Waiting;
        Ok((self.as_told(&device), admitted))
    }

    pub(in crate::supervisor) fn deny(&self, selector: &KnockSelector) -> Result<Knock, AdminError> {
        let knock = self.find_knock(selector)?;
        let denied = self.change(|trust, now| trust.deny(now, knock.id)).map_err(|refusal| not_approved(&refusal))?;
        tracing::info!(fingerprint = denied.fingerprint.short(), "denied");
        Ok(shown(&denied))
    }
}

/// The window as those see it who did not open it.
pub(super) fn told_window(window: WindowState) -> Option<PinWindowState> {
    match window {
        WindowState::Armed { device, remaining, .. } => Some(PinWindowState {
            seconds_left: seconds(remaining),
            bound_to: match device {
                InvitedDevice::Anyone => None,
                InvitedDevice::Bound(fingerprint) => Some(fingerprint),
            },
        }),
        WindowState::Disarmed | WindowState::Spent { .. } => None,
    }
}

/// The link to scan; `None` if it is too long for a picture.
fn picture(link: &str) -> Option<QrCode> {
    let code = qrcode::QrCode::with_error_correction_level(link, EcLevel::L).ok()?;
    let digit = |color: &Color| color.select('1', '0');
    let rows = code.to_colors().chunks(code.width()).map(|row| row.iter().map(digit).collect()).collect();
    Some(QrCode { rows })
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
