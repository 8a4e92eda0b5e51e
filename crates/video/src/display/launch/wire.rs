//! What host and session service say to each other, one message a packet on a `SOCK_SEQPACKET` socket.
//!
//! A request is a letter and fields that each end with NUL; descriptors travel beside it. A reply is a letter and a
//! number of four bytes, nothing else: the host takes nothing of any other length from the application's user.

use std::{
    ffi::{OsStr, OsString},
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt as _, OsStringExt as _},
    },
    path::PathBuf,
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recv, recvmsg, sendmsg,
};

use super::Application;

/// What the host asks for.
#[derive(Clone, Debug)]
pub(super) enum Request {
    /// Bind the socket that comes along under this name in the runtime directory, and listen on it.
    Listen { name: OsString },
    /// Start Xwayland on the three descriptors that come along: Wayland, window manager, display number.
    Xwayland,
    /// Start a companion of the application on the socket that comes along.
    Companion { command: Vec<OsString> },
    /// Start the application.
    Start(Application),
    /// Ask the application to end.
    Terminate,
}

/// What the session service answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    /// The service waits for requests.
    Ready,
    /// Done.
    Done,
    /// Xwayland starts as this display.
    XDisplay(u32),
    /// Not done: an `errno`.
    Failed(i32),
    /// The application ended with this wait status.
    Exited(i32),
}

/// Bytes of a request, at most: what the kernel takes in one packet by default, less its own share.
const MAX_REQUEST: usize = 160 << 10;
/// Descriptors that come with a request, at most.
const MAX_FILES: usize = 3;
/// Bytes of a reply.
const REPLY: usize = 5;

impl Request {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut field = |letter: u8, parts: &[&OsStr]| {
            bytes.push(letter);
            for part in parts {
                bytes.extend_from_slice(part.as_bytes());
            }
            bytes.push(0);
        };
        match self {
            Self::Listen { name } => field(b'L', &[name]),
            Self::Xwayland => field(b'X', &[]),
            Self::Terminate => field(b'T', &[]),
            Self::Companion { command } => {
                field(b'C', &[]);
                for word in command {
                    field(b'w', &[word]);
                }
            }
            Self::Start(application) => {
                field(b'S', &[]);
                for word in &application.command {
                    field(b'w', &[word]);
                }
                for (name, value) in &application.environment {
                    field(b'e', &[name, OsStr::new("="), value]);
                }
                if let Some(directory) = &application.directory {
                    field(b'd', &[directory.as_os_str()]);
                }
            }
        }
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = bytes.strip_suffix(&[0])?.split(|&byte| byte == 0).map(<[u8]>::split_first);
        let owned = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let first = match fields.next()?? {
            (b'L', name) => Self::Listen { name: owned(name) },
            (b'X', []) => Self::Xwayland,
            (b'T', []) => Self::Terminate,
            (b'C', []) => {
                let words = fields.by_ref().map(|field| match field? {
                    (b'w', word) => Some(owned(word)),
                    _ => None,
                });
                Self::Companion { command: words.collect::<Option<_>>()? }
            }
            (b'S', []) => {
                let mut application = Application::default();
                for field in fields.by_ref() {
                    match field? {
                        (b'w', word) => application.command.push(owned(word)),
                        (b'd', directory) => application.directory = Some(PathBuf::from(owned(directory))),
                        (b'e', pair) => {
                            let at = pair.iter().position(|&byte| byte == b'=')?;
                            application.environment.push((owned(&pair[..at]), owned(&pair[at + 1..])));
                        }
                        _ => return None,
                    }
                }
                Self::Start(application)
            }
            _ => return None,
        };
        fields.next().is_none().then_some(first)
    }

    /// Sends it with `files`.
    pub(super) fn send(&self, socket: impl AsFd, files: &[BorrowedFd<'_>], flags: SendFlags) -> io::Result<()> {
        let bytes = self.encode();
        if bytes.len() > MAX_REQUEST {
            return Err(io::Error::new(io::ErrorKind::ArgumentListTooLong, "command and environment are too long"));
        }
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() && !ancillary.push(SendAncillaryMessage::ScmRights(files)) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "more descriptors than a request may carry"));
        }
        sendmsg(socket, &[IoSlice::new(&bytes)], &mut ancillary, flags | SendFlags::NOSIGNAL)?;
        Ok(())
    }

    /// Waits for the next one with its descriptors, which children do not inherit. `None` when there will be no more.
    pub(super) fn receive(socket: impl AsFd) -> io::Result<Option<(Self, Vec<OwnedFd>)>> {
        let mut bytes = vec![0; MAX_REQUEST + 1];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FILES))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let got = recvmsg(socket, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
        let files = ancillary.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => files.collect::<Vec<_>>(),
            _ => Vec::new(),
        });
        let files: Vec<OwnedFd> = files.collect();
        if got.bytes == 0 {
            return Ok(None);
        }
        let whole = !got.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC);
        let request = bytes.get(..got.bytes).filter(|_| whole).and_then(Self::decode);
        request.map(|request| Some((request, files))).ok_or_else(|| broken("a request that is none"))
    }
}

