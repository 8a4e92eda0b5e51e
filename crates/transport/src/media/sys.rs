//! The system calls that `std` lacks: lists of messages, segmentation, and their control messages.
//!
//! All `unsafe` of this crate is here. Every pointer handed to the kernel points into a slice or a local that is
//! borrowed for the whole call, and the kernel keeps none of them.

use std::{
    io, mem,
    os::fd::{AsRawFd as _, BorrowedFd},
    ptr,
    time::Duration,
};

use libc::{c_int, c_void, iovec, mmsghdr, msghdr};

/// Datagrams per `sendmmsg`, and segments per `UDP_SEGMENT` send (the limit of kernels before 6.10).
pub(super) const BATCH: usize = 64;

/// One filled part of a receive buffer.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    /// Bytes received.
    pub(super) length: usize,
    /// Bytes per datagram when the kernel coalesced several; 0 when it did not.
    pub(super) segment: usize,
}

/// Room for one integer control message, aligned as the kernel's header wants it.
#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; CONTROL_BYTES]);

const CONTROL_BYTES: usize = 32;

/// Sends `datagrams` as one message that the kernel cuts every `segment` bytes. The socket must be connected.
pub(super) fn send_segmented(socket: BorrowedFd<'_>, datagrams: &[u8], segment: u16) -> io::Result<()> {
    let mut part = part_of(datagrams);
    let mut control = Control([0; CONTROL_BYTES]);
    let mut message = message(&mut part);
    message.msg_control = ptr::from_mut(&mut control).cast();
    // SAFETY: CMSG_SPACE and CMSG_LEN only compute. `control` has room for one header and a u16 (24 bytes of 32, so
    // CMSG_FIRSTHDR is not null) and is aligned for both; it lives until the end of this function.
    unsafe {
        message.msg_controllen = libc::CMSG_SPACE(mem::size_of::<u16>() as u32) as _;
        let header = libc::CMSG_FIRSTHDR(&message);
        (*header).cmsg_level = libc::SOL_UDP;
        (*header).cmsg_type = libc::UDP_SEGMENT;
        (*header).cmsg_len = libc::CMSG_LEN(mem::size_of::<u16>() as u32) as _;
        ptr::write_unaligned(libc::CMSG_DATA(header).cast::<u16>(), segment);
    }
    // SAFETY: `message` points to `part` and `control`, which outlive the call; the kernel only reads them.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL) };
    result(sent).map(drop)
}

/// Sends up to [`BATCH`] datagrams of `segment` bytes each; says how many the kernel took.
pub(super) fn send_list(socket: BorrowedFd<'_>, datagrams: &[u8], segment: usize) -> io::Result<usize> {
    let mut parts = [part_of(&[]); BATCH];
    let mut messages = [EMPTY_MESSAGE; BATCH];
    let mut count = 0;
    for (datagram, (part, entry)) in datagrams.chunks(segment).zip(parts.iter_mut().zip(&mut messages)) {
        *part = part_of(datagram);
        entry.msg_hdr = message(part);
        count += 1;
    }
    // SAFETY: the first `count` messages point to parts that outlive the call and that point into `datagrams`; the
    // kernel reads those and writes only `msg_len` of each message.
    let sent = unsafe {
        libc::sendmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
    };
    result(sent as isize)
}

/// Receives into `bytes`, `stride` per message, at most one message per slot; says how many slots are filled.
pub(super) fn receive_list<const SLOTS: usize>(
    socket: BorrowedFd<'_>,
    bytes: &mut [u8],
    stride: usize,
    slots: &mut [Slot],
) -> io::Result<usize> {
    let mut parts = [part_of(&[]); SLOTS];
    let mut controls = [Control([0; CONTROL_BYTES]); SLOTS];
    let mut messages = [EMPTY_MESSAGE; SLOTS];
    let mut count = 0;
    let rows = bytes.chunks_exact_mut(stride).take(slots.len());
    for (((row, part), control), entry) in rows.zip(&mut parts).zip(&mut controls).zip(&mut messages) {
        *part = iovec { iov_base: row.as_mut_ptr().cast(), iov_len: row.len() };
        entry.msg_hdr = message(part);
        entry.msg_hdr.msg_control = ptr::from_mut(control).cast();
        entry.msg_hdr.msg_controllen = CONTROL_BYTES as _;
        count += 1;
    }
    // SAFETY: the first `count` messages point to parts and controls that outlive the call; the parts point to
    // disjoint rows of `bytes`, which is borrowed mutably. No timeout is passed.
    let received = unsafe {
        libc::recvmmsg(socket.as_raw_fd(), messages.as_mut_ptr(), count, libc::MSG_DONTWAIT, ptr::null_mut())
    };
    let received = result(received as isize)?;
    for (slot, entry) in slots.iter_mut().zip(&messages[..received]) {
        *slot = Slot { length: entry.msg_len as usize, segment: coalesced_segment(&entry.msg_hdr) };
    }
    Ok(received)
}

