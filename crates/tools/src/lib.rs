//! What tests and the command line of `punktfunk-tools` share.
//!
//! [`rogue`] attacks a real host over real sockets; read [`rogue::Victim`] first. The demo is the program's own.

pub mod rogue;
