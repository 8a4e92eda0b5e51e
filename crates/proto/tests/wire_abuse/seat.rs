//! Input of every kind at the seat (abuse cases 50 and 51).

use std::collections::HashSet;

use proptest::prelude::{any, prop, proptest};
use punktfunk_proto::input::{RefusedInput, Seat, SeatEvent};
use punktfunk_proto::wire::Grants;
use punktfunk_proto::wire::datagram::{
    ClientDatagram, InputEvent, PadAxis, PadButtons, PenBatch, PenSample, PointerButton, RichInput, ScrollAxis,
    SurfacePoint,
};

fn key(vk: u8, pressed: bool) -> InputEvent {
    InputEvent::Key { vk, pressed }
}

fn button(button: PointerButton, pressed: bool) -> InputEvent {
    InputEvent::Button { button, pressed }
}

/// The raw 18 bytes of an input event, as any client can send them.
fn raw(kind: u8, code: u32, [x, y]: [i32; 2], flags: u32) -> Vec<u8> {
    let mut out = vec![0xC8, kind];
    out.extend_from_slice(&code.to_le_bytes());
    out.extend_from_slice(&x.to_le_bytes());
    out.extend_from_slice(&y.to_le_bytes());
    out.extend_from_slice(&flags.to_le_bytes());
    out
}

#[test]
fn keys_and_buttons_still_held_at_the_end_are_let_go_once() {
    let mut seat = Seat::new(Grants::ALL);
    for event in [key(b'W', true), key(0x10, true), key(b'A', true), key(b'A', false), key(b'W', true)] {
        seat.apply(&event);
    }
    seat.apply(&button(PointerButton::Left, true));
    let released = [(17, false), (42, false)].map(|(code, pressed)| SeatEvent::Key { code, pressed });
    let button = SeatEvent::Button { code: 0x110, pressed: false };
    assert_eq!(seat.release_all(), [released[0], released[1], button]);
    assert_eq!(seat.release_all(), []);
}

#[test]
fn ten_thousand_held_keys_are_no_more_than_a_keyboard_has() {
    let mut seat = Seat::new(Grants::ALL);
    let measured = allocation_counter::measure(|| {
        for index in 0..10_000_u32 {
            let datagram = raw(0, index, [0, 0], 0);
            if let Ok(ClientDatagram::Input(event)) = ClientDatagram::decode(&datagram) {
                seat.apply(&event);
            }
        }
    });
    assert_eq!(measured.count_current, 0, "nothing is kept");
    let released = seat.release_all();
    assert!(released.len() > 100 && released.len() < 256, "{}", released.len());
    assert!(released.iter().all(|event| matches!(event, SeatEvent::Key { pressed: false, .. })));
}

#[test]
fn a_hundred_thousand_events_allocate_nothing_and_are_counted() {
    let mut seat = Seat::new(Grants::POINTER);
    let measured = allocation_counter::measure(|| {
        for at in 0..100_000_i32 {
            seat.apply(&InputEvent::PointerBy { dx: at, dy: -at });
            seat.apply(&key(at as u8, true));
        }
    });
    assert_eq!(measured.count_total, 0);
    assert_eq!(seat.refused().keyboard, 100_000);
    assert_eq!(seat.release_all(), []);
}

#[test]
fn repeats_and_releases_of_nothing_change_nothing() {
    let mut seat = Seat::new(Grants::ALL);
    assert_eq!(seat.apply(&key(b'A', true)), Some(SeatEvent::Key { code: 30, pressed: true }));
    assert_eq!(seat.apply(&key(b'A', true)), None);
    assert_eq!(seat.apply(&key(b'B', false)), None);
    assert_eq!(seat.apply(&key(b'A', false)), Some(SeatEvent::Key { code: 30, pressed: false }));
    // Shift went down without a side and comes up with one: the same key.
    assert!(seat.apply(&key(0x10, true)).is_some() && seat.apply(&key(0xA0, false)).is_some());
    assert_eq!(seat.refused(), RefusedInput::default());
}

