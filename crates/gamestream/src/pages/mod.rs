//! The pages of the host, which clients ask for over HTTP and HTTPS (GameStream spec sections 2.2 to 2.10), without I/O:
//! a request in, an answer out. What they need to know and to do is a [`Host`]'s.

mod apps;
mod launch;
mod pair;
mod query;
mod serverinfo;
mod xml;

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use punktfunk_proto::units::Fingerprint;

use crate::{
    HostKey, Launch,
    pairing::{AttemptId, Attempts, Proven},
};
pub use apps::Application;
pub use query::{BadQuery, Query};
pub use serverinfo::{Codecs, Description};
pub use xml::Xml;

/// Who asks, and where.
#[derive(Clone, Copy, Debug)]
pub struct Caller {
    /// The address the request comes from.
    pub peer: IpAddr,
    /// The address it was sent to.
    pub local: IpAddr,
    /// How it came.
    pub lane: Lane,
}

/// How a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Over HTTP: nobody is known there.
    Plain,
    /// Over HTTPS, by who proved to hold the key of this certificate, or showed none.
    Secure(Option<Fingerprint>),
}

/// What the pages ask of the host. Calls may wait for a disk, none for a person or the network.
pub trait Host: Send + Sync + 'static {
    /// What the host says of itself; `local` is the address a paired client reached it at.
    fn describe(&self, local: IpAddr) -> Description;
    /// Whether this certificate is that of a device that is paired now.
    fn is_paired(&self, device: Fingerprint) -> bool;
    /// What can be started.
    fn applications(&self) -> Vec<Application>;
    /// The application that runs for this device.
    fn running(&self, device: Fingerprint) -> Option<u32>;
    /// Takes a launch or a resume; its RTSP handshake follows.
    ///
    /// # Errors
    /// Why not, for the client's user.
    fn launch(&self, launch: Launch) -> Result<(), Refusal>;
    /// Ends what runs for this device.
    fn cancel(&self, device: Fingerprint);
    /// Stores a device that proved itself; whether that worked.
    fn pair(&self, proven: &Proven) -> bool;
}

/// Why the host does not do what was asked; shown to the client's user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Status of the answer, never 200.
    pub code: u16,
    /// In a sentence.
    pub message: String,
}

impl Refusal {
    /// A refusal.
    pub fn new(code: u16, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// What follows from a request.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Send this document.
    Document(String),
    /// Send [`certificate_told`] once a PIN was typed for this attempt, or [`attempt_over`].
    WhenTyped(AttemptId),
}

/// What the pages work with.
pub struct Desk<'a> {
    /// The host.
    pub host: &'a dyn Host,
    /// Its certificate and key.
    pub key: &'a HostKey,
    /// Who is being paired.
    pub attempts: &'a Mutex<Attempts>,
    /// The time.
    pub now: Instant,
}

impl Desk<'_> {
    fn attempts(&self) -> MutexGuard<'_, Attempts> {
        self.attempts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers `GET path?query`.
pub fn answer(desk: &Desk<'_>, caller: &Caller, path: &str, query: &str) -> Answer {
    let device = match caller.lane {
        Lane::Plain => None,
        Lane::Secure(certificate) => match certificate.filter(|device| desk.host.is_paired(*device)) {
            Some(device) => Some(device),
            None => return refused(&Refusal::new(401, "this device is not paired with the host")),
        },
    };
    let Ok(query) = Query::parse(query) else { return refused(&Refusal::new(400, BadQuery.to_string())) };
    match (path, device) {
        ("/serverinfo", device) => document(serverinfo::page(desk.host, caller, device)),
        ("/pair", None) => pair::page(desk, caller, &query),
        ("/pair", Some(_)) => document(pair::challenge(&query)),
        ("/unpair", None) => document(pair::unpair(desk, caller, &query)),
        ("/unpair", Some(_)) => document(Xml::ok()),
        ("/applist", Some(_)) => document(apps::list(desk.host)),
        ("/launch", Some(device)) => document(launch::launch(desk.host, caller, device, &query)),
        ("/resume", Some(device)) => document(launch::resume(desk.host, caller, device, &query)),
        ("/cancel", Some(device)) => document(launch::cancel(desk.host, device)),
        // Art: clients draw a picture of their own.
        _ => refused(&Refusal::new(404, "there is nothing here")),
    }
}

/// The answer to phase 1 of pairing, once the PIN was typed.
pub fn certificate_told(key: &HostKey) -> String {
    pair::certificate_told(key)
}

/// The answer to phase 1 of pairing when no PIN came.
pub fn attempt_over() -> String {
    pair::refused(&Refusal::new(408, "no PIN was typed on the host in time; try again")).finish()
}

/// The answer to what is no request of a client.
pub fn malformed() -> String {
    Xml::refusal(400, "this is no request of a Moonlight client").finish()
}

fn document(xml: Xml) -> Answer {
    Answer::Document(xml.finish())
}

fn refused(refusal: &Refusal) -> Answer {
    document(Xml::refusal(refusal.code, &refusal.message))
}
