//! Messages with any values in their fields come back as they were sent.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use punktfunk_proto::units::{ClientTime, Fingerprint, HostTime};
use punktfunk_proto::wire::{
    AudioCodec, AudioFormat, Chromaticity, Cipher, ClientCaps, ClipFetch, ClipKind, ClipOffer, Codec, CodecSet, Colour,
    Compositor, ControlMessage, CursorShape, FecScheme, GamepadKind, Grants, HdrMetadata, Hello, HostCaps,
    PairChallenge, PairProof, PairRequest, PhaseReport, ProbeResult, VideoCaps, Welcome, WireMode,
};

fn mode() -> impl Strategy<Value = WireMode> {
    any::<[u32; 3]>().prop_map(|[width, height, hz]| WireMode { width, height, hz })
}

/// Text of 1 to `max` bytes, of any characters.
fn text(max: usize) -> impl Strategy<Value = String> {
    any::<String>().prop_map(move |text| text[..text.floor_char_boundary(max)].to_owned())
}

fn name(max: usize) -> impl Strategy<Value = Option<String>> {
    prop::option::of(text(max)).prop_map(|name| name.filter(|name| !name.is_empty()))
}

fn hdr() -> impl Strategy<Value = HdrMetadata> {
    let point = || any::<[u16; 2]>().prop_map(|[x, y]| Chromaticity { x, y });
    (prop::array::uniform3(point()), point(), any::<[u32; 2]>(), any::<[u16; 2]>()).prop_map(
        |(primaries, white, [max_luminance, min_luminance], [max_content_light, max_frame_average_light])| {
            HdrMetadata { primaries, white, max_luminance, min_luminance, max_content_light, max_frame_average_light }
        },
    )
}

fn audio_channels() -> impl Strategy<Value = u8> {
    prop::sample::select(vec![2, 6, 8])
}

fn hello() -> impl Strategy<Value = Hello> {
    let head = (mode(), any::<[u8; 2]>(), any::<u32>(), name(64), name(128));
    let tail = (any::<[u8; 4]>(), audio_channels(), prop::option::of(hdr()), any::<u16>(), 1_u32.., any::<bool>());
    (head, tail).prop_map(|((mode, kinds, bitrate_kbps, name, launch), (bits, channels, hdr, shard, rate, wide))| {
        Hello {
            compositor: Compositor::from(kinds[0] % 5),
            gamepad: GamepadKind::from(kinds[1] % 12),
            bitrate_kbps,
            name,
            launch,
            video_caps: VideoCaps::from_bits(bits[0]),
            audio_channels: channels,
            codecs: CodecSet::from_bits(bits[1]),
            preferred_codec: CodecSet::from_bits(bits[2]),
            hdr,
            client_caps: ClientCaps::from_bits(bits[3]),
            max_shard_payload: shard,
            audio_rate_hz: rate,
            audio_bits: if wide { 24 } else { 16 },
            ..Hello::new(mode)
        }
    })
}

/// A Hello in which most fields are at their default, in any pattern.
fn sparse_hello() -> impl Strategy<Value = Hello> {
    (hello(), any::<u16>()).prop_map(|(full, kept)| {
        let default = Hello::new(full.mode);
        let keep = |bit: u32| kept & 1 << bit != 0;
        Hello {
            name: full.name.filter(|_| keep(0)),
            launch: full.launch.filter(|_| keep(1)),
            video_caps: if keep(2) { full.video_caps } else { default.video_caps },
            audio_channels: if keep(3) { full.audio_channels } else { default.audio_channels },
            codecs: if keep(4) { full.codecs } else { default.codecs },
            preferred_codec: if keep(5) { full.preferred_codec } else { default.preferred_codec },
            hdr: full.hdr.filter(|_| keep(6)),
            client_caps: if keep(7) { full.client_caps } else { default.client_caps },
            max_shard_payload: if keep(8) { full.max_shard_payload } else { 0 },
            audio_rate_hz: if keep(9) { full.audio_rate_hz } else { default.audio_rate_hz },
            audio_bits: if keep(10) { full.audio_bits } else { default.audio_bits },
            ..full
        }
    })
}

