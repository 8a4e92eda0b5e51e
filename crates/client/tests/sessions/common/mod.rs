//! The real `punktfunk` against a small host made of the real protocol sessions, encoder and sockets.

mod client;
mod host;
mod media;
mod terminal;

pub(crate) use client::{Client, Outcome};
pub(crate) use host::{Admit, Host, Ways, identity, welcome};
