//! Control sessions: Hello to close code, for both sides. What they exchange travels in one QUIC stream and in QUIC
//! datagrams, which the caller moves.

pub(crate) mod client;
pub(crate) mod host;

use std::ptr;

use punktfunk_proto::{
    session::{ControlSession, Transmit},
    units::{Mode, Timestamp},
    wire::{
        WireMode,
        datagram::{ClientDatagram, InputEvent},
    },
};

use crate::{
    pointers::{Clock, handle, slice},
    status::{Fault, PfStatus, guard},
};

/// What to do next on the connection.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PfTransmitKind {
    /// Write `bytes` to the control stream.
    Stream = 0,
    /// Send `bytes` as one QUIC datagram.
    Datagram = 1,
    /// Finish our half of the control stream; the connection stays.
    Finish = 2,
    /// Close the connection with `code` and `bytes` as its reason, once what was written before had time to arrive.
    Close = 3,
}

/// One thing to do on the connection.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PfTransmit {
    /// Which.
    pub kind: PfTransmitKind,
    /// The application code of a close.
    pub code: u32,
    /// The bytes, good until the next call on the handle.
    pub bytes: *const u8,
    /// How many.
    pub length: usize,
}

/// What a control session tells. Names in brackets are the fields that are set; the others are 0.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PfControlEventKind {
    /// Either side: the session is over, for the last time (`code`; `flag`: 0 the peer closed, 1 we closed, 2 the connection
    /// was lost, 3 the peer broke the protocol; `bytes`: words).
    Closed = 0,
    /// Client: the host admitted us; answer with START (`port`, `width`, `height`, `hz`, `kbps`, `codecs`, `grants`).
    /// `pf_client_control_media_options` has the rest.
    Welcomed = 1,
    /// Client: bind the media socket and punch (`flag`: 1 when the clocks were compared; `offset_ns`, `rtt_ns`).
    Ready = 2,
    /// Client: the clocks were compared again (`offset_ns`, `rtt_ns`).
    ClockUpdated = 3,
    /// Client: answer to a mode change (`flag`: 1 when accepted; `width`, `height`, `hz`: in force).
    Reconfigured = 4,
    /// Either side: this rate is in force (`kbps`).
    BitrateChanged = 5,
    /// Client: a speed test ended (`sent_bytes`, `first`: units, `duration_ms`, `last`: packets, `ppm`: packets dropped at
    /// the sender).
    ProbeResult = 6,
    /// Client: the host stood still (`duration_ms`).
    PipelineGap = 7,
    /// Client: rights changed (`grants`, `duration_ms`: how long, 0 for ever).
    AccessChanged = 8,
    /// Client: the host will show another certificate (`bytes`: its fingerprint).
    SuccessorAnnounced = 9,
    /// Client: how long a frame took in the host (`pts_ns`, `duration_us`).
    HostTiming = 10,
    /// Host: a client wants to stream; answer with `pf_host_control_accept` or REFUSE (`width`, `height`, `hz`, `kbps`,
    /// `codecs`, `video_caps`, `bytes`: its name).
    Hello = 20,
    /// Host: the client is ready for media (`port`).
    Started = 21,
    /// Host: the client was told that it gets another mode (`width`, `height`, `hz`).
    ModeChanged = 22,
    /// Host: the next frame has to be an IDR.
    KeyframeRequested = 23,
    /// Host: these frames never arrived (`first`, `last`).
    FramesLost = 24,
    /// Host: the client lost so much (`ppm`).
    Loss = 25,
    /// Host: burst filler, then answer with PROBE_DONE (`kbps`, `duration_ms`).
    ProbeRequested = 26,
    /// Host: input (`bytes`: the datagram of section 5.3, its tag included). Grants are yours to check.
    Input = 27,
    /// Host: a client wants to pair; answer with BEGIN_PAIRING or REFUSE (`bytes`: its name).
    PairingRequested = 28,
    /// Host: mark the PIN as spent, then answer with SEND_CHALLENGE.
    PairingAnswered = 29,
    /// Host: the client's message was malformed; the PIN was not used.
    PairingMalformed = 30,
    /// Host: the client proved the PIN; store it, then answer with PAIRING_STORED (`bytes`: its name).
    PairingProven = 31,
    /// Host: the ceremony ended without proof; the PIN is spent.
    PairingFailed = 32,
}

