//! The façade: who is let in, who is held, and what the owner does about it.

mod administrator;
mod error;
mod knocking;
mod owner;
mod pairing;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::File,
    path::Path,
    time::{Duration, Instant},
};

use punktfunk_proto::units::{Fingerprint, HostTime};

pub use error::{ApproveError, PairError, RevokeError, TrustError};

use crate::{
    access::{Access, Grants},
    admin::PasswordHash,
    approvals::{ApprovalQueue, ParkedEnd, ParkedId},
    clock::{Moment, TrustClock},
    device::{Device, Standing},
    identity::{HostIdentity, IdentityError},
    pin::PinWindow,
    policy::PairingPolicy,
    private,
    store::{Contents, Store, StoreError},
};

/// Everything the host knows about who may connect. One per state directory; the host keeps it behind a lock.
///
/// Memory follows the disk: a change counts when it is stored, and a write that fails changes nothing, with one
/// exception that can only shut out ([`Trust::revoke`]). Calls that write wait for the disk (milliseconds).
///
/// After each call poll [`Trust::poll_event`] until `None`, then wait until [`Trust::poll_timeout`].
#[derive(Debug)]
pub struct Trust {
    identity: HostIdentity,
    host_id: String,
    policy: PairingPolicy,
    store: Store,
    devices: BTreeMap<Fingerprint, Device>,
    administrator: Option<PasswordHash>,
    /// Revoked, but the disk refused to remember it.
    shut_out: BTreeSet<Fingerprint>,
    /// Whose expiry has been told.
    expiry_told: BTreeSet<Fingerprint>,
    clock: TrustClock,
    window: PinWindow,
    queue: ApprovalQueue,
    events: VecDeque<TrustEvent>,
    /// Released last: keeps other processes away from the state directory.
    _lock: File,
}

/// What to do with a connection whose client asks for a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A paired device: go on, with these rights.
    Admit(Device),
    /// Nobody knows it, and the policy is open: go on, with [`Grants::FULL`].
    AdmitOpen,
    /// Hold it and call [`Trust::knock`].
    Park,
    /// Close it.
    Refuse(Refusal),
}

impl Verdict {
    /// What the connection may do, for the wire; nothing unless it is admitted.
    pub fn grants(&self) -> Grants {
        match self {
            Self::Admit(device) => device.access.grants,
            Self::AdmitOpen => Grants::FULL,
            Self::Park | Self::Refuse(_) => Grants::VIEW_ONLY,
        }
    }
}

/// Why a connection is closed at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No client certificate (close code 0x63).
    #[error("this host needs a client certificate")]
    Anonymous,
    /// The owner removed this device (close code 0x64).
    #[error("this device was removed from the host; pair it again with a PIN")]
    Revoked,
    /// Its time is over and the policy is open, so that nobody is asked (close code 0x69).
    #[error("this device's access has expired; ask the owner of the host to renew it")]
    Expired,
}

/// What the host has to act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TrustEvent {
    /// A held connection's fate is known.
    Parked {
        /// Which.
        parked: ParkedId,
        /// How it ends.
        end: ParkedEnd,
    },
    /// Live sessions of this device end now.
    AccessEnded {
        /// Whose.
        fingerprint: Fingerprint,
        /// Why.
        end: AccessEnd,
    },
    /// Live sessions of this device learn new rights (`AccessUpdate`, spec section 2.5).
    AccessChanged {
        /// Whose.
        fingerprint: Fingerprint,
        /// The rights from now on.
        grants: Grants,
        /// Time left; `None` is without end.
        remaining: Option<Duration>,
    },
}

/// Why a device's access ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessEnd {
    /// The owner removed it (close code 0x64).
    Revoked,
    /// Its time is over (close code 0x69).
    Expired,
}

impl Trust {
    /// Opens the state directory, making it at the first start.
    ///
    /// # Errors
    /// Anything about it is not in order: nobody may be let in then. Nothing stored is changed.
    pub fn open(state_dir: &Path, policy: PairingPolicy, now: Moment) -> Result<Self, TrustError> {
        private::ensure_folder(state_dir)?;
        let lock = private::lock(state_dir)?;
        let identity_folder = state_dir.join(IDENTITY);
        if !Store::is_in(state_dir)? && !HostIdentity::is_anything_in(&identity_folder)? {
            Store::create(state_dir)?;
        }
        let (mut store, contents) = Store::open(state_dir)?;
        let mut clock = TrustClock::starting_at(now, contents.clock);
        let identity = Self::identity_of(&mut store, &contents, &identity_folder, clock.read(now))?;
        if policy == PairingPolicy::Open {
            tracing::warn!("pairing policy is open: whoever reaches this host can use it, without asking");
        }
        Ok(Self {
            identity,
            host_id: contents.host_id,
            policy,
            store,
            devices: contents.devices.into_iter().map(|device| (device.fingerprint, device)).collect(),
            administrator: contents.administrator,
            shut_out: BTreeSet::new(),
            expiry_told: BTreeSet::new(),
            clock,
            window: PinWindow::default(),
            queue: ApprovalQueue::default(),
            events: VecDeque::new(),
            _lock: lock,
        })
    }

