use punktfunk_proto::units::HostTime;
use punktfunk_proto::wire::datagram::{
    Audio, AudioRedundant, ClientDatagram, CursorState, HidOutput, HostDatagram, HostTiming, InputEvent, Microphone,
    PadAudio, PadAudioKind, PadAxis, PadButtons, PadState, PenBatch, PenSample, PenState, PointerButton, RawReportKind,
    RichInput, Rumble, RumbleLease, RumbleTriggers, ScrollAxis, SurfacePoint, TimingStages, TouchPhase,
    TouchpadSurface, TriggerSide,
};
use punktfunk_proto::wire::{Chromaticity, GamepadKind, HdrMetadata};
use serde_json::Value;

use crate::{array, bytes, field, list, text, vectors};

fn point(fields: &Value) -> SurfacePoint {
    let flags: u32 = field(fields, "flags");
    SurfacePoint { x: field(fields, "x"), y: field(fields, "y"), width: (flags >> 16) as u16, height: flags as u16 }
}

fn pair(value: &Value) -> [i16; 2] {
    std::array::from_fn(|at| value[at].as_i64().unwrap() as i16)
}

fn triple(value: &Value) -> [i16; 3] {
    std::array::from_fn(|at| value[at].as_i64().unwrap() as i16)
}

/// The input event that a vector describes. Vectors that repeat one another's fields leave them out.
fn described_input(name: &str, fields: &Value) -> InputEvent {
    let touch =
        |phase, x, y| InputEvent::Touch { phase, contact: 2, at: SurfacePoint { x, y, width: 1280, height: 720 } };
    match name {
        "KeyDown A" | "KeyUp A" => InputEvent::Key { vk: field(fields, "code"), pressed: name == "KeyDown A" },
        "MouseMove" => InputEvent::PointerBy { dx: field(fields, "dx"), dy: field(fields, "dy") },
        "MouseMoveAbs" => InputEvent::PointerTo(point(fields)),
        "MouseButtonDown left" => InputEvent::Button { button: PointerButton::Left, pressed: true },
        "MouseButtonUp left" => InputEvent::Button { button: PointerButton::Left, pressed: false },
        "MouseScroll vertical +1 notch" => {
            InputEvent::Scroll { axis: ScrollAxis::Vertical, amount: field(fields, "x") }
        }
        "MouseScroll horizontal -1 notch" => {
            InputEvent::Scroll { axis: ScrollAxis::Horizontal, amount: field(fields, "x") }
        }
        "GamepadButton A down pad0" => InputEvent::PadButton { pad: 0, button: PadButtons::A, pressed: true },
        "GamepadAxis LSX pad1" => InputEvent::PadAxis { pad: 1, axis: PadAxis::LeftX, value: field(fields, "x") },
        "TouchDown" => touch(TouchPhase::Down, field(fields, "x"), field(fields, "y")),
        "TouchMove" => touch(TouchPhase::Move, 101, 202),
        "TouchUp" => InputEvent::Touch { phase: TouchPhase::Up, contact: 2, at: SurfacePoint::default() },
        "GamepadState" => InputEvent::Pad(PadState {
            pad: field(fields, "pad"),
            seq: field(fields, "seq"),
            buttons: PadButtons(field(fields, "buttons")),
            left: pair(&fields["ls"]),
            right: pair(&fields["rs"]),
            left_trigger: field(fields, "lt"),
            right_trigger: field(fields, "rt"),
        }),
        "GamepadRemove" => InputEvent::PadRemoved { pad: field(fields, "pad"), seq: field(fields, "seq") },
        "GamepadArrival DualSense haptics+speaker" => {
            InputEvent::PadArrived { pad: 1, kind: GamepadKind::DualSense, haptics: true, speaker: true }
        }
        "TextInput U+00FC" => InputEvent::Text('ü'),
        other => panic!("no such vector: {other}"),
    }
}

fn described_rich<'a>(name: &str, fields: &Value, opaque: &'a [u8]) -> RichInput<'a> {
    let pad = 0;
    match name {
        "Rich touchpad" => RichInput::Touchpad {
            pad,
            finger: field(fields, "finger"),
            active: fields["active"] == 1,
            x: field(fields, "x"),
            y: field(fields, "y"),
        },
        "Rich motion" => RichInput::Motion { pad, gyro: triple(&fields["gyro"]), accel: triple(&fields["accel"]) },
        "Rich touchpadEx" => RichInput::TouchpadExtended {
            pad,
            surface: TouchpadSurface::Left,
            finger: field(fields, "finger"),
            touching: fields["touch"] == 1,
            clicked: fields["click"] == 1,
            x: field(fields, "x"),
            y: field(fields, "y"),
            pressure: field(fields, "pressure"),
        },
        "Rich HID report" => RichInput::HidReport { pad, report: opaque },
        "Pen batch of 2" => RichInput::Pen(described_pen(fields)),
        other => panic!("no such vector: {other}"),
    }
}

