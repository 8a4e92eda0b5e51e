//! Measurements that travel as typed messages (spec section 2.5).

use crate::units::HostTime;
use crate::wire::WireError;
use crate::wire::bytes::Reader;

/// What a speed test sent. All zero refuses one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProbeResult {
    /// Access unit bytes sent.
    pub bytes: u64,
    /// Access units sent.
    pub units: u32,
    /// How long the burst took, in milliseconds.
    pub duration_ms: u32,
    /// Datagrams handed to the kernel.
    pub wire_packets: u32,
    /// Datagrams the kernel did not take.
    pub send_dropped: u32,
}

impl ProbeResult {
    /// Reads the body. A short form without the last two fields exists, and any length between is accepted.
    pub(in crate::wire) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut result = Self {
            bytes: reader.u64("bytes")?,
            units: reader.u32("units")?,
            duration_ms: reader.u32("duration")?,
            ..Self::default()
        };
        if let Some(tail) = reader.remaining().first_chunk::<8>() {
            let mut tail = Reader::new("ProbeResult", tail);
            result.wire_packets = tail.u32("wire packets")?;
            result.send_dropped = tail.u32("dropped packets")?;
        }
        Ok(result)
    }

    pub(in crate::wire) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.bytes.to_le_bytes());
        for number in [self.units, self.duration_ms, self.wire_packets, self.send_dropped] {
            out.extend_from_slice(&number.to_le_bytes());
        }
    }
}

/// When the client's display will latch, so that the host can time its frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseReport {
    /// The next latch.
    pub next_latch: HostTime,
    /// Time between latches, in nanoseconds.
    pub period_ns: u32,
    /// How far off `next_latch` may be, in nanoseconds.
    pub uncertainty_ns: u32,
    /// How long before their latch frames arrive, in nanoseconds.
    pub arrival_lead_ns: u32,
    /// How steady the phase is, in thousandths; older clients leave it out.
    pub coherence_permille: Option<u16>,
}

impl PhaseReport {
    pub(in crate::wire) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            next_latch: HostTime::from_nanos(reader.u64("next latch")?),
            period_ns: reader.u32("period")?,
            uncertainty_ns: reader.u32("uncertainty")?,
            arrival_lead_ns: reader.u32("arrival lead")?,
            coherence_permille: if reader.is_empty() { None } else { Some(reader.u16("coherence")?) },
        })
    }

    pub(in crate::wire) fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.next_latch.nanos().to_le_bytes());
        for number in [self.period_ns, self.uncertainty_ns, self.arrival_lead_ns] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        if let Some(coherence) = self.coherence_permille {
            out.extend_from_slice(&coherence.to_le_bytes());
        }
    }
}
