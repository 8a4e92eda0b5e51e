//! The envelope of every answer (GameStream spec section 2.3).

use std::fmt::{Display, Write};

/// A document under construction. No white space stands between elements: Android takes a text node for an error.
pub struct Xml(String);

impl Xml {
    /// A success.
    pub fn ok() -> Self {
        Self(format!("{DECLARATION}<root status_code=\"200\">"))
    }

    /// A refusal: the message is shown to the client's user.
    pub fn refusal(code: u16, message: &str) -> Self {
        let message = Escaped(message);
        Self(format!("{DECLARATION}<root status_code=\"{code}\" status_message=\"{message}\">"))
    }

    /// With an element that holds `value` as text.
    pub fn with(mut self, element: &str, value: impl Display) -> Self {
        let text = value.to_string();
        // Writing to a String does not fail.
        let _ = write!(self.0, "<{element}>{}</{element}>", Escaped(&text));
        self
    }

    /// With an element that holds what `inner` adds.
    pub fn nested(mut self, element: &str, inner: impl FnOnce(Self) -> Self) -> Self {
        let _ = write!(self.0, "<{element}>");
        let mut inner = inner(self);
        let _ = write!(inner.0, "</{element}>");
        inner
    }

    /// The whole text.
    pub fn finish(self) -> String {
        self.0 + "</root>"
    }
}

/// Text as content or attribute; characters that XML cannot hold are left out.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\u{fffe}' | '\u{ffff}' => {}
                c if c.is_control() => {}
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

#[cfg(test)]
mod tests {
    use super::Xml;

    #[test]
    fn text_is_escaped_and_what_xml_cannot_hold_is_left_out() {
        let text = Xml::ok().with("hostname", "<Tom & \"Jerry\">\0\u{1b}\n\u{ffff}ü").finish();
        assert!(text.ends_with("<hostname>&lt;Tom &amp; &quot;Jerry&quot;&gt;ü</hostname></root>"), "{text}");
        let text = Xml::refusal(403, "a \"quoted\" <word>").finish();
        assert!(text.ends_with("status_message=\"a &quot;quoted&quot; &lt;word&gt;\"></root>"), "{text}");
    }
}
