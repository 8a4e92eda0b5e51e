//! Pairing by a PIN that the client shows and the owner types (GameStream spec section 2.7), without I/O.
//!
//! [`Ceremony`] is the arithmetic of one pairing, a state that each phase consumes. [`Attempts`] is who may run one:
//! bounded, in order, expiring, with a pause for whoever tried.
//!
//! The order of the phases makes a PIN good for one guess: the client commits itself in phase 3 before it is told the
//! secret by which it could tell whether its key is right.

mod attempts;
mod ceremony;
mod certificate;
mod crypto;

pub use attempts::{Attempt, AttemptId, Attempts, Client, Outcome, Proven, Refused, Step, TypeRefusal, Waiting};
pub use ceremony::{Agreed, Answered, CeremonyError, Challenged, Pin, Secrets};
pub use certificate::{Certificate, CertificateError};
pub(crate) use crypto::{is_signed, verify_rsa};
