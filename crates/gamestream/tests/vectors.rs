//! The streams against `vectors/*.json`, byte for byte. Every vector comes from other code: the client's, or a script of its own.

use punktfunk_gamestream::{
    audio::{AudioParams, Packetizer as AudioPacketizer},
    control::{ClientMessage, ControlSeal, EndReason, HostMessage},
    input::{ClientInput, Pen, Phase},
    rtsp::{
        Handshake, Marks, MediaPorts, Offer, Request, RtspSeal, Step,
        describe::{Codecs, Events},
    },
    video::{BlockLayout, Frame, FrameKind, Packetizer, ShardLayout, VideoParams, add_parity},
};
use punktfunk_proto::{
    fec::{BlockShape, FecDecoder, FecScheme},
    wire::datagram::InputEvent,
};
use serde_json::Value;

const KEY: [u8; 16] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];

fn vectors(name: &str) -> Value {
    let path = format!("{}/tests/vectors/gamestream-{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("no list {key}"))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key}"))
}

fn number(value: &Value, key: &str) -> usize {
    value[key].as_u64().unwrap_or_else(|| panic!("no number {key}")) as usize
}

fn hex(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..][..2], 16).unwrap()).collect()
}

fn bytes(value: &Value, key: &str) -> Vec<u8> {
    hex(text(value, key))
}

#[test]
fn an_encrypted_request_is_opened_once_and_its_response_is_what_clients_read() {
    let rtsp = vectors("rtsp");
    let (request, response) = (&rtsp["encrypted_request"], &rtsp["encrypted_response"]);
    let mut seal = RtspSeal::new(&KEY);
    let wire = bytes(request, "wire");
    assert_eq!(seal.open(&wire).unwrap(), text(request, "plaintext").as_bytes());
    assert_eq!(seal.open(&wire), None, "a replay");
    assert_eq!(seal.seal(text(response, "plaintext")), bytes(response, "wire"));
    for at in 0..wire.len() {
        let mut wrong = wire.clone();
        wrong[at] ^= 1;
        assert_eq!(RtspSeal::new(&KEY).open(&wrong), None, "byte {at} was changed");
        assert_eq!(RtspSeal::new(&KEY).open(&wire[..at]), None, "cut to {at} bytes");
    }
    assert_eq!(RtspSeal::new(&[9; 16]).open(&wire), None, "another launch's");
}

#[test]
fn a_whole_handshake_is_answered_as_the_client_accepted_it() {
    let rtsp = vectors("rtsp");
    let offer = Offer {
        events: Events { pen_and_touch: true, pad_sensors: true },
        codecs: Codecs { hevc: true, av1: true },
        invalidation: true,
    };
    let ports = MediaPorts { video: 47_998, control: 47_999, audio: 48_000 };
    let marks = Marks { session: 0xDEAD_BEEF_CAFE, ping: 0x49F3_8401_729E_5345, connect: 2_009_134_472 };
    assert_eq!(&marks.ping_payload(), b"49F38401729E5345");
    let mut handshake = Handshake::new(offer, ports, marks);
    let mut wanted = None;
    for exchange in list(&rtsp, "transcript").chunks(2) {
        let request = text(&exchange[0], "text").as_bytes();
        let response = match handshake.handle(&Request::parse(request).unwrap()) {
            Step::Reply(response) => response,
            Step::Announced { request, cseq } => {
                wanted = Some(request);
                Handshake::announced(cseq)
            }
            Step::Refused(_, error) => panic!("{error}"),
        };
        // The vector's host wrote the token without leading zeros.
        let said = response.to_string().replace("0000DEADBEEFCAFE", "DEADBEEFCAFE");
        assert_eq!(said, text(&exchange[1], "text"));
    }
    let wanted = wanted.unwrap();
    assert_eq!(wanted.mode.to_string(), "1280x720@60");
    assert_eq!((wanted.packet_size, wanted.min_parity, wanted.bitrate.kbps()), (1_392, 2, 10_000));
    assert_eq!((wanted.colour.space, wanted.colour.full_range), (1, false));
    assert!(!wanted.video_encrypted && !wanted.audio.encrypted && !wanted.audio.high_quality);
    assert_eq!((wanted.audio.channels, wanted.audio.packet_ms), (2, 5));
    assert_eq!(wanted.video_bitrate(20).kbps(), 10_000 * 100 / 120 - 96 - 500);
}

