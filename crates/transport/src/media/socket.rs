//! Binding, punching, sending and receiving.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    os::fd::AsFd,
    time::{Duration, Instant},
};

use rustix::net::sockopt;

use super::{
    buffers::{RecvBuffers, SLOT_BYTES, SLOTS},
    punch::PUNCH,
    sys::{self, Readiness},
};
use crate::TransportError;

/// How datagrams pass between this process and the kernel. The peer sees the same datagrams whichever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offload {
    /// The kernel cuts and coalesces (`UDP_SEGMENT`, `UDP_GRO`).
    Segmented,
    /// The kernel takes and gives lists (`sendmmsg`, `recvmmsg`).
    Listed,
    /// One datagram a system call.
    Plain,
}

/// What became of a batch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// Datagrams the kernel took.
    pub datagrams: usize,
    /// Datagrams it did not take in time or at all; the erasure code is for those.
    pub dropped: usize,
}

/// What the kernel granted, in bytes as it counts them (twice the payload asked for).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketBuffers {
    /// `SO_SNDBUF`.
    pub send: usize,
    /// `SO_RCVBUF`.
    pub receive: usize,
}

/// The UDP socket of one session's media plane.
#[derive(Debug)]
pub struct MediaSocket {
    socket: UdpSocket,
    offload: Offload,
    /// Segments of this size and above are not taken by `UDP_SEGMENT` on this path (they exceed its MTU).
    segment_bound: usize,
    foreign: u64,
}

/// Asked of the kernel for each direction, in bytes: 60 ms at 1 Gbit/s.
const BUFFER: usize = 8 * 1_024 * 1_024;
/// How long one batch waits in all for room in the socket before the rest is dropped.
const SEND_PATIENCE: Duration = Duration::from_millis(5);
/// How long a punch from the announced port is preferred to one from another: longer than the 200 ms between the first
/// punches of a client.
const ANNOUNCED_FIRST: Duration = Duration::from_millis(300);
/// Bytes of a greeting that are looked at.
const LONGEST_GREETING: usize = 64;
/// The largest payload of one `UDP_SEGMENT` send: that of one IPv4 datagram.
const SEGMENTED_MAX: usize = 65_507;

impl MediaSocket {
    /// Binds `ip` and `port` (0 for any) and finds out what the kernel offers.
    ///
    /// # Errors
    /// The port is in use or the address is not ours; the text says what to do.
    pub fn bind(ip: IpAddr, port: u16) -> Result<Self, TransportError> {
        Self::bind_with(ip, port, Offload::Segmented)
    }

    /// As [`MediaSocket::bind`], using at most `best` of what the kernel offers.
    ///
    /// # Errors
    /// As [`MediaSocket::bind`].
    pub fn bind_with(ip: IpAddr, port: u16, best: Offload) -> Result<Self, TransportError> {
        let addr = SocketAddr::new(ip, port);
        let socket = UdpSocket::bind(addr).map_err(|error| TransportError::from_bind(addr, error))?;
        socket.set_nonblocking(true).map_err(|error| TransportError::Socket(addr, error))?;
        enlarge_receive_buffer(&socket, BUFFER);
        let _ = sockopt::set_socket_send_buffer_size(&socket, BUFFER);
        let offload = match best {
            Offload::Segmented
                if sys::can_segment(socket.as_fd()) && sys::enable_coalescing(socket.as_fd()).is_ok() =>
            {
                Offload::Segmented
            }
            Offload::Segmented | Offload::Listed => Offload::Listed,
            Offload::Plain => Offload::Plain,
        };
        Ok(Self { socket, offload, segment_bound: usize::from(u16::MAX), foreign: 0 })
    }

    /// The address bound, with the port that was chosen when 0 was asked for.
    ///
    /// # Errors
    /// The socket cannot be asked.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// How this socket exchanges datagrams with the kernel.
    pub fn offload(&self) -> Offload {
        self.offload
    }

    /// The socket buffers as granted.
    ///
    /// # Errors
    /// The socket cannot be asked.
    pub fn buffers(&self) -> io::Result<SocketBuffers> {
        let send = sockopt::socket_send_buffer_size(&self.socket)?;
        let receive = sockopt::socket_recv_buffer_size(&self.socket)?;
        Ok(SocketBuffers { send, receive })
    }

    /// Datagrams that [`MediaSocket::await_punch`] ignored: from another address, or no punch.
    pub fn foreign_datagrams(&self) -> u64 {
        self.foreign
    }

