//! `punktfunk/1` without I/O: bytes and time in, actions out.
//!
//! This crate holds no socket, no clock, no runtime and no `unsafe`. Time is a parameter of every call,
//! randomness is seeded by the caller. Read [`session`] first: it names the two state machines of each side
//! (control and media) and the contract they share; everything else is a part of them.
#![forbid(unsafe_code)]

pub mod bitrate;
pub mod clock;
pub mod crypto;
pub mod fec;
pub mod input;
pub mod pacing;
pub mod pairing;
pub mod session;
pub mod simulation;
pub mod units;
pub mod video;
pub mod wire;