#[test]
fn control_messages_are_opened_and_sealed_as_the_client_does() {
    let control = vectors("control");
    let (mut seal, mut types) = (ControlSeal::new(&KEY), Vec::new());
    for message in list(&control, "v2") {
        let (wire, plaintext) = (bytes(message, "wire"), bytes(message, "plaintext"));
        if text(message, "direction") == "client->host" {
            assert_eq!(seal.open(&wire).unwrap(), plaintext);
            assert!(seal.open(&wire).is_err(), "a replay");
            types.push(ClientMessage::parse(&plaintext).unwrap().name());
        } else {
            assert_eq!(seal.seal(&plaintext).unwrap(), wire);
        }
    }
    assert_eq!(
        types,
        [
            "idr",
            "begin",
            "alive",
            "input 10",
            "input 12",
            "alive",
            "lost 65-68",
            "lost 65-69",
            "loss 65 2/12",
            "loss 69 11/11"
        ]
    );
}

trait Named {
    fn name(&self) -> String;
}

impl Named for ClientMessage<'_> {
    fn name(&self) -> String {
        match self {
            Self::RequestIdr => "idr".into(),
            Self::Begin => "begin".into(),
            Self::KeepAlive => "alive".into(),
            Self::Input(payload) => format!("input {}", payload.len()),
            Self::FramesLost { first, last } => format!("lost {first}-{last}"),
            Self::ReferenceArrived(frame) => format!("arrived {frame}"),
            Self::Fec(report) => format!("loss {} {}/{}", report.frame, report.lost(), report.data),
            Self::Unknown(kind) => format!("unknown {kind:#x}"),
        }
    }
}

#[test]
fn what_the_host_says_over_control_is_what_the_client_reported() {
    let control = vectors("control");
    let said = |kind: &str| {
        let of_kind = |message: &&Value| text(message, "type") == kind && text(message, "direction") == "host->client";
        bytes(list(&control, "v2").iter().find(of_kind).unwrap(), "plaintext")
    };
    let rumble = HostMessage::Rumble { pad: 0, low: 0x1234, high: 0xABCD };
    // The client ignores the first four bytes of a rumble's payload.
    assert_eq!(rumble.encode(), said("0x010b"));
    assert_eq!(HostMessage::TriggerRumble { pad: 0, left: 0x1111, right: 0x2222 }.encode(), said("0x5500"));
    assert_eq!(HostMessage::WantMotion { pad: 0, hz: 100, gyroscope: true }.encode(), said("0x5501"));
    assert_eq!(HostMessage::Light { pad: 0, rgb: [0x0A, 0x14, 0x1E] }.encode(), said("0x5502"));
    assert_eq!(HostMessage::End(EndReason::Graceful).encode(), said("0x0109"));
}

#[test]
fn messages_without_the_sessions_key_or_in_the_weak_form_are_refused() {
    let control = vectors("control");
    let first = &list(&control, "v2")[0];
    let wire = bytes(first, "wire");
    assert!(ControlSeal::new(&[7; 16]).open(&wire).is_err());
    for at in 0..wire.len() {
        let mut wrong = wire.clone();
        wrong[at] ^= 1;
        assert!(ControlSeal::new(&KEY).open(&wrong).is_err(), "byte {at} was changed");
    }
    for message in list(&control, "legacy") {
        assert!(ControlSeal::new(&KEY).open(&bytes(message, "wire")).is_err());
    }
}

#[test]
fn every_input_event_of_the_client_library_is_read() {
    let input = vectors("input");
    let events: Vec<ClientInput> =
        list(&input, "packets").iter().map(|packet| ClientInput::parse(&bytes(packet, "plaintext")).unwrap()).collect();
    let seat: Vec<String> = events.iter().filter_map(ClientInput::seat_event).map(said).collect();
    assert_eq!(
        seat,
        [
            "by 1,1",
            "by -1,-1",
            "by 10,-20",
            "to 640,360 of 1280x720",
            "Left down",
            "Left up",
            "Vertical 120",
            "Vertical -40",
            "Horizontal -120",
            "key 41 down",
            "key 41 up",
            "key a0 down",
            "key a0 up",
            "text h",
            "text é",
            "text €",
            "pad 0 DualSense",
            "pad 0 0 [0, 0] [0, 0] 0 0",
            "pad 0 111001 [-32768, 32767] [1000, -1000] 64 255",
            "touch Down 1 32767,16383",
            "touch Move 1 32767,32767",
            "touch Up 1 32767,32767",
            "pad 0 gone"
        ]
    );
    assert_eq!(events[0], ClientInput::HapticsEnabled);
    assert!(matches!(events[10], ClientInput::Key { modifiers: 1, .. }));
    assert!(matches!(events[20], ClientInput::PadTouch(touch) if touch.pointer == 7 && touch.at == [0.25, 0.75, 1.0]));
    assert!(matches!(events[22], ClientInput::PadMotion(motion) if motion.axes == [0.5, 9.75, -0.25]));
    assert!(matches!(events[24], ClientInput::PadBattery(battery) if battery.percent == Some(77)));
    let ClientInput::Pen(Pen { phase, buttons, at, rotation, tilt, .. }) = events[28] else {
        panic!("{:?}", events[28])
    };
    assert_eq!((phase, buttons, at, rotation, tilt), (Phase::Down, 1, [0.125, 0.875], Some(45), Some(30)));
}