#[test]
fn a_view_only_device_moves_presses_and_types_nothing() {
    let mut seat = Seat::new(Grants::NONE);
    let events = [
        key(b'A', true),
        InputEvent::Text('x'),
        InputEvent::PointerBy { dx: 1, dy: 1 },
        button(PointerButton::Left, true),
        InputEvent::Scroll { axis: ScrollAxis::Vertical, amount: 120 },
        InputEvent::PadButton { pad: 0, button: PadButtons::A, pressed: true },
    ];
    for event in events {
        assert_eq!(seat.apply(&event), None);
    }
    assert_eq!(seat.refused(), RefusedInput { keyboard: 2, pointer: 3, gamepad: 1, ..RefusedInput::default() });
    assert_eq!(seat.release_all(), []);
}

#[test]
fn a_grant_that_is_withdrawn_lets_go_of_what_it_held_and_of_nothing_else() {
    let mut seat = Seat::new(Grants::ALL);
    seat.apply(&key(b'A', true));
    seat.apply(&button(PointerButton::Right, true));
    assert_eq!(seat.set_grants(Grants::POINTER), [SeatEvent::Key { code: 30, pressed: false }]);
    assert_eq!(seat.apply(&key(b'A', true)), None);
    assert_eq!(
        seat.apply(&button(PointerButton::Right, false)),
        Some(SeatEvent::Button { code: 0x111, pressed: false })
    );
}

#[test]
fn places_far_outside_end_at_the_edge_and_a_surface_without_size_is_nonsense() {
    let mut seat = Seat::new(Grants::ALL);
    let mut at = |x, y, width, height| seat.apply(&InputEvent::PointerTo(SurfacePoint { x, y, width, height }));
    assert_eq!(at(640, 180, 1280, 720), Some(SeatEvent::PointerTo { x: 0.5, y: 0.25 }));
    assert_eq!(at(i32::MAX, i32::MIN, 1, 1), Some(SeatEvent::PointerTo { x: 1.0, y: 0.0 }));
    assert_eq!(at(1, 1, 0, 720), None);
    assert_eq!(seat.refused().nonsense, 1);
}

#[test]
fn the_wheel_turns_the_way_wayland_counts_and_not_without_bound() {
    let mut seat = Seat::new(Grants::ALL);
    let mut turn = |axis, amount| seat.apply(&InputEvent::Scroll { axis, amount });
    let scroll = |vertical, horizontal| Some(SeatEvent::Scroll { vertical, horizontal });
    assert_eq!(turn(ScrollAxis::Vertical, 120), scroll(-120, 0));
    assert_eq!(turn(ScrollAxis::Horizontal, 120), scroll(0, 120));
    assert_eq!(turn(ScrollAxis::Vertical, i32::MIN), scroll(12_000, 0));
    assert_eq!(turn(ScrollAxis::Vertical, 0), None);
}

#[test]
fn control_characters_are_not_typed() {
    let mut seat = Seat::new(Grants::ALL);
    for character in ['\0', '\u{1b}', '\u{7f}', '\u{9b}'] {
        assert_eq!(seat.apply(&InputEvent::Text(character)), None);
    }
    assert_eq!(seat.apply(&InputEvent::Text('ü')), Some(SeatEvent::Text('ü')));
    assert_eq!(seat.refused().nonsense, 4);
}

#[test]
fn pads_beyond_the_sixteenth_and_values_that_mean_nothing_are_refused() {
    let pad_255 = 255;
    for kind in [7, 8, 12, 13, 14] {
        assert!(ClientDatagram::decode(&raw(kind, 0, [0, 0], pad_255)).is_err(), "kind {kind}");
        assert!(ClientDatagram::decode(&raw(kind, 0, [0, 0], 15)).is_ok(), "kind {kind}");
    }
    let nonsense = [
        raw(4, 0, [0, 0], 0),
        raw(5, 6, [0, 0], 0),
        raw(6, 2, [0, 0], 0),
        raw(8, 6, [0, 0], 0),
        raw(15, 0xD800, [0, 0], 0),
        raw(15, 0x11_0000, [0, 0], 0),
        raw(16, 0, [0, 0], 0),
        vec![0xCC, 1, 16, 0, 0, 0, 0, 0, 0],
        [&[0xCC, 4, 0, 65][..], &[0; 65]].concat(),
    ];
    for datagram in nonsense {
        assert!(ClientDatagram::decode(&datagram).is_err(), "{datagram:02x?}");
    }
}

