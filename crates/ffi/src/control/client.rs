//! The client's control session.

use std::time::Duration;

use punktfunk_proto::{
    session::{
        ControlSession,
        client_control::{ClientClosed, ClientCommand, ClientControl, ClientEvent},
        media::MediaParams,
    },
    units::Bitrate,
    wire::{Cipher, ClientCaps, CodecSet, Hello, ProbeResult, VideoCaps, Welcome, WireMode},
};

use super::{
    Control, Handle, PfCommandKind, PfControlCommand, PfControlEvent, PfControlEventKind as Kind, PfTransmit, input,
};
use crate::{
    options::{PfCipher, PfMediaOptions},
    pointers::{Clock, free, handle, slice},
    status::{Fault, PfStatus, guard},
};

/// Speaks with a host: Hello to close code.
pub struct PfClientControl(Control<ClientControl>, Option<PfMediaOptions>);

/// What a client asks for. Fill it with 0, then set `size`, the mode and what else you want.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PfHelloOptions {
    /// `sizeof(PfHelloOptions)` as the caller was compiled.
    pub size: u32,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Pictures per second.
    pub hz: u32,
    /// Rate in kbit/s; 0 leaves it to the host.
    pub bitrate_kbps: u32,
    /// How long the host may take to admit us, in milliseconds; 0 for the protocol's 185 seconds.
    pub patience_ms: u32,
    /// `video_caps`: 8 wants host timing, 16 understands filler, 32 and 128 streamed units, 64 ChaCha20.
    pub video_caps: u8,
    /// `client_caps`.
    pub client_caps: u8,
    /// Codecs that are decoded: 1 H.264, 2 HEVC, 4 AV1. 0 means HEVC.
    pub codecs: u8,
    /// One of them that is preferred, or 0.
    pub preferred_codec: u8,
    /// Largest shard that can change mid-stream; 0 for never.
    pub max_shard_payload: u16,
    /// 0.
    pub reserved: u16,
    /// The device's name: UTF-8, at most 64 bytes.
    pub name: *const u8,
    /// How many bytes; 0 for none.
    pub name_length: usize,
}

/// What an approval may take (spec section 1.2).
const PATIENCE: Duration = Duration::from_secs(185);

/// Begins a session on a connection that is open: its first transmit is Hello.
///
/// # Safety
/// `options` points to as many bytes as its `size` says, its name to as many as its length; `out` to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_new(
    options: *const PfHelloOptions,
    now_ns: u64,
    out: *mut *mut PfClientControl,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (out, options) = unsafe { (handle(out)?, PfHelloOptions::read(options)?) };
        // SAFETY: the caller's promise.
        let hello = options.hello(unsafe { slice(options.name, options.name_length)? })?;
        let clock = Clock::new();
        let patience = match options.patience_ms {
            0 => PATIENCE,
            ms => Duration::from_millis(u64::from(ms)),
        };
        let session = ClientControl::new(clock.instant(now_ns)?, &hello, patience);
        *out = Box::into_raw(Box::new(PfClientControl(Control::new(session, clock), None)));
        Ok(PfStatus::Ok)
    })
}

impl PfHelloOptions {
    /// # Safety
    /// `options` is null or points to as many bytes as its `size` says.
    unsafe fn read(options: *const Self) -> Result<Self, Fault> {
        // SAFETY: at least `size` itself is there.
        let size = unsafe { *handle(options.cast::<u32>().cast_mut())? } as usize;
        if size < size_of::<Self>() {
            return Err(Fault::argument(format!("options of {size} bytes; {} are known", size_of::<Self>())));
        }
        // SAFETY: so many bytes are there, and every bit pattern is a value of every field.
        Ok(unsafe { options.read_unaligned() })
    }

    fn hello(&self, name: &[u8]) -> Result<Hello, Fault> {
        if name.len() > punktfunk_proto::wire::MAX_NAME_LEN {
            return Err(Fault::argument("a name has at most 64 bytes"));
        }
        let name = std::str::from_utf8(name).map_err(Fault::argument)?;
        Ok(Hello {
            bitrate_kbps: self.bitrate_kbps,
            name: (!name.is_empty()).then(|| name.to_owned()),
            video_caps: VideoCaps::from_bits(self.video_caps),
            client_caps: ClientCaps::from_bits(self.client_caps),
            codecs: CodecSet::from_bits(self.codecs),
            preferred_codec: CodecSet::from_bits(self.preferred_codec),
            max_shard_payload: self.max_shard_payload,
            ..Hello::new(WireMode { width: self.width, height: self.height, hz: self.hz })
        })
    }
}

/// What the media session needs of the host's Welcome. `PfStatus::Nothing` before there is one.
///
/// # Safety
/// `control` is a handle, `options` points to media options.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_media_options(
    control: *mut PfClientControl,
    options: *mut PfMediaOptions,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (control, options) = unsafe { (handle(control)?, handle(options)?) };
        let Some(known) = control.1 else { return Ok(PfStatus::Nothing) };
        *options = known;
        Ok(PfStatus::Ok)
    })
}

