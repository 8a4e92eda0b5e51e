//! What the host and its program in the session say to each other: one message of seventeen bytes a packet, on a
//! `SOCK_SEQPACKET` socket that the host made.
//!
//! A message is a letter and two numbers of eight bytes. The first one to the session carries the memory of the pictures
//! along; no descriptor ever travels the other way. Anything else that the session says is a lie, and ends the display.

use std::{
    fmt,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    process::ExitStatus,
    time::Duration,
};

use punktfunk_proto::input::SeatEvent;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recv,
    recvmsg, sendmsg,
};
use std::os::unix::process::ExitStatusExt as _;

/// Bytes of a message.
const MESSAGE: usize = 17;

/// A message as it travels.
pub(super) type Packet = [u8; MESSAGE];

/// How many pictures the shared memory holds: one that the host has, one under way, one being copied.
pub(super) const SLOTS: usize = 3;

/// One of the places for a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot(u8);

impl Slot {
    pub(super) const ALL: [Self; SLOTS] = [Self(0), Self(1), Self(2)];

    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }

    fn from_number(number: u64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}

/// What the host says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum ToSession {
    /// The place may be painted over.
    Released(Slot),
    /// Input for the application. Text has no way into gamescope and is not sent.
    Input(SeatEvent),
}

/// What the session says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FromSession {
    /// PipeWire runs: gamescope may be started.
    Prepared,
    /// gamescope takes input, and pictures come when it paints.
    Ready,
    /// A picture.
    Picture {
        /// Where it lies. It is the host's until released.
        slot: Slot,
        /// How many pictures before it found no free place. (Whatever the session says, counters do not overflow.)
        skipped: u16,
        /// When it was painted, on the monotonic clock.
        at: Duration,
    },
    /// The application ended.
    Exited(ExitStatus),
    /// Something failed for good.
    Fault(Fault),
    /// What a probe found.
    Found(Finding),
}

/// What can fail in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]

pub(super) enum Fault {
    /// There is no program `pipewire`.
    NoPipewire,
    /// PipeWire does not take connections.
    PipewireFailed,
    /// The connection to PipeWire broke.
    PipewireLost,
    /// There is no program `gamescope`.
    NoGamescope,
    /// gamescope offers no pictures.
    NoPictures,
    /// The pictures have another size or format.
    Format,
    /// gamescope takes no input.
    NoInput,
    /// gamescope closed the way for input.
    InputLost,
    /// The application did not start: an `errno`.
    NoApplication(i32),
    /// The system refused something else: an `errno`.
    System(i32),
}

/// What a probe found in the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]

pub(super) enum Finding {
    /// It works, as far as can be seen without starting it.
    Works(Version),
    /// There is no program `gamescope`.
    NoGamescope,
    /// It does not say what it can do.
    Broken,
    /// It cannot run without a screen.
    NotHeadless(Version),
    /// It blocks itself with this machine's PipeWire.
    Deadlock(Version),
    /// There is no program `pipewire`.
    NoPipewire,
    /// There is no GPU, or its render node is closed to the user of the applications.
    NoGpu,
}

/// gamescope's version; zeros where it names none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version(pub(super) u16, pub(super) u16, pub(super) u16);

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

fn packet(letter: u8, one: u64, two: u64) -> Packet {
    let mut packet = [letter; MESSAGE];
    packet[1..9].copy_from_slice(&one.to_le_bytes());
    packet[9..].copy_from_slice(&two.to_le_bytes());
    packet
}

fn parts(packet: &Packet) -> (u8, u64, u64) {
    let number = |at: usize| u64::from_le_bytes(std::array::from_fn(|index| packet[at + index]));
    (packet[0], number(1), number(9))
}

/// Two signed numbers in one.
fn pair(one: i32, two: i32) -> u64 {
    u64::from(one.cast_unsigned()) << 32 | u64::from(two.cast_unsigned())
}

fn unpair(number: u64) -> (i32, i32) {
    (((number >> 32) as u32).cast_signed(), (number as u32).cast_signed())
}

impl ToSession {
    /// `None` for what has no way into gamescope.
    pub(super) fn encode(self) -> Option<Packet> {
        Some(match self {
            Self::Released(slot) => packet(b'r', slot.0.into(), 0),
            Self::Input(SeatEvent::Key { code, pressed }) => packet(b'k', code.into(), pressed.into()),
            Self::Input(SeatEvent::Button { code, pressed }) => packet(b'b', code.into(), pressed.into()),
            Self::Input(SeatEvent::PointerBy { dx, dy }) => packet(b'm', dx.to_bits(), dy.to_bits()),
            Self::Input(SeatEvent::PointerTo { x, y }) => packet(b'a', x.to_bits(), y.to_bits()),
            Self::Input(SeatEvent::Scroll { vertical, horizontal }) => packet(b'w', pair(vertical, horizontal), 0),
            Self::Input(SeatEvent::Text(_)) => return None,
        })
    }

