//! The host as its users meet it: real processes, real sockets, the real protocol.

mod faults;
mod fixture;
mod kill;
mod streaming;
mod trust;
