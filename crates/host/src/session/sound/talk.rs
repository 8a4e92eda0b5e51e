//! Sound into datagrams: encode, repeat, leave out silence. No I/O, and no allocation after the first packet.

use punktfunk_audio::{
    FRAME,
    line::Sound,
    opus::{Encoder, MAX_PACKET, Mode, OpusError},
};
use punktfunk_proto::{
    units::HostTime,
    wire::datagram::{Audio, AudioRedundant, HostDatagram},
};

use super::{SoundForm, SoundPlan};

/// Packets of digital silence after which nothing is sent: half a second, in which the decoder fades out.
const QUIET_AFTER: u32 = 100;

/// A session's voice.
#[derive(Debug)]
pub(super) struct Talk {
    plan: SoundPlan,
    encoder: Encoder,
    kbps: u32,
    next: u32,
    /// Packets of silence in a row.
    quiet: u32,
    pcm: Vec<f32>,
    packet: Vec<u8>,
    previous: Vec<u8>,
    datagram: Vec<u8>,
}

impl Talk {
    /// One beside video of `video_kbps`.
    pub(super) fn new(plan: SoundPlan, video_kbps: u32) -> Result<Self, OpusError> {
        let kbps = plan.layout.kbps_beside(video_kbps);
        let mode = match plan.form {
            SoundForm::Datagrams { .. } => Mode::Native { kbps },
            SoundForm::Packets { high_quality } => Mode::GameStream { high_quality },
        };
        Ok(Self {
            plan,
            encoder: Encoder::new(plan.layout, mode)?,
            kbps,
            next: 0,
            quiet: 0,
            pcm: Vec::with_capacity(FRAME * plan.layout.channels()),
            packet: Vec::with_capacity(MAX_PACKET),
            previous: Vec::with_capacity(MAX_PACKET),
            datagram: Vec::with_capacity(2 * MAX_PACKET),
        })
    }

    /// The video has another rate.
    pub(super) fn set_video(&mut self, kbps: u32) {
        let SoundForm::Datagrams { .. } = self.plan.form else { return };
        let kbps = self.plan.layout.kbps_beside(kbps);
        if kbps != self.kbps && self.encoder.set_kbps(kbps).is_ok() {
            self.kbps = kbps;
        }
    }

    /// The datagram, or the bare packet, for what was captured at `captured`; `None` while nothing is heard.
    pub(super) fn say(&mut self, sound: Sound<'_>, captured: HostTime) -> Option<&[u8]> {
        sound.read(&mut self.pcm);
        let is_silent = self.pcm.iter().all(|sample| sample.abs() < SILENCE);
        self.quiet = if is_silent { self.quiet.saturating_add(1) } else { 0 };
        if self.quiet > QUIET_AFTER {
            self.previous.clear();
            return None;
        }
        std::mem::swap(&mut self.packet, &mut self.previous);
        if let Err(error) = self.encoder.encode(&self.pcm, &mut self.packet) {
            tracing::debug!(%error, "a packet of sound was not encoded");
            self.packet.clear();
            return None;
        }
        if let SoundForm::Packets { .. } = self.plan.form {
            return Some(&self.packet);
        }
        let seq = self.next;
        self.next = seq.wrapping_add(1);
        self.datagram.clear();
        let fits = STAMP + self.packet.len() + self.previous.len() <= MAX_DATAGRAM;
        let datagram = if self.plan.is_redundant() {
            let previous = if fits { &self.previous[..] } else { &[] };
            HostDatagram::AudioRedundant(AudioRedundant { seq, pts: captured, primary: &self.packet, previous })
        } else {
            HostDatagram::Audio(Audio { seq, pts: captured, data: &self.packet })
        };
        datagram.write(&mut self.datagram);
        Some(&self.datagram)
    }
}

/// What a QUIC connection takes as one datagram before it knows the path: 1200 bytes less its own.
const MAX_DATAGRAM: usize = 1_120;
/// Tag, number, time and length of a datagram with redundancy.
const STAMP: usize = 15;
/// Below every sample that is heard: half a step of 24 bits.
const SILENCE: f32 = 6e-8;

#[cfg(test)]
mod tests {
    use super::{SoundForm, SoundPlan, Talk};
    use punktfunk_audio::{
        FRAME, Layout,
        line::{Said, SoundPacket},
        opus::Decoder,
        tone::{Tone, strength},
    };
    use punktfunk_proto::{units::HostTime, wire::datagram::HostDatagram};

