//! A device the owner has let in, and where it is in its life.

use std::time::Duration;

use punktfunk_proto::units::{Fingerprint, HostTime};

use crate::{access::Access, name::DeviceName};

/// A device that was paired here once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Who it is.
    pub fingerprint: Fingerprint,
    /// What the owner calls it.
    pub name: DeviceName,
    /// What it may do.
    pub access: Access,
    /// When it was first paired.
    pub paired: HostTime,
    /// How it was first paired.
    pub paired_by: PairedBy,
    /// When it last began a session.
    pub last_seen: Option<HostTime>,
    /// Whether the owner still wants it.
    pub state: DeviceState,
}

/// Whether the owner still wants a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceState {
    /// Yes.
    Paired,
    /// Removed. Remembered so that it can be refused by name until it is paired by PIN again or forgotten.
    Revoked {
        /// When.
        at: HostTime,
    },
}

/// How a device came to be paired.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairedBy {
    /// By the PIN ceremony.
    Pin,
    /// By the owner's approval of a knock.
    Approval,
    /// By the configuration, which alone can change it.
    Declared,
}

/// What a device is worth at some moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may connect.
    InForce {
        /// Time left; `None` is without end.
        remaining: Option<Duration>,
    },
    /// Its time is over.
    Expired,
    /// The owner removed it.
    Revoked,
}

impl Device {
    /// A device that is paired at the moment its access is granted.
    pub(crate) fn new(fingerprint: Fingerprint, name: DeviceName, access: Access, paired_by: PairedBy) -> Self {
        let (paired, state) = (access.granted, DeviceState::Paired);
        Self { fingerprint, name, access, paired, paired_by, last_seen: None, state }
    }

    /// The standing at `now`, a time of [`crate::Trust::time`].
    pub fn standing(&self, now: HostTime) -> Standing {
        match self.state {
            DeviceState::Revoked { .. } => Standing::Revoked,
            DeviceState::Paired if self.access.is_expired(now) => Standing::Expired,
            DeviceState::Paired => Standing::InForce { remaining: self.access.remaining(now) },
        }
    }
}
