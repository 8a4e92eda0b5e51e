//! Windows virtual-key codes of US-layout positions (what the wire carries, spec section 5.3) and evdev key codes
//! (what the kernel and Wayland carry).

/// The evdev key code of a virtual key's position; `None` for codes no keyboard has.
pub fn evdev_from_vk(vk: u8) -> Option<u16> {
    KEYS.iter().chain(ALIASES).find(|(found, _)| *found == vk).map(|(_, code)| *code)
}

/// The virtual-key code of an evdev key code; `None` where Windows has none.
pub fn vk_from_evdev(code: u16) -> Option<u8> {
    let by_code = |(_, found): &&(u8, u16)| *found == code;
    KEYS.iter().find(by_code).or_else(|| ONE_WAY.iter().find(by_code)).map(|(vk, _)| *vk)
}

/// A key and whether Shift is held with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyStroke {
    /// Virtual-key code.
    pub vk: u8,
    /// With Shift.
    pub shift: bool,
}

/// How a US keyboard types `character`; `None` for what it cannot.
pub fn us_keystroke(character: char) -> Option<KeyStroke> {
    let plain = |vk| Some(KeyStroke { vk, shift: false });
    match character {
        'a'..='z' => plain(character.to_ascii_uppercase() as u8),
        'A'..='Z' => Some(KeyStroke { vk: character as u8, shift: true }),
        '0'..='9' => plain(character as u8),
        ' ' => plain(0x20),
        '\n' | '\r' => plain(0x0D),
        '\t' => plain(0x09),
        '\u{8}' => plain(0x08),
        '\u{1b}' => plain(0x1B),
        _ => SYMBOLS.iter().find_map(|(vk, low, high)| {
            let shift = *high == character;
            (shift || *low == character).then_some(KeyStroke { vk: *vk, shift })
        }),
    }
}

/// Virtual key, character without and with Shift.
const SYMBOLS: &[(u8, char, char)] = &[
    (0x30, '0', ')'),
    (0x31, '1', '!'),
    (0x32, '2', '@'),
    (0x33, '3', '#'),
    (0x34, '4', '$'),
    (0x35, '5', '%'),
    (0x36, '6', '^'),
    (0x37, '7', '&'),
    (0x38, '8', '*'),
    (0x39, '9', '('),
    (0xBA, ';', ':'),
    (0xBB, '=', '+'),
    (0xBC, ',', '<'),
    (0xBD, '-', '_'),
    (0xBE, '.', '>'),
    (0xBF, '/', '?'),
    (0xC0, '`', '~'),
    (0xDB, '[', '{'),
    (0xDC, '\\', '|'),
    (0xDD, ']', '}'),
    (0xDE, '\'', '"'),
];

