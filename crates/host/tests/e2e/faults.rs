//! Bad input and broken surroundings: each gets a clear error that says what to do, nothing stored is lost, and the
//! next client is served.

mod handshakes;
mod raw;
mod sessions;
mod start;
