//! Times and rights in words.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::cli::language::Language;

/// What a device may do (wire specification, section 2.5).
pub(super) fn grants(bits: u32, language: Language) -> String {
    const ENGLISH: [&str; 6] = ["gamepad", "pointer", "keyboard", "clipboard", "microphone", "launch"];
    const GERMAN: [&str; 6] = ["Gamepad", "Zeiger", "Tastatur", "Zwischenablage", "Mikrofon", "Programmstart"];
    let words = match language {
        Language::English => ENGLISH,
        Language::German => GERMAN,
    };
    let set: Vec<&str> = words.iter().enumerate().filter(|(bit, _)| bits >> bit & 1 == 1).map(|(_, n)| *n).collect();
    let stream = match (bits & 0x3F, set.len()) {
        (0, _) => language.pick("view only", "nur zusehen").to_owned(),
        (1, _) => language.pick("controller only", "nur Gamepad").to_owned(),
        (_, 6) => language.pick("everything", "alles").to_owned(),
        _ => set.join(","),
    };
    if bits >> 31 == 1 { format!("{stream},{}", language.pick("admin", "Verwaltung")) } else { stream }
}

/// A length of time, in its largest whole unit.
pub(super) fn span(seconds: u64, language: Language) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} {}", seconds / 3_600, language.pick("h", "Std.")),
        _ => format!("{} {}", seconds / 86_400, language.pick("d", "T.")),
    }
}

/// How long ago that was, on this machine's clock.
pub(super) fn ago(unix: Option<u64>, language: Language) -> String {
    let Some(unix) = unix else { return language.pick("never", "nie").to_owned() };
    let span = span(now_unix().saturating_sub(unix), language);
    match language {
        Language::English => format!("{span} ago"),
        Language::German => format!("vor {span}"),
    }
}

/// How long until then, on this machine's clock.
pub(super) fn until(unix: Option<u64>, language: Language) -> String {
    let Some(unix) = unix else { return language.pick("never", "nie").to_owned() };
    match unix.saturating_sub(now_unix()) {
        0 => language.pick("expired", "abgelaufen").to_owned(),
        left => format!("in {}", span(left, language)),
    }
}

fn now_unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::{grants, span};
    use crate::cli::language::Language::{English, German};

    #[test]
    fn rights_are_named() {
        assert_eq!(grants(0x3F, English), "everything");
        assert_eq!(grants(0, English), "view only");
        assert_eq!(grants(0b1, English), "controller only");
        assert_eq!(grants(0b11, English), "gamepad,pointer");
        assert_eq!(grants(0x8000_003F, German), "alles,Verwaltung");
    }

    #[test]
    fn times_are_short() {
        let spans = [5, 90, 7_200, 200_000].map(|seconds| span(seconds, English));
        assert_eq!(spans, ["5 s", "1 min", "2 h", "2 d"]);
        assert_eq!(span(200_000, German), "2 T.");
    }
}