    /// Waits up to `timeout` for a punch from the address of the authenticated QUIC peer, and says where it came from:
    /// at once if that is `announced`, the port that the client named in Start. Another port is believed when none came
    /// from that one for [`ANNOUNCED_FIRST`] more: an address translator changed it, or it is what is left of an earlier
    /// session, whose client goes on punching every two seconds. Whatever else arrives is ignored and counted (spec
    /// section 4.1; abuse case 47). Blocks the thread.
    ///
    /// # Errors
    /// The socket failed.
    pub fn await_punch(&mut self, announced: SocketAddr, timeout: Duration) -> io::Result<Option<SocketAddr>> {
        let mut deadline = Instant::now() + timeout;
        let mut elsewhere = None;
        let mut datagram = [0; PUNCH.len() + 1];
        loop {
            match self.socket.recv_from(&mut datagram) {
                Ok((length, from)) if is_same_host(from.ip(), announced.ip()) && datagram[..length] == PUNCH => {
                    if from.port() == announced.port() {
                        return Ok(Some(from));
                    }
                    if elsewhere.is_none() {
                        deadline = deadline.min(Instant::now() + ANNOUNCED_FIRST);
                    }
                    elsewhere = Some(from);
                }
                Ok(_) => self.foreign += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => passing(error)?,
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(elsewhere);
            }
            sys::wait(self.socket.as_fd(), Readiness::Readable, left)?;
        }
    }

    /// Waits up to `timeout` for a datagram that `is_greeting`, and says where it came from. What else arrives is ignored and
    /// counted. Blocks the thread.
    ///
    /// # Errors
    /// The socket failed.
    pub fn await_greeting(
        &mut self,
        is_greeting: impl Fn(SocketAddr, &[u8]) -> bool,
        timeout: Duration,
    ) -> io::Result<Option<SocketAddr>> {
        let deadline = Instant::now() + timeout;
        let mut datagram = [0; LONGEST_GREETING];
        loop {
            match self.socket.recv_from(&mut datagram) {
                Ok((length, from)) if is_greeting(from, &datagram[..length]) => return Ok(Some(from)),
                Ok(_) => self.foreign += 1,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => passing(error)?,
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(None);
            }
            sys::wait(self.socket.as_fd(), Readiness::Readable, left)?;
        }
    }

    /// Makes `peer` the only one this socket sends to and receives from.
    ///
    /// # Errors
    /// No route leads there.
    pub fn connect(&mut self, peer: SocketAddr) -> io::Result<()> {
        self.socket.connect(peer)
    }

    /// Sends one punch to the connected peer. See [`PunchSchedule`](super::PunchSchedule) for when.
    ///
    /// # Errors
    /// The socket failed; a host that does not listen yet is no failure.
    pub fn punch(&self) -> io::Result<()> {
        match self.socket.send(&PUNCH) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => passing(error),
        }
    }

    /// Sends `datagrams`, which lie one after the other, each `segment` bytes long except that the last may be
    /// shorter. Blocks for at most 5 ms when the socket is full, then drops the rest.
    ///
    /// # Errors
    /// The socket failed for good, is not connected, or `segment` is 0.
    pub fn send_batch(&mut self, datagrams: &[u8], segment: usize) -> io::Result<Sent> {
        if segment == 0 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a segment of no bytes"));
        }
        let mut rest = datagrams;
        let mut sent = Sent::default();
        let mut patience = Patience::default();
        while !rest.is_empty() {
            let head = self.head(rest, segment);
            match self.send_head(head, segment) {
                Ok(taken) => {
                    sent.datagrams += taken;
                    rest = &rest[(taken * segment).min(rest.len())..];
                }
                Err(error) => match Refusal::of(&error, head.len() > segment && self.segments(segment)) {
                    Refusal::Again => {}
                    Refusal::Full if patience.wait(&self.socket)? => {}
                    Refusal::Full => {
                        sent.dropped += rest.chunks(segment).len();
                        break;
                    }
                    Refusal::PeerGone if patience.first_complaint() => {}
                    Refusal::TooLongToSegment => self.segment_bound = segment,
                    Refusal::CannotSegment => self.offload = Offload::Listed,
                    Refusal::PeerGone | Refusal::Lost => {
                        let lost = if self.segments(segment) { head.len() } else { segment.min(head.len()) };
                        sent.dropped += head[..lost].chunks(segment).len();
                        rest = &rest[lost..];
                    }
                    Refusal::Failed => return Err(error),
                },
            }
        }
        Ok(sent)
    }

    /// Receives what has arrived, waiting up to `timeout` for the first datagram; says how many datagrams
    /// `buffers` holds now. 0 when the time is over. Blocks the thread.
    ///
    /// # Errors
    /// The socket failed; a host that does not listen yet is no failure.
    pub fn recv_batch(&mut self, buffers: &mut RecvBuffers, timeout: Duration) -> io::Result<usize> {
        let deadline = Instant::now() + timeout;
        loop {
            buffers.filled = match self.receive(buffers) {
                Ok(filled) => filled,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
                Err(error) => passing(error).map(|()| 0)?,
            };
            if buffers.filled > 0 {
                return Ok(buffers.datagrams().count());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(0);
            }
            sys::wait(self.socket.as_fd(), Readiness::Readable, left)?;
        }
    }

    fn receive(&self, buffers: &mut RecvBuffers) -> io::Result<usize> {
        if self.offload != Offload::Plain {
            return sys::receive_list::<SLOTS>(self.socket.as_fd(), &mut buffers.bytes, SLOT_BYTES, &mut buffers.slots);
        }
        let mut filled = 0;
        for (row, slot) in buffers.bytes.chunks_exact_mut(SLOT_BYTES).zip(&mut buffers.slots) {
            match self.socket.recv(row) {
                Ok(length) => *slot = sys::Slot { length, segment: 0 },
                Err(_) if filled > 0 => break,
                Err(error) => return Err(error),
            }
            filled += 1;
        }
        Ok(filled)
    }

    /// Whether datagrams of this size go by `UDP_SEGMENT`.
    fn segments(&self, segment: usize) -> bool {
        self.offload == Offload::Segmented && segment < self.segment_bound
    }

    /// As much of `rest` as one system call takes.
    fn head<'a>(&self, rest: &'a [u8], segment: usize) -> &'a [u8] {
        let datagrams = match self.offload {
            Offload::Segmented if segment < self.segment_bound => (SEGMENTED_MAX / segment).clamp(1, sys::BATCH),
            Offload::Segmented | Offload::Listed => sys::BATCH,
            Offload::Plain => 1,
        };
        &rest[..rest.len().min(datagrams.saturating_mul(segment))]
    }

    /// Sends `head` in one system call; says how many datagrams were taken.
    fn send_head(&self, head: &[u8], segment: usize) -> io::Result<usize> {
        match u16::try_from(segment) {
            _ if head.len() <= segment => self.socket.send(head).map(|_| 1),
            Ok(segment_size) if self.segments(segment) => {
                sys::send_segmented(self.socket.as_fd(), head, segment_size)?;
                Ok(head.chunks(segment).len())
            }
            _ => sys::send_list(self.socket.as_fd(), head, segment),
        }
    }
}

