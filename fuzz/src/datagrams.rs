//! The side planes: datagrams of both directions, the seat that input events act on, and the mDNS record.

use std::collections::BTreeSet;

use punktfunk_proto::input::{Seat, SeatEvent};
use punktfunk_proto::wire::datagram::{ClientDatagram, HostDatagram, InputEvent};
use punktfunk_proto::wire::{Grants, txt::Advert};

/// Reads `data` as one datagram and as a TXT record; and behind its first byte, a seat's grants, as datagrams with a
/// length byte before each. A datagram of a zero and another byte changes the grants to that.
pub fn run(data: &[u8]) {
    read_both(data);
    read_record(data);
    let Some((grants, mut rest)) = data.split_first() else { return };
    let mut desk = Desk::new(Grants::from_bits((*grants).into()));
    while let Some((len, after)) = rest.split_first() {
        let (datagram, after) = after.split_at(usize::from(*len).min(after.len()));
        rest = after;
        read_both(datagram);
        match (datagram, ClientDatagram::decode(datagram)) {
            ([0, grants], _) => desk.set_grants(Grants::from_bits((*grants).into())),
            (_, Ok(ClientDatagram::Input(event))) => desk.apply(&event),
            _ => {}
        }
    }
    desk.leave();
}

/// What was read is written to bytes that read the same and are written the same again.
fn read_both(datagram: &[u8]) {
    match ClientDatagram::decode(datagram) {
        Ok(value) => {
            let written = value.encode();
            assert_eq!(ClientDatagram::decode(&written).as_ref(), Ok(&value));
            assert_eq!(ClientDatagram::decode(&written).map(|again| again.encode()), Ok(written.clone()));
            assert_ne!(value.grant(), Grants::NONE, "everything a client sends needs a grant");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    match HostDatagram::decode(datagram) {
        Ok(value) => {
            let written = value.encode();
            assert_eq!(HostDatagram::decode(&written).as_ref(), Ok(&value));
            assert_eq!(HostDatagram::decode(&written).map(|again| again.encode()), Ok(written.clone()));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// One pair a line.
fn read_record(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let pairs: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('=')).collect();
    if let Some(advert) = Advert::from_pairs(&pairs) {
        assert_eq!(Advert::from_pairs(&advert.to_pairs()), Some(advert));
    }
}

/// A seat and what its events so far hold down.
struct Desk {
    seat: Seat,
    grants: Grants,
    held: BTreeSet<u32>,
}

impl Desk {
    fn new(grants: Grants) -> Self {
        Self { seat: Seat::new(grants), grants, held: BTreeSet::new() }
    }

    fn apply(&mut self, event: &InputEvent) {
        let Some(done) = self.seat.apply(event) else { return };
        assert!(self.grants.contains(event.grant()), "{event:?} is not granted");
        self.see(done);
    }

    fn set_grants(&mut self, grants: Grants) {
        self.grants = grants;
        let released = self.seat.set_grants(grants);
        released.into_iter().for_each(|event| self.see(event));
        let may_hold = |code: &u32| grants.contains(if is_button(*code) { Grants::POINTER } else { Grants::KEYBOARD });
        assert!(self.held.iter().all(may_hold), "a key stays down that may not be pressed");
    }

    fn leave(mut self) {
        let released = self.seat.release_all();
        released.into_iter().for_each(|event| self.see(event));
        assert!(self.held.is_empty(), "keys stay down after the session");
        assert!(self.seat.release_all().is_empty());
    }

    /// What reaches a display is in range, and presses and releases of a key alternate.
    fn see(&mut self, event: SeatEvent) {
        match event {
            SeatEvent::Key { code, pressed } | SeatEvent::Button { code, pressed } => {
                assert_eq!(is_button(code), matches!(event, SeatEvent::Button { .. }));
                assert!(code < 0x300, "no such evdev code: {code}");
                let changed = if pressed { self.held.insert(code) } else { self.held.remove(&code) };
                assert!(changed, "{event:?} twice");
            }
            SeatEvent::PointerTo { x, y } => assert!((0.0..=1.0).contains(&x) && (0.0..=1.0).contains(&y)),
            SeatEvent::PointerBy { dx, dy } => assert!(dx.abs() <= 32_768.0 && dy.abs() <= 32_768.0),
            SeatEvent::Scroll { vertical, horizontal } => {
                assert!(vertical.abs() <= 12_000 && horizontal.abs() <= 12_000);
            }
            SeatEvent::Text(character) => assert!(!character.is_control() || "\n\r\t\u{8}".contains(character)),
        }
    }
}

fn is_button(code: u32) -> bool {
    (0x110..=0x114).contains(&code)
}