impl Reply {
    fn encode(self) -> [u8; REPLY] {
        let (letter, number) = match self {
            Self::Ready => (b'r', 0),
            Self::Done => (b'd', 0),
            Self::XDisplay(number) => (b'x', number.cast_signed()),
            Self::Failed(errno) => (b'f', errno),
            Self::Exited(status) => (b'e', status),
        };
        let [one, two, three, four] = number.to_le_bytes();
        [letter, one, two, three, four]
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (&letter, number) = bytes.split_first()?;
        let number = i32::from_le_bytes(number.try_into().ok()?);
        match letter {
            b'r' => Some(Self::Ready),
            b'd' => Some(Self::Done),
            b'x' => Some(Self::XDisplay(number.cast_unsigned())),
            b'f' => Some(Self::Failed(number)),
            b'e' => Some(Self::Exited(number)),
            _ => None,
        }
    }

    /// Sends it; never waits.
    pub(super) fn send(self, socket: impl AsFd) -> io::Result<()> {
        rustix::net::send(socket, &self.encode(), SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?;
        Ok(())
    }

    /// Takes the next one; `None` when there will be no more. Never waits: it fails with `WouldBlock`.
    pub(super) fn receive(socket: impl AsFd) -> io::Result<Option<Self>> {
        let mut bytes = [0; REPLY + 1];
        let (got, _) = recv(socket, &mut bytes, RecvFlags::DONTWAIT)?;
        if got == 0 {
            return Ok(None);
        }
        Self::decode(&bytes[..got]).map(Some).ok_or_else(|| broken("an answer that is none"))
    }
}

fn broken(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use std::{ffi::OsString, os::unix::ffi::OsStringExt as _};

    use super::{Application, Reply, Request};

    #[test]
    fn an_application_arrives_as_it_was_sent() {
        let application = Application {
            command: vec!["/bin/game".into(), OsString::new(), OsString::from_vec(vec![0xff, b'='])],
            environment: vec![("LANG".into(), "C".into()), ("ODD".into(), "a=b\n".into()), ("NONE".into(), "".into())],
            directory: Some("/srv/a game".into()),
            companions: Vec::new(),
        };
        let sent = Request::Start(application.clone()).encode();
        let Some(Request::Start(received)) = Request::decode(&sent) else { panic!("{sent:?}") };
        assert_eq!(received.command, application.command);
        assert_eq!(received.environment, application.environment);
        assert_eq!(received.directory, application.directory);
    }

    #[test]
    fn a_companion_arrives_as_it_was_sent() {
        let command = vec![OsString::from("/bin/sound"), OsString::new(), OsString::from("--channels=2")];
        let sent = Request::Companion { command: command.clone() }.encode();
        let Some(Request::Companion { command: received }) = Request::decode(&sent) else { panic!("{sent:?}") };
        assert_eq!(received, command);
    }

    #[test]
    fn what_is_no_request_is_refused() {
        for bytes in [
            &b""[..],
            b"\0",
            b"S",
            b"S\0w",
            b"Q\0",
            b"X\0X\0",
            b"Xa\0",
            b"S\0q\0",
            b"C\0q\0",
            b"C\0\0",
            b"S\0e\0",
            b"S\0\0",
        ] {
            assert!(Request::decode(bytes).is_none(), "{bytes:?}");
        }
    }

    #[test]
    fn replies_are_five_bytes_and_nothing_else_is_one() {
        for reply in [Reply::Ready, Reply::Done, Reply::XDisplay(7), Reply::Failed(-2), Reply::Exited(9)] {
            assert_eq!(Reply::decode(&reply.encode()), Some(reply));
        }
        for bytes in [&b""[..], b"r", b"r1234567", b"q\0\0\0\0", b"r\0\0\0"] {
            assert_eq!(Reply::decode(bytes), None, "{bytes:?}");
        }
    }
}
