//! Modifiers that a client's key event names but never pressed: the soft keyboards of phones do that.

use punktfunk_proto::wire::datagram::InputEvent;

/// Which modifiers the client has pressed itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct Modifiers {
    /// Bit n: virtual key `KEYS[n]` is down.
    held: u16,
}

/// The events that one key event becomes: modifiers around it, in order.
pub type KeyStroke = [Option<InputEvent>; 9];

/// Bit of the modifiers byte, and the virtual keys that mean it; the first is pressed in the client's place.
const MODIFIERS: [(u8, [u8; 3]); 4] = [
    (1, [0xA0, 0xA1, 0x10]), // Shift
    (2, [0xA2, 0xA3, 0x11]), // Ctrl
    (4, [0xA4, 0xA5, 0x12]), // Alt
    (8, [0x5B, 0x5C, 0x5B]), // Meta
];

impl Modifiers {
    /// What the seat is to be told of a key event: a modifier that is named and not held goes down before the key and up
    /// after it.
    pub fn stroke(&mut self, vk: u8, pressed: bool, named: u8) -> KeyStroke {
        let mut events = KeyStroke::default();
        let key = InputEvent::Key { vk, pressed };
        if let Some(bit) = position(vk) {
            self.held = if pressed { self.held | bit } else { self.held & !bit };
            events[4] = Some(key);
            return events;
        }
        events[4] = Some(key);
        for (at, (modifier, keys)) in MODIFIERS.iter().enumerate() {
            let held = keys.iter().filter_map(|key| position(*key)).any(|bit| self.held & bit != 0);
            if pressed && named & modifier != 0 && !held {
                events[at] = Some(InputEvent::Key { vk: keys[0], pressed: true });
                events[8 - at] = Some(InputEvent::Key { vk: keys[0], pressed: false });
            }
        }
        events
    }
}

/// The bit of a modifier's virtual key.
fn position(vk: u8) -> Option<u16> {
    let at = MODIFIERS.iter().flat_map(|(_, keys)| keys).position(|key| *key == vk)?;
    Some(1 << at)
}

#[cfg(test)]
mod tests {
    use punktfunk_proto::wire::datagram::InputEvent;

    use super::Modifiers;

    const A: u8 = 0x41;
    const SHIFT: u8 = 0xA0;

    fn stroke(modifiers: &mut Modifiers, vk: u8, pressed: bool, named: u8) -> Vec<(u8, bool)> {
        let keys = modifiers.stroke(vk, pressed, named).into_iter().flatten().map(|event| match event {
            InputEvent::Key { vk, pressed } => (vk, pressed),
            other => panic!("{other:?}"),
        });
        keys.collect()
    }

    #[test]
    fn a_modifier_that_was_only_named_is_pressed_around_the_key() {
        let mut modifiers = Modifiers::default();
        assert_eq!(stroke(&mut modifiers, A, true, 1), [(SHIFT, true), (A, true), (SHIFT, false)]);
        assert_eq!(stroke(&mut modifiers, A, false, 1), [(A, false)]);
        let both = stroke(&mut modifiers, A, true, 3);
        assert_eq!(both, [(SHIFT, true), (0xA2, true), (A, true), (0xA2, false), (SHIFT, false)]);
    }

    #[test]
    fn a_modifier_that_is_held_is_left_alone() {
        let mut modifiers = Modifiers::default();
        for vk in [0xA1, 0x10] {
            assert_eq!(stroke(&mut modifiers, vk, true, 1), [(vk, true)]);
            assert_eq!(stroke(&mut modifiers, A, true, 1), [(A, true)]);
            assert_eq!(stroke(&mut modifiers, vk, false, 0), [(vk, false)]);
        }
        assert_eq!(stroke(&mut modifiers, A, true, 1).len(), 3);
    }
}