fn welcome() -> impl Strategy<Value = Welcome> {
    let codec = prop::sample::select(vec![Codec::H264, Codec::Hevc, Codec::Av1, Codec::PyroWave]);
    let key = any::<[u8; 32]>().prop_map(|key| Cipher::ChaCha20Poly1305(key.into()));
    let cipher = prop_oneof![Just(Cipher::Aes128Gcm), key];
    let grants = prop_oneof![Just(Grants::ALL), any::<u32>().prop_map(Grants::from_bits)];
    let audio = prop::option::of((1_u32.., any::<u16>())).prop_map(|pcm| match pcm {
        Some((rate_hz, frame_us)) => AudioFormat { codec: AudioCodec::Pcm, rate_hz, bits: 24, frame_us },
        None => AudioFormat::default(),
    });
    let head = (mode(), any::<[u16; 3]>(), any::<[u8; 16]>(), any::<[u8; 4]>(), any::<[u32; 3]>(), any::<[u8; 4]>());
    let tail = (codec, cipher, any::<bool>(), prop_oneof![Just(0), any::<u16>()], grants, audio, audio_channels());
    (head, tail).prop_map(
        |((mode, ports, key, salt, numbers, bytes), (codec, cipher, gf8, mgmt_port, grants, audio, channels))| {
            Welcome {
                media_port: ports[0],
                mode,
                fec_scheme: if gf8 { FecScheme::Gf8 } else { FecScheme::Gf16 },
                fec_percent: bytes[0],
                max_block_shards: ports[1],
                shard_payload: ports[2],
                encrypted: !gf8,
                aes_key: key.into(),
                salt,
                frames: numbers[0],
                bitrate_kbps: numbers[1],
                bit_depth: bytes[1],
                colour: if gf8 { Colour::HDR10 } else { Colour::BT709 },
                audio_channels: channels,
                codec,
                host_caps: HostCaps::from_bits(bytes[2]),
                cipher,
                mgmt_port,
                grants,
                access_expires_s: if grants == Grants::ALL { 0 } else { numbers[2] },
                audio,
                ..Welcome::default()
            }
        },
    )
}

fn cursor() -> impl Strategy<Value = CursorShape> {
    (1..=120_u16, 1..=120_u16, any::<u32>(), any::<[u16; 2]>()).prop_map(|(width, height, serial, [x, y])| {
        let rgba = vec![serial as u8; usize::from(width) * usize::from(height) * 4];
        CursorShape::new(serial, [width, height], [x % width, y % height], rgba).unwrap()
    })
}

fn measurement() -> impl Strategy<Value = ControlMessage> {
    let times = any::<[u64; 3]>().prop_map(|[t1, t2, t3]| ControlMessage::ClockEcho {
        t1: ClientTime::from_nanos(t1),
        t2: HostTime::from_nanos(t2),
        t3: HostTime::from_nanos(t3),
    });
    let phase = (any::<u64>(), any::<[u32; 3]>(), any::<Option<u16>>()).prop_map(|(latch, numbers, coherence)| {
        ControlMessage::PhaseReport(PhaseReport {
            next_latch: HostTime::from_nanos(latch),
            period_ns: numbers[0],
            uncertainty_ns: numbers[1],
            arrival_lead_ns: numbers[2],
            coherence_permille: coherence,
        })
    });
    let probe =
        (any::<u64>(), any::<[u32; 4]>()).prop_map(|(bytes, [units, duration_ms, wire_packets, send_dropped])| {
            ControlMessage::ProbeResult(ProbeResult { bytes, units, duration_ms, wire_packets, send_dropped })
        });
    prop_oneof![times, phase, probe]
}

