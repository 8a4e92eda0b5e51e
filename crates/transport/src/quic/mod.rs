//! QUIC connections with both certificates surfaced and none judged, except by pin (spec section 1).

mod client;
mod gate;
mod link;
mod parameters;
mod server;
mod spki;
mod tls;

pub use client::Client;
pub use gate::source_of;
pub use link::{Ended, Link, Loss};
pub use server::{HandshakeLimits, Server, ServerOptions};
pub use tls::{https, https_client};
