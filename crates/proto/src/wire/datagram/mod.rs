//! The side planes: one QUIC datagram is one message, its first byte the tag (spec section 5).
//!
//! Payloads are borrowed from the datagram. What cannot be decoded is to be dropped and counted, nothing more.

mod audio;
mod feedback;
mod input;
mod pen;
mod rich;
mod stats;

pub use audio::{Audio, AudioRedundant, Microphone, PadAudio, PadAudioKind};
pub use feedback::{HidOutput, RawReportKind, Rumble, RumbleLease, RumbleTriggers, TriggerSide};
pub use input::{
    InputEvent, MAX_PAD, PadAxis, PadButtons, PadState, PointerButton, ScrollAxis, SurfacePoint, TouchPhase,
};
pub use pen::{PenBatch, PenSample, PenState, PenTool};
pub use rich::{RichInput, TouchpadSurface};
pub use stats::{CursorState, HostTiming, TimingStages};

use super::bytes::Reader;
use super::{Grants, HdrMetadata, WireError};

/// What a client sends.
#[derive(Clone, Debug, PartialEq)]
pub enum ClientDatagram<'a> {
    /// Keyboard, pointer, touch, gamepad or text.
    Input(InputEvent),
    /// What needs more than an input event's five numbers.
    Rich(RichInput<'a>),
    /// The microphone.
    Microphone(Microphone<'a>),
}

impl<'a> ClientDatagram<'a> {
    /// Reads a datagram a host received.
    ///
    /// # Errors
    /// When the tag is no client's, the length is wrong or a value out of range.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, WireError> {
        let (tag, body) = split_tag(datagram)?;
        let mut reader = Reader::new(tag_name(tag), body);
        let decoded = match tag {
            tag::INPUT => Self::Input(InputEvent::read(&mut reader)?),
            tag::RICH => Self::Rich(RichInput::read(&mut reader)?),
            tag::MICROPHONE => Self::Microphone(Microphone::read(&mut reader)?),
            other => return Err(WireError::Unknown { what: "client datagram tag", value: other }),
        };
        reader.finish()?;
        Ok(decoded)
    }

    /// What a device must be granted to have this acted on.
    pub fn grant(&self) -> Grants {
        match self {
            Self::Input(event) => event.grant(),
            Self::Rich(RichInput::Pen(_)) => Grants::POINTER,
            Self::Rich(_) => Grants::GAMEPAD,
            Self::Microphone(_) => Grants::MICROPHONE,
        }
    }

    /// The datagram.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        match self {
            Self::Input(event) => {
                out.push(tag::INPUT);
                event.put(&mut out);
            }
            Self::Rich(input) => {
                out.push(tag::RICH);
                input.put(&mut out);
            }
            Self::Microphone(packet) => {
                out.push(tag::MICROPHONE);
                packet.put(&mut out);
            }
        }
        out
    }
}

