//! The façade: who is let in, who is held, and what the owner does about it.

mod acting;
mod administrator;
mod configuration;
mod declaring;
mod error;
mod expiry;
mod knocking;
mod owner;
mod pairing;
mod rotation;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fs::File,
    path::{Path, PathBuf},
    time::Duration,
};

use punktfunk_proto::units::{Fingerprint, HostTime};

pub use acting::Acting;
pub use configuration::Effective;
pub use error::{ApproveError, ChangeError, ExportError, PairError, RevokeError, RotateError, TrustError};
use expiry::Stage;

use crate::{
    access::{Access, Grants},
    admin::PasswordHash,
    approvals::{ApprovalQueue, ParkedEnd, ParkedId},
    audit::{AuditEvent, Origin},
    backup,
    clock::{Moment, TrustClock},
    device::{Device, PairedBy, Standing},
    identity::{HostIdentity, IdentityError},
    pin::PinWindow,
    policy::PairingPolicy,
    private,
    store::{Contents, Entry, Store, StoreError},
};

/// Everything the host knows about who may connect. One per state directory; the host keeps it behind a lock.
///
/// Memory follows the disk: a change counts when it is stored, and a write that fails changes nothing, with one
/// exception that can only shut out ([`Trust::revoke`]). Calls that write wait for the disk (milliseconds).
///
/// Each change is written together with its row of the audit log. Say who changes through [`Trust::acting`]; without,
/// the log names the host itself, or the device where a device acts.
///
/// After each call poll [`Trust::poll_event`] until `None`, then wait until [`Trust::poll_timeout`].
#[derive(Debug)]
pub struct Trust {
    state_dir: PathBuf,
    identity: HostIdentity,
    successor: Option<HostIdentity>,
    host_id: String,
    policy: PairingPolicy,
    store: Store,
    /// Paired ones and declared ones; of a fingerprint that is both, the declared one.
    devices: BTreeMap<Fingerprint, Device>,
    /// What is stored of the declared ones besides: they were paired earlier, and are removed if the declaration goes.
    beneath: BTreeMap<Fingerprint, Device>,
    /// What the configuration declared at the last start.
    declared_before: BTreeMap<Fingerprint, Device>,
    administrator: Option<PasswordHash>,
    /// As it is stored.
    configuration: Option<String>,
    /// Revoked, but the disk refused to remember it.
    shut_out: BTreeSet<Fingerprint>,
    /// What the live sessions of each device know of its end.
    told: BTreeMap<Fingerprint, Stage>,
    /// Who acts, as far as it was said.
    origin: Option<Origin>,
    /// Who armed the PIN.
    armed_by: Origin,
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
    /// Live sessions of this device learn that their time is nearly over: told once when 300 and once when 60 seconds
    /// are left (`AccessUpdate`, spec section 2.5).
    AccessEnding {
        /// Whose.
        fingerprint: Fingerprint,
        /// The rights, as they are.
        grants: Grants,
        /// Time left.
        remaining: Duration,
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
    /// Opens the state directory, making it at the first start, and finishes what a crash cut off: a restore that was
    /// committed, a change of identity. Call [`Trust::declare`] next: until then no declared device is let in.
    ///
    /// # Errors
    /// Anything about it is not in order: nobody may be let in then. Nothing stored is changed.
    pub fn open(state_dir: &Path, policy: PairingPolicy, now: Moment) -> Result<Self, TrustError> {
        private::ensure_folder(state_dir)?;
        let lock = private::lock(state_dir)?;
        backup::finish_restore(state_dir)?;
        let identity_folder = state_dir.join(IDENTITY);
        if !Store::is_in(state_dir)? && !HostIdentity::is_anything_in(&identity_folder)? {
            Store::create(state_dir)?;
        }
        let (mut store, contents) = Store::open(state_dir)?;
        let mut clock = TrustClock::starting_at(now, contents.clock);
        let time = clock.read(now);
        let identity = Self::identity_of(&mut store, &contents, state_dir, time)?;
        let first = Entry { origin: Origin::HOST, event: AuditEvent::LogBegan { host: identity.fingerprint } };
        store.begin_audit(time, identity.seal_key(&contents.host_id), first)?;
        let successor = Self::successor_of(&contents, state_dir);
        if policy == PairingPolicy::Open {
            tracing::warn!("pairing policy is open: whoever reaches this host can use it, without asking");
        }
        let by_fingerprint = |devices: Vec<Device>| devices.into_iter().map(|device| (device.fingerprint, device));
        let devices: BTreeMap<_, _> = by_fingerprint(contents.devices).collect();
        Ok(Self {
            state_dir: state_dir.to_owned(),
            identity,
            successor,
            host_id: contents.host_id,
            policy,
            store,
            // No session is older than this: what is over or nearly over needs no telling.
            told: devices.values().map(|device| (device.fingerprint, Stage::of(device, time))).collect(),
            devices,
            beneath: BTreeMap::new(),
            declared_before: by_fingerprint(contents.declared).collect(),
            administrator: contents.administrator,
            configuration: contents.configuration,
            shut_out: BTreeSet::new(),
            origin: None,
            armed_by: Origin::HOST,
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
        state_dir: &Path,
        now: HostTime,
    ) -> Result<HostIdentity, TrustError> {
        let folder = &state_dir.join(IDENTITY);
        let Some(expected) = contents.host_fingerprint else {
            let identity = HostIdentity::load_or_create(folder)?;
            store.put_host_fingerprint(now, identity.fingerprint)?;
            return Ok(identity);
        };
        Self::finish_rotation(state_dir, expected)?;
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

    /// Who this host is towards Moonlight, which wants a key of another kind; made at the first call. Clients pin it as
    /// they do the other.
    ///
    /// # Errors
    /// What is stored is damaged or open to others, or a new one could not be stored.
    pub fn gamestream_identity(&self) -> Result<HostIdentity, IdentityError> {
        HostIdentity::load_or_create_rsa(&self.state_dir.join(GAMESTREAM))
    }

    /// Where all of this is stored.
    pub(crate) fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    /// The devices that were paired here, as they are stored: without those of the configuration.
    pub(crate) fn stored_devices(&self) -> impl Iterator<Item = &Device> {
        let paired = self.devices.values().filter(|device| device.paired_by != PairedBy::Declared);
        paired.chain(self.beneath.values())
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

    /// The next thing the host has to act on.
    pub fn poll_event(&mut self) -> Option<TrustEvent> {
        if let Some((parked, end)) = self.queue.poll_end() {
            return Some(TrustEvent::Parked { parked, end });
        }
        self.events.pop_front()
    }

    /// Stores `device` and the row of the audit log, then remembers it. Says what changed for its live sessions.
    fn keep(&mut self, now: HostTime, device: Device, entry: Option<Entry>) -> Result<(), StoreError> {
        self.store.put_device(now, &device, entry)?;
        self.remember(now, device);
        Ok(())
    }

    /// What is stored is in force.
    fn remember(&mut self, now: HostTime, device: Device) {
        let fingerprint = device.fingerprint;
        let stage = Stage::of(&device, now);
        let Access { grants, .. } = device.access;
        let remaining = device.access.remaining(now);
        let before = self.devices.insert(fingerprint, device.clone());
        let accesses = |device: &Device| (device.access.grants, device.access.expires);
        match before {
            Some(before) if accesses(&before) == accesses(&device) => {}
            Some(_) => {
                self.told.insert(fingerprint, stage);
                self.events.push_back(TrustEvent::AccessChanged { fingerprint, grants, remaining });
            }
            None => drop(self.told.insert(fingerprint, stage)),
        }
    }
}

/// The folder of the host's certificate and key in the state directory.
pub(crate) const IDENTITY: &str = "identity";
/// The folder of the certificate and key that Moonlight knows the host by.
pub(crate) const GAMESTREAM: &str = "gamestream";
/// The folder of the identity that is to follow.
pub(crate) const SUCCESSOR: &str = "successor";

#[cfg(test)]
mod tests;
