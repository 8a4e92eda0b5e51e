//! One streaming session, from Hello to the report.
//!
//! Control runs on the caller's task ([`stream`]), media on two native threads of the session: receive and decode.
//! They exchange messages and share nothing.

mod decode;
mod live;
mod receive;
mod report;
mod sound;
mod story;
mod workers;

use std::{io, net::IpAddr, path::PathBuf, time::Duration};

use punktfunk_proto::{
    session::{Overheard, client_control::ClientControl},
    units::{Bitrate, Fingerprint},
    wire::{Grants, Hello, Welcome},
};
use punktfunk_transport::{Link, Role, TransportError, drive};
use tokio::sync::mpsc;

pub use report::{BitrateReport, Check, ClockReport, Counts, Ending, ModeReport, Report, SnapshotReport, SpeedReport};
pub use sound::{Plays, SoundReport, SoundWish};

use self::{live::Live, workers::WorkerEvent};
use crate::{clock::wall_now, decode::DecodeError, record::RecordError, script::Script};

/// What to do in a session.
#[derive(Debug)]
pub struct Plan {
    /// What to ask the host for.
    pub hello: Hello,
    /// How long the host may take to admit us: somebody may have to approve.
    pub patience: Duration,
    /// What to do when, counted from the first picture.
    pub script: Script,
    /// When to end, counted from the first picture; never if absent.
    pub length: Option<Duration>,
    /// Where to record.
    pub record: Option<PathBuf>,
    /// What to do with the sound.
    pub sound: SoundWish,
    /// Whether the bitrate follows what the path takes; only of a host that names the rate it begins with.
    pub auto_bitrate: bool,
    /// A speed test to run once the first picture is there; the session ends with its result.
    pub speed_test: Option<SpeedTest>,
}

/// A burst of filler that the host sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpeedTest {
    /// The rate to try.
    pub rate: Bitrate,
    /// How long.
    pub duration: Duration,
}

/// What is worth showing while a session runs.
#[derive(Debug)]
pub enum Notice<'a> {
    /// The host has not answered Hello for a second: its owner has to approve this device.
    Parked,
    /// The host admitted us.
    Welcomed(&'a Welcome),
    /// The first picture came, or one of another size than the one before.
    Picture {
        /// Pixels per row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// So many pictures were decoded so far.
    Pictures(u64),
    /// A snapshot was saved.
    Snapshot(&'a std::path::Path),
    /// The owner of the host changed what this device may do, or its time runs out.
    AccessChanged {
        /// What it may do now.
        grants: Grants,
        /// For how long; `None` is for ever.
        remaining: Option<Duration>,
    },
    /// The host will have this identity from some later start on.
    Successor(Fingerprint),
}

/// Why there was no session at all. Once there is one, [`Report`] says what went wrong.
#[derive(Debug, thiserror::Error)]
pub enum SessionError {
    /// The host closed before it admitted us.
    #[error("the host closed with code 0x{code:02x}{}", said(.reason))]
    Refused {
        /// QUIC application error code (spec section 2.6).
        code: u32,
        /// The host's words.
        reason: String,
    },
    /// The connection was lost before the host admitted us.
    #[error("the connection was lost before the host answered")]
    Lost,
    /// Nobody approved this device in time.
    #[error("the host did not answer in time: nobody approved this device")]
    NotApproved,
    /// The user ended it before it began.
    #[error("interrupted")]
    Interrupted,
    /// The host broke the protocol.
    #[error("the host broke the protocol: {0}")]
    HostMisbehaved(String),
    /// No decoder for what the host streams.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// The recording cannot be made.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// The sound cannot be decoded or recorded.
    #[error("no sound: {0}")]
    Sound(String),
    /// The media socket cannot be made.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// No route for media.
    #[error("no media socket towards {peer}: {source}")]
    Media {
        /// The host.
        peer: IpAddr,
        /// Why not.
        source: io::Error,
    },
    /// The system gave no threads.
    #[error("cannot start the session's threads: {0}")]
    Threads(io::Error),
}

fn said(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({})", crate::text::printable(reason, 256)) }
}

/// Commands on their way to the control session; requests beyond that are repeated by those who made them.
const COMMANDS: usize = 1_024;

/// Streams from the host at the other end of `link` until the plan, the user or the host ends it.
///
/// # Errors
/// There was no session: the host refused, or this machine lacks something. See [`SessionError`].
pub async fn stream(
    link: &Link,
    plan: Plan,
    interrupt: impl Future<Output = ()>,
    notices: impl FnMut(Notice<'_>),
) -> Result<Report, SessionError> {
    let control = ClientControl::new(std::time::Instant::now(), &plan.hello, plan.patience);
    let (commands, command_inbox) = mpsc::channel(COMMANDS);
    // Both are drained by this task at every turn; what fills them is bounded by the network and the frame rate.
    let (event_outbox, mut events) = mpsc::unbounded_channel();
    let (worker_outbox, mut worker_events) = mpsc::unbounded_channel::<WorkerEvent>();
    let fingerprint = link.peer_fingerprint.unwrap_or(Fingerprint::from_bytes([0; 32]));
    let (sound, sound_inbox) = sound::line();
    let heard = sound.clone();
    let control = Overheard::new(control, move |datagram: &[u8]| sound::overhear(&heard, datagram));
    let line = (sound, sound_inbox);
    let mut live = Live::new((link.peer.ip(), fingerprint), plan, (commands, worker_outbox, line), notices);
    let driving = drive(control, wall_now, link, Role::Opens, command_inbox, move |event| {
        let _ = event_outbox.send(event);
    });
    tokio::pin!(driving, interrupt);
    let mut interrupted = false;
    loop {
        tokio::select! {
            _ = &mut driving => break,
            Some(event) = events.recv() => live.control(event),
            Some(event) = worker_events.recv() => live.worker(event),
            () = until(live.next_due()) => live.due(std::time::Instant::now()),
            () = &mut interrupt, if !interrupted => {
                interrupted = true;
                live.quit(Ending::Interrupted);
            }
        }
    }
    while let Ok(event) = events.try_recv() {
        live.control(event);
    }
    live.finish(&mut worker_events).await
}

async fn until(deadline: Option<std::time::Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
