//! The API, asked over a fake host as browsers, devices, programs and strangers ask.

#[path = "../common/mod.rs"]
mod common;

mod answers;
mod art;
mod events;
mod lanes;
mod login;
mod origins;
mod routes;
mod secrets;
