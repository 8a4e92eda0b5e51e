//! Connecting to a host that is trusted, and pairing with one that is not yet.

mod pairing;
mod race;

use std::{net::SocketAddr, path::Path, time::Duration};

use punktfunk_proto::units::Fingerprint;
use punktfunk_transport::{ConnectError, Link, TlsIdentity, discovery::Reach};

pub use pairing::{join, pair};

use self::race::{Caller, NoLink, Place, first_to_answer};
use crate::{
    clock::unix_now,
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
    let link = match reach(dial, target, pinned).await {
        Err(ClientError::NotTrusted(Decision::IdentityChanged { pinned, presented }))
            if announced(dial, pinned)? == Some(presented) =>
        {
            return succeed(dial, target, pinned, presented).await;
        }
        other => other?,
    };
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

/// The certificate that the host announced as its next while it showed the pinned one.
fn announced(dial: &Dial<'_>, pinned: Fingerprint) -> Result<Option<Fingerprint>, ClientError> {
    Ok(KnownHosts::load(dial.state_dir)?.by_fingerprint(pinned).and_then(|host| host.successor))
}

/// Connects to a host that changed its identity as it had announced, and pins the new one: the old one vouched for it.
async fn succeed(dial: &Dial<'_>, target: &Target, old: Fingerprint, new: Fingerprint) -> Result<Link, ClientError> {
    let link = reach(dial, target, Some(new)).await?;
    let peer = link.peer.to_string();
    KnownHosts::update(dial.state_dir, |known| {
        known.succeeded(old, new);
        known.reached(new, peer);
    })?;
    Ok(link)
}

/// Connects without asking for trust; who answered is in the link.
///
/// # Errors
/// No answer.
pub async fn knock(dial: &Dial<'_>, target: &Target) -> Result<Link, ClientError> {
    reach(dial, target, None).await
}

/// Calls the target's addresses, then where a known host advertises itself now.
async fn reach(dial: &Dial<'_>, target: &Target, pin: Option<Fingerprint>) -> Result<Link, ClientError> {
    let places = target.addresses.iter().copied().map(Place::At).collect();
    reach_at(dial, target, pin, places).await
}

/// Calls `places`, then where a host that is pinned advertises itself now.
async fn reach_at(
    dial: &Dial<'_>,
    target: &Target,
    pin: Option<Fingerprint>,
    places: Vec<Place>,
) -> Result<Link, ClientError> {
    let caller = Caller { identity: dial.identity, pin, budget: dial.budget };
    let lost = match first_to_answer(&caller, places).await {
        Ok(link) => return Ok(link),
        Err(lost) if lost.was_answered() => return Err(failure(dial, target, lost)),
        Err(lost) => lost,
    };
    if let Some(fingerprint) = target.pinned
        && let Some(mut found) = locate(fingerprint, dial.reach.clone()).await
    {
        found.addresses.retain(|address| !lost.called.contains(address));
        let moved: Vec<_> = found.addresses.into_iter().map(Place::At).collect();
        if !moved.is_empty() {
            return first_to_answer(&caller, moved).await.map_err(|lost| failure(dial, target, lost));
        }
    }
    Err(failure(dial, target, lost))
}

/// What to tell the user: who answered, if anybody did, else where nobody does.
fn failure(dial: &Dial<'_>, target: &Target, lost: NoLink) -> ClientError {
    let (budget, told) = (dial.budget, lost.was_answered() || !lost.some_silent());
    if let Some(failure) = lost.failure.filter(|_| told) {
        return not_trusted(failure);
    }
    match (lost.called.as_slice(), lost.unknown.as_slice()) {
        ([], []) => ClientError::NoSuchHost(target.name.clone()),
        (&[addr], []) => ClientError::Connect(ConnectError::NoAnswer { addr, budget }),
        (called, unknown) => {
            let called = called.iter().map(ToString::to_string);
            let unknown = unknown.iter().map(|name| format!("{name} (the resolver knows no such name)"));
            ClientError::NobodyAnswered { places: called.chain(unknown).collect(), budget }
        }
    }
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
        successor: None,
    };
    Ok(KnownHosts::update(dial.state_dir, |known| known.trust(host))?)
}

fn reached(dial: &Dial<'_>, fingerprint: Fingerprint, peer: SocketAddr) -> Result<(), ClientError> {
    Ok(KnownHosts::update(dial.state_dir, |known| known.reached(fingerprint, peer.to_string()))?)
}
