//! The reference client: everything that `punktfunk` does, as a library for tests and tools.
//!
//! Read [`session`] for what happens between Hello and the report, [`trust`] for whom the client talks to. The
//! command line lies over both in [`command`] and holds no protocol.

pub mod cli;
pub mod clock;
pub mod command;
pub mod contact;
pub mod decode;
pub mod discover;
pub mod disk;
pub mod error;
pub mod identity;
pub mod known_hosts;
pub mod record;
pub mod script;
pub mod session;
pub mod stats;
pub mod target;
pub mod terminal;
pub mod text;
pub mod trust;