    /// The identity that belongs to the store; a store that has none yet takes the one that is there or a new one.
    fn identity_of(
        store: &mut Store,
        contents: &Contents,
        folder: &Path,
        now: HostTime,
    ) -> Result<HostIdentity, TrustError> {
        let Some(expected) = contents.host_fingerprint else {
            let identity = HostIdentity::load_or_create(folder)?;
            store.put_host_fingerprint(now, identity.fingerprint)?;
            return Ok(identity);
        };
        let identity = HostIdentity::load(folder)?;
        if identity.fingerprint != expected {
            let folder = folder.to_owned();
            return Err(IdentityError::Replaced { folder, expected, found: identity.fingerprint }.into());
        }
        Ok(identity)
    }

    /// Who this host is.
    pub fn identity(&self) -> &HostIdentity {
        &self.identity
    }

    /// A random name of this host that survives restarts, for mDNS `id` (spec section 1.3).
    pub fn host_id(&self) -> &str {
        &self.host_id
    }

    /// Whether unknown devices need the owner.
    pub fn policy(&self) -> PairingPolicy {
        self.policy
    }

    /// The time that expiry is measured on: the real-time clock, but never going back.
    pub fn time(&mut self, now: Moment) -> HostTime {
        self.clock.read(now)
    }

    /// What to do with a client whose TLS handshake proved it holds the key of `fingerprint`, or showed no
    /// certificate at all.
    pub fn assess(&mut self, now: Moment, fingerprint: Option<Fingerprint>) -> Verdict {
        let time = self.clock.read(now);
        let Some(fingerprint) = fingerprint else { return self.assess_anonymous() };
        if self.shut_out.contains(&fingerprint) {
            return Verdict::Refuse(Refusal::Revoked);
        }
        let Some(device) = self.devices.get(&fingerprint) else { return self.assess_unknown() };
        match (device.standing(time), self.policy) {
            (Standing::InForce { .. }, _) => Verdict::Admit(device.clone()),
            (Standing::Expired, PairingPolicy::Require) => Verdict::Park,
            (Standing::Expired, PairingPolicy::Open) => Verdict::Refuse(Refusal::Expired),
            (Standing::Revoked, _) => Verdict::Refuse(Refusal::Revoked),
        }
    }

    fn assess_anonymous(&self) -> Verdict {
        match self.policy {
            PairingPolicy::Require => Verdict::Refuse(Refusal::Anonymous),
            PairingPolicy::Open => Verdict::AdmitOpen,
        }
    }

    fn assess_unknown(&self) -> Verdict {
        match self.policy {
            PairingPolicy::Require => Verdict::Park,
            PairingPolicy::Open => Verdict::AdmitOpen,
        }
    }

    /// [`Trust::poll_timeout`] has come.
    pub fn handle_timeout(&mut self, now: Moment) {
        let time = self.clock.read(now);
        self.queue.handle_timeout(now.instant);
        for device in self.devices.values().filter(|device| device.standing(time) == Standing::Expired) {
            if self.expiry_told.insert(device.fingerprint) {
                let fingerprint = device.fingerprint;
                self.events.push_back(TrustEvent::AccessEnded { fingerprint, end: AccessEnd::Expired });
            }
        }
    }

    /// The next thing the host has to act on.
    pub fn poll_event(&mut self) -> Option<TrustEvent> {
        if let Some((parked, end)) = self.queue.poll_end() {
            return Some(TrustEvent::Parked { parked, end });
        }
        self.events.pop_front()
    }

    /// When [`Trust::handle_timeout`] is next due. At least once a minute while a grant has an end, so that a
    /// real-time clock that is set forward ends it soon.
    pub fn poll_timeout(&mut self, now: Moment) -> Option<Instant> {
        let time = self.clock.read(now);
        let untold = self.devices.values().filter(|device| !self.expiry_told.contains(&device.fingerprint));
        let ends = untold.filter_map(|device| match device.standing(time) {
            Standing::InForce { remaining } => remaining,
            Standing::Expired => Some(Duration::ZERO),
            Standing::Revoked => None,
        });
        let next_end = ends.min().map(|remaining| now.instant + remaining.min(Duration::from_secs(60)));
        [next_end, self.queue.poll_timeout()].into_iter().flatten().min()
    }

    /// Stores `device`, then remembers it. Says what changed for its live sessions.
    fn keep(&mut self, now: HostTime, device: Device) -> Result<(), StoreError> {
        self.store.put_device(now, &device)?;
        let fingerprint = device.fingerprint;
        let before = self.devices.insert(fingerprint, device.clone());
        let accesses = |device: &Device| (device.access.grants, device.access.expires);
        if before.is_some_and(|before| accesses(&before) != accesses(&device)) {
            self.expiry_told.remove(&fingerprint);
            let Access { grants, .. } = device.access;
            let remaining = device.access.remaining(now);
            self.events.push_back(TrustEvent::AccessChanged { fingerprint, grants, remaining });
        }
        Ok(())
    }
}

/// The folder of the host's certificate and key in the state directory.
const IDENTITY: &str = "identity";

#[cfg(test)]
mod tests;
