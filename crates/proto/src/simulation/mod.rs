//! A stream over a link with bad weather, on a virtual clock: what tests and `punktfunk-tools loss-harness` play.
//!
//! Nothing here runs in a session. A [`Simulation`] drives the real [`HostMedia`](crate::session::host_media::HostMedia)
//! and [`ClientMedia`](crate::session::client_media::ClientMedia); only the [`Link`] between them is made up, and
//! everything random about it comes from one seed, so that a case plays the same every time.

mod link;
mod outcome;
mod rival;
mod stream;
mod weather;

pub use link::Link;
pub use outcome::Outcome;
pub use stream::{Simulation, Stream};
pub use weather::{Bottleneck, Loss, Weather};