/// Ends a session; the connection is yours to close.
///
/// # Safety
/// `control` is null or a handle that is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_free(control: *mut PfClientControl) {
    // SAFETY: the caller's promise.
    guard(|| unsafe {
        free(control);
        Ok(PfStatus::Ok)
    });
}

/// Bytes arrived on the control stream, in pieces of any size. `clock_ns` is the real-time clock now.
///
/// # Safety
/// `control` is a handle, `bytes` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_handle_stream(
    control: *mut PfClientControl,
    now_ns: u64,
    clock_ns: u64,
    bytes: *const u8,
    length: usize,
) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe { super::handle_stream(control, (now_ns, clock_ns), bytes, length) }
}

/// The peer finished or reset its half of the control stream.
///
/// # Safety
/// `control` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_handle_stream_end(control: *mut PfClientControl, now_ns: u64) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe {
        super::act(control, |control| {
            control.session.handle_stream_end(control.clock.instant(now_ns)?);
            Ok(PfStatus::Ok)
        })
    }
}

/// A QUIC datagram arrived.
///
/// # Safety
/// `control` is a handle, `bytes` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_handle_datagram(
    control: *mut PfClientControl,
    now_ns: u64,
    bytes: *const u8,
    length: usize,
) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe { super::handle_datagram(control, now_ns, bytes, length) }
}

/// The connection is gone: the peer's application code and reason, or a negative `code` when it was lost.
///
/// # Safety
/// `control` is a handle, `reason` points to `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_handle_closed(
    control: *mut PfClientControl,
    now_ns: u64,
    code: i64,
    reason: *const u8,
    length: usize,
) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe { super::handle_closed(control, now_ns, code, (reason, length)) }
}

/// Call it when `pf_client_control_poll_timeout` has come.
///
/// # Safety
/// `control` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_handle_timeout(control: *mut PfClientControl, now_ns: u64) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe {
        super::act(control, |control| {
            control.session.handle_timeout(control.clock.instant(now_ns)?);
            Ok(PfStatus::Ok)
        })
    }
}

/// When `pf_client_control_handle_timeout` is next due. `PfStatus::Nothing` when never.
///
/// # Safety
/// `control` is a handle, `at_ns` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_poll_timeout(control: *mut PfClientControl, at_ns: *mut u64) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe { super::poll_timeout(control, at_ns) }
}

/// The next thing to do on the connection. Take them all after every other call. `clock_ns` is the real-time clock now.
///
/// # Safety
/// `control` is a handle, `transmit` points to one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_poll_transmit(
    control: *mut PfClientControl,
    now_ns: u64,
    clock_ns: u64,
    transmit: *mut PfTransmit,
) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe { super::poll_transmit(control, now_ns, clock_ns, transmit) }
}

/// The next thing the session tells. Take them all after the transmits.
///
/// # Safety
/// `control` is a handle, `event` points to one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_poll_event(
    control: *mut PfClientControl,
    event: *mut PfControlEvent,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (control, out) = unsafe { (handle(control)?, handle(event)?) };
        let Some(event) = control.0.session.poll_event() else { return Ok(PfStatus::Nothing) };
        if let ClientEvent::Welcomed(welcome) = &event {
            control.1 = Some(media_options(welcome));
        }
        let told = told(event);
        *out = control.0.tell(told);
        Ok(PfStatus::Ok)
    })
}

/// Tells the session something.
///
/// # Safety
/// `control` is a handle; `command` points to as many bytes as its `size` says, and its pointers to what they name.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_client_control_command(
    control: *mut PfClientControl,
    now_ns: u64,
    command: *const PfControlCommand,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (control, command) = unsafe { (handle(control)?, PfControlCommand::read(command)?) };
        // SAFETY: the caller's promise.
        let command = unsafe { command_of(&command)? };
        control.0.session.handle_command(control.0.clock.instant(now_ns)?, command);
        Ok(PfStatus::Ok)
    })
}

impl Handle for PfClientControl {
    type Session = ClientControl;

    fn control(&mut self) -> &mut Control<ClientControl> {
        &mut self.0
    }
}

fn media_options(welcome: &Welcome) -> PfMediaOptions {
    let params = MediaParams::from_welcome(welcome);
    let mut key = [0; 32];
    let cipher = match &welcome.cipher {
        _ if !welcome.encrypted => PfCipher::None,
        Cipher::Aes128Gcm => {
            key[..16].copy_from_slice(welcome.aes_key.expose());
            PfCipher::Aes128Gcm
        }
        Cipher::ChaCha20Poly1305(secret) => {
            key = *secret.expose();
            PfCipher::Chacha20
        }
    };
    PfMediaOptions {
        size: size_of::<PfMediaOptions>() as u32,
        bitrate_kbps: welcome.bitrate_kbps,
        max_frame_bytes: params.max_frame_bytes as u64,
        max_block_shards: params.max_block_shards,
        shard_payload: params.shard_payload,
        fec_scheme: params.fec_scheme.id(),
        fec_percent: params.fec_percent,
        fec_start_percent: params.fec_percent,
        cipher: cipher as u8,
        key,
        salt: welcome.salt,
        reserved: [0; 4],
    }
}