fn said(event: InputEvent) -> String {
    let way = |pressed| if pressed { "down" } else { "up" };
    match event {
        InputEvent::Key { vk, pressed } => format!("key {vk:x} {}", way(pressed)),
        InputEvent::PointerBy { dx, dy } => format!("by {dx},{dy}"),
        InputEvent::PointerTo(to) => format!("to {},{} of {}x{}", to.x, to.y, to.width, to.height),
        InputEvent::Button { button, pressed } => format!("{button:?} {}", way(pressed)),
        InputEvent::Scroll { axis, amount } => format!("{axis:?} {amount}"),
        InputEvent::Text(character) => format!("text {character}"),
        InputEvent::PadArrived { pad, kind, .. } => format!("pad {pad} {kind:?}"),
        InputEvent::PadRemoved { pad, .. } => format!("pad {pad} gone"),
        InputEvent::Pad(state) => format!(
            "pad {} {:x} {:?} {:?} {} {}",
            state.pad, state.buttons.0, state.left, state.right, state.left_trigger, state.right_trigger
        ),
        InputEvent::Touch { phase, contact, at } => format!("touch {phase:?} {contact} {},{}", at.x, at.y),
        other => panic!("{other:?}"),
    }
}

#[test]
fn input_that_is_cut_off_is_refused_at_every_length() {
    for packet in list(&vectors("input"), "packets") {
        let whole = bytes(packet, "plaintext");
        assert!((0..whole.len()).all(|length| ClientInput::parse(&whole[..length]).is_err()));
        let mut longer = whole.clone();
        longer.extend_from_slice(&[0; 7]);
        assert_eq!(ClientInput::parse(&longer), ClientInput::parse(&whole), "what follows is ignored");
    }
}

#[test]
fn parity_is_that_of_the_clients_own_code() {
    for case in list(&vectors("rs"), "video_cases") {
        let [data, parity, length] = ["data_shards", "parity_shards", "shard_len"].map(|key| number(case, key));
        let gap = 3;
        let stride = gap + length;
        let mut block = vec![0xEE; (data + parity) * stride];
        for (i, shard) in block.chunks_exact_mut(stride).take(data).enumerate() {
            shard[gap..].iter_mut().enumerate().for_each(|(j, byte)| *byte = (31 * i + 7 * j + 3) as u8);
        }
        add_parity(&mut block, ShardLayout { stride, gap, data });
        let made: Vec<&[u8]> = block.chunks_exact(stride).skip(data).map(|shard| &shard[gap..]).collect();
        for (made, wanted) in made.iter().zip(list(case, "parity")) {
            assert_eq!(*made, hex(wanted.as_str().unwrap()), "{data}+{parity}");
        }
        assert!(block.chunks_exact(stride).all(|shard| shard[..gap] == [0xEE; 3]), "what is between is left alone");
    }
}

#[test]
fn the_percentage_sent_is_that_of_the_examples() {
    for example in list(&vectors("video"), "fec_percentage_examples") {
        let block = BlockLayout::new(
            number(example, "data_shards"),
            number(example, "requested_percentage") as u8,
            number(example, "min_packets") as u8,
        );
        assert_eq!(block.parity, number(example, "parity"));
        assert_eq!(usize::from(block.percent), number(example, "percentage_sent"));
    }
}

