//! The US keymap, and spare keys of it that are bound to characters no key carries.

use smithay::input::keyboard::{
    XkbConfig,
    xkb::{self, Keycode},
};

use crate::display::DisplayError;

/// The layout of every embedded display, whatever the environment says: clients send positions on it.
pub(super) const US: XkbConfig<'static> =
    XkbConfig { rules: "evdev", model: "pc105", layout: "us", variant: "", options: Some(String::new()) };

/// XKB counts keys from 8 where the kernel counts from 0.
pub(super) const XKB_OFFSET: u32 = 8;
/// The highest key code the kernel knows (`KEY_MAX`).
pub(super) const LAST_CODE: u32 = 0x2ff;

/// Compiles the US keymap.
///
/// # Errors
/// The system has no keyboard layouts.
pub(super) fn us_keymap() -> Result<xkb::Keymap, DisplayError> {
    let context = xkb::Context::new(xkb::CONTEXT_NO_ENVIRONMENT_NAMES);
    let keymap = xkb::Keymap::new_from_names(
        &context,
        US.rules,
        US.model,
        US.layout,
        US.variant,
        US.options,
        xkb::KEYMAP_COMPILE_NO_FLAGS,
    );
    keymap.ok_or_else(missing_layout)
}

/// The error for a system without keyboard layouts.
pub(super) fn missing_layout() -> DisplayError {
    DisplayError::Missing {
        what: "the US keyboard layout".into(),
        remedy: "install xkeyboard-config (Debian: xkb-data)".into(),
    }
}

/// Keys that the US keymap leaves free, and the characters bound to them. A new character takes the key that was
/// bound longest ago: an X11 program may look at the keymap only after the next characters were typed.
#[derive(Debug)]
pub(super) struct TextKeys {
    keymap: String,
    spare: Vec<SpareKey>,
    next: usize,
}

#[derive(Debug)]
struct SpareKey {
    name: String,
    code: u32,
    character: Option<char>,
}

/// The key that types a character.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Binding {
    /// Its evdev code.
    pub(super) code: u32,
    /// The keymap with the binding, if clients do not have it yet.
    pub(super) keymap: Option<String>,
}

/// How many characters stay bound.
const SPARE_KEYS: usize = 16;
/// The highest key code an X11 program can see.
const LAST_X11_KEY: u32 = 255;

impl TextKeys {
    pub(super) fn new() -> Result<Self, DisplayError> {
        let keymap = us_keymap()?;
        let spare = (XKB_OFFSET..=LAST_X11_KEY)
            .rev()
            .filter(|&code| keymap.num_layouts_for_key(Keycode::new(code)) == 0)
            .filter_map(|code| {
                let name = keymap.key_get_name(Keycode::new(code))?.to_owned();
                Some(SpareKey { name, code: code - XKB_OFFSET, character: None })
            })
            .take(SPARE_KEYS)
            .collect();
        Ok(Self { keymap: keymap.get_as_string(xkb::KEYMAP_FORMAT_TEXT_V1), spare, next: 0 })
    }

    /// Finds or binds the key for `character`. Control characters have keys of their own and get none here.
    pub(super) fn bind(&mut self, character: char) -> Option<Binding> {
        if character.is_control() {
            return None;
        }
        if let Some(key) = self.spare.iter().find(|key| key.character == Some(character)) {
            return Some(Binding { code: key.code, keymap: None });
        }
        let at = self.next;
        let key = self.spare.get_mut(at)?;
        key.character = Some(character);
        let code = key.code;
        self.next = (at + 1) % self.spare.len();
        Some(Binding { code, keymap: Some(self.with_bindings()?) })
    }

    /// The keymap with a line for each bound key at the end of its symbols.
    fn with_bindings(&self) -> Option<String> {
        let symbols = self.keymap.find("xkb_symbols")?;
        let end = symbols + self.keymap[symbols..].find("\n};")?;
        let bindings: String = self
            .spare
            .iter()
            .filter_map(|key| Some(format!("\n\tkey <{}> {{ [ U{:04X} ] }};", key.name, u32::from(key.character?))))
            .collect();
        Some(format!("{}{bindings}{}", &self.keymap[..end], &self.keymap[end..]))
    }
}

#[cfg(test)]
mod tests {
    use super::{LAST_X11_KEY, TextKeys, XKB_OFFSET};
    use smithay::input::keyboard::xkb::{self, Keycode};

    #[test]
    fn a_character_without_a_key_gets_one_and_the_last_sixteen_stay() {
        let mut keys = TextKeys::new().unwrap();
        let mut bound = Vec::new();
        for character in "äöüß€→あいうえお漢字😀🦀ñç".chars() {
            let binding = keys.bind(character).unwrap();
            assert!(binding.code + XKB_OFFSET <= LAST_X11_KEY);
            bound.push((character, binding.code, binding.keymap.expect("new characters change the keymap")));
        }
        assert_eq!(keys.bind('ç').unwrap().keymap, None, "already bound");
        let (_, _, last) = bound.last().unwrap();
        let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        let keymap = xkb::Keymap::new_from_string(
            &context,
            last.clone(),
            xkb::KEYMAP_FORMAT_TEXT_V1,
            xkb::KEYMAP_COMPILE_NO_FLAGS,
        )
        .expect("the keymap compiles");
        let state = xkb::State::new(&keymap);
        for (character, code, _) in bound.iter().rev().take(16) {
            assert_eq!(state.key_get_utf8(Keycode::new(code + XKB_OFFSET)), character.to_string());
        }
        assert_eq!(state.key_get_utf8(Keycode::new(30 + XKB_OFFSET)), "a", "ordinary keys stay");
    }

    #[test]
    fn control_characters_are_not_typed_as_text() {
        assert_eq!(TextKeys::new().unwrap().bind('\u{8}'), None);
    }
}
