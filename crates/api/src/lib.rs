//! The management API and the console, over HTTPS.
//!
//! [`model`] is what is asked and answered, the same for the console, `ctl` and programs; [`Host`] is the host as this
//! crate sees it.

pub mod assets;
pub mod host;
pub mod model;
mod peer;
pub mod server;

pub use host::{Host, HostEvent, SettingsRefusal, Topic};
pub use peer::Peer;
