//! Names that strangers give themselves, made fit to be shown to the owner.

use std::fmt;

use punktfunk_proto::units::Fingerprint;

/// A name without anything that could deceive: no control or ANSI sequence, no text-direction or invisible
/// character, at most [`DeviceName::MAX_BYTES`], never empty. Two devices may have the same one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeviceName(String);

impl DeviceName {
    /// The longest name, in bytes of UTF-8 (the wire's limit for names, spec section 3.2).
    pub const MAX_BYTES: usize = 64;

    /// The name `raw` claims, or the label of `fingerprint` if nothing of it can be shown.
    pub fn claimed(raw: Option<&str>, fingerprint: Fingerprint) -> Self {
        raw.and_then(Self::written).unwrap_or_else(|| Self(format!("device {}", fingerprint.short())))
    }

    /// As [`DeviceName::claimed`], from bytes that may not be UTF-8; those that are not give the label.
    pub fn claimed_bytes(raw: &[u8], fingerprint: Fingerprint) -> Self {
        Self::claimed(std::str::from_utf8(raw).ok(), fingerprint)
    }

    /// What is left of `text` after scrubbing; `None` if nothing is.
    pub fn written(text: &str) -> Option<Self> {
        let mut name = String::new();
        let mut marks = 0;
        for c in Visible::of(text) {
            let is_mark = is_combining(c);
            marks = if is_mark { marks + 1 } else { 0 };
            let after_blank = name.is_empty() || name.ends_with(' ');
            if (is_mark && (after_blank || marks > MAX_MARKS)) || (c == ' ' && after_blank) {
                continue;
            }
            if name.len() + c.len_utf8() > Self::MAX_BYTES {
                break;
            }
            name.push(c);
        }
        name.truncate(name.trim_end().len());
        (!name.is_empty()).then_some(Self(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

/// The characters of a text that can be seen, with every blank as a space and ANSI sequences taken out whole.
struct Visible<'a> {
    chars: std::iter::Peekable<std::str::Chars<'a>>,
}

impl<'a> Visible<'a> {
    fn of(text: &'a str) -> Self {
        Self { chars: text.chars().peekable() }
    }

    /// Skips what follows an ESC: `[` up to its final byte, `]` up to BEL or ESC `\\`, else one character.
    fn skip_escape(&mut self) {
        match self.chars.next() {
            Some('[') => self.skip_past(|c| ('\u{40}'..='\u{7e}').contains(&c)),
            Some(']' | 'P' | '_' | '^' | 'X') => {
                self.skip_past(|c| matches!(c, '\u{7}' | '\u{1b}' | '\u{9c}'));
                self.chars.next_if_eq(&'\\');
            }
            _ => {}
        }
    }

    fn skip_past(&mut self, is_last: impl Fn(char) -> bool) {
        for c in self.chars.by_ref() {
            if is_last(c) {
                return;
            }
        }
    }
}

impl Iterator for Visible<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        loop {
            match self.chars.next()? {
                '\u{1b}' => self.skip_escape(),
                '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => {
                    self.skip_past(|c| matches!(c, '\u{7}' | '\u{1b}' | '\u{9c}'));
                    self.chars.next_if_eq(&'\\');
                }
                '\u{9b}' => self.skip_past(|c| ('\u{40}'..='\u{7e}').contains(&c)),
                c if c.is_whitespace() || matches!(c, '\0' | '\u{2800}') => return Some(' '),
                c if c.is_control() || is_invisible(c) => {}
                c => return Some(c),
            }
        }
    }
}

/// How many combining marks may stand on one letter; more are drawn over the lines around it.
const MAX_MARKS: usize = 2;

/// Format, filler, private-use, tag and non-characters: general categories Cf, Co, Cn as far as they deceive.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}' | '\u{890}'..='\u{891}'
        | '\u{8e2}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
        | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{ffff}' | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d159}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{10ffff}')
        || u32::from(c) & 0xFFFE == 0xFFFE
}