fn described_pen(fields: &Value) -> PenBatch {
    let [first, second] = list(&fields["samples"]) else { panic!("two samples") };
    assert_eq!(first["roll"], "unknown");
    let one = PenSample {
        state: PenState(field(first, "state")),
        x: first["x"].as_f64().unwrap() as f32,
        y: first["y"].as_f64().unwrap() as f32,
        pressure: field(first, "pressure"),
        distance: Some(field(first, "distance")),
        tilt: Some(field(first, "tilt")),
        azimuth: Some(field(first, "azimuth")),
        roll: None,
        dt_us: field(first, "dt_us"),
        ..PenSample::default()
    };
    let two = PenSample { x: second["x"].as_f64().unwrap() as f32, dt_us: field(second, "dt_us"), ..one };
    PenBatch { seq: field(fields, "seq"), samples: vec![one, two] }
}

/// What a host's datagram vector describes; `opaque` is the packet or report it carries.
fn described_host<'a>(name: &str, fields: &Value, opaque: &'a [u8]) -> HostDatagram<'a> {
    let pts = |name: &str| HostTime::from_nanos(field(fields, name));
    match name {
        "Audio" => HostDatagram::Audio(Audio { seq: field(fields, "seq"), pts: pts("pts_ns"), data: opaque }),
        "Audio RED" => HostDatagram::AudioRedundant(AudioRedundant {
            seq: field(fields, "seq"),
            pts: pts("pts_ns"),
            primary: &opaque[..3],
            previous: &opaque[3..],
        }),
        "Audio PCM" => HostDatagram::Pcm(Audio { seq: field(fields, "seq"), pts: pts("pts_ns"), data: opaque }),
        "Pad audio haptics" => HostDatagram::PadAudio(PadAudio {
            pad: field(fields, "pad"),
            kind: PadAudioKind::Haptics,
            packet: Audio { seq: field(fields, "seq"), pts: pts("pts"), data: opaque },
        }),
        "HDR meta" => HostDatagram::Hdr(described_hdr(fields)),
        "Cursor state" => {
            assert_eq!(fields["flags"], 1);
            HostDatagram::Cursor(CursorState::at(field(fields, "serial"), field(fields, "x"), field(fields, "y")))
        }
        _ if name.starts_with("Rumble") => HostDatagram::Rumble(described_rumble(fields)),
        _ if name.starts_with("Host timing") => HostDatagram::HostTiming(described_timing(name)),
        _ => HostDatagram::HidOutput(described_hid(name, fields, opaque)),
    }
}

fn described_rumble(fields: &Value) -> Rumble {
    let triggers = fields.get("lt").map(|_| RumbleTriggers { left: field(fields, "lt"), right: field(fields, "rt") });
    let lease =
        fields.get("seq").map(|_| RumbleLease { seq: field(fields, "seq"), ttl_ms: field(fields, "ttl_ms"), triggers });
    Rumble { pad: field(fields, "pad"), low: field(fields, "low"), high: field(fields, "high"), lease }
}

/// The three vectors grow by one part each; later ones name only their own.
fn described_timing(name: &str) -> HostTiming {
    let stages = TimingStages { queue_us: 100, encode_us: 4000, pace_us: 900, applied_phase_ns: None };
    let stages = match name {
        "Host timing 13" => None,
        "Host timing 25" => Some(stages),
        _ => Some(TimingStages { applied_phase_ns: Some(-250_000), ..stages }),
    };
    HostTiming { pts: HostTime::from_nanos(1_700_000_000_000_000_000), total_us: 5400, stages }
}

fn described_hdr(fields: &Value) -> HdrMetadata {
    let point = |value: &Value| {
        let [x, y] = std::array::from_fn(|at| value[at].as_u64().unwrap() as u16);
        Chromaticity { x, y }
    };
    HdrMetadata {
        primaries: std::array::from_fn(|at| point(&fields["primaries_gbr"][at])),
        white: point(&fields["white"]),
        max_luminance: field(fields, "max_lum"),
        min_luminance: field(fields, "min_lum"),
        max_content_light: field(fields, "max_cll"),
        max_frame_average_light: field(fields, "max_fall"),
    }
}

