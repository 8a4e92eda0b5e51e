//! What a device may do, and for how long.

use std::time::Duration;

use punktfunk_proto::units::HostTime;

/// A set of rights. Bits 0 to 5 are those of the wire (spec section 2.5); [`Grants::ADMIN`] never leaves the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Grants(u32);

impl Grants {
    /// Gamepads.
    pub const GAMEPAD: Self = Self(1 << 0);
    /// Mouse, touch and pen.
    pub const POINTER: Self = Self(1 << 1);
    /// Keys and text.
    pub const KEYBOARD: Self = Self(1 << 2);
    /// The clipboard, both ways.
    pub const CLIPBOARD: Self = Self(1 << 3);
    /// The client's microphone.
    pub const MICROPHONE: Self = Self(1 << 4);
    /// Starting a title.
    pub const LAUNCH: Self = Self(1 << 5);
    /// Administration of the host through the management API.
    pub const ADMIN: Self = Self(1 << 31);

    /// The level "View only".
    pub const VIEW_ONLY: Self = Self(0);
    /// The level "Controller only".
    pub const CONTROLLER_ONLY: Self = Self::GAMEPAD;
    /// The level "Full": all that a stream can carry, but not [`Grants::ADMIN`].
    pub const FULL: Self = Self(0x3F);

    /// The set with these bits; `None` if a bit has no meaning here.
    pub const fn from_bits(bits: u32) -> Option<Self> {
        if bits & !(Self::FULL.0 | Self::ADMIN.0) == 0 { Some(Self(bits)) } else { None }
    }

    /// All bits, as they are stored.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The bits the wire carries.
    pub const fn wire_bits(self) -> u32 {
        self.0 & Self::FULL.0
    }

    /// Whether every right of `other` is in this set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// This set and the rights of `other`.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// This set without the rights of `other`.
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// What an owner offers to a device that is not yet known. Known devices keep what they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The rights.
    pub grants: Grants,
    /// For how long; `None` is until revoked.
    pub lifetime: Option<Duration>,
}

impl Default for Offer {
    /// [`Grants::FULL`] until revoked.
    fn default() -> Self {
        Self { grants: Grants::FULL, lifetime: None }
    }
}

/// What a device holds. Times are whole seconds of the host's clock, as the store keeps them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// The rights.
    pub grants: Grants,
    /// When they were granted.
    pub granted: HostTime,
    /// When they end; `None` is never.
    pub expires: Option<HostTime>,
}

impl Access {
    /// `offer`, taken at `now`.
    pub(crate) fn accept(offer: Offer, now: HostTime) -> Self {
        let granted = whole_seconds(now);
        Self { grants: offer.grants, granted, expires: offer.lifetime.map(|life| whole_seconds(granted.plus(life))) }
    }

    /// The same rights for the same length of time, beginning at `now`.
    pub(crate) fn renewed(self, now: HostTime) -> Self {
        let lifetime = self.expires.map(|expires| expires.since(self.granted));
        Self::accept(Offer { grants: self.grants, lifetime }, now)
    }

    /// Whether the time is over, or `now` lies before the grant: a clock that is wrong grants nothing that ends.
    pub fn is_expired(&self, now: HostTime) -> bool {
        self.expires.is_some_and(|expires| now >= expires || whole_seconds(now) < self.granted)
    }

    /// Time left at `now`; `None` is without end.
    pub fn remaining(&self, now: HostTime) -> Option<Duration> {
        self.expires.map(|expires| if self.is_expired(now) { Duration::ZERO } else { expires.since(now) })
    }
}

/// `time` cut to the second, the precision of the store.
pub(crate) fn whole_seconds(time: HostTime) -> HostTime {
    HostTime::from_nanos(time.nanos() / NANOS * NANOS)
}

/// Nanoseconds in a second.
pub(crate) const NANOS: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::{Access, Grants, NANOS, Offer};
    use punktfunk_proto::units::HostTime;
    use std::time::Duration;

    fn at(seconds: u64) -> HostTime {
        HostTime::from_nanos(seconds * NANOS)
    }

    #[test]
    fn access_ends_on_its_second_and_not_before() {
        let access = Access::accept(Offer { lifetime: Some(Duration::from_secs(60)), ..Offer::default() }, at(100));
        assert!(!access.is_expired(at(159)));
        assert_eq!(access.remaining(at(159)), Some(Duration::from_secs(1)));
        assert!(access.is_expired(at(160)));
        assert_eq!(access.remaining(at(160)), Some(Duration::ZERO));
    }

    #[test]
    fn a_clock_before_the_grant_ends_a_limited_access_but_not_a_lasting_one() {
        let limited = Access::accept(Offer { lifetime: Some(Duration::from_secs(60)), ..Offer::default() }, at(100));
        assert!(limited.is_expired(at(99)));
        assert!(!Access::accept(Offer::default(), at(100)).is_expired(at(0)));
    }

    #[test]
    fn renewed_access_lasts_as_long_as_the_first_time() {
        let access = Access::accept(Offer { lifetime: Some(Duration::from_secs(60)), ..Offer::default() }, at(100));
        assert_eq!(access.renewed(at(1_000)).expires, Some(at(1_060)));
    }

    #[test]
    fn bits_without_a_meaning_are_no_grants() {
        assert_eq!(Grants::from_bits(1 << 6), None);
        let admin = Grants::FULL.with(Grants::ADMIN);
        assert_eq!(Grants::from_bits(admin.bits()), Some(admin));
        assert_eq!(admin.wire_bits(), 0x3F);
        assert!(!Grants::FULL.contains(Grants::ADMIN));
    }
}
