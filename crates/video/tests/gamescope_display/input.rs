//! What becomes of a client's input.

use punktfunk_proto::input::SeatEvent;

use crate::stand_in::{PATIENCE, StandIn};

#[test]
fn input_arrives_as_it_was_typed_and_what_gamescope_cannot_take_is_left_out() {
    let screen = StandIn::new().open("1280x720@60", "exec sleep 1000").unwrap();
    let events = [
        SeatEvent::Key { code: 30, pressed: true },
        SeatEvent::Key { code: 30, pressed: false },
        SeatEvent::Text('ß'),
        SeatEvent::PointerTo { x: 0.25, y: 1.0 },
        SeatEvent::PointerTo { x: f64::NAN, y: 0.0 },
        SeatEvent::PointerBy { dx: -2.5, dy: 4.0 },
        SeatEvent::Button { code: 0x110, pressed: true },
        SeatEvent::Button { code: 0x110, pressed: false },
        SeatEvent::Key { code: 0x300, pressed: true },
        SeatEvent::Scroll { vertical: -120, horizontal: 30 },
    ];
    for event in events {
        screen.output.controls.input(event);
    }
    let typed: Vec<String> = (0..7).map(|_| screen.typed.recv_timeout(PATIENCE).unwrap()).collect();
    let expected = [
        "key 30 Press",
        "key 30 Released",
        "to 320 719",
        "by -2.5 4",
        "button 0x110 Press",
        "button 0x110 Released",
        "wheel 30 -120",
    ];
    assert_eq!(typed, expected);
}

#[test]
fn more_input_than_a_socket_holds_arrives_in_order() {
    let screen = StandIn::new().open("640x480@60", "exec sleep 1000").unwrap();
    for step in 0..2_000 {
        screen.output.controls.input(SeatEvent::PointerBy { dx: f64::from(step), dy: 0.0 });
    }
    for step in 0..2_000 {
        assert_eq!(screen.typed.recv_timeout(PATIENCE).unwrap(), format!("by {step} 0"));
    }
}
