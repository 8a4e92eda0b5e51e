//! What the encoder promises to both protocols.

use punktfunk_audio::{
    FRAME, Layout,
    line::{Part, Said, SoundFault},
    opus::{Decoder, Encoder, Mode},
    tone::Tone,
};

fn tone(layout: Layout) -> Vec<f32> {
    let mut pcm = vec![0.0; FRAME * layout.channels()];
    Tone::new(1_000, 0.5, layout.channels()).write(&mut pcm);
    pcm
}

#[test]
fn packets_of_gamestream_are_equally_long_at_the_rate_of_their_quality() {
    let kbps = [
        (Layout::Stereo, false, 96),
        (Layout::Stereo, true, 512),
        (Layout::Surround51, false, 256),
        (Layout::Surround51, true, 1_536),
        (Layout::Surround71, false, 450),
        (Layout::Surround71, true, 2_048),
    ];
    for (layout, high_quality, kbps) in kbps {
        let mut encoder = Encoder::new(layout, Mode::GameStream { high_quality }).unwrap();
        let (pcm, silence) = (tone(layout), vec![0.0; FRAME * layout.channels()]);
        let mut packet = Vec::new();
        for number in 0..20 {
            encoder.encode(if number % 2 == 0 { &pcm } else { &silence }, &mut packet).unwrap();
            assert_eq!(packet.len(), kbps * 5 / 8, "{layout:?} {high_quality}");
        }
    }
}

#[test]
fn nothing_is_allocated_after_the_first_packet() {
    let layout = Layout::Surround71;
    let mut encoder = Encoder::new(layout, Mode::Native { kbps: 450 }).unwrap();
    let mut decoder = Decoder::new(layout).unwrap();
    let (pcm, mut packet, mut decoded) = (tone(layout), Vec::new(), Vec::new());
    encoder.encode(&pcm, &mut packet).unwrap();
    decoder.decode(Some(&packet), &mut decoded).unwrap();
    let info = allocation_counter::measure(|| {
        for number in 0..50 {
            encoder.encode(&pcm, &mut packet).unwrap();
            decoder.decode((number % 5 != 0).then_some(&packet), &mut decoded).unwrap();
        }
    });
    assert_eq!(info.count_total, 0);
}

#[test]
fn damaged_packets_are_refused_and_the_decoder_lives_on() {
    let layout = Layout::Surround51;
    let mut encoder = Encoder::new(layout, Mode::Native { kbps: 256 }).unwrap();
    let mut decoder = Decoder::new(layout).unwrap();
    let (mut packet, mut decoded) = (Vec::new(), Vec::new());
    let mut noise = 1_u32;
    for _ in 0..2_000 {
        let garbage: Vec<u8> = (0..noise % 90)
            .map(|_| {
                noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (noise >> 24) as u8
            })
            .collect();
        noise = noise.wrapping_add(1);
        let _ = decoder.decode(Some(&garbage), &mut decoded);
        assert!(decoded.len() <= FRAME * 6);
    }
    encoder.encode(&tone(layout), &mut packet).unwrap();
    decoder.decode(Some(&packet), &mut decoded).unwrap();
    assert_eq!(decoded.len(), FRAME * 6);
}

#[test]
fn what_is_no_packet_of_a_companion_is_none() {
    let layout = Layout::Stereo;
    let sound = vec![b's'; punktfunk_audio::line::packet_bytes(layout)];
    let garbage = [&b""[..], b"x", b"ll", b"f", b"f\0", b"f\xff", b"f\x01\x01", b"s", &sound, &sound[1..]];
    for packet in garbage {
        assert_eq!(Said::decode(packet, layout), None, "{packet:?}");
    }
    let mut sound = sound;
    sound[1..4].fill(0);
    sound[8..12].copy_from_slice(&f32::NAN.to_le_bytes());
    sound[12..16].copy_from_slice(&f32::INFINITY.to_le_bytes());
    let Some(Said::Sound(said)) = Said::decode(&sound, layout) else { panic!("a packet of sound") };
    let mut pcm = Vec::new();
    said.read(&mut pcm);
    assert_eq!((pcm.len(), pcm[0], pcm[1]), (FRAME * 2, 0.0, 1.0));
    assert!(pcm.iter().all(|sample| (-1.0..=1.0).contains(sample)));
    assert_eq!(Said::decode(&sound, Layout::Surround51), None, "of another layout");
}

#[test]
fn every_fault_of_a_companion_arrives_as_it_was_said() {
    let parts = Part::ALL.map(SoundFault::Missing).into_iter().chain(Part::ALL.map(SoundFault::Ended));
    for fault in parts.chain([SoundFault::NoOutput, SoundFault::Directory]) {
        let said = Said::Fault(fault);
        assert_eq!(Said::decode(&said.encode(), Layout::Stereo), Some(said));
    }
    for said in [Said::Listening, Said::Ready] {
        assert_eq!(Said::decode(&said.encode(), Layout::Stereo), Some(said));
    }
}