fn pairing() -> impl Strategy<Value = ControlMessage> {
    let spake = || any::<[u8; 33]>();
    prop_oneof![
        (name(64), spake()).prop_map(|(name, spake)| ControlMessage::PairRequest(PairRequest { name, spake })),
        (spake(), any::<[u8; 32]>())
            .prop_map(|(spake, confirmation)| { ControlMessage::PairChallenge(PairChallenge { spake, confirmation }) }),
        any::<[u8; 32]>().prop_map(|confirmation| ControlMessage::PairProof(PairProof { confirmation })),
        any::<bool>().prop_map(|paired| ControlMessage::PairResult { paired }),
    ]
}

fn clipboard() -> impl Strategy<Value = ControlMessage> {
    let kind = (text(128), any::<u64>()).prop_map(|(mime, size_hint)| ClipKind { mime, size_hint });
    prop_oneof![
        (any::<u32>(), prop::collection::vec(kind, 0..=16))
            .prop_map(|(seq, kinds)| ControlMessage::ClipOffer(ClipOffer { seq, kinds })),
        (any::<u32>(), prop::option::of(0..u32::MAX), text(128))
            .prop_map(|(seq, file_index, mime)| ControlMessage::ClipFetch(ClipFetch { seq, file_index, mime })),
    ]
}

fn control() -> impl Strategy<Value = ControlMessage> {
    let request = (any::<u32>(), any::<u32>());
    prop_oneof![
        mode().prop_map(ControlMessage::Reconfigure),
        (any::<bool>(), mode()).prop_map(|(accepted, mode)| ControlMessage::Reconfigured { accepted, mode }),
        request.prop_map(|(first, last)| ControlMessage::RfiRequest { first, last }),
        any::<u32>().prop_map(|kbps| ControlMessage::SetBitrate { kbps }),
        (any::<u32>(), any::<u32>()).prop_map(|(bits, remaining_s)| {
            ControlMessage::AccessUpdate { grants: Grants::from_bits(bits), remaining_s }
        }),
        cursor().prop_map(ControlMessage::CursorShape),
        any::<[u8; 32]>()
            .prop_map(|bytes| ControlMessage::HostSuccessor { fingerprint: Fingerprint::from_bytes(bytes) }),
        measurement(),
        pairing(),
        clipboard(),
    ]
}

proptest! {
    #[test]
    fn a_hello_comes_back_as_it_was_sent(hello in prop_oneof![hello(), sparse_hello()]) {
        assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
    }

    #[test]
    fn a_hello_is_as_short_as_it_can_be(hello in sparse_hello()) {
        let payload = hello.encode();
        assert!(payload.len() >= 26);
        assert!(payload.len() == 26 || Hello::decode(&payload[..payload.len() - 1]) != Ok(hello));
    }

    #[test]
    fn a_welcome_comes_back_as_it_was_sent(welcome in welcome()) {
        let payload = welcome.encode();
        assert!([68, 71, 79, 87, 101, 103, 111, 119].contains(&payload.len()));
        assert_eq!(Welcome::decode(&payload), Ok(welcome));
    }

    #[test]
    fn a_control_message_comes_back_as_it_was_sent(message in control()) {
        let payload = message.encode();
        assert!(payload.len() <= usize::from(u16::MAX));
        assert_eq!(ControlMessage::decode(&payload), Ok(message));
    }
}

#[test]
fn a_cursor_that_does_not_fit_its_message_cannot_be_made_or_read() {
    let made = |size, hotspot, len| CursorShape::new(1, size, hotspot, vec![0; len]).is_ok();
    assert!(made([120, 120], [119, 119], 57_600));
    assert!(!made([0, 1], [0, 0], 0) && !made([121, 1], [0, 0], 484));
    assert!(!made([2, 1], [2, 0], 8) && !made([2, 1], [0, 1], 8));
    assert!(!made([2, 1], [0, 0], 7) && !made([2, 1], [0, 0], 9));

    let mut payload = ControlMessage::CursorShape(CursorShape::new(1, [2, 1], [0, 0], vec![0; 8]).unwrap()).encode();
    payload[9] = 121;
    assert!(ControlMessage::decode(&payload).is_err());
    payload[9] = 2;
    payload[13] = 2;
    assert!(ControlMessage::decode(&payload).is_err());
}
