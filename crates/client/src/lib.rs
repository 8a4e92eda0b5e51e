//! The reference client: everything that `punktfunk` does, as a library for tests and tools.

pub mod decode;
pub mod disk;
pub mod identity;
pub mod known_hosts;
pub mod record;
pub mod script;
pub mod stats;
pub mod text;
pub mod trust;
