//! Takes out of a text what no text that leaves the machine may hold. Nothing secret is ever logged on purpose; this
//! is for the day on which a program of somebody else writes it into a line of ours.

use std::borrow::Cow;

/// `text` with `[redacted]` in place of values that follow the name of a secret (`password=…`, `"token": "…"`,
/// `Cookie: …`, `Bearer …`), of pairing links and of secret keys.
pub(crate) fn redact(text: &str) -> Cow<'_, str> {
    let mut out = String::new();
    let mut done = 0;
    let mut at = 0;
    while at < text.len() {
        match secret_at(text, at) {
            Some((start, end)) => {
                out.push_str(&text[done..start]);
                out.push_str(MARK);
                done = end;
                at = end;
            }
            None => at += text[at..].chars().next().map_or(1, char::len_utf8),
        }
    }
    if done == 0 && out.is_empty() {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[done..]);
    Cow::Owned(out)
}

/// The secret that is announced at `at`: where it begins and ends.
fn secret_at(text: &str, at: usize) -> Option<(usize, usize)> {
    if !text.is_char_boundary(at) {
        return None;
    }
    let rest = &text[at..];
    if let Some(prefix) = PREFIXES.iter().find(|prefix| begins_with(rest, prefix)) {
        return Some((at + prefix.len(), at + end_of_value(rest, prefix.len())));
    }
    let begins_word = !text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
    let name = NAMES.iter().find(|name| begins_word && begins_with(rest, name))?;
    let value = start_of_value(rest, name.len())?;
    let end = if LINES.contains(name) { end_of_line(rest, value) } else { end_of_value(rest, value) };
    (end > value).then_some((at + value, at + end))
}

fn begins_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// After the name: quotes, blanks, then `=` or `:`, then blanks, quotes, and words such as `Some(`.
fn start_of_value(text: &str, name: usize) -> Option<usize> {
    let after = text[name..].trim_start_matches(['"', '\'', '\\', ' ']);
    let value = after.strip_prefix([':', '='])?;
    let value = value.trim_start_matches(['=', '>', ' ', '"', '\'', '\\']);
    let value = value.strip_prefix("Some(").unwrap_or(value).trim_start_matches(['"', '\'', '\\']);
    Some(text.len() - value.len())
}

fn end_of_value(text: &str, start: usize) -> usize {
    let quoted = text[..start].ends_with(['"', '\'']);
    let ends = |c: char| match c {
        '"' | '\'' | '\n' | '\r' => true,
        ' ' | ',' | ';' | ')' | '}' | ']' | '&' | '<' | '>' => !quoted,
        _ => false,
    };
    text[start..].find(ends).map_or(text.len(), |length| start + length)
}

fn end_of_line(text: &str, start: usize) -> usize {
    text[start..].find(['\n', '\r']).map_or(text.len(), |length| start + length)
}

const MARK: &str = "[redacted]";
/// What a secret follows at once.
const PREFIXES: [&str; 5] = ["punktfunk://", "AGE-SECRET-KEY-", "bearer ", "__Host-punktfunk=", "$argon2id$"];
/// Names of what is secret.
const NAMES: [&str; 16] = [
    "password",
    "passwd",
    "passphrase",
    "token",
    "access_token",
    "api_token",
    "secret",
    "webhook_secret",
    "pin",
    "claim_code",
    "claim code",
    "cookie",
    "set-cookie",
    "authorization",
    "private_key",
    "api_key",
];
/// Headers: their value goes to the end of the line.
const LINES: [&str; 3] = ["cookie", "set-cookie", "authorization"];

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn values_after_the_name_of_a_secret_are_taken_out() {
        for (text, expected) in [
            ("password=hunter22222 ok", "password=[redacted] ok"),
            ("PIN: 4711, then", "PIN: [redacted], then"),
            (r#"{"token":"abc def","x":1}"#, r#"{"token":"[redacted]","x":1}"#),
            ("Cookie: a=b; __Host-punktfunk=cafe\nnext", "Cookie: [redacted]\nnext"),
            ("got Bearer s3cr3t from 10.0.0.1", "got Bearer [redacted] from 10.0.0.1"),
            ("open punktfunk://pair?x=1 now", "open punktfunk://[redacted] now"),
            ("claim_code=Some(\"ABCD-EFGH\")", "claim_code=Some(\"[redacted]\")"),
            ("api_key = 'two words'", "api_key = '[redacted]'"),
            ("key AGE-SECRET-KEY-1QQQ.", "key AGE-SECRET-KEY-[redacted]"),
        ] {
            assert_eq!(redact(text), expected);
        }
    }

    #[test]
    fn other_text_stays_as_it_is() {
        for text in ["spinning: 3", "no pin here", "the password is wrong", "tokens: 3", "", "é piné=5", "hôte"] {
            assert_eq!(redact(text), text);
        }
    }
}
