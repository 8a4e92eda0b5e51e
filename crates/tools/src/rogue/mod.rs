//! The rogue peer kit: attacks on a real `punktfunk-host serve` over real sockets.
//!
//! A [`Victim`] is the host, a [`Persona`] a device with a certificate of its own, honest or not, and a [`Line`] one
//! connection on which anything can be said. An attack is a function of [`attack`] that returns a [`Finding`]: what
//! was promised, what was seen, and how much memory the host used meanwhile. Tests hold the findings, and
//! `punktfunk-tools rogue` prints them.

pub mod attack;
mod client;
mod command;
mod finding;
mod line;
mod persona;
mod tls;
mod victim;
mod web;

pub use client::{Client, Outcome};
pub use command::{EXAMPLES, Options, run};
pub use finding::{Check, Finding, Memory};
pub use line::{Answer, End, Line, Rogue, Transcript, pair};
pub use persona::Persona;
pub use victim::{CONFIGURATION, Refused, Victim, program};
pub use web::{Web, WebAnswer};

use std::{net::Ipv4Addr, time::Duration};

/// Longer than anything here takes on a loaded machine; whoever waits this long has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The source address number `n` of an attacker: one of the sixteen million that every machine has on loopback.
pub fn source(n: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x7F63_0001 + u32::from(n))
}