fn described_hid<'a>(name: &str, fields: &Value, opaque: &'a [u8]) -> HidOutput<'a> {
    let pad = field(fields, "pad");
    match name {
        "HID LED" => HidOutput::Led { pad, rgb: triple(&fields["rgb"]).map(|part| part as u8) },
        "HID player LEDs" => HidOutput::PlayerLeds { pad, bits: field(fields, "bits") },
        "HID trigger" => HidOutput::Trigger { pad, side: TriggerSide::Right, effect: opaque },
        "HID trackpad haptic" => HidOutput::TrackpadHaptic {
            pad,
            side: field(fields, "side"),
            amplitude: field(fields, "amplitude"),
            period: field(fields, "period"),
            count: field(fields, "count"),
        },
        "HID raw" => HidOutput::Raw { pad, kind: RawReportKind::Output, report: opaque },
        "HID audio ctl" => {
            HidOutput::AudioControl { pad: pad.into(), flags: field(fields, "flags"), raw: array(&fields["raw"]) }
        }
        other => panic!("no such vector: {other}"),
    }
}

/// The bytes a vector carries without describing their parts.
fn opaque(name: &str, fields: &Value) -> Vec<u8> {
    match name {
        "Audio RED" => [bytes(&fields["primary"]), bytes(&fields["prev"])].concat(),
        "Audio PCM" => pair(&fields["samples_s16"]).iter().flat_map(|sample| sample.to_le_bytes()).collect(),
        "Rich HID report" => vec![0x42, 1, 2],
        _ => ["opus", "effect", "data"].iter().find_map(|key| fields.get(key)).map(bytes).unwrap_or_default(),
    }
}

/// Checks one vector in both directions.
fn check(vector: &Value) {
    let (name, fields, datagram) = (text(&vector["name"]), &vector["fields"], bytes(&vector["hex"]));
    assert_eq!(datagram.len(), field::<usize>(vector, "len"), "{name}");
    let opaque = opaque(name, fields);
    if vector["direction"] == "h->c" {
        let expected = described_host(name, fields, &opaque);
        assert_eq!(HostDatagram::decode(&datagram), Ok(expected.clone()), "{name}");
        assert_eq!(expected.encode(), datagram, "{name}");
        assert!(ClientDatagram::decode(&datagram).is_err(), "{name} is no client's");
        return;
    }
    let expected = match name {
        "Mic" => ClientDatagram::Microphone(Microphone {
            seq: field(fields, "seq"),
            pts_ns: field(fields, "pts_ns"),
            opus: &opaque,
        }),
        _ if datagram[0] == 0xC8 => ClientDatagram::Input(described_input(name, fields)),
        _ => ClientDatagram::Rich(described_rich(name, fields, &opaque)),
    };
    assert_eq!(ClientDatagram::decode(&datagram), Ok(expected.clone()), "{name}");
    assert_eq!(expected.encode(), datagram, "{name}");
    assert!(HostDatagram::decode(&datagram).is_err(), "{name} is no host's");
}

#[test]
fn every_datagram_reads_and_writes_as_recorded() {
    list(&vectors("datagrams.json")["vectors"]).iter().for_each(check);
}

/// Where a datagram ends in bytes of any number, a cut one may be a shorter one of its kind.
fn may_be_cut_to(name: &str, len: usize) -> bool {
    match name {
        "Audio" | "Audio PCM" | "Mic" => len >= 13,
        "Audio RED" => len >= 18,
        "Pad audio haptics" => len >= 15,
        "HID trigger" | "HID raw" => len >= 4,
        "Rumble v2" | "Rumble v3" => len == 7 || len == 10,
        "Host timing 25" | "Host timing 29" => len == 13 || len == 25,
        _ => false,
    }
}

#[test]
fn a_datagram_cut_at_any_byte_is_refused_or_a_shorter_one() {
    for vector in list(&vectors("datagrams.json")["vectors"]) {
        let (name, datagram) = (text(&vector["name"]), bytes(&vector["hex"]));
        for len in 0..datagram.len() {
            let cut = &datagram[..len];
            let read = HostDatagram::decode(cut).is_ok() || ClientDatagram::decode(cut).is_ok();
            assert_eq!(read, may_be_cut_to(name, len), "{name} cut to {len}");
        }
    }
}
