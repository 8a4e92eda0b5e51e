//! The video plane between an access unit and the datagrams that carry it (spec sections 4.3 to 4.7).
//!
//! Follow a frame: [`packetizer`] cuts an access unit into shards behind a [`header`], in the geometry of [`layout`], or
//! while it is still being encoded ([`Streaming`]);
//! [`reassembler`] puts it together again in [`assembly`] buffers; [`order`] hands units on in order; [`loss`],
//! [`protection`] and [`recovery`] decide what to do about what did not arrive.

mod assembly;
pub mod header;
pub mod layout;
pub mod loss;
mod memory;
pub mod order;
pub mod packetizer;
pub mod protection;
pub mod reassembler;
pub mod recovery;
mod streamed;

pub use streamed::Streaming;

/// What a unit is to the stream, as the low bits of `user_flags` carry it (spec section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnitKind {
    /// Decodable on its own, parameter sets included.
    Idr,
    /// Needs the units before it.
    Delta,
    /// The first unit after a reference invalidation: decodable without the lost ones.
    RecoveryAnchor,
    /// The end of an intra-refresh wave.
    RecoveryPoint,
}

impl UnitKind {
    /// The wire's `user_flags` for a whole unit of this kind.
    pub const fn flags(self) -> u32 {
        match self {
            Self::Idr => flags::PICTURE | flags::IDR,
            Self::Delta => flags::PICTURE,
            Self::RecoveryAnchor => flags::PICTURE | flags::RECOVERY_ANCHOR,
            Self::RecoveryPoint => flags::PICTURE | flags::RECOVERY_POINT,
        }
    }
}

/// Bits of `user_flags` (spec section 4.3).
pub mod flags {
    /// A picture.
    pub const PICTURE: u32 = 0x1;
    /// An IDR.
    pub const IDR: u32 = 0x4;
    /// Probe filler; the whole word is exactly this.
    pub const FILLER: u32 = 0x8;
    /// An intra-refresh wave finished here.
    pub const RECOVERY_POINT: u32 = 0x10;
    /// First unit after a reference invalidation.
    pub const RECOVERY_ANCHOR: u32 = 0x20;
    /// A unit that is sent slice by slice (spec section 4.6).
    pub const SLICES: u32 = 0x80;
}
