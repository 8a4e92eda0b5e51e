//! How the sound is to be encoded (GameStream spec section 6.4).

use crate::rtsp::announce::AudioRequest;

/// Samples a second of every layout.
pub const SAMPLE_RATE: u32 = 48_000;

/// A multistream layout: constant bitrate, restricted low delay. Channels come in the order front left, front right, centre,
/// LFE, back left, back right, side left, side right, each mapped to itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpusLayout {
    /// Channels.
    pub channels: u8,
    /// Streams.
    pub streams: u8,
    /// Of those, streams of two channels.
    pub coupled: u8,
    /// kbit/s of all together.
    pub kbps: u32,
    /// Samples of each channel in a packet.
    pub samples: u16,
}

impl OpusLayout {
    /// What a client asked for, as it was advertised in DESCRIBE.
    pub const fn of(request: &AudioRequest) -> Self {
        let (streams, coupled, kbps) = match (request.channels, request.high_quality) {
            (6, false) => (4, 2, 256),
            (6, true) => (6, 0, 1_536),
            (8, false) => (5, 3, 450),
            (8, true) => (8, 0, 2_048),
            (_, false) => (1, 1, 96),
            (_, true) => (1, 1, 512),
        };
        let channels = streams + coupled;
        let samples = request.packet_ms as u16 * (SAMPLE_RATE / 1_000) as u16;
        Self { channels, streams, coupled, kbps, samples }
    }
}

#[cfg(test)]
mod tests {
    use super::OpusLayout;
    use crate::rtsp::announce::AudioRequest;

    #[test]
    fn every_layout_has_a_stream_for_each_channel() {
        for channels in [2, 6, 8] {
            for high_quality in [false, true] {
                let request = AudioRequest { channels, high_quality, packet_ms: 5, encrypted: true };
                let layout = OpusLayout::of(&request);
                assert_eq!((layout.channels, layout.samples), (channels, 240));
            }
        }
    }
}
