//! The host's control session.

use std::time::Duration;

use punktfunk_proto::{
    session::{
        ControlSession,
        host_control::{Admission, HostClosed, HostCommand, HostControl, HostEvent},
    },
    units::{Bitrate, Fingerprint},
    wire::{
        AudioFormat, Chroma, Cipher, CloseCode, Codec, Colour, FecScheme, Grants, Hello, HostCaps, ProbeResult, Secret,
        VERSION, Welcome, WireMode, datagram::ClientDatagram,
    },
};

use super::{Control, Handle, PfCommandKind, PfControlCommand, PfControlEvent, PfControlEventKind as Kind, PfTransmit};
use crate::{
    options::{self, PfCipher, PfMediaOptions},
    pairing::{PF_ENTROPY_BYTES, PF_FINGERPRINT_BYTES},
    pointers::{Clock, free, handle, slice},
    status::{Fault, PfStatus, guard},
};

/// Speaks with a client: its first message to the close code.
pub struct PfHostControl(Control<HostControl>);

/// What a client that is admitted gets. Fill it with 0, then set `size` and everything else.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct PfAdmission {
    /// `sizeof(PfAdmission)` as the caller was compiled.
    pub size: u32,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Pictures per second.
    pub hz: u32,
    /// The rate to begin with, in kbit/s.
    pub bitrate_kbps: u32,
    /// The most a client may ask for; 0 for `bitrate_kbps`.
    pub max_bitrate_kbps: u32,
    /// Grant bits.
    pub grants: u32,
    /// Seconds until access ends; 0 for never.
    pub access_expires_s: u32,
    /// The host's UDP port for media.
    pub media_port: u16,
    /// The codec: 1 H.264, 2 HEVC, 4 AV1.
    pub codec: u8,
    /// 2, 6 or 8.
    pub audio_channels: u8,
    /// 0.
    pub reserved: u32,
    /// The media session's options, its key among them: fresh random bytes for every session. `max_frame_bytes` and
    /// `fec_start_percent` stay here, they are not told.
    pub media: PfMediaOptions,
}

/// Begins a session on a connection that a client opened. `client_fp` is the fingerprint of the certificate it showed, or
/// null; `host_fp` that of ours.
///
/// # Safety
/// The fingerprints point to `PF_FINGERPRINT_BYTES`, `out` to a pointer.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_control_new(
    client_fp: *const u8,
    host_fp: *const u8,
    now_ns: u64,
    out: *mut *mut PfHostControl,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (out, host) = unsafe { (handle(out)?, fingerprint(host_fp)?) };
        // SAFETY: null or the caller's promise.
        let client = if client_fp.is_null() { None } else { Some(unsafe { fingerprint(client_fp)? }) };
        let clock = Clock::new();
        let session = HostControl::new(clock.instant(now_ns)?, client, host);
        *out = Box::into_raw(Box::new(PfHostControl(Control::new(session, clock))));
        Ok(PfStatus::Ok)
    })
}

/// # Safety
/// `bytes` is null or points to `PF_FINGERPRINT_BYTES`.
unsafe fn fingerprint(bytes: *const u8) -> Result<Fingerprint, Fault> {
    // SAFETY: the caller's promise.
    let bytes = unsafe { slice(bytes, PF_FINGERPRINT_BYTES)? };
    Ok(Fingerprint::from_bytes(bytes.try_into().expect("as long as a fingerprint")))
}

/// Admits the client that said Hello.
///
/// # Safety
/// `control` is a handle, `admission` points to as many bytes as its `size` says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_control_accept(
    control: *mut PfHostControl,
    now_ns: u64,
    admission: *const PfAdmission,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (control, admission) = unsafe { (handle(control)?, PfAdmission::read(admission)?) };
        let command = HostCommand::Accept(Box::new(admission.admission()?));
        control.0.session.handle_command(control.0.clock.instant(now_ns)?, command);
        Ok(PfStatus::Ok)
    })
}

impl PfAdmission {
    /// # Safety
    /// `admission` is null or points to as many bytes as its `size` says.
    unsafe fn read(admission: *const Self) -> Result<Self, Fault> {
        // SAFETY: at least `size` itself is there.
        let size = unsafe { *handle(admission.cast::<u32>().cast_mut())? } as usize;
        if size < size_of::<Self>() {
            return Err(Fault::argument(format!("an admission of {size} bytes; {} are known", size_of::<Self>())));
        }
        // SAFETY: so many bytes are there, and every bit pattern is a value of every field.
        Ok(unsafe { admission.read_unaligned() })
    }

