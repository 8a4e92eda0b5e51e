//! What follows a loss (spec sections 2.5, 4.7 and 6.3): the client asks, the host answers, neither too often.

mod client;
mod host;

pub use client::{ClientRecovery, RecoveryRequest};
pub use host::{HostRecovery, NextUnit};

/// A gap wider than this, in frames, is answered by an IDR.
pub const MAX_RFI_FRAMES: u32 = 256;

#[cfg(test)]
mod tests;
