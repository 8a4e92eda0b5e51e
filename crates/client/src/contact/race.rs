//! One host, several addresses: whoever answers first.
//!
//! The next address is called when the one before it has been silent for a moment, or has failed. The first that
//! completes the handshake wins; connections to the others are closed before a stream is opened, which is harmless
//! to a host (spec section 1.2).

use std::{collections::VecDeque, net::SocketAddr, time::Duration};

use punktfunk_proto::units::Fingerprint;
use punktfunk_transport::{Client, ConnectError, Link, TlsIdentity};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

/// Where a host may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    At(SocketAddr),
    /// A name for the resolver, and a port.
    Named(String, u16),
}

/// Who calls, whom, and for how long.
pub(super) struct Caller<'a> {
    pub(super) identity: &'a TlsIdentity,
    /// Nobody but the holder of this certificate is talked to.
    pub(super) pin: Option<Fingerprint>,
    /// For all places together.
    pub(super) budget: Duration,
}

/// No place led to a connection.
#[derive(Debug, Default)]
pub(super) struct NoLink {
    /// The most telling failure; never [`ConnectError::NoAnswer`].
    pub(super) failure: Option<ConnectError>,
    /// Addresses that were called.
    pub(super) called: Vec<SocketAddr>,
    /// How many of them did more than stay silent.
    failed: usize,
    /// Names that the resolver does not know.
    pub(super) unknown: Vec<String>,
}

impl NoLink {
    /// Whether somebody answered, and will not do.
    pub(super) fn was_answered(&self) -> bool {
        !matches!(self.failure, None | Some(ConnectError::Local(_)))
    }

    /// Whether an address was called and nothing came back.
    pub(super) fn some_silent(&self) -> bool {
        self.failed < self.called.len()
    }
}

/// An address that has been silent for so long does not hold up the next one.
const SILENCE: Duration = Duration::from_millis(300);
/// Once somebody has answered and will not do, the others have so long.
const AFTER_REFUSAL: Duration = Duration::from_secs(3);

/// Calls `places` in their order until one answers.
pub(super) async fn first_to_answer(caller: &Caller<'_>, places: Vec<Place>) -> Result<Link, NoLink> {
    let mut race = Race::start(caller, places);
    while race.goes_on() {
        tokio::select! {
            biased;
            Some(done) = race.running.join_next(), if !race.running.is_empty() => {
                // A task that panicked has said so already, and counts as silence.
                if let Some(link) = done.ok().and_then(|step| race.take(step)) {
                    return Ok(link);
                }
            }
            () = sleep_until(race.next_call), if !race.waiting.is_empty() => race.call_next(),
            () = sleep_until(race.deadline) => break,
        }
    }
    Err(race.lost)
}

struct Race<'a> {
    caller: &'a Caller<'a>,
    /// Not called yet.
    waiting: VecDeque<SocketAddr>,
    next_call: Instant,
    running: JoinSet<Step>,
    deadline: Instant,
    lost: NoLink,
}

/// What a task comes to.
enum Step {
    Resolved { name: String, addresses: Vec<SocketAddr> },
    Called(Result<Link, ConnectError>),
}

impl<'a> Race<'a> {
    fn start(caller: &'a Caller<'a>, places: Vec<Place>) -> Self {
        let now = Instant::now();
        let (mut waiting, mut running) = (VecDeque::new(), JoinSet::new());
        for place in places {
            match place {
                Place::At(address) => waiting.push_back(address),
                Place::Named(name, port) => drop(running.spawn(resolve(name, port))),
            }
        }
        Self { caller, waiting, next_call: now, running, deadline: now + caller.budget, lost: NoLink::default() }
    }

    fn goes_on(&self) -> bool {
        !(self.waiting.is_empty() && self.running.is_empty())
    }

    fn call_next(&mut self) {
        let Some(address) = self.waiting.pop_front() else { return };
        self.lost.called.push(address);
        let now = Instant::now();
        self.next_call = now + SILENCE;
        let (identity, pin, budget) = (self.caller.identity.clone(), self.caller.pin, self.deadline - now);
        self.running.spawn(async move { Step::Called(Client::connect(address, Some(&identity), pin, budget).await) });
    }

    fn take(&mut self, step: Step) -> Option<Link> {
        match step {
            Step::Resolved { name, addresses } if addresses.is_empty() => self.lost.unknown.push(name),
            Step::Resolved { addresses, .. } => {
                let (waiting, called) = (&self.waiting, &self.lost.called);
                let new = |address: &SocketAddr| !waiting.contains(address) && !called.contains(address);
                let found: Vec<_> = addresses.into_iter().filter(new).collect();
                self.waiting.extend(found);
            }
            Step::Called(Ok(link)) => return Some(link),
            Step::Called(Err(error)) => self.failed(error),
        }
        None
    }

    fn failed(&mut self, error: ConnectError) {
        let now = Instant::now();
        self.next_call = now;
        if matches!(error, ConnectError::NoAnswer { .. }) {
            return;
        }
        if !matches!(error, ConnectError::Local(_)) {
            self.deadline = self.deadline.min(now + AFTER_REFUSAL);
        }
        self.lost.failed += 1;
        if self.lost.failure.as_ref().is_none_or(|known| weight(&error) > weight(known)) {
            self.lost.failure = Some(error);
        }
    }
}

/// How much a failure says about the host.
fn weight(error: &ConnectError) -> u8 {
    match error {
        ConnectError::NoAnswer { .. } => 0,
        ConnectError::Local(_) => 1,
        ConnectError::Handshake { .. } => 2,
        ConnectError::Closed { .. } => 3,
        ConnectError::PinMismatch { .. } => 4,
    }
}

async fn resolve(name: String, port: u16) -> Step {
    let found = tokio::net::lookup_host((name.as_str(), port)).await;
    let mut addresses: Vec<SocketAddr> = found.map(Iterator::collect).unwrap_or_default();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    Step::Resolved { name, addresses }
}

#[cfg(test)]
mod tests;
