//! The host as its users meet it: real processes, real sockets, the real protocol.

mod fixture;
mod streaming;
mod trust;
