//! The host as its users meet it: real processes, real sockets, the real protocol.

mod discovery;
mod faults;
mod fixture;
mod gamescope;
mod gate;
mod keep;
mod kill;
mod moonlight;
mod moonlight_client;
mod moonlight_stream;
mod owner;
mod service;
mod slices;
mod sound;
mod sources;
mod streaming;
mod trust;
mod updates;
