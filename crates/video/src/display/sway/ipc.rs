//! sway's IPC protocol (sway-ipc(7)): commands in, success or its words out.

use std::{
    io::{self, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

use punktfunk_proto::units::Mode;

/// A connection to sway's command socket.
#[derive(Debug)]
pub(super) struct Ipc {
    stream: UnixStream,
}

impl Ipc {
    pub(super) fn connect(socket: &Path) -> io::Result<Self> {
        let stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Self { stream })
    }

    /// Gives the output another mode.
    pub(super) fn set_mode(&mut self, mode: Mode) -> io::Result<()> {
        self.run(&set_mode(mode))
    }

    fn run(&mut self, command: &str) -> io::Result<()> {
        self.stream.write_all(&message(RUN_COMMAND, command))?;
        let mut header = [0; HEADER];
        self.stream.read_exact(&mut header)?;
        let len = reply_len(&header).ok_or_else(|| io::Error::other("sway answered in another protocol"))?;
        let mut reply = vec![0; len];
        self.stream.read_exact(&mut reply)?;
        succeeded(&String::from_utf8_lossy(&reply)).map_err(|words| io::Error::other(format!("sway says {words}")))
    }
}

/// The command that gives the output a mode; also a line of sway's configuration.
pub(super) fn set_mode(mode: Mode) -> String {
    let hz = f64::from(mode.refresh().millihertz()) / 1_000.0;
    format!("output {OUTPUT} mode --custom {}x{}@{hz}Hz", mode.width(), mode.height())
}

/// How long sway may take to answer. It is a local program that answers within a millisecond.
const PATIENCE: Duration = Duration::from_secs(2);

/// The name of the first output of the headless backend.
const OUTPUT: &str = "HEADLESS-1";

const MAGIC: &[u8; 6] = b"i3-ipc";
/// The magic, the length of the payload and its type, both in native byte order.
const HEADER: usize = 14;
const RUN_COMMAND: u32 = 0;
/// Replies to commands are a line or two.
const MAX_REPLY: usize = 64 * 1024;

fn message(kind: u32, payload: &str) -> Vec<u8> {
    let len = payload.len() as u32;
    [MAGIC, &len.to_ne_bytes()[..], &kind.to_ne_bytes(), payload.as_bytes()].concat()
}

fn reply_len(header: &[u8; HEADER]) -> Option<usize> {
    let (magic, rest) = header.split_first_chunk::<6>()?;
    let len = u32::from_ne_bytes(*rest.first_chunk()?) as usize;
    (magic == MAGIC && len <= MAX_REPLY).then_some(len)
}

/// A reply holds one object per command, `{"success": true}` or one with an error in words.
fn succeeded(reply: &str) -> Result<(), String> {
    let dense: String = reply.chars().filter(|c| !c.is_whitespace()).collect();
    let success = dense.contains(r#""success":true"#) && !dense.contains(r#""success":false"#);
    if success { Ok(()) } else { Err(reply.trim().to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::{RUN_COMMAND, message, reply_len, set_mode, succeeded};

    #[test]
    fn a_mode_is_spelled_as_sway_reads_it() {
        let mode = "1356x614@144".parse().unwrap();
        assert_eq!(set_mode(mode), "output HEADLESS-1 mode --custom 1356x614@144Hz");
    }

    #[test]
    fn a_message_carries_its_length_and_type() {
        let bytes = message(RUN_COMMAND, "exit");
        assert_eq!(bytes.len(), 18);
        assert_eq!(reply_len(bytes[..14].try_into().unwrap()), Some(4));
        assert_eq!(reply_len(&[0xff; 14]), None);
    }

    #[test]
    fn a_refusal_is_passed_on_in_sways_words() {
        assert_eq!(succeeded(r#"[ { "success": true } ]"#), Ok(()));
        let refusal = r#"[ { "success": false, "error": "Unknown/invalid command" } ]"#;
        assert_eq!(succeeded(refusal), Err(refusal.into()));
        assert!(succeeded("").is_err());
    }
}