#[test]
fn frames_become_the_datagrams_that_the_client_rebuilt_them_from() {
    let video = vectors("video");
    let packet_size = number(&video, "packet_size_param") as u16;
    for stream in list(&video, "frames") {
        let params = VideoParams {
            packet_size,
            fec_percent: number(stream, "base_fec_percentage") as u8,
            min_parity: number(stream, "minRequiredFecPackets") as u8,
        };
        let key = stream["encrypted"].as_bool().unwrap().then_some(&KEY);
        let mut packetizer = Packetizer::new(params, key);
        for frame in list(stream, "frames") {
            let es = bytes(frame, "annexb_es");
            let kind = if number(frame, "frame_type") == 2 { FrameKind::Idr } else { FrameKind::Delta };
            let latency = number(frame, "host_latency_tenths_ms") as u16;
            let timestamp = number(frame, "rtp_timestamp") as u32;
            let mut out = Vec::new();
            packetizer.packetize(&Frame { bytes: &es, kind, timestamp, latency }, &mut out).unwrap();
            let made: Vec<&[u8]> = out.chunks(packetizer.datagram_bytes()).collect();
            let wanted: Vec<Vec<u8>> = list(frame, "packets").iter().map(|packet| bytes(packet, "hex")).collect();
            assert_eq!(made, wanted);
        }
    }
}

#[test]
fn headers_of_a_frame_of_two_blocks_are_those_of_the_example() {
    let multi = &vectors("video")["multi_block"];
    let params = VideoParams { packet_size: 128, fec_percent: 20, min_parity: 2 };
    let es = vec![5; 112 * number(multi, "data_packets") - 8];
    let mut out = Vec::new();
    let frame = Frame { bytes: &es, kind: FrameKind::Idr, timestamp: 0, latency: 0 };
    Packetizer::new(params, None).packetize(&frame, &mut out).unwrap();
    let made: Vec<&[u8]> = out.chunks(144).collect();
    for packet in list(multi, "packets_headers") {
        let at = number(packet, "rtp_seq");
        let header = bytes(packet, "nv_header_hex");
        // The example leaves out the last byte of the FEC information.
        assert_eq!(made[at][16..16 + header.len()], header, "datagram {at}");
    }
    restore(&made[..180], 150);
    restore(&made[180..], 150);
}

/// Drops as many data shards as there is parity and gets them back.
fn restore(block: &[&[u8]], data: usize) {
    let parity = block.len() - data;
    let whole: Vec<u8> = block[..data].concat();
    let shape = BlockShape { data, recovery: parity, shard_bytes: block[0].len() };
    let mut broken = whole.clone();
    broken[..parity * shape.shard_bytes].fill(0);
    let rest = block[data..].iter().map(|shard| &**shard).enumerate();
    let mut decoder = FecDecoder::new(FecScheme::Gf8);
    decoder.reconstruct(shape, &mut broken, |shard| shard >= parity, rest).unwrap();
    for (made, was) in broken.chunks(shape.shard_bytes).zip(whole.chunks(shape.shard_bytes)) {
        // Packet index and flags of a lost shard come out of the parity; so does all that is played.
        assert_eq!((&made[16..20], made[24], &made[32..]), (&was[16..20], was[24], &was[32..]));
    }
}

#[test]
fn a_frame_that_does_not_fill_its_last_packet_says_so() {
    let av1 = &vectors("video")["av1"];
    let mut out = Vec::new();
    let params = VideoParams { packet_size: 128, fec_percent: 20, min_parity: 2 };
    let unit = bytes(av1, "temporal_unit");
    let frame = Frame { bytes: &unit, kind: FrameKind::Idr, timestamp: 1_500, latency: 0 };
    Packetizer::new(params, None).packetize(&frame, &mut out).unwrap();
    let wanted: Vec<Vec<u8>> = list(av1, "packets").iter().map(|packet| hex(packet.as_str().unwrap())).collect();
    assert_eq!(out.chunks(144).collect::<Vec<_>>(), wanted);
    let payload = usize::from(u16::from_le_bytes([wanted[0][36], wanted[0][37]]));
    assert_eq!(payload, number(av1, "lastPayloadLen"));
}

#[test]
fn sound_becomes_the_datagrams_that_the_client_played() {
    let audio = vectors("audio");
    let params = AudioParams { packet_ms: 5, key_id: number(&audio, "rikeyid") as u32 };
    for stream in list(&audio, "streams") {
        let key = stream["encrypted"].as_bool().unwrap().then_some(&KEY);
        let mut packetizer = AudioPacketizer::new(params, key);
        let mut made = Vec::new();
        for opus in list(stream, "opus_payloads") {
            packetizer.push(&hex(opus.as_str().unwrap()), |datagram| made.push(datagram.to_vec())).unwrap();
        }
        let wanted: Vec<Vec<u8>> = list(stream, "packets").iter().map(|packet| bytes(packet, "hex")).collect();
        assert_eq!(made, wanted);
        assert!(packetizer.push(&[0; 21], |_| panic!("sent")).is_err(), "a packet of another length");
        assert!(packetizer.push(&[], |_| panic!("sent")).is_err());
    }
}