/// Virtual key and evdev code, one to one. Numbers from winuser.h and linux/input-event-codes.h.
const KEYS: &[(u8, u16)] = &[
    (0x03, 411), // Cancel (Ctrl+Pause)
    (0x08, 14),  // Backspace
    (0x09, 15),  // Tab
    (0x0C, 355), // Clear
    (0x0D, 28),  // Enter
    (0x13, 119), // Pause
    (0x14, 58),  // Caps Lock
    (0x15, 122), // Hangul
    (0x19, 123), // Hanja
    (0x1B, 1),   // Escape
    (0x1C, 92),  // Convert
    (0x1D, 94),  // Non-convert
    (0x20, 57),  // Space
    (0x21, 104), // Page Up
    (0x22, 109), // Page Down
    (0x23, 107), // End
    (0x24, 102), // Home
    (0x25, 105), // Left
    (0x26, 103), // Up
    (0x27, 106), // Right
    (0x28, 108), // Down
    (0x29, 353), // Select
    (0x2A, 210), // Print
    (0x2C, 99),  // Print Screen
    (0x2D, 110), // Insert
    (0x2E, 111), // Delete
    (0x2F, 138), // Help
    (0x30, 11),  // 0
    (0x31, 2),
    (0x32, 3),
    (0x33, 4),
    (0x34, 5),
    (0x35, 6),
    (0x36, 7),
    (0x37, 8),
    (0x38, 9),
    (0x39, 10),
    (0x41, 30), // A
    (0x42, 48),
    (0x43, 46),
    (0x44, 32),
    (0x45, 18),
    (0x46, 33),
    (0x47, 34),
    (0x48, 35),
    (0x49, 23),
    (0x4A, 36),
    (0x4B, 37),
    (0x4C, 38),
    (0x4D, 50),
    (0x4E, 49),
    (0x4F, 24),
    (0x50, 25),
    (0x51, 16),
    (0x52, 19),
    (0x53, 31),
    (0x54, 20),
    (0x55, 22),
    (0x56, 47),
    (0x57, 17),
    (0x58, 45),
    (0x59, 21),
    (0x5A, 44),
    (0x5B, 125), // Left Super
    (0x5C, 126), // Right Super
    (0x5D, 127), // Menu
    (0x5F, 142), // Sleep
    (0x60, 82),  // Numpad 0
    (0x61, 79),
    (0x62, 80),
    (0x63, 81),
    (0x64, 75),
    (0x65, 76),
    (0x66, 77),
    (0x67, 71),
    (0x68, 72),
    (0x69, 73),
    (0x6A, 55),  // Numpad *
    (0x6B, 78),  // Numpad +
    (0x6C, 121), // Numpad separator
    (0x6D, 74),  // Numpad -
    (0x6E, 83),  // Numpad .
    (0x6F, 98),  // Numpad /
    (0x70, 59),  // F1
    (0x71, 60),
    (0x72, 61),
    (0x73, 62),
    (0x74, 63),
    (0x75, 64),
    (0x76, 65),
    (0x77, 66),
    (0x78, 67),
    (0x79, 68),
    (0x7A, 87), // F11
    (0x7B, 88),
    (0x7C, 183), // F13
    (0x7D, 184),
    (0x7E, 185),
    (0x7F, 186),
    (0x80, 187),
    (0x81, 188),
    (0x82, 189),
    (0x83, 190),
    (0x84, 191),
    (0x85, 192),
    (0x86, 193),
    (0x87, 194), // F24
    (0x90, 69),  // Num Lock
    (0x91, 70),  // Scroll Lock
    (0xA0, 42),  // Left Shift
    (0xA1, 54),  // Right Shift
    (0xA2, 29),  // Left Ctrl
    (0xA3, 97),  // Right Ctrl
    (0xA4, 56),  // Left Alt
    (0xA5, 100), // Right Alt
    (0xA6, 158), // Back
    (0xA7, 159), // Forward
    (0xA8, 173), // Refresh
    (0xA9, 128), // Stop
    (0xAA, 217), // Search
    (0xAB, 156), // Favourites
    (0xAC, 172), // Home page
    (0xAD, 113), // Mute
    (0xAE, 114), // Volume down
    (0xAF, 115), // Volume up
    (0xB0, 163), // Next track
    (0xB1, 165), // Previous track
    (0xB2, 166), // Stop
    (0xB3, 164), // Play, pause
    (0xB4, 155), // Mail
    (0xB5, 226), // Media
    (0xB6, 148), // Application 1
    (0xB7, 149), // Application 2
    (0xBA, 39),  // ;
    (0xBB, 13),  // =
    (0xBC, 51),  // ,
    (0xBD, 12),  // -
    (0xBE, 52),  // .
    (0xBF, 53),  // /
    (0xC0, 41),  // `
    (0xDB, 26),  // [
    (0xDC, 43),  // \
    (0xDD, 27),  // ]
    (0xDE, 40),  // '
    (0xE2, 86),  // the key beside left Shift on ISO keyboards
];

/// Virtual keys that name no side: the left one.
const ALIASES: &[(u8, u16)] = &[
    (0x10, 42), // Shift
    (0x11, 29), // Ctrl
    (0x12, 56), // Alt
];

/// evdev keys that share their virtual key with another.
const ONE_WAY: &[(u8, u16)] = &[
    (0x0D, 96),  // Numpad Enter
    (0xBB, 117), // Numpad =
];

#[cfg(test)]
mod tests {
    use super::{ALIASES, KEYS, KeyStroke, ONE_WAY, evdev_from_vk, us_keystroke, vk_from_evdev};

    #[test]
    fn every_key_survives_both_directions() {
        for (vk, code) in KEYS {
            assert_eq!(evdev_from_vk(*vk), Some(*code));
            assert_eq!(vk_from_evdev(*code), Some(*vk));
        }
        for (vk, code) in ALIASES.iter().chain(ONE_WAY) {
            assert!(evdev_from_vk(*vk).is_some() && vk_from_evdev(*code).is_some());
        }
    }

    #[test]
    fn known_positions_are_where_the_kernel_puts_them() {
        // KEY_A, KEY_LEFTSHIFT, KEY_F12, KEY_KPENTER.
        assert_eq!(evdev_from_vk(b'A'), Some(30));
        assert_eq!(evdev_from_vk(0x10), Some(42));
        assert_eq!(evdev_from_vk(0x7B), Some(88));
        assert_eq!(vk_from_evdev(96), Some(0x0D));
        assert_eq!((evdev_from_vk(0), evdev_from_vk(0xFF), vk_from_evdev(0)), (None, None, None));
    }

    #[test]
    fn all_of_printable_ascii_can_be_typed() {
        for character in (' '..='~').chain(['\n', '\t']) {
            let stroke = us_keystroke(character).unwrap_or_else(|| panic!("{character:?}"));
            assert!(evdev_from_vk(stroke.vk).is_some());
        }
        assert_eq!(us_keystroke('@'), Some(KeyStroke { vk: b'2', shift: true }));
        assert_eq!(us_keystroke('q'), Some(KeyStroke { vk: b'Q', shift: false }));
        assert_eq!(us_keystroke('ü'), None);
    }
}
