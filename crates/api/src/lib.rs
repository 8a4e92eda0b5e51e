//! The management API and the console, over HTTPS.
//!
//! [`model`] is what is asked and answered, the same for the console, `ctl` and programs; [`Host`] is the host as this
//! crate sees it; [`router`] answers requests, of which the server says by a [`Peer`] where they come from.

mod app;
mod art;
pub mod assets;
mod caller;
mod cookie;
mod events;
mod extract;
mod guard;
pub mod host;
mod lane;
mod metrics;
mod middleware;
pub mod model;
mod openapi;
mod options;
mod peer;
mod problem;
mod redact;
mod report;
mod router;
mod routes;
pub mod server;
mod table;
mod work;

pub use host::{Host, HostEvent, SettingsRefusal, Topic};
pub use openapi::openapi;
pub use options::{ApiOptions, Network, NoNetwork};
pub use peer::Peer;
pub use problem::{Problem, ProblemCode};
pub use router::router;