/// One event. Fields that its kind does not name are 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PfControlEvent {
    /// Which.
    pub kind: PfControlEventKind,
    /// See the kind.
    pub flag: u32,
    /// Application error code of a close.
    pub code: u32,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Pictures per second.
    pub hz: u32,
    /// A rate in kbit/s.
    pub kbps: u32,
    /// UDP port for media.
    pub port: u32,
    /// First of a range of frames, or a count.
    pub first: u32,
    /// Last of a range of frames, or a count.
    pub last: u32,
    /// Loss in parts per million, or a count.
    pub ppm: u32,
    /// A time in milliseconds.
    pub duration_ms: u32,
    /// A time in microseconds.
    pub duration_us: u32,
    /// Codec bits: 1 H.264, 2 HEVC, 4 AV1.
    pub codecs: u32,
    /// `video_caps` of Hello.
    pub video_caps: u32,
    /// Grant bits.
    pub grants: u32,
    /// Bytes of a speed test.
    pub sent_bytes: u64,
    /// The host's clock minus ours.
    pub offset_ns: i64,
    /// Round trip.
    pub rtt_ns: u64,
    /// Capture time of a frame.
    pub pts_ns: u64,
    /// Text or bytes, good until the next call on the handle.
    pub bytes: *const u8,
    /// How many.
    pub length: usize,
}

/// What the owner tells a control session. Names in brackets are the fields that are read. A command that does not fit
/// the session's state is ignored.
#[repr(u32)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PfCommandKind {
    /// Client: go on to streaming; media is expected there (`port`).
    Start = 0,
    /// Client: ask for another mode (`width`, `height`, `hz`).
    Reconfigure = 1,
    /// Client: ask for an IDR.
    RequestKeyframe = 2,
    /// Client: tell which frames never came (`first`, `last`).
    FramesLost = 3,
    /// Client: tell how much was lost (`ppm`).
    ReportLoss = 4,
    /// Client: ask for another rate (`kbps`).
    SetBitrate = 5,
    /// Client: ask for a speed test (`kbps`, `duration_ms`).
    Probe = 6,
    /// Client: send input (`bytes`: the datagram of section 5.3, its tag included).
    Input = 7,
    /// Client: end the session (`flag`: 1 when the user quit).
    Close = 8,
    /// Host: close (`code`, `bytes`: why).
    Refuse = 20,
    /// Host: the mode in force is another (`width`, `height`, `hz`).
    ModeInForce = 21,
    /// Host: the rate in force is another (`kbps`).
    BitrateInForce = 22,
    /// Host: the stream stood still (`duration_ms`).
    PipelineGap = 23,
    /// Host: a speed test ended (`sent_bytes`, `first`: units, `duration_ms`, `last`: packets, `ppm`: packets dropped).
    ProbeDone = 24,
    /// Host: rights changed (`grants`, `duration_ms`: how long, 0 for ever).
    AccessChanged = 25,
    /// Host: send this QUIC datagram (`bytes`), such as sound.
    Datagram = 26,
    /// Host: go on with a ceremony (`bytes`: the PIN's digits, `entropy`: PF_ENTROPY_BYTES fresh random bytes).
    BeginPairing = 27,
    /// Host: the PIN is marked as spent.
    SendChallenge = 28,
    /// Host: the client was stored (`flag`: 1), or could not be (0).
    PairingStored = 29,
}