/// The segment size that `UDP_GRO` reports, or 0.
fn coalesced_segment(message: &msghdr) -> usize {
    // SAFETY: the kernel filled `msg_control` and set `msg_controllen` to what it wrote; the CMSG functions stay
    // within that, and the length of the payload is checked before it is read.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(message);
        while !header.is_null() {
            let (level, kind, length) = ((*header).cmsg_level, (*header).cmsg_type, (*header).cmsg_len as usize);
            if (level, kind) == (libc::SOL_UDP, libc::UDP_GRO)
                && length >= libc::CMSG_LEN(mem::size_of::<c_int>() as u32) as usize
            {
                let segment = ptr::read_unaligned(libc::CMSG_DATA(header).cast::<c_int>());
                return usize::try_from(segment).unwrap_or(0);
            }
            header = libc::CMSG_NXTHDR(message, header);
        }
    }
    0
}

/// Turns `UDP_GRO` on.
pub(super) fn enable_coalescing(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_udp_option(socket, libc::UDP_GRO, 1)
}

/// Whether the kernel knows `UDP_SEGMENT`: sets a default segment size and takes it back.
pub(super) fn can_segment(socket: BorrowedFd<'_>) -> bool {
    const SOME_SIZE: c_int = 1_400;
    set_udp_option(socket, libc::UDP_SEGMENT, SOME_SIZE).is_ok() && set_udp_option(socket, libc::UDP_SEGMENT, 0).is_ok()
}

fn set_udp_option(socket: BorrowedFd<'_>, option: c_int, value: c_int) -> io::Result<()> {
    let length = mem::size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the option's value is a c_int that lives through the call, and its length is right.
    let outcome = unsafe {
        libc::setsockopt(socket.as_raw_fd(), libc::SOL_UDP, option, ptr::from_ref(&value).cast::<c_void>(), length)
    };
    result(outcome as isize).map(drop)
}

/// What to wait for on a socket.
#[derive(Clone, Copy, Debug)]
pub(super) enum Readiness {
    Readable,
    Writable,
}

/// Waits until the socket is ready (also: has an error to report); `false` when the time is over.
pub(super) fn wait(socket: BorrowedFd<'_>, readiness: Readiness, timeout: Duration) -> io::Result<bool> {
    let events = match readiness {
        Readiness::Readable => libc::POLLIN,
        Readiness::Writable => libc::POLLOUT,
    };
    let mut poll = libc::pollfd { fd: socket.as_raw_fd(), events, revents: 0 };
    let time = libc::timespec {
        tv_sec: libc::time_t::try_from(timeout.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // SAFETY: one pollfd and one timespec that live through the call; no signal mask.
    let ready = unsafe { libc::ppoll(&mut poll, 1, &time, ptr::null()) };
    match result(ready as isize) {
        Ok(ready) => Ok(ready > 0),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

/// A part that the kernel is only asked to read, or that is replaced before use.
fn part_of(bytes: &[u8]) -> iovec {
    iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}

fn message(part: &mut iovec) -> msghdr {
    let mut message = EMPTY_MESSAGE.msg_hdr;
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message
}

// SAFETY: all fields are integers and raw pointers, for which zero is a value.
const EMPTY_MESSAGE: mmsghdr = unsafe { mem::zeroed() };

fn result(returned: isize) -> io::Result<usize> {
    usize::try_from(returned).map_err(|_| io::Error::last_os_error())
}