    fn decode(packet: &Packet) -> Option<Self> {
        let (letter, one, two) = parts(packet);
        let code = || u32::try_from(one).ok();
        let event = match letter {
            b'r' => return Slot::from_number(one).map(Self::Released),
            b'k' => SeatEvent::Key { code: code()?, pressed: two != 0 },
            b'b' => SeatEvent::Button { code: code()?, pressed: two != 0 },
            b'm' => SeatEvent::PointerBy { dx: f64::from_bits(one), dy: f64::from_bits(two) },
            b'a' => SeatEvent::PointerTo { x: f64::from_bits(one), y: f64::from_bits(two) },
            b'w' => {
                let (vertical, horizontal) = unpair(one);
                SeatEvent::Scroll { vertical, horizontal }
            }
            _ => return None,
        };
        Some(Self::Input(event))
    }
}

impl FromSession {
    pub(super) fn encode(self) -> Packet {
        match self {
            Self::Prepared => packet(b'p', 0, 0),
            Self::Ready => packet(b'r', 0, 0),
            Self::Picture { slot, skipped, at } => {
                packet(b'f', u64::from(skipped) << 8 | u64::from(slot.0), u64::try_from(at.as_nanos()).unwrap_or(0))
            }
            Self::Exited(status) => packet(b'x', pair(0, status.into_raw()), 0),
            Self::Fault(fault) => {
                let (number, errno) = fault.numbers();
                packet(b'e', number, pair(0, errno))
            }
            Self::Found(finding) => {
                let (number, Version(one, two, three)) = finding.numbers();
                packet(b'v', number, u64::from(one) << 32 | u64::from(two) << 16 | u64::from(three))
            }
        }
    }

    fn decode(packet: &Packet) -> Option<Self> {
        let (letter, one, two) = parts(packet);
        Some(match letter {
            b'p' => Self::Prepared,
            b'r' => Self::Ready,
            b'f' => Self::Picture {
                slot: Slot::from_number(one & 0xff)?,
                skipped: u16::try_from(one >> 8).ok()?,
                at: Duration::from_nanos(two),
            },
            b'x' => Self::Exited(ExitStatus::from_raw(unpair(one).1)),
            b'e' => Self::Fault(Fault::from_numbers(one, unpair(two).1)?),
            b'v' => {
                let version = Version((two >> 32) as u16, (two >> 16) as u16, two as u16);
                Self::Found(Finding::from_numbers(one, version)?)
            }
            _ => return None,
        })
    }
}

impl Fault {
    fn numbers(self) -> (u64, i32) {
        match self {
            Self::NoPipewire => (1, 0),
            Self::PipewireFailed => (2, 0),
            Self::PipewireLost => (3, 0),
            Self::NoGamescope => (4, 0),
            Self::NoPictures => (5, 0),
            Self::Format => (6, 0),
            Self::NoInput => (7, 0),
            Self::InputLost => (8, 0),
            Self::NoApplication(errno) => (9, errno),
            Self::System(errno) => (10, errno),
        }
    }

    fn from_numbers(number: u64, errno: i32) -> Option<Self> {
        Some(match number {
            1 => Self::NoPipewire,
            2 => Self::PipewireFailed,
            3 => Self::PipewireLost,
            4 => Self::NoGamescope,
            5 => Self::NoPictures,
            6 => Self::Format,
            7 => Self::NoInput,
            8 => Self::InputLost,
            9 => Self::NoApplication(errno),
            10 => Self::System(errno),
            _ => return None,
        })
    }
}

impl Finding {
    fn numbers(self) -> (u64, Version) {
        let none = Version::default();
        match self {
            Self::Works(version) => (1, version),
            Self::NoGamescope => (2, none),
            Self::Broken => (3, none),
            Self::NotHeadless(version) => (4, version),
            Self::Deadlock(version) => (5, version),
            Self::NoPipewire => (6, none),
            Self::NoGpu => (7, none),
        }
    }

    fn from_numbers(number: u64, version: Version) -> Option<Self> {
        Some(match number {
            1 => Self::Works(version),
            2 => Self::NoGamescope,
            3 => Self::Broken,
            4 => Self::NotHeadless(version),
            5 => Self::Deadlock(version),
            6 => Self::NoPipewire,
            7 => Self::NoGpu,
            _ => return None,
        })
    }
}

