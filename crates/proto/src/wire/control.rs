//! Typed messages of the control stream (spec sections 2.5, 3.2 and 5.8).

use super::bytes::Reader;
use super::messages::clipboard::{ClipFetch, ClipFetchHeader, ClipOffer, ClipState};
use super::messages::cursor::CursorShape;
use super::messages::pairing::{PairChallenge, PairProof, PairRequest};
use super::messages::report::{PhaseReport, ProbeResult};
use super::{Grants, MAGIC_CONTROL, WireError, WireMode};
use crate::units::{ClientTime, Fingerprint, HostTime};

/// A typed message. c→h is sent by clients, h→c by hosts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlMessage {
    /// c→h: change the mode.
    Reconfigure(WireMode),
    /// h→c: the mode in force, and whether that is what was asked for.
    Reconfigured {
        /// Whether the request was accepted; if not, nothing changed.
        accepted: bool,
        /// The mode in force.
        mode: WireMode,
    },
    /// c→h: make the next frame an IDR.
    RequestKeyframe,
    /// c→h, every 750 ms: loss since the last report.
    LossReport {
        /// Lost datagrams per million.
        ppm: u32,
    },
    /// c→h: change the bitrate.
    SetBitrate {
        /// kbit/s; 0: the host's default.
        kbps: u32,
    },
    /// h→c: the bitrate now in force.
    BitrateChanged {
        /// kbit/s.
        kbps: u32,
    },
    /// c→h: these frames are lost, do not refer to them.
    RfiRequest {
        /// First lost `frame_index`.
        first: u32,
        /// Last lost `frame_index`; wraps past zero.
        last: u32,
    },
    /// h→c: shards change their size.
    ShardPayloadChanged {
        /// New size in bytes.
        bytes: u16,
    },
    /// c→h: the new shard size is fine.
    ShardPayloadAck {
        /// The size acknowledged, in bytes.
        bytes: u16,
    },
    /// h→c: capture or encoder were rebuilt.
    PipelineGap {
        /// For how long nothing was sent, in milliseconds.
        ms: u32,
    },
    /// c→h: opens a pairing ceremony.
    PairRequest(PairRequest),
    /// h→c: answers it.
    PairChallenge(PairChallenge),
    /// c→h: proves the PIN.
    PairProof(PairProof),
    /// h→c: ends the ceremony.
    PairResult {
        /// Whether the device is paired now.
        paired: bool,
    },
    /// c→h: measure the path.
    ProbeRequest {
        /// Rate to send at, in kbit/s.
        target_kbps: u32,
        /// For how long, in milliseconds.
        duration_ms: u32,
    },
    /// h→c: what was sent.
    ProbeResult(ProbeResult),
    /// c→h: what time is it?
    ClockProbe {
        /// When the client sent it.
        t1: ClientTime,
    },
    /// h→c: this late.
    ClockEcho {
        /// Copied from the probe.
        t1: ClientTime,
        /// When the probe arrived.
        t2: HostTime,
        /// When the echo was sent.
        t3: HostTime,
    },
    /// c→h: when the client's display latches.
    PhaseReport(PhaseReport),
    /// c→h: share the clipboard, or stop.
    ClipControl {
        /// Whether to share it.
        enabled: bool,
        /// Bit 0: files too.
        flags: u8,
    },
    /// h→c: whether it is shared.
    ClipState(ClipState),
    /// Either way: new clipboard content.
    ClipOffer(ClipOffer),
    /// Either way, on a fetch stream.
    ClipFetch(ClipFetch),
    /// Either way, on a fetch stream.
    ClipFetchHeader(ClipFetchHeader),
    /// h→c: the pointer's picture.
    CursorShape(CursorShape),
    /// c→h: who draws the pointer.
    CursorRenderMode {
        /// The client does.
        client_draws: bool,
    },
    /// h→c: the device's access changed, or ends soon.
    AccessUpdate {
        /// What it may do now.
        grants: Grants,
        /// Seconds left; 0: for good.
        remaining_s: u32,
    },
    /// h→c: the host will show this certificate from some later start on. An extension of ours, told over a session
    /// that is authenticated by the current one; others ignore its type (spec section 2.1).
    HostSuccessor {
        /// SHA-256 of the certificate to come.
        fingerprint: Fingerprint,
    },
}

