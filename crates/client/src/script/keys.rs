//! Keys by their names, as in `ctrl+alt+delete`.

use super::Cue;

pub(super) const SHIFT: u8 = 0xA0;

/// Names and virtual-key codes; letters and digits are their own.
const NAMED: &[(&str, u8)] = &[
    ("backspace", 0x08),
    ("tab", 0x09),
    ("enter", 0x0D),
    ("escape", 0x1B),
    ("space", 0x20),
    ("pageup", 0x21),
    ("pagedown", 0x22),
    ("end", 0x23),
    ("home", 0x24),
    ("left", 0x25),
    ("up", 0x26),
    ("right", 0x27),
    ("down", 0x28),
    ("insert", 0x2D),
    ("delete", 0x2E),
    ("super", 0x5B),
    ("shift", SHIFT),
    ("ctrl", 0xA2),
    ("alt", 0xA4),
];

/// Keys held one after the other and let go in reverse: `ctrl+shift+t`.
pub(super) fn chord(text: &str) -> Result<Vec<Cue>, String> {
    let codes: Vec<u8> = text.split('+').map(|name| code(name.trim())).collect::<Result<_, _>>()?;
    match codes.split_last() {
        Some((last, held)) if held.len() <= 4 => Ok(press(held, *last)),
        _ => Err("hold at most four keys with the last".into()),
    }
}

/// `key` with the keys of `held` down.
pub(super) fn press(held: &[u8], key: u8) -> Vec<Cue> {
    let down = held.iter().chain([&key]).map(|vk| Cue::Key { vk: *vk, pressed: true });
    let up = [&key].into_iter().chain(held.iter().rev()).map(|vk| Cue::Key { vk: *vk, pressed: false });
    down.chain(up).collect()
}

fn code(name: &str) -> Result<u8, String> {
    let lower = name.to_ascii_lowercase();
    if let Some((_, vk)) = NAMED.iter().find(|(known, _)| *known == lower) {
        return Ok(*vk);
    }
    if let [character @ (b'a'..=b'z' | b'0'..=b'9')] = lower.as_bytes() {
        return Ok(character.to_ascii_uppercase());
    }
    if let Some(number) = lower.strip_prefix('f').and_then(|number| number.parse::<u8>().ok())
        && (1..=24).contains(&number)
    {
        return Ok(0x70 + number - 1);
    }
    let known: Vec<&str> = NAMED.iter().map(|(known, _)| *known).collect();
    Err(format!("there is no key {name:?}: a letter, a digit, f1 to f24, {}", known.join(", ")))
}