fn millis(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn told(event: ClientEvent) -> (PfControlEvent, Vec<u8>) {
    let of = PfControlEvent::of;
    let event = match event {
        ClientEvent::Welcomed(welcome) => PfControlEvent {
            port: u32::from(welcome.media_port),
            kbps: welcome.bitrate_kbps,
            codecs: u32::from(welcome.codec.as_set().bits()),
            grants: welcome.grants.bits(),
            ..of(Kind::Welcomed).with_mode(welcome.mode)
        },
        ClientEvent::Ready(None) => of(Kind::Ready),
        ClientEvent::Ready(Some(clock)) => PfControlEvent {
            flag: 1,
            offset_ns: clock.offset.nanos(),
            rtt_ns: clock.rtt.as_nanos() as u64,
            ..of(Kind::Ready)
        },
        ClientEvent::ClockUpdated(clock) => PfControlEvent {
            offset_ns: clock.offset.nanos(),
            rtt_ns: clock.rtt.as_nanos() as u64,
            ..of(Kind::ClockUpdated)
        },
        ClientEvent::Reconfigured { accepted, mode } => {
            PfControlEvent { flag: u32::from(accepted), ..of(Kind::Reconfigured).with_mode(mode) }
        }
        ClientEvent::BitrateChanged(rate) => PfControlEvent { kbps: rate.kbps(), ..of(Kind::BitrateChanged) },
        ClientEvent::ProbeResult(ProbeResult { bytes, units, duration_ms, wire_packets, send_dropped }) => {
            let (first, last, ppm) = (units, wire_packets, send_dropped);
            PfControlEvent { sent_bytes: bytes, first, duration_ms, last, ppm, ..of(Kind::ProbeResult) }
        }
        ClientEvent::PipelineGap(gap) => PfControlEvent { duration_ms: millis(gap), ..of(Kind::PipelineGap) },
        ClientEvent::AccessChanged { grants, remaining } => {
            let duration_ms = remaining.map_or(0, millis);
            PfControlEvent { grants: grants.bits(), duration_ms, ..of(Kind::AccessChanged) }
        }
        ClientEvent::SuccessorAnnounced(print) => return (of(Kind::SuccessorAnnounced), print.as_bytes().to_vec()),
        ClientEvent::HostTiming(timing) => {
            PfControlEvent { pts_ns: timing.pts.nanos(), duration_us: timing.total_us, ..of(Kind::HostTiming) }
        }
        ClientEvent::Closed(how) => {
            let (flag, code, words) = match how {
                ClientClosed::ByHost { code, reason } => (0, code, reason),
                ClientClosed::ByUs => (1, 0, String::new()),
                ClientClosed::Lost => (2, 0, String::new()),
                ClientClosed::Misbehaved(words) => (3, 0, words),
            };
            return (PfControlEvent { flag, code, ..of(Kind::Closed) }, words.into_bytes());
        }
    };
    (event, Vec::new())
}

/// # Safety
/// The command's pointers point to what they name.
unsafe fn command_of(command: &PfControlCommand) -> Result<ClientCommand, Fault> {
    let is = |kind: PfCommandKind| command.kind == kind as u32;
    let PfControlCommand { first, last, ppm, kbps, .. } = *command;
    Ok(if is(PfCommandKind::Start) {
        ClientCommand::Start { media_port: u16::try_from(command.port).map_err(Fault::argument)? }
    } else if is(PfCommandKind::Reconfigure) {
        ClientCommand::Reconfigure(command.mode()?)
    } else if is(PfCommandKind::RequestKeyframe) {
        ClientCommand::RequestKeyframe
    } else if is(PfCommandKind::FramesLost) {
        ClientCommand::FramesLost { first, last }
    } else if is(PfCommandKind::ReportLoss) {
        ClientCommand::ReportLoss { ppm }
    } else if is(PfCommandKind::SetBitrate) {
        ClientCommand::SetBitrate(Bitrate::from_kbps(kbps))
    } else if is(PfCommandKind::Probe) {
        let duration = Duration::from_millis(u64::from(command.duration_ms));
        ClientCommand::Probe { rate: Bitrate::from_kbps(kbps), duration }
    } else if is(PfCommandKind::Input) {
        // SAFETY: the caller's promise.
        ClientCommand::Input(input(unsafe { command.bytes()? })?)
    } else if is(PfCommandKind::Close) {
        ClientCommand::Close { quit: command.flag != 0 }
    } else {
        return Err(Fault::argument("no command of a client"));
    })
}