#[test]
fn axes_are_clamped_to_their_range() {
    let value = |axis: u32, x| match ClientDatagram::decode(&raw(8, axis, [x, 0], 3)) {
        Ok(ClientDatagram::Input(InputEvent::PadAxis { pad: 3, axis, value })) => (axis, value),
        other => panic!("{other:?}"),
    };
    assert_eq!(value(0, i32::MIN), (PadAxis::LeftX, i16::MIN));
    assert_eq!(value(3, i32::MAX), (PadAxis::RightY, i16::MAX));
    assert_eq!(value(4, i32::MAX), (PadAxis::LeftTrigger, 255));
    assert_eq!(value(5, -1), (PadAxis::RightTrigger, 0));
}

fn pen(sample: PenSample) -> Vec<u8> {
    ClientDatagram::Rich(RichInput::Pen(PenBatch { seq: 1, samples: vec![sample] })).encode()
}

#[test]
fn a_pen_out_of_range_is_clamped_and_one_that_is_nowhere_refused() {
    let far = PenSample { x: -7.5, y: 1e30, tilt: Some(200), azimuth: Some(725), roll: None, ..PenSample::default() };
    let datagram = pen(far);
    let Ok(ClientDatagram::Rich(RichInput::Pen(batch))) = ClientDatagram::decode(&datagram) else { panic!("not read") };
    let near = PenSample { x: 0.0, y: 1.0, tilt: Some(90), azimuth: Some(5), ..far };
    assert_eq!(batch.samples, [near]);
    for nowhere in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        assert!(ClientDatagram::decode(&pen(PenSample { x: nowhere, ..far })).is_err());
        assert!(ClientDatagram::decode(&pen(PenSample { y: nowhere, ..far })).is_err());
    }
    let no_samples = [0xCC, 5, 0, 0, 1, 0];
    assert!(ClientDatagram::decode(&no_samples).is_err());
}

proptest! {
    /// Whatever is sent, each key and button goes down and up in turn, and all are up in the end.
    #[test]
    fn presses_and_releases_alternate_and_balance(
        events in prop::collection::vec((0..16_u8, any::<u16>(), any::<[i32; 2]>(), any::<u32>()), 0..400),
        grants in any::<u32>(),
    ) {
        let mut seat = Seat::new(Grants::ALL);
        let mut down = HashSet::new();
        let mut follow = |event: SeatEvent| match event {
            SeatEvent::Key { code, pressed: true } | SeatEvent::Button { code, pressed: true } => {
                assert!(down.insert(code), "{code} goes down twice");
            }
            SeatEvent::Key { code, pressed: false } | SeatEvent::Button { code, pressed: false } => {
                assert!(down.remove(&code), "{code} comes up though it is not down");
            }
            SeatEvent::PointerTo { x, y } => assert!((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y)),
            SeatEvent::PointerBy { dx, dy } => assert!(dx.abs() <= 32_768.0 && dy.abs() <= 32_768.0),
            SeatEvent::Scroll { vertical, horizontal } => assert!(vertical.abs() + horizontal.abs() <= 12_000),
            SeatEvent::Text(character) => assert_ne!(character, '\0'),
        };
        let half = events.len() / 2;
        for (index, (kind, code, place, flags)) in events.into_iter().enumerate() {
            let datagram = raw(kind, code.into(), place, flags);
            if let Ok(ClientDatagram::Input(event)) = ClientDatagram::decode(&datagram) {
                seat.apply(&event).into_iter().for_each(&mut follow);
            }
            if index == half {
                seat.set_grants(Grants::from_bits(grants)).into_iter().for_each(&mut follow);
            }
        }
        seat.release_all().into_iter().for_each(&mut follow);
        assert!(down.is_empty());
    }
}

#[test]
fn every_client_datagram_names_the_grant_it_needs() {
    let grant = |datagram: &[u8]| ClientDatagram::decode(datagram).unwrap().grant();
    let needed = [
        (vec![0, 1, 15], Grants::KEYBOARD),
        (vec![2, 3, 9, 10, 11], Grants::POINTER),
        (vec![7, 8, 12, 13, 14], Grants::GAMEPAD),
    ];
    for (kinds, expected) in needed {
        assert!(kinds.iter().all(|kind| grant(&raw(*kind, 1, [0, 0], 0)) == expected), "{expected:?}");
    }
    assert_eq!(grant(&pen(PenSample::default())), Grants::POINTER);
    assert_eq!(grant(&[0xCC, 1, 0, 0, 0, 0, 0, 0, 0]), Grants::GAMEPAD);
    assert_eq!(grant(&[0xCB, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), Grants::MICROPHONE);
}