/// One command. Set `size` and `kind` and what the kind names; everything else 0.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PfControlCommand {
    /// `sizeof(PfControlCommand)` as the caller was compiled.
    pub size: u32,
    /// A `PfCommandKind`.
    pub kind: u32,
    /// See the kind.
    pub flag: u32,
    /// Application error code of a close.
    pub code: u32,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Pictures per second.
    pub hz: u32,
    /// A rate in kbit/s.
    pub kbps: u32,
    /// UDP port for media.
    pub port: u32,
    /// First of a range of frames, or a count.
    pub first: u32,
    /// Last of a range of frames, or a count.
    pub last: u32,
    /// Loss in parts per million, or a count.
    pub ppm: u32,
    /// A time in milliseconds.
    pub duration_ms: u32,
    /// Grant bits.
    pub grants: u32,
    /// Bytes of a speed test.
    pub sent_bytes: u64,
    /// Text or bytes.
    pub bytes: *const u8,
    /// How many.
    pub length: usize,
    /// `PF_ENTROPY_BYTES` random bytes.
    pub entropy: *const u8,
}

/// A session and what it lends to its caller.
pub(crate) struct Control<S> {
    pub(crate) session: S,
    pub(crate) clock: Clock,
    lent: Vec<u8>,
}

impl<S: ControlSession> Control<S> {
    pub(crate) fn new(session: S, clock: Clock) -> Self {
        Self { session, clock, lent: Vec::new() }
    }

    fn lend(&mut self, bytes: Vec<u8>) -> (*const u8, usize) {
        self.lent = bytes;
        (if self.lent.is_empty() { ptr::null() } else { self.lent.as_ptr() }, self.lent.len())
    }

    fn transmit(&mut self, now_ns: u64, clock_ns: u64) -> Result<Option<PfTransmit>, Fault> {
        let now = self.clock.instant(now_ns)?;
        let Some(transmit) = self.session.poll_transmit(now, Timestamp::from_nanos(clock_ns)) else { return Ok(None) };
        let (kind, code, bytes) = match transmit {
            Transmit::Stream(bytes) => (PfTransmitKind::Stream, 0, bytes),
            Transmit::Datagram(bytes) => (PfTransmitKind::Datagram, 0, bytes),
            Transmit::Finish => (PfTransmitKind::Finish, 0, Vec::new()),
            Transmit::Close { code, reason } => (PfTransmitKind::Close, code, reason.into_bytes()),
        };
        let (bytes, length) = self.lend(bytes);
        Ok(Some(PfTransmit { kind, code, bytes, length }))
    }

    /// The event with the bytes it points to.
    fn tell(&mut self, (event, bytes): (PfControlEvent, Vec<u8>)) -> PfControlEvent {
        let (bytes, length) = self.lend(bytes);
        PfControlEvent { bytes, length, ..event }
    }
}

impl PfControlEvent {
    fn of(kind: PfControlEventKind) -> Self {
        Self {
            kind,
            flag: 0,
            code: 0,
            width: 0,
            height: 0,
            hz: 0,
            kbps: 0,
            port: 0,
            first: 0,
            last: 0,
            ppm: 0,
            duration_ms: 0,
            duration_us: 0,
            codecs: 0,
            video_caps: 0,
            grants: 0,
            sent_bytes: 0,
            offset_ns: 0,
            rtt_ns: 0,
            pts_ns: 0,
            bytes: ptr::null(),
            length: 0,
        }
    }

    fn with_mode(self, mode: WireMode) -> Self {
        Self { width: mode.width, height: mode.height, hz: mode.hz, ..self }
    }
}

impl PfControlCommand {
    /// # Safety
    /// `command` is null or points to as many bytes as its `size` says.
    unsafe fn read(command: *const Self) -> Result<Self, Fault> {
        // SAFETY: at least `size` itself is there.
        let size = unsafe { *handle(command.cast::<u32>().cast_mut())? } as usize;
        if size < size_of::<Self>() {
            return Err(Fault::argument(format!("a command of {size} bytes; {} are known", size_of::<Self>())));
        }
        // SAFETY: so many bytes are there, and every bit pattern is a value of every field.
        Ok(unsafe { command.read_unaligned() })
    }

