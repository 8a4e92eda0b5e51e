//! Connecting to a host that is trusted, and pairing with one that is not yet.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    pairing::{ENTROPY_LEN, Pin},
    session::client_pairing::{ClientPairing, PairingOutcome},
    units::Fingerprint,
};
use punktfunk_transport::{Client, ConnectError, Link, Role, TlsIdentity, discovery::Reach, drive};
use tokio::sync::mpsc;

use crate::{
    clock::{unix_now, wall_now},
    error::ClientError,
    known_hosts::{KnownHost, KnownHosts, TrustOrigin},
    target::{Target, locate},
    trust::{Decision, decide},
};

/// How to reach hosts.
#[derive(Clone, Debug)]
pub struct Dial<'a> {
    /// Who we are.
    pub identity: &'a TlsIdentity,
    /// How long to wait for an answer, in all.
    pub budget: Duration,
    /// Where adverts are looked for.
    pub reach: Option<Reach>,
    /// The state folder.
    pub state_dir: &'a Path,
}

/// What the user said beforehand about a host that is not known yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Consent {
    /// Nothing.
    #[default]
    None,
    /// Trust a host that is offered on first use.
    FirstUse,
    /// Trust the host with this certificate, which the user has from its owner.
    Fingerprint(Fingerprint),
}

/// Connects to `target` if it is trusted. `confirm` is asked where a host is offered on first use.
///
/// # Errors
/// No answer, not trusted, or the files of this client cannot be used.
pub async fn connect(
    dial: &Dial<'_>,
    target: &Target,
    consent: Consent,
    confirm: impl FnOnce(Fingerprint) -> bool,
) -> Result<Link, ClientError> {
    let pinned = match (target.pinned, consent) {
        (Some(pinned), Consent::Fingerprint(given)) if pinned != given => {
            return Err(ClientError::NotTrusted(Decision::IdentityChanged { pinned, presented: given }));
        }
        (Some(pinned), _) => Some(pinned),
        (None, Consent::Fingerprint(given)) => Some(given),
        (None, Consent::None | Consent::FirstUse) => None,
    };
    let link = reach(dial, target, pinned).await?;
    let presented = presented(&link)?;
    match decide(pinned, target.advert.as_ref(), presented) {
        Decision::Connect if target.pinned.is_none() => remember(dial, target, &link, TrustOrigin::Fingerprint)?,
        Decision::Connect => reached(dial, presented, link.peer)?,
        Decision::OfferTofu { .. } if consent == Consent::FirstUse || confirm(presented) => {
            remember(dial, target, &link, TrustOrigin::FirstUse)?;
        }
        refused => {
            // Closed before a stream was opened: harmless to the host (spec section 1.2).
            link.close(0, "");
            return Err(ClientError::NotTrusted(refused));
        }
    }
    Ok(link)
}

/// Connects without asking for trust; who answered is in the link.
///
/// # Errors
/// No answer.
pub async fn knock(dial: &Dial<'_>, target: &Target) -> Result<Link, ClientError> {
    reach(dial, target, None).await
}

/// Proves to the host that we know its PIN, checks that it does, and trusts its certificate from then on.
///
/// # Errors
/// The PIN was wrong, the host refused or did not answer, or the trust cannot be stored.
pub async fn pair(dial: &Dial<'_>, target: &Target, pin: &Pin, name: Option<String>) -> Result<KnownHost, ClientError> {
    let link = reach(dial, target, None).await?;
    let host = presented(&link)?;
    let mut seed = [0; ENTROPY_LEN];
    rand::fill(&mut seed);
    let session =
        ClientPairing::new(Instant::now(), name, &pin.clone().into(), (dial.identity.fingerprint(), host), seed);
    let (_commands, inbox) = mpsc::channel(1);
    let mut outcome = PairingOutcome::Lost;
    drive(session, wall_now, &link, Role::Opens, inbox, |event| outcome = event).await;
    match outcome {
        PairingOutcome::Paired => {
            remember(dial, target, &link, TrustOrigin::Pin)?;
            let known = KnownHosts::load(dial.state_dir)?;
            known.by_fingerprint(host).cloned().ok_or_else(|| ClientError::Local("the host was forgotten again".into()))
        }
        PairingOutcome::WrongPin => Err(ClientError::WrongPin),
        PairingOutcome::NotStored => Err(ClientError::Refused { code: 1, reason: "the host stored no pairing".into() }),
        PairingOutcome::Refused { code, reason } => Err(ClientError::Refused { code, reason }),
        PairingOutcome::Misbehaved(detail) => Err(ClientError::HostMisbehaved(detail)),
        PairingOutcome::Lost => Err(ClientError::Lost),
    }
}

/// Tries the target's addresses one after the other, then where a known host advertises itself now.
async fn reach(dial: &Dial<'_>, target: &Target, pin: Option<Fingerprint>) -> Result<Link, ClientError> {
    let tries = u32::try_from(target.addresses.len()).unwrap_or(u32::MAX).max(1);
    let mut silent = None;
    for address in &target.addresses {
        match dial_one(dial, *address, pin, dial.budget / tries).await {
            Err(error @ ConnectError::NoAnswer { .. }) => silent = Some(error),
            other => return other.map_err(not_trusted),
        }
    }
    if let Some(fingerprint) = target.pinned
        && let Some(found) = locate(fingerprint, dial.reach.clone()).await
        && let Some(address) = found.addresses.iter().find(|address| !target.addresses.contains(address))
    {
        return dial_one(dial, *address, pin, dial.budget).await.map_err(not_trusted);
    }
    Err(silent.map_or_else(|| ClientError::NoSuchHost(target.name.clone()), ClientError::Connect))
}

async fn dial_one(
    dial: &Dial<'_>,
    address: SocketAddr,
    pin: Option<Fingerprint>,
    budget: Duration,
) -> Result<Link, ConnectError> {
    Client::connect(address, Some(dial.identity), pin, budget).await
}

/// A pin that does not fit is a changed identity; everything else stays what it is.
fn not_trusted(error: ConnectError) -> ClientError {
    match error {
        ConnectError::PinMismatch { expected, presented } => {
            ClientError::NotTrusted(Decision::IdentityChanged { pinned: expected, presented })
        }
        other => ClientError::Connect(other),
    }
}

fn presented(link: &Link) -> Result<Fingerprint, ClientError> {
    link.peer_fingerprint.ok_or_else(|| ClientError::HostMisbehaved("it showed no certificate".into()))
}

fn remember(dial: &Dial<'_>, target: &Target, link: &Link, trust: TrustOrigin) -> Result<(), ClientError> {
    let host = KnownHost {
        name: target.name.clone(),
        fingerprint: presented(link)?,
        addresses: vec![link.peer.to_string()],
        trust,
        added_unix: unix_now(),
    };
    Ok(KnownHosts::update(dial.state_dir, |known| known.trust(host))?)
}

fn reached(dial: &Dial<'_>, fingerprint: Fingerprint, peer: SocketAddr) -> Result<(), ClientError> {
    Ok(KnownHosts::update(dial.state_dir, |known| known.reached(fingerprint, peer.to_string()))?)
}
