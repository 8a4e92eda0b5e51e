//! RTSP as Moonlight speaks it: one request and one reply a TCP connection (GameStream spec section 3).
//!
//! [`seal`] opens what arrives and ties it to a launch, [`message`] reads it, [`handshake`] answers it, [`announce`] holds
//! what the client finally wants.

pub mod announce;
pub mod describe;
pub mod handshake;
pub mod message;
pub mod seal;

pub use announce::{AnnounceError, StreamRequest};
pub use describe::Offer;
pub use handshake::{Handshake, Marks, MediaPorts, Step};
pub use message::{Method, Request, RequestError, Response, Status};
pub use seal::{RtspSeal, SealedLength};