/// Sends a message; never waits.
pub(super) fn send(socket: impl AsFd, packet: &Packet) -> io::Result<()> {
    rustix::net::send(socket, packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
    Ok(())
}

/// Sends the memory of the pictures, the first message to the session.
pub(super) fn send_memory(socket: impl AsFd, memory: BorrowedFd<'_>) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    let files = [memory];
    // There is room for exactly this one.
    ancillary.push(SendAncillaryMessage::ScmRights(&files));
    sendmsg(socket, &[IoSlice::new(&packet(b's', 0, 0))], &mut ancillary, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
    Ok(())
}

/// Waits for the memory of the pictures.
pub(super) fn receive_memory(socket: impl AsFd) -> io::Result<OwnedFd> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut packet = [0; MESSAGE];
    recvmsg(socket, &mut [IoSliceMut::new(&mut packet)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut files = ancillary.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(mut files) => files.next(),
        _ => None,
    });
    files.next().ok_or_else(|| broken("no memory came"))
}

/// What there is to be read.
#[derive(Debug)]
pub(super) enum Received<T> {
    Message(T),
    /// Nothing at the moment.
    Nothing,
    /// The other end is closed.
    Closed,
}

/// Takes the next message of the host; never waits.
pub(super) fn from_host(socket: impl AsFd) -> io::Result<Received<ToSession>> {
    take(socket, ToSession::decode)
}

/// Takes the next message of the session; never waits. What is no message is an error. Descriptors are left behind.
pub(super) fn from_session(socket: impl AsFd) -> io::Result<Received<FromSession>> {
    take(socket, FromSession::decode)
}

fn take<T>(socket: impl AsFd, decode: fn(&Packet) -> Option<T>) -> io::Result<Received<T>> {
    let mut bytes = [0; MESSAGE + 1];
    let got = match recv(socket, &mut bytes, RecvFlags::DONTWAIT) {
        Ok((got, _)) => got,
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => return Ok(Received::Nothing),
        Err(rustix::io::Errno::CONNRESET) => return Ok(Received::Closed),
        Err(error) => return Err(error.into()),
    };
    if got == 0 {
        return Ok(Received::Closed);
    }
    let message = bytes.first_chunk().filter(|_| got == MESSAGE).and_then(decode);
    message.map(Received::Message).ok_or_else(|| broken("a message that is none"))
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{os::unix::process::ExitStatusExt as _, process::ExitStatus, time::Duration};

    use punktfunk_proto::input::SeatEvent;

    use super::{Fault, Finding, FromSession, MESSAGE, Slot, ToSession, Version, packet};

    #[test]
    fn what_the_host_says_arrives_as_it_was_said() {
        let events = [
            SeatEvent::Key { code: 30, pressed: true },
            SeatEvent::Button { code: 0x110, pressed: false },
            SeatEvent::PointerBy { dx: -3.5, dy: 1e300 },
            SeatEvent::PointerTo { x: 0.25, y: 1.0 },
            SeatEvent::Scroll { vertical: -120, horizontal: i32::MAX },
        ];
        let messages = events.map(ToSession::Input).into_iter().chain(Slot::ALL.map(ToSession::Released));
        for message in messages {
            assert_eq!(ToSession::decode(&message.encode().unwrap()), Some(message));
        }
        assert_eq!(ToSession::Input(SeatEvent::Text('ß')).encode(), None);
    }

    #[test]
    fn what_the_session_says_arrives_as_it_was_said() {
        let messages = [
            FromSession::Prepared,
            FromSession::Ready,
            FromSession::Picture { slot: Slot::ALL[2], skipped: u16::MAX, at: Duration::from_nanos(7) },
            FromSession::Exited(ExitStatus::from_raw(3 << 8)),
            FromSession::Exited(ExitStatus::from_raw(9)),
            FromSession::Fault(Fault::NoApplication(2)),
            FromSession::Fault(Fault::InputLost),
            FromSession::Found(Finding::Works(Version(3, 16, 23))),
            FromSession::Found(Finding::NoGpu),
        ];
        for message in messages {
            assert_eq!(FromSession::decode(&message.encode()), Some(message));
        }
    }

    #[test]
    fn what_is_no_message_is_none() {
        for (letter, one) in
            [(0, 0), (b'f', 3), (b'f', 0xff), (b'f', 1 << 24), (b'e', 0), (b'e', 11), (b'v', 0), (b's', 0)]
        {
            assert_eq!(FromSession::decode(&packet(letter, one, 0)), None, "{letter} {one}");
        }
        assert_eq!(ToSession::decode(&[0xff; MESSAGE]), None);
        assert_eq!(ToSession::decode(&packet(b'k', u64::MAX, 0)), None);
    }
}
