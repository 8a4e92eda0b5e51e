//! Sound in both directions (spec sections 5.1 and 5.2).

use crate::units::HostTime;
use crate::wire::WireError;
use crate::wire::bytes::Reader;

/// One packet of the session's sound: Opus, or samples with [`HostDatagram::Pcm`](super::HostDatagram::Pcm).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Audio<'a> {
    /// One more than the packet before, from 0.
    pub seq: u32,
    /// When it was captured.
    pub pts: HostTime,
    /// The packet.
    pub data: &'a [u8],
}

impl<'a> Audio<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let (seq, pts) = read_stamp(reader)?;
        Ok(Self { seq, pts, data: reader.remaining() })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_stamp(out, self.seq, self.pts.nanos());
        out.extend_from_slice(self.data);
    }
}

/// One Opus packet and the one before it, for when that was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AudioRedundant<'a> {
    /// One more than the packet before, from 0.
    pub seq: u32,
    /// When `primary` was captured.
    pub pts: HostTime,
    /// This packet; at most 65,535 bytes.
    pub primary: &'a [u8],
    /// Packet `seq − 1`; empty when there is none.
    pub previous: &'a [u8],
}

impl<'a> AudioRedundant<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let (seq, pts) = read_stamp(reader)?;
        let len = reader.u16("primary length")?;
        Ok(Self { seq, pts, primary: reader.slice("primary packet", len.into())?, previous: reader.remaining() })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        let primary = &self.primary[..self.primary.len().min(u16::MAX.into())];
        put_stamp(out, self.seq, self.pts.nanos());
        out.extend_from_slice(&(primary.len() as u16).to_le_bytes());
        out.extend_from_slice(primary);
        out.extend_from_slice(self.previous);
    }
}

/// Which of a gamepad's voices speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum PadAudioKind {
    /// Haptics, in 5 ms packets.
    Haptics = 0,
    /// The speaker, in 10 ms packets.
    Speaker = 1,
}

/// One Opus packet for a gamepad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PadAudio<'a> {
    /// Which pad.
    pub pad: u8,
    /// Which voice.
    pub kind: PadAudioKind,
    /// The packet with its number and time.
    pub packet: Audio<'a>,
}

impl<'a> PadAudio<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        let pad = reader.u8("pad")?;
        let kind = match reader.u8("kind")? {
            0 => PadAudioKind::Haptics,
            1 => PadAudioKind::Speaker,
            other => return Err(reader.value("kind", other)),
        };
        Ok(Self { pad, kind, packet: Audio::read(reader)? })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&[self.pad, self.kind as u8]);
        self.packet.put(out);
    }
}

/// One Opus packet of the client's microphone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Microphone<'a> {
    /// One more than the packet before.
    pub seq: u32,
    /// Capture time in nanoseconds; the specification names no clock.
    pub pts_ns: u64,
    /// The packet.
    pub opus: &'a [u8],
}

impl<'a> Microphone<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        Ok(Self { seq: reader.u32("sequence")?, pts_ns: reader.u64("time")?, opus: reader.remaining() })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_stamp(out, self.seq, self.pts_ns);
        out.extend_from_slice(self.opus);
    }
}

fn read_stamp(reader: &mut Reader<'_>) -> Result<(u32, HostTime), WireError> {
    Ok((reader.u32("sequence")?, HostTime::from_nanos(reader.u64("time")?)))
}

fn put_stamp(out: &mut Vec<u8>, seq: u32, nanos: u64) {
    out.extend_from_slice(&seq.to_le_bytes());
    out.extend_from_slice(&nanos.to_le_bytes());
}