impl ControlMessage {
    /// Reads a payload of the control stream, of exactly the length the specification gives.
    ///
    /// # Errors
    /// On an unknown type, a wrong length or a value out of range. Outside a ceremony a peer's broken typed
    /// message is to be ignored (spec section 2.1).
    pub fn decode(payload: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new("control message", payload);
        if reader.array("magic")? != *MAGIC_CONTROL {
            return Err(WireError::Magic { message: "control message" });
        }
        let kind = reader.u8("type")?;
        let mut reader = Reader::new(kind::name(kind), reader.remaining());
        let message = Self::read(kind, &mut reader)?;
        reader.finish()?;
        Ok(message)
    }

    fn read(kind: u8, reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match kind {
            kind::RECONFIGURE => Self::Reconfigure(WireMode::read(reader)?),
            kind::RECONFIGURED => {
                Self::Reconfigured { accepted: reader.flag("accepted")?, mode: WireMode::read(reader)? }
            }
            kind::REQUEST_KEYFRAME => Self::RequestKeyframe,
            kind::LOSS_REPORT => Self::LossReport { ppm: reader.u32("loss")? },
            kind::SET_BITRATE => Self::SetBitrate { kbps: reader.u32("bitrate")? },
            kind::BITRATE_CHANGED => Self::BitrateChanged { kbps: reader.u32("bitrate")? },
            kind::RFI_REQUEST => Self::RfiRequest { first: reader.u32("first")?, last: reader.u32("last")? },
            kind::SHARD_PAYLOAD_CHANGED => Self::ShardPayloadChanged { bytes: reader.u16("shard payload")? },
            kind::SHARD_PAYLOAD_ACK => Self::ShardPayloadAck { bytes: reader.u16("shard payload")? },
            kind::PIPELINE_GAP => Self::PipelineGap { ms: reader.u32("gap")? },
            kind::PAIR_REQUEST..=kind::PAIR_RESULT => Self::read_pairing(kind, reader)?,
            kind::PROBE_REQUEST..=kind::PHASE_REPORT => Self::read_measurement(kind, reader)?,
            kind::CLIP_CONTROL..=kind::CLIP_FETCH_HEADER => Self::read_clipboard(kind, reader)?,
            kind::CURSOR_SHAPE => Self::CursorShape(CursorShape::read(reader)?),
            kind::CURSOR_RENDER_MODE => Self::CursorRenderMode { client_draws: reader.flag("client draws")? },
            kind::ACCESS_UPDATE => Self::AccessUpdate {
                grants: Grants::from_bits(reader.u32("grants")?),
                remaining_s: reader.u32("remaining time")?,
            },
            kind::HOST_SUCCESSOR => {
                Self::HostSuccessor { fingerprint: Fingerprint::from_bytes(reader.array("fingerprint")?) }
            }
            other => return Err(unknown(other)),
        })
    }

    fn read_pairing(kind: u8, reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match kind {
            kind::PAIR_REQUEST => Self::PairRequest(PairRequest::read(reader)?),
            kind::PAIR_CHALLENGE => Self::PairChallenge(PairChallenge::read(reader)?),
            kind::PAIR_PROOF => Self::PairProof(PairProof { confirmation: reader.array("confirmation")? }),
            kind::PAIR_RESULT => Self::PairResult { paired: reader.flag("result")? },
            other => return Err(unknown(other)),
        })
    }

    fn read_measurement(kind: u8, reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match kind {
            kind::PROBE_REQUEST => {
                Self::ProbeRequest { target_kbps: reader.u32("rate")?, duration_ms: reader.u32("duration")? }
            }
            kind::PROBE_RESULT => Self::ProbeResult(ProbeResult::read(reader)?),
            kind::CLOCK_PROBE => Self::ClockProbe { t1: ClientTime::from_nanos(reader.u64("t1")?) },
            kind::CLOCK_ECHO => Self::ClockEcho {
                t1: ClientTime::from_nanos(reader.u64("t1")?),
                t2: HostTime::from_nanos(reader.u64("t2")?),
                t3: HostTime::from_nanos(reader.u64("t3")?),
            },
            kind::PHASE_REPORT => Self::PhaseReport(PhaseReport::read(reader)?),
            other => return Err(unknown(other)),
        })
    }

    fn read_clipboard(kind: u8, reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(match kind {
            kind::CLIP_CONTROL => Self::ClipControl { enabled: reader.flag("enabled")?, flags: reader.u8("flags")? },
            kind::CLIP_STATE => Self::ClipState(ClipState {
                enabled: reader.flag("enabled")?,
                policy: reader.u8("policy")?,
                reason: reader.u8("reason")?.into(),
            }),
            kind::CLIP_OFFER => Self::ClipOffer(ClipOffer::read(reader)?),
            kind::CLIP_FETCH => Self::ClipFetch(ClipFetch::read(reader)?),
            kind::CLIP_FETCH_HEADER => Self::ClipFetchHeader(ClipFetchHeader::read(reader)?),
            other => return Err(unknown(other)),
        })
    }

    /// The payload, unframed.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        out.extend_from_slice(MAGIC_CONTROL);
        out.push(self.kind());
        match self {
            Self::RequestKeyframe => {}
            Self::Reconfigure(mode) => mode.put(&mut out),
            Self::Reconfigured { accepted, mode } => {
                out.push((*accepted).into());
                mode.put(&mut out);
            }
            Self::LossReport { ppm: number }
            | Self::SetBitrate { kbps: number }
            | Self::BitrateChanged { kbps: number }
            | Self::PipelineGap { ms: number } => out.extend_from_slice(&number.to_le_bytes()),
            Self::RfiRequest { first: one, last: two } | Self::ProbeRequest { target_kbps: one, duration_ms: two } => {
                put_two(&mut out, *one, *two)
            }
            Self::AccessUpdate { grants, remaining_s } => put_two(&mut out, grants.bits(), *remaining_s),
            Self::HostSuccessor { fingerprint } => out.extend_from_slice(fingerprint.as_bytes()),
            Self::ShardPayloadChanged { bytes } | Self::ShardPayloadAck { bytes } => {
                out.extend_from_slice(&bytes.to_le_bytes());
            }
            Self::PairRequest(body) => body.put(&mut out),
            Self::PairChallenge(body) => body.put(&mut out),
            Self::PairProof(body) => out.extend_from_slice(&body.confirmation),
            Self::PairResult { paired: flag } | Self::CursorRenderMode { client_draws: flag } => {
                out.push((*flag).into());
            }
            Self::ProbeResult(body) => body.put(&mut out),
            Self::ClockProbe { t1 } => out.extend_from_slice(&t1.nanos().to_le_bytes()),
            Self::ClockEcho { t1, t2, t3 } => {
                for nanos in [t1.nanos(), t2.nanos(), t3.nanos()] {
                    out.extend_from_slice(&nanos.to_le_bytes());
                }
            }
            Self::PhaseReport(body) => body.put(&mut out),
            Self::ClipControl { enabled, flags } => out.extend_from_slice(&[(*enabled).into(), *flags]),
            Self::ClipState(body) => {
                out.extend_from_slice(&[body.enabled.into(), body.policy, body.reason as u8]);
            }
            Self::ClipOffer(body) => body.put(&mut out),
            Self::ClipFetch(body) => body.put(&mut out),
            Self::ClipFetchHeader(body) => {
                out.push(body.status as u8);
                out.extend_from_slice(&body.total.to_le_bytes());
            }
            Self::CursorShape(body) => body.put(&mut out),
        }
        out
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Reconfigure(_) => kind::RECONFIGURE,
            Self::Reconfigured { .. } => kind::RECONFIGURED,
            Self::RequestKeyframe => kind::REQUEST_KEYFRAME,
            Self::LossReport { .. } => kind::LOSS_REPORT,
            Self::SetBitrate { .. } => kind::SET_BITRATE,
            Self::BitrateChanged { .. } => kind::BITRATE_CHANGED,
            Self::RfiRequest { .. } => kind::RFI_REQUEST,
            Self::ShardPayloadChanged { .. } => kind::SHARD_PAYLOAD_CHANGED,
            Self::ShardPayloadAck { .. } => kind::SHARD_PAYLOAD_ACK,
            Self::PipelineGap { .. } => kind::PIPELINE_GAP,
            Self::PairRequest(_) => kind::PAIR_REQUEST,
            Self::PairChallenge(_) => kind::PAIR_CHALLENGE,
            Self::PairProof(_) => kind::PAIR_PROOF,
            Self::PairResult { .. } => kind::PAIR_RESULT,
            Self::ProbeRequest { .. } => kind::PROBE_REQUEST,
            Self::ProbeResult(_) => kind::PROBE_RESULT,
            Self::ClockProbe { .. } => kind::CLOCK_PROBE,
            Self::ClockEcho { .. } => kind::CLOCK_ECHO,
            Self::PhaseReport(_) => kind::PHASE_REPORT,
            Self::ClipControl { .. } => kind::CLIP_CONTROL,
            Self::ClipState(_) => kind::CLIP_STATE,
            Self::ClipOffer(_) => kind::CLIP_OFFER,
            Self::ClipFetch(_) => kind::CLIP_FETCH,
            Self::ClipFetchHeader(_) => kind::CLIP_FETCH_HEADER,
            Self::CursorShape(_) => kind::CURSOR_SHAPE,
            Self::CursorRenderMode { .. } => kind::CURSOR_RENDER_MODE,
            Self::AccessUpdate { .. } => kind::ACCESS_UPDATE,
            Self::HostSuccessor { .. } => kind::HOST_SUCCESSOR,
        }
    }

    /// The specification's name of this message, for logs.
    pub fn name(&self) -> &'static str {
        kind::name(self.kind())
    }
}