fn is_combining(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}'..='\u{5c5}'
        | '\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e4}' | '\u{6e7}'..='\u{6ed}' | '\u{711}' | '\u{730}'..='\u{74a}' | '\u{7eb}'..='\u{7f3}'
        | '\u{816}'..='\u{82d}' | '\u{859}'..='\u{85b}' | '\u{898}'..='\u{89f}' | '\u{8ca}'..='\u{8e1}'
        | '\u{8e3}'..='\u{8ff}' | '\u{951}'..='\u{957}' | '\u{e31}' | '\u{e34}'..='\u{e3a}' | '\u{e47}'..='\u{e4e}'
        | '\u{eb1}' | '\u{eb4}'..='\u{ebc}' | '\u{ec8}'..='\u{ece}' | '\u{f18}'..='\u{f19}' | '\u{f35}' | '\u{f37}'
        | '\u{f39}' | '\u{f71}'..='\u{f84}' | '\u{f86}'..='\u{fbc}' | '\u{1a7f}' | '\u{302a}'..='\u{302f}'
        | '\u{3099}'..='\u{309a}' | '\u{a66f}'..='\u{a672}' | '\u{a674}'..='\u{a67d}' | '\u{a8e0}'..='\u{a8f1}'
        | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::{DeviceName, MAX_MARKS, is_combining, is_invisible};
    use proptest::{
        collection::vec,
        prelude::{Strategy, any, prop_assert, prop_oneof, proptest},
        sample::Index,
    };
    use punktfunk_proto::units::Fingerprint;

    const PRINT: Fingerprint = Fingerprint::from_bytes([0xAB; 32]);

    fn check(raw: &str, expected: &str) {
        assert_eq!(DeviceName::claimed(Some(raw), PRINT).as_str(), expected, "{raw:?}");
    }

    #[test]
    fn ansi_nul_bidi_and_byte_order_marks_are_scrubbed_from_names() {
        check("Wohnzimmer", "Wohnzimmer");
        check("\u{1b}[31;1mred\u{1b}[0m", "red");
        check("\u{9b}31mred", "red");
        check("\u{1b}]0;title\u{7}after", "after");
        check("\u{1b}]0;title\u{1b}\\after", "after");
        check("\u{9d}0;title\u{9c}after", "after");
        check("a\0b", "a b");
        check("a\r\n\tb", "a b");
        check("\u{202e}gnp.exe", "gnp.exe");
        check("\u{feff}x\u{200b}y\u{2066}z\u{2069}", "xyz");
        check("  spaced \u{3000} out  ", "spaced out");
        check("tag\u{e0041}\u{e0042}", "tag");
        check("ü\u{308}\u{308}\u{308}\u{308}", "ü\u{308}\u{308}");
        check("Jörgs 小電腦 🎮", "Jörgs 小電腦 🎮");
    }

    #[test]
    fn a_name_with_nothing_to_see_becomes_the_fingerprint_label() {
        for raw in ["", " \t", "\u{200b}\u{2060}", "\u{3164}", "\u{2800}", "\u{301}", "\u{1b}[2J"] {
            check(raw, "device abababab");
        }
        assert_eq!(DeviceName::claimed(None, PRINT).as_str(), "device abababab");
        assert_eq!(DeviceName::claimed_bytes(&[b'a', 0xFF], PRINT).as_str(), "device abababab");
    }

    #[test]
    fn a_name_is_cut_on_a_character_boundary() {
        let raw = format!("{}ü", "a".repeat(63));
        check(&raw, &"a".repeat(63));
        check(&"🎮".repeat(20), &"🎮".repeat(16));
    }

    /// What has been used against consoles and terminals, between harmless letters.
    fn nasty() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            "[ a-zA-ZäßЖ小🎮]{1,4}",
            "\u{1b}\\[[0-9;?]{0,6}[a-zA-Z@~]?",
            "\u{1b}[\\]P_^X][a-z0-9;]{0,6}(\u{7}|\u{1b}\\\\|\u{9c})?",
            "[\u{80}-\u{9f}\u{0}-\u{1f}\u{7f}]{1,3}",
            "[\u{200b}-\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{feff}\u{61c}\u{ad}\u{180e}\u{fe0f}]{1,4}",
            "[\u{300}-\u{36f}\u{489}\u{20d0}-\u{20f0}\u{e4e}\u{f71}-\u{f7e}]{1,40}",
            "[\u{2800}\u{3000}\u{a0}\u{2028}\u{85}\t\r\n]{1,3}",
            "[\u{e0020}-\u{e007f}\u{e000}\u{10ffff}\u{fffe}\u{fffd}\u{3164}\u{115f}]{1,4}",
        ];
        vec(piece, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn case_13_nothing_that_hides_turns_or_stacks_is_left_in_a_name(raw in nasty(), cut in any::<Index>()) {
            let bytes = &raw.as_bytes()[..cut.index(raw.len() + 1)];
            for name in [DeviceName::claimed(Some(&raw), PRINT), DeviceName::claimed_bytes(bytes, PRINT)] {
                let text = name.as_str();
                prop_assert!((1..=DeviceName::MAX_BYTES).contains(&text.len()));
                prop_assert!(!text.chars().any(|c| c.is_control() || is_invisible(c)), "{text:?}");
                prop_assert!(text.trim() == text && !text.contains("  "), "{text:?}");
                prop_assert!(!text.chars().any(|c| c.is_whitespace() && c != ' '), "{text:?}");
                let stacked = text.split(|c| !is_combining(c)).map(|marks| marks.chars().count()).max();
                prop_assert!(stacked.is_none_or(|most| most <= MAX_MARKS), "{text:?}");
                prop_assert!(!text.starts_with(is_combining), "{text:?}");
            }
        }

        #[test]
        fn any_bytes_give_a_name_that_is_short_visible_and_stays_itself(raw in any::<Vec<u8>>()) {
            let name = DeviceName::claimed_bytes(&raw, PRINT);
            prop_assert!(!name.as_str().is_empty() && name.as_str().len() <= DeviceName::MAX_BYTES);
            prop_assert!(!name.as_str().chars().any(char::is_control));
            prop_assert!(DeviceName::written(name.as_str()).as_ref() == Some(&name));
        }

        #[test]
        fn any_text_gives_a_name_that_is_short_visible_and_stays_itself(raw in any::<String>()) {
            let name = DeviceName::claimed(Some(&raw), PRINT);
            prop_assert!(!name.as_str().is_empty() && name.as_str().len() <= DeviceName::MAX_BYTES);
            prop_assert!(DeviceName::written(name.as_str()).as_ref() == Some(&name));
        }
    }
}
