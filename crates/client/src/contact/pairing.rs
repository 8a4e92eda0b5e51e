//! Pairing: by a PIN that a person types, or by a link that holds everything.

use std::{net::SocketAddr, time::Instant};

use punktfunk_proto::{
    pairing::{ENTROPY_LEN, JoinAddress, JoinHost, JoinLink, PairingSecret, Pin},
    session::client_pairing::{ClientPairing, PairingOutcome},
    wire::CloseCode,
};
use punktfunk_transport::{Link, Role, drive};
use tokio::sync::mpsc;

use super::{Dial, Place, presented, reach, reach_at, remember};
use crate::{
    clock::wall_now,
    error::ClientError,
    known_hosts::{KnownHost, KnownHosts, TrustOrigin},
    target::Target,
    text::printable,
    trust::Decision,
};

/// A host closes a connection that says nothing for 20 s. It is called again so often, which lasts longer than a PIN.
const REDIALS: u32 = 6;

/// Proves to the host that we know its PIN, checks that it does, and trusts its certificate from then on.
///
/// The host is called first and `pin` awaited then, on the open connection: once the PIN is there, two round trips
/// are left.
///
/// # Errors
/// There is no PIN or it was wrong, the host refused or did not answer, or the trust cannot be stored.
pub async fn pair(
    dial: &Dial<'_>,
    target: &Target,
    pin: impl Future<Output = Result<Pin, ClientError>>,
    name: Option<String>,
) -> Result<KnownHost, ClientError> {
    let mut link = reach(dial, target, None).await?;
    let mut redials = 0;
    tokio::pin!(pin);
    let pin = loop {
        tokio::select! {
            biased;
            _ = link.closed(), if redials < REDIALS => {
                redials += 1;
                link = reach(dial, target, None).await?;
            }
            pin = &mut pin => break pin?,
        }
    };
    if is_gone(&link).await {
        link = reach(dial, target, None).await?;
    }
    prove(dial, &link, &pin.into(), name).await?;
    keep(dial, target, &link, TrustOrigin::Pin)
}

/// Pairs by the token of `link` with the host whose certificate it names, and with nobody else.
///
/// # Errors
/// Nobody answered, or somebody else; the link is no longer good; the trust cannot be stored.
pub async fn join(dial: &Dial<'_>, link: &JoinLink, name: Option<String>) -> Result<KnownHost, ClientError> {
    let target = meant_by(link, &KnownHosts::load(dial.state_dir)?);
    let places = link.addresses().iter().map(place).collect();
    let connection = reach_at(dial, &target, Some(link.host), places).await.map_err(|error| match error {
        ClientError::NotTrusted(Decision::IdentityChanged { pinned, presented }) => {
            ClientError::OtherHost { meant: pinned, presented }
        }
        other => other,
    })?;
    let proven = prove(dial, &connection, &link.token.clone().into(), name).await;
    proven.map_err(|error| match error {
        ClientError::WrongPin => ClientError::LinkSpent { code: None },
        ClientError::Refused { code, .. } if code == CloseCode::PairingNotArmed.code() => {
            ClientError::LinkSpent { code: Some(code) }
        }
        other => other,
    })?;
    keep(dial, &target, &connection, TrustOrigin::Link)
}

/// The host of a link. A name that the user gave to it before stays.
fn meant_by(link: &JoinLink, known: &KnownHosts) -> Target {
    let named = known.by_fingerprint(link.host).map(|host| host.name.clone());
    let named = named.or_else(|| link.name().map(|name| printable(name, 64)));
    let name = named.unwrap_or_else(|| link.addresses().first().map_or_else(String::new, ToString::to_string));
    Target { name, addresses: Vec::new(), pinned: Some(link.host), advert: None }
}

fn place(address: &JoinAddress) -> Place {
    match address.host() {
        JoinHost::Ip(ip) => Place::At(SocketAddr::new(*ip, address.port())),
        JoinHost::Name(name) => Place::Named(name.clone(), address.port()),
    }
}

/// Whether the connection has ended.
async fn is_gone(link: &Link) -> bool {
    tokio::select! {
        biased;
        _ = link.closed() => true,
        () = std::future::ready(()) => false,
    }
}

/// Runs the ceremony: two round trips.
async fn prove(dial: &Dial<'_>, link: &Link, secret: &PairingSecret, name: Option<String>) -> Result<(), ClientError> {
    let host = presented(link)?;
    let mut seed = [0; ENTROPY_LEN];
    rand::fill(&mut seed);
    let session = ClientPairing::new(Instant::now(), name, secret, (dial.identity.fingerprint(), host), seed);
    let (_commands, inbox) = mpsc::channel(1);
    let mut outcome = PairingOutcome::Lost;
    drive(session, wall_now, link, Role::Opens, inbox, |event| outcome = event).await;
    match outcome {
        PairingOutcome::Paired => Ok(()),
        PairingOutcome::WrongPin => Err(ClientError::WrongPin),
        PairingOutcome::NotStored => Err(ClientError::Refused { code: 1, reason: "the host stored no pairing".into() }),
        PairingOutcome::Refused { code, reason } => Err(ClientError::Refused { code, reason }),
        PairingOutcome::Misbehaved(detail) => Err(ClientError::HostMisbehaved(detail)),
        PairingOutcome::Lost => Err(ClientError::Lost),
    }
}

fn keep(dial: &Dial<'_>, target: &Target, link: &Link, trust: TrustOrigin) -> Result<KnownHost, ClientError> {
    let host = presented(link)?;
    remember(dial, target, link, trust)?;
    let known = KnownHosts::load(dial.state_dir)?;
    known.by_fingerprint(host).cloned().ok_or_else(|| ClientError::Local("the host was forgotten again".into()))
}
