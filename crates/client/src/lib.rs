//! The reference client: everything that `punktfunk` does, as a library for tests and tools.
//!
//! Read [`session`] for what happens between Hello and the report, [`trust`] for whom the client talks to. The
//! command line lies over it in [`cli`]; it holds no protocol.

pub mod clock;
pub mod decode;
pub mod disk;
pub mod identity;
pub mod known_hosts;
pub mod record;
pub mod script;
pub mod session;
pub mod stats;
pub mod text;
pub mod trust;
