//! The client's commands, end to end.

mod common;
mod errors;
mod joining;
mod mdns;
mod pairing;
mod small;
mod streaming;
mod trust;
