//! Text from the network or from a file on its way to a terminal.

/// `text` without what could steer a terminal or reorder a line, cut to `limit` characters.
///
/// Control characters, bidirectional overrides and zero-width characters become `?`.
pub fn printable(text: &str, limit: usize) -> String {
    let steers = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    text.chars().take(limit).map(|c| if steers(c) { '?' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn a_hosts_name_cannot_steer_the_terminal() {
        assert_eq!(printable("\u{1b}[2Jliving\0room\u{202e}", 64), "?[2Jliving?room?");
        assert_eq!(printable("Wohnzimmer ü 居間", 64), "Wohnzimmer ü 居間");
        assert_eq!(printable(&"x".repeat(1_000), 5), "xxxxx");
    }
}