    fn admission(&self) -> Result<Admission, Fault> {
        let media = options::checked(self.media)?;
        media.params()?.validate().map_err(Fault::argument)?;
        let codec = Codec::from_bit(self.codec).ok_or_else(|| Fault::argument("an unknown codec"))?;
        let fec_scheme =
            FecScheme::from_id(media.fec_scheme).ok_or_else(|| Fault::argument("an unknown fec_scheme"))?;
        let aes = media.key.first_chunk().expect("sixteen of thirty-two bytes");
        let is_chacha = media.cipher == PfCipher::Chacha20 as u8;
        let welcome = Welcome {
            version: VERSION,
            media_port: self.media_port,
            mode: WireMode { width: self.width, height: self.height, hz: self.hz },
            fec_scheme,
            fec_percent: media.fec_percent,
            max_block_shards: media.max_block_shards,
            shard_payload: media.shard_payload,
            encrypted: media.cipher != PfCipher::None as u8,
            aes_key: Secret::from(*aes),
            salt: media.salt,
            frames: 0,
            compositor: Default::default(),
            gamepad: Default::default(),
            bitrate_kbps: self.bitrate_kbps,
            bit_depth: 8,
            colour: Colour::default(),
            chroma: Chroma::default(),
            audio_channels: self.audio_channels,
            codec,
            host_caps: HostCaps::default(),
            cipher: if is_chacha { Cipher::ChaCha20Poly1305(Secret::from(media.key)) } else { Cipher::Aes128Gcm },
            mgmt_port: 0,
            grants: Grants::from_bits(self.grants),
            access_expires_s: self.access_expires_s,
            audio: AudioFormat::default(),
        };
        welcome.validate().map_err(Fault::argument)?;
        let default_bitrate = Bitrate::from_kbps(self.bitrate_kbps);
        let bitrate_ceiling = Bitrate::from_kbps(self.max_bitrate_kbps).max(default_bitrate);
        Ok(Admission { welcome, default_bitrate, bitrate_ceiling, mode_is_fixed: false })
    }
}

/// Ends a session; the connection is yours to close.
///
/// # Safety
/// `control` is null or a handle that is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_control_free(control: *mut PfHostControl) {
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
pub unsafe extern "C" fn pf_host_control_handle_stream(
    control: *mut PfHostControl,
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
pub unsafe extern "C" fn pf_host_control_handle_stream_end(control: *mut PfHostControl, now_ns: u64) -> PfStatus {
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
pub unsafe extern "C" fn pf_host_control_handle_datagram(
    control: *mut PfHostControl,
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
pub unsafe extern "C" fn pf_host_control_handle_closed(
    control: *mut PfHostControl,
    now_ns: u64,
    code: i64,
    reason: *const u8,
    length: usize,
) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe { super::handle_closed(control, now_ns, code, (reason, length)) }
}

/// Call it when `pf_host_control_poll_timeout` has come.
///
/// # Safety
/// `control` is a handle.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_control_handle_timeout(control: *mut PfHostControl, now_ns: u64) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe {
        super::act(control, |control| {
            control.session.handle_timeout(control.clock.instant(now_ns)?);
            Ok(PfStatus::Ok)
        })
    }
}

/// When `pf_host_control_handle_timeout` is next due. `PfStatus::Nothing` when never.
///
/// # Safety
/// `control` is a handle, `at_ns` points to a number.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_control_poll_timeout(control: *mut PfHostControl, at_ns: *mut u64) -> PfStatus {
    // SAFETY: the caller's promise.
    unsafe { super::poll_timeout(control, at_ns) }
}

