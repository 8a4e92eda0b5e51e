//! The UDP socket of one session's media plane (spec section 4.1): native threads, batched, nothing allocated per
//! datagram.
//!
//! The host binds, waits for the client's punch and sends; the client binds, punches and receives. One thread uses
//! a socket at a time. Per batch of a send there is one system call where the kernel segments (`UDP_SEGMENT`), and
//! one where it takes lists (`sendmmsg`); [`Offload::Plain`] is the twin that sends one datagram a call and that
//! tests compare the others with.

mod buffers;
mod punch;
mod socket;
mod sys;

pub(crate) use socket::enlarge_receive_buffer;

pub use buffers::RecvBuffers;
pub use punch::{PUNCH, PunchSchedule};
pub use socket::{MediaSocket, Offload, Sent, SocketBuffers};