    /// Packets of a tone as a companion sends them.
    fn packets(layout: Layout, amplitude: f32, count: usize) -> Vec<Vec<u8>> {
        let mut tone = Tone::new(997, amplitude, layout.channels());
        let mut pcm = vec![0.0; FRAME * layout.channels()];
        let mut filling = SoundPacket::new(layout);
        let mut packets = Vec::new();
        for _ in 0..count {
            tone.write(&mut pcm);
            let bytes: Vec<u8> = pcm.iter().flat_map(|sample| sample.to_le_bytes()).collect();
            filling.fill(&bytes, |packet| packets.push(packet.to_vec()));
        }
        packets
    }

    fn say<'a>(talk: &'a mut Talk, packet: &[u8], layout: Layout) -> Option<&'a [u8]> {
        let Some(Said::Sound(sound)) = Said::decode(packet, layout) else { panic!("a packet of sound") };
        talk.say(sound, HostTime::from_nanos(7))
    }

    #[test]
    fn a_tone_is_heard_at_the_other_end_in_every_layout() {
        for (layout, is_redundant) in
            [(Layout::Stereo, false), (Layout::Stereo, true), (Layout::Surround51, true), (Layout::Surround71, true)]
        {
            let mut talk =
                Talk::new(SoundPlan { layout, form: SoundForm::Datagrams { is_redundant } }, 20_000).unwrap();
            let mut decoder = Decoder::new(layout).unwrap();
            let (mut heard, mut pcm) = (Vec::new(), Vec::new());
            for (number, packet) in packets(layout, 0.25, 200).iter().enumerate() {
                let datagram = say(&mut talk, packet, layout).unwrap();
                assert!(datagram.len() <= 1_120, "{layout:?}: {}", datagram.len());
                let (seq, primary) = match HostDatagram::decode(datagram).unwrap() {
                    HostDatagram::Audio(audio) if !is_redundant => (audio.seq, audio.data),
                    HostDatagram::AudioRedundant(audio) if is_redundant => (audio.seq, audio.primary),
                    other => panic!("{other:?}"),
                };
                assert_eq!(seq as usize, number);
                decoder.decode(Some(primary), &mut pcm).unwrap();
                heard.extend_from_slice(&pcm);
            }
            // The last channels too: 7.1 has eight of them in five streams.
            for channel in 0..layout.channels() {
                let of_channel = heard.iter().skip(channel).step_by(layout.channels()).copied().skip(9_600);
                let found = strength(of_channel, 997);
                // The fourth is the one for low frequencies.
                assert!((0.2..0.3).contains(&found), "{layout:?} channel {channel}: {found}");
            }
        }
    }

    #[test]
    fn bare_packets_are_of_one_length_and_decode() {
        let layout = Layout::Stereo;
        let mut talk =
            Talk::new(SoundPlan { layout, form: SoundForm::Packets { high_quality: false } }, 20_000).unwrap();
        let mut decoder = Decoder::new(layout).unwrap();
        let (mut heard, mut pcm, mut lengths) = (Vec::new(), Vec::new(), Vec::new());
        for packet in &packets(layout, 0.25, 200) {
            let opus = say(&mut talk, packet, layout).unwrap();
            lengths.push(opus.len());
            decoder.decode(Some(opus), &mut pcm).unwrap();
            heard.extend_from_slice(&pcm);
        }
        lengths.dedup();
        assert_eq!(lengths, [96 * 5 / 8]);
        assert!((0.2..0.3).contains(&strength(heard.into_iter().step_by(2).skip(9_600), 997)));
    }

    #[test]
    fn nothing_is_allocated_for_a_packet_after_the_first_ones() {
        let layout = Layout::Surround71;
        let mut talk =
            Talk::new(SoundPlan { layout, form: SoundForm::Datagrams { is_redundant: true } }, 20_000).unwrap();
        let packets = packets(layout, 0.5, 60);
        let (warm, measured) = packets.split_at(10);
        assert!(warm.iter().all(|packet| say(&mut talk, packet, layout).is_some()));
        let info = allocation_counter::measure(|| {
            for packet in measured {
                assert!(say(&mut talk, packet, layout).is_some());
            }
        });
        assert_eq!(info.count_total, 0);
    }

    #[test]
    fn silence_is_not_sent_and_the_numbers_go_on_after_it() {
        let layout = Layout::Stereo;
        let mut talk =
            Talk::new(SoundPlan { layout, form: SoundForm::Datagrams { is_redundant: false } }, 20_000).unwrap();
        let silence = packets(layout, 0.0, 1).remove(0);
        let sent = (0..1_000).filter(|_| say(&mut talk, &silence, layout).is_some()).count();
        assert_eq!(sent, 100);
        let tone = packets(layout, 0.5, 1).remove(0);
        let datagram = say(&mut talk, &tone, layout).unwrap();
        let HostDatagram::Audio(audio) = HostDatagram::decode(datagram).unwrap() else { panic!() };
        assert_eq!(audio.seq, 100);
    }
}