/// The next thing to do on the connection. Take them all after every other call. `clock_ns` is the real-time clock now.
///
/// # Safety
/// `control` is a handle, `transmit` points to one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn pf_host_control_poll_transmit(
    control: *mut PfHostControl,
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
pub unsafe extern "C" fn pf_host_control_poll_event(
    control: *mut PfHostControl,
    event: *mut PfControlEvent,
) -> PfStatus {
    guard(|| {
        // SAFETY: the caller's promise.
        let (control, out) = unsafe { (handle(control)?, handle(event)?) };
        let Some(event) = control.0.session.poll_event() else { return Ok(PfStatus::Nothing) };
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
pub unsafe extern "C" fn pf_host_control_command(
    control: *mut PfHostControl,
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

impl Handle for PfHostControl {
    type Session = HostControl;

    fn control(&mut self) -> &mut Control<HostControl> {
        &mut self.0
    }
}

fn told(event: HostEvent) -> (PfControlEvent, Vec<u8>) {
    let of = PfControlEvent::of;
    let named = |kind, name: Option<String>| (of(kind), name.unwrap_or_default().into_bytes());
    let event = match event {
        HostEvent::Hello(hello) => return greeted(*hello),
        HostEvent::PairingRequested { name } => return named(Kind::PairingRequested, name),
        HostEvent::PairingProven { name } => return named(Kind::PairingProven, name),
        HostEvent::PairingAnswered => of(Kind::PairingAnswered),
        HostEvent::PairingMalformed => of(Kind::PairingMalformed),
        HostEvent::PairingFailed => of(Kind::PairingFailed),
        HostEvent::Started { media_port } => PfControlEvent { port: u32::from(media_port), ..of(Kind::Started) },
        HostEvent::ModeChanged(mode) => of(Kind::ModeChanged).with_mode(mode.into()),
        HostEvent::KeyframeRequested => of(Kind::KeyframeRequested),
        HostEvent::FramesLost { first, last } => PfControlEvent { first, last, ..of(Kind::FramesLost) },
        HostEvent::Loss { ppm } => PfControlEvent { ppm, ..of(Kind::Loss) },
        HostEvent::BitrateChanged(rate) => PfControlEvent { kbps: rate.kbps(), ..of(Kind::BitrateChanged) },
        HostEvent::ProbeRequested { rate, duration } => {
            let duration_ms = u32::try_from(duration.as_millis()).unwrap_or(u32::MAX);
            PfControlEvent { kbps: rate.kbps(), duration_ms, ..of(Kind::ProbeRequested) }
        }
        HostEvent::Input(event) => return (of(Kind::Input), ClientDatagram::Input(event).encode()),
        HostEvent::Closed(how) => {
            let (flag, code, words) = match how {
                HostClosed::ByClient { code } => (0, code, String::new()),
                HostClosed::ByHost { code, reason } => (1, code.code(), reason),
                HostClosed::Lost => (2, 0, String::new()),
            };
            return (PfControlEvent { flag, code, ..of(Kind::Closed) }, words.into_bytes());
        }
    };
    (event, Vec::new())
}

fn greeted(hello: Hello) -> (PfControlEvent, Vec<u8>) {
    let event = PfControlEvent {
        kbps: hello.bitrate_kbps,
        codecs: u32::from(hello.codecs.bits()),
        video_caps: u32::from(hello.video_caps.bits()),
        ..PfControlEvent::of(Kind::Hello).with_mode(hello.mode)
    };
    (event, hello.name.unwrap_or_default().into_bytes())
}

/// # Safety
/// The command's pointers point to what they name.
unsafe fn command_of(command: &PfControlCommand) -> Result<HostCommand, Fault> {
    let is = |kind: PfCommandKind| command.kind == kind as u32;
    let duration = Duration::from_millis(u64::from(command.duration_ms));
    Ok(if is(PfCommandKind::Refuse) {
        let code = CloseCode::try_from(command.code).map_err(|_| Fault::argument("an unknown close code"))?;
        // SAFETY: the caller's promise.
        HostCommand::Refuse { code, reason: unsafe { command.text()? }.to_owned() }
    } else if is(PfCommandKind::ModeInForce) {
        HostCommand::ModeInForce(command.mode()?)
    } else if is(PfCommandKind::BitrateInForce) {
        HostCommand::BitrateInForce(Bitrate::from_kbps(command.kbps))
    } else if is(PfCommandKind::PipelineGap) {
        HostCommand::PipelineGap(duration)
    } else if is(PfCommandKind::ProbeDone) {
        HostCommand::ProbeDone(ProbeResult {
            bytes: command.sent_bytes,
            units: command.first,
            duration_ms: command.duration_ms,
            wire_packets: command.last,
            send_dropped: command.ppm,
        })
    } else if is(PfCommandKind::AccessChanged) {
        let remaining = (!duration.is_zero()).then_some(duration);
        HostCommand::AccessChanged { grants: Grants::from_bits(command.grants), remaining }
    } else if is(PfCommandKind::Datagram) {
        // SAFETY: the caller's promise.
        HostCommand::Datagram(unsafe { command.bytes()? }.to_vec())
    } else if is(PfCommandKind::BeginPairing) {
        // SAFETY: the caller's promise.
        let (secret, seed) = unsafe { (command.text()?, slice(command.entropy, PF_ENTROPY_BYTES)?) };
        let secret = secret.parse().map_err(|_| Fault::argument("a secret is the four digits of a PIN, or a token"))?;
        HostCommand::BeginPairing { secret, seed: seed.try_into().expect("as long as it has to be") }
    } else if is(PfCommandKind::SendChallenge) {
        HostCommand::SendChallenge
    } else if is(PfCommandKind::PairingStored) {
        HostCommand::PairingStored { ok: command.flag != 0 }
    } else {
        return Err(Fault::argument("no command of a host"));
    })
}
