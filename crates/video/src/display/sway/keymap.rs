//! Keymaps for the virtual keyboards, as the file descriptors that Wayland passes them in.

use std::{fs::File, io, io::Write as _, os::fd::OwnedFd};

use rustix::fs::{MemfdFlags, memfd_create};
use xkbcommon::xkb;

use crate::display::DisplayError;

/// XKB counts keys from 8 where the kernel counts from 0.
pub(super) const XKB_OFFSET: u32 = 8;

/// Compiles the US layout, whatever the environment says: clients send positions on it.
pub(super) fn us_keymap() -> Result<xkb::Keymap, DisplayError> {
    let context = xkb::Context::new(xkb::CONTEXT_NO_ENVIRONMENT_NAMES);
    let options = Some(String::new());
    let flags = xkb::KEYMAP_COMPILE_NO_FLAGS;
    let keymap = xkb::Keymap::new_from_names(&context, "evdev", "pc105", "us", "", options, flags);
    keymap.ok_or_else(|| DisplayError::Missing {
        what: "the US keyboard layout".into(),
        remedy: "install xkeyboard-config (Debian: xkb-data)".into(),
    })
}

/// The evdev code of the only key of [`text_keymap`]: `KEY_UNKNOWN`, which no program binds to anything.
pub(super) const TEXT_KEY: u32 = 240;

/// A keymap whose only key types `character`. Control characters have keys of their own and get none here.
pub(super) fn text_keymap(character: char) -> Option<String> {
    if character.is_control() {
        return None;
    }
    let (key, symbol) = (TEXT_KEY + XKB_OFFSET, u32::from(character));
    Some(format!(
        "xkb_keymap {{\n\
         xkb_keycodes \"text\" {{ minimum = 8; maximum = 255; <TEXT> = {key}; }};\n\
         xkb_types \"text\" {{ include \"complete\" }};\n\
         xkb_compatibility \"text\" {{ include \"complete\" }};\n\
         xkb_symbols \"text\" {{ key <TEXT> {{ [ U{symbol:04X} ] }}; }};\n\
         }};\n"
    ))
}

/// A keymap in a file of its own, and its length with the zero at its end.
pub(super) fn in_file(keymap: &str) -> io::Result<(OwnedFd, u32)> {
    let mut file = File::from(memfd_create("keymap", MemfdFlags::CLOEXEC)?);
    file.write_all(keymap.as_bytes())?;
    file.write_all(&[0])?;
    Ok((file.into(), keymap.len() as u32 + 1))
}

#[cfg(test)]
mod tests {
    use super::{TEXT_KEY, XKB_OFFSET, text_keymap, us_keymap};
    use xkbcommon::xkb;

    #[test]
    fn the_text_key_types_its_character() {
        let context = xkb::Context::new(xkb::CONTEXT_NO_FLAGS);
        for character in "aß€→あ漢😀 ".chars() {
            let (format, flags) = (xkb::KEYMAP_FORMAT_TEXT_V1, xkb::KEYMAP_COMPILE_NO_FLAGS);
            let text = text_keymap(character).unwrap();
            let keymap = xkb::Keymap::new_from_string(&context, text, format, flags).expect("the keymap compiles");
            let typed = xkb::State::new(&keymap).key_get_utf8(xkb::Keycode::new(TEXT_KEY + XKB_OFFSET));
            assert_eq!(typed, character.to_string());
        }
        assert_eq!(text_keymap('\n'), None);
    }

    #[test]
    fn the_us_layout_has_its_letters_where_the_kernel_counts_them() {
        let state = xkb::State::new(&us_keymap().unwrap());
        assert_eq!(state.key_get_utf8(xkb::Keycode::new(30 + XKB_OFFSET)), "a");
    }
}