/// One address, however it is written.
fn is_same_host(one: IpAddr, other: IpAddr) -> bool {
    one.to_canonical() == other.to_canonical()
}

/// Asks for a receive buffer of `bytes`; the system's limit binds all but the privileged.
pub(crate) fn enlarge_receive_buffer(socket: impl AsFd, bytes: usize) {
    if sockopt::set_socket_recv_buffer_size_force(&socket, bytes).is_err() {
        // What was granted is no error, only less; a media socket tells it by `buffers`.
        let _ = sockopt::set_socket_recv_buffer_size(&socket, bytes);
    }
}

/// Why the kernel did not take a batch.
#[derive(Debug)]
enum Refusal {
    /// Interrupted.
    Again,
    /// No room in the socket.
    Full,
    /// An earlier datagram met a closed port; this one was not tried.
    PeerGone,
    /// The datagrams are longer than the path's MTU: only one by one will the kernel fragment them.
    TooLongToSegment,
    /// The device cannot checksum, so `UDP_SEGMENT` cannot work.
    CannotSegment,
    /// This datagram is lost, the next may fare better.
    Lost,
    /// The socket is unusable.
    Failed,
}

impl Refusal {
    fn of(error: &io::Error, segmented: bool) -> Self {
        match error.raw_os_error() {
            Some(libc::EINTR) => Self::Again,
            Some(libc::EAGAIN) => Self::Full,
            Some(libc::ECONNREFUSED) => Self::PeerGone,
            Some(libc::EINVAL | libc::EMSGSIZE) if segmented => Self::TooLongToSegment,
            Some(libc::EIO | libc::ENOPROTOOPT | libc::EOPNOTSUPP) if segmented => Self::CannotSegment,
            Some(
                libc::ENOBUFS
                | libc::ENOMEM
                | libc::EMSGSIZE
                | libc::EPERM
                | libc::EACCES
                | libc::ENETUNREACH
                | libc::EHOSTUNREACH
                | libc::ENETDOWN
                | libc::EHOSTDOWN,
            ) => Self::Lost,
            _ => Self::Failed,
        }
    }
}

/// How long one batch has waited.
#[derive(Default)]
struct Patience {
    until: Option<Instant>,
    complained: bool,
}

impl Patience {
    /// Waits for room; `false` when this batch has waited long enough.
    fn wait(&mut self, socket: &UdpSocket) -> io::Result<bool> {
        let now = Instant::now();
        let left = self.until.get_or_insert(now + SEND_PATIENCE).saturating_duration_since(now);
        if left.is_zero() {
            return Ok(false);
        }
        sys::wait(socket.as_fd(), Readiness::Writable, left).map(|_| true)
    }

    fn first_complaint(&mut self) -> bool {
        !std::mem::replace(&mut self.complained, true)
    }
}

/// Lets pass what ICMP reports of earlier datagrams: the peer is not there yet, or a route flaps.
fn passing(error: io::Error) -> io::Result<()> {
    match Refusal::of(&error, false) {
        Refusal::Failed => Err(error),
        _ => Ok(()),
    }
}