/// What a host sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostDatagram<'a> {
    /// An Opus packet.
    Audio(Audio<'a>),
    /// An Opus packet and the one before it.
    AudioRedundant(AudioRedundant<'a>),
    /// Interleaved little-endian samples.
    Pcm(Audio<'a>),
    /// Sound for a gamepad.
    PadAudio(PadAudio<'a>),
    /// Vibration.
    Rumble(Rumble),
    /// Lights, triggers and raw reports.
    HidOutput(HidOutput<'a>),
    /// HDR metadata; with each keyframe of a PQ stream.
    Hdr(HdrMetadata),
    /// How long a frame took in the host.
    HostTiming(HostTiming),
    /// Where the pointer is.
    Cursor(CursorState),
}

impl<'a> HostDatagram<'a> {
    /// Reads a datagram a client received.
    ///
    /// # Errors
    /// When the tag is no host's, the length is wrong or a value out of range.
    pub fn decode(datagram: &'a [u8]) -> Result<Self, WireError> {
        let (tag, body) = split_tag(datagram)?;
        let mut reader = Reader::new(tag_name(tag), body);
        let decoded = match tag {
            tag::AUDIO => Self::Audio(Audio::read(&mut reader)?),
            tag::AUDIO_REDUNDANT => Self::AudioRedundant(AudioRedundant::read(&mut reader)?),
            tag::PCM => Self::Pcm(Audio::read(&mut reader)?),
            tag::PAD_AUDIO => Self::PadAudio(PadAudio::read(&mut reader)?),
            tag::RUMBLE => Self::Rumble(Rumble::read(&mut reader)?),
            tag::HID_OUTPUT => Self::HidOutput(HidOutput::read(&mut reader)?),
            tag::HDR => Self::Hdr(HdrMetadata::read(&mut reader)?),
            tag::HOST_TIMING => Self::HostTiming(HostTiming::read(&mut reader)?),
            tag::CURSOR => Self::Cursor(CursorState::read(&mut reader)?),
            other => return Err(WireError::Unknown { what: "host datagram tag", value: other }),
        };
        reader.finish()?;
        Ok(decoded)
    }

    /// The datagram.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(32);
        self.write(&mut out);
        out
    }

    /// Appends the datagram to `out`.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.push(self.tag());
        match self {
            Self::Audio(packet) | Self::Pcm(packet) => packet.put(out),
            Self::AudioRedundant(packet) => packet.put(out),
            Self::PadAudio(packet) => packet.put(out),
            Self::Rumble(rumble) => rumble.put(out),
            Self::HidOutput(output) => output.put(out),
            Self::Hdr(metadata) => metadata.put(out),
            Self::HostTiming(timing) => timing.put(out),
            Self::Cursor(cursor) => cursor.put(out),
        }
    }

    fn tag(&self) -> u8 {
        match self {
            Self::Audio(_) => tag::AUDIO,
            Self::AudioRedundant(_) => tag::AUDIO_REDUNDANT,
            Self::Pcm(_) => tag::PCM,
            Self::PadAudio(_) => tag::PAD_AUDIO,
            Self::Rumble(_) => tag::RUMBLE,
            Self::HidOutput(_) => tag::HID_OUTPUT,
            Self::Hdr(_) => tag::HDR,
            Self::HostTiming(_) => tag::HOST_TIMING,
            Self::Cursor(_) => tag::CURSOR,
        }
    }
}

fn split_tag(datagram: &[u8]) -> Result<(u8, &[u8]), WireError> {
    let (tag, body) =
        datagram.split_first().ok_or(WireError::Truncated { message: "datagram", field: "tag", len: 0 })?;
    Ok((*tag, body))
}

fn tag_name(tag: u8) -> &'static str {
    match tag {
        tag::INPUT => "input event",
        tag::AUDIO => "audio",
        tag::RUMBLE => "rumble",
        tag::MICROPHONE => "microphone",
        tag::RICH => "rich input",
        tag::HID_OUTPUT => "controller output",
        tag::HDR => "HDR metadata",
        tag::HOST_TIMING => "host timing",
        tag::CURSOR => "cursor state",
        tag::PAD_AUDIO => "pad audio",
        tag::AUDIO_REDUNDANT => "redundant audio",
        tag::PCM => "PCM audio",
        _ => "unknown datagram",
    }
}

/// First bytes.
mod tag {
    pub(super) const INPUT: u8 = 0xC8;
    pub(super) const AUDIO: u8 = 0xC9;
    pub(super) const RUMBLE: u8 = 0xCA;
    pub(super) const MICROPHONE: u8 = 0xCB;
    pub(super) const RICH: u8 = 0xCC;
    pub(super) const HID_OUTPUT: u8 = 0xCD;
    pub(super) const HDR: u8 = 0xCE;
    pub(super) const HOST_TIMING: u8 = 0xCF;
    pub(super) const CURSOR: u8 = 0xD0;
    pub(super) const PAD_AUDIO: u8 = 0xD1;
    pub(super) const AUDIO_REDUNDANT: u8 = 0xD2;
    pub(super) const PCM: u8 = 0xD3;
}