    /// # Safety
    /// `bytes` is null or points to `length` bytes.
    unsafe fn bytes<'a>(&self) -> Result<&'a [u8], Fault> {
        // SAFETY: the caller's promise.
        unsafe { slice(self.bytes, self.length) }
    }

    /// # Safety
    /// As [`PfControlCommand::bytes`].
    unsafe fn text<'a>(&self) -> Result<&'a str, Fault> {
        // SAFETY: the caller's promise.
        std::str::from_utf8(unsafe { self.bytes()? }).map_err(Fault::argument)
    }

    fn mode(&self) -> Result<Mode, Fault> {
        Mode::new(self.width, self.height, self.hz).map_err(Fault::argument)
    }
}

/// A handle that has a control session in it.
trait Handle {
    type Session: ControlSession;

    fn control(&mut self) -> &mut Control<Self::Session>;
}

fn input(bytes: &[u8]) -> Result<InputEvent, Fault> {
    match ClientDatagram::decode(bytes).map_err(Fault::argument)? {
        ClientDatagram::Input(event) => Ok(event),
        _ => Err(Fault::argument("a datagram that is no input")),
    }
}

/// Runs `act` on a session.
///
/// # Safety
/// `control` is null or a handle.
unsafe fn act<H: Handle>(
    control: *mut H,
    act: impl FnOnce(&mut Control<H::Session>) -> Result<PfStatus, Fault>,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        act(unsafe { handle(control)? }.control())
    })
}

/// # Safety
/// `control` is a handle, `bytes` points to `length` bytes.
unsafe fn handle_stream<H: Handle>(
    control: *mut H,
    (now_ns, clock_ns): (u64, u64),
    bytes: *const u8,
    length: usize,
) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe {
        act(control, |control| {
            let (now, bytes) = (control.clock.instant(now_ns)?, slice(bytes, length)?);
            control.session.handle_stream(now, Timestamp::from_nanos(clock_ns), bytes);
            Ok(PfStatus::Ok)
        })
    }
}

/// # Safety
/// `control` is a handle, `bytes` points to `length` bytes.
unsafe fn handle_datagram<H: Handle>(control: *mut H, now_ns: u64, bytes: *const u8, length: usize) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe {
        act(control, |control| {
            let (now, bytes) = (control.clock.instant(now_ns)?, slice(bytes, length)?);
            control.session.handle_datagram(now, bytes);
            Ok(PfStatus::Ok)
        })
    }
}

/// # Safety
/// `control` is a handle, `reason` points to `length` bytes.
unsafe fn handle_closed<H: Handle>(
    control: *mut H,
    now_ns: u64,
    code: i64,
    (reason, length): (*const u8, usize),
) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe {
        act(control, |control| {
            let (now, reason) = (control.clock.instant(now_ns)?, slice(reason, length)?);
            let code = u32::try_from(code).ok();
            control.session.handle_closed(now, code.map(|code| (code, String::from_utf8_lossy(reason).into_owned())));
            Ok(PfStatus::Ok)
        })
    }
}

/// # Safety
/// `control` is a handle, `out` points to a transmit.
unsafe fn poll_transmit<H: Handle>(control: *mut H, now_ns: u64, clock_ns: u64, out: *mut PfTransmit) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe {
        act(control, |control| {
            let out = handle(out)?;
            let Some(transmit) = control.transmit(now_ns, clock_ns)? else { return Ok(PfStatus::Nothing) };
            *out = transmit;
            Ok(PfStatus::Ok)
        })
    }
}

/// # Safety
/// `control` is a handle, `at_ns` points to a number.
unsafe fn poll_timeout<H: Handle>(control: *mut H, at_ns: *mut u64) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe {
        act(control, |control| {
            let at_ns = handle(at_ns)?;
            let Some(at) = control.session.poll_timeout() else { return Ok(PfStatus::Nothing) };
            *at_ns = control.clock.nanos(at);
            Ok(PfStatus::Ok)
        })
    }
}
