//! The host as its users meet it: real processes, real sockets, the real protocol.

mod discovery;
mod faults;
mod fixture;
mod kill;
mod owner;
mod slices;
mod sources;
mod streaming;
mod trust;