fn put_two(out: &mut Vec<u8>, one: u32, two: u32) {
    out.extend_from_slice(&one.to_le_bytes());
    out.extend_from_slice(&two.to_le_bytes());
}

fn unknown(kind: u8) -> WireError {
    WireError::Unknown { what: "control message type", value: kind }
}

/// Type bytes (spec section 2.5).
pub(super) mod kind {
    macro_rules! kinds {
        ($($name:ident = $value:literal $text:literal;)+) => {
            $(pub(crate) const $name: u8 = $value;)+

            /// The specification's name of a type byte.
            pub(super) fn name(kind: u8) -> &'static str {
                match kind {
                    $($value => $text,)+
                    _ => "unknown control message",
                }
            }
        };
    }

    kinds! {
        RECONFIGURE = 0x01 "Reconfigure";
        RECONFIGURED = 0x02 "Reconfigured";
        REQUEST_KEYFRAME = 0x03 "RequestKeyframe";
        LOSS_REPORT = 0x04 "LossReport";
        SET_BITRATE = 0x05 "SetBitrate";
        BITRATE_CHANGED = 0x06 "BitrateChanged";
        RFI_REQUEST = 0x07 "RfiRequest";
        SHARD_PAYLOAD_CHANGED = 0x08 "ShardPayloadChanged";
        SHARD_PAYLOAD_ACK = 0x09 "ShardPayloadAck";
        PIPELINE_GAP = 0x0A "PipelineGap";
        PAIR_REQUEST = 0x10 "PairRequest";
        PAIR_CHALLENGE = 0x11 "PairChallenge";
        PAIR_PROOF = 0x12 "PairProof";
        PAIR_RESULT = 0x13 "PairResult";
        PROBE_REQUEST = 0x20 "ProbeRequest";
        PROBE_RESULT = 0x21 "ProbeResult";
        CLOCK_PROBE = 0x30 "ClockProbe";
        CLOCK_ECHO = 0x31 "ClockEcho";
        PHASE_REPORT = 0x32 "PhaseReport";
        CLIP_CONTROL = 0x40 "ClipControl";
        CLIP_STATE = 0x41 "ClipState";
        CLIP_OFFER = 0x42 "ClipOffer";
        CLIP_FETCH = 0x43 "ClipFetch";
        CLIP_FETCH_HEADER = 0x44 "ClipFetchHdr";
        CURSOR_SHAPE = 0x50 "CursorShape";
        CURSOR_RENDER_MODE = 0x51 "CursorRenderMode";
        ACCESS_UPDATE = 0x58 "AccessUpdate";
        HOST_SUCCESSOR = 0xF0 "HostSuccessor";
    }
}
