//! A link as a picture of blocks that a phone can scan from the terminal.

use qrcode::{EcLevel, QrCode, render::unicode};

/// The picture, dark on light with its quiet zone; `None` if the link is too long for one.
pub(super) fn blocks(link: &str) -> Option<String> {
    let code = QrCode::with_error_correction_level(link, EcLevel::L).ok()?;
    // Terminals are dark more often than not: light modules are drawn, dark ones left out.
    let mut picture = code.render::<unicode::Dense1x2>();
    picture.dark_color(unicode::Dense1x2::Light).light_color(unicode::Dense1x2::Dark);
    Some(picture.quiet_zone(true).build())
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn a_link_becomes_a_square_of_blocks() {
        let picture = blocks("punktfunk://192.168.1.20/join?fp=00&t=00").unwrap();
        let widths: Vec<usize> = picture.lines().map(|line| line.chars().count()).collect();
        assert!(widths.iter().all(|width| *width == widths[0]), "{widths:?}");
        assert!(widths[0].abs_diff(2 * widths.len()) <= 1, "two modules of height to a line: {widths:?}");
        assert!(picture.contains('█') && picture.contains('▀'));
    }

    #[test]
    fn a_link_too_long_for_any_code_is_none() {
        assert!(blocks(&"x".repeat(5_000)).is_none());
    }
}
