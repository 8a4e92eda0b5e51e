//! Query strings: bounded, each key once.

/// The keys and values of a request.
#[derive(Debug, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

/// A query that no client sends: too many keys, a key twice, broken escapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the query cannot be read")]
pub struct BadQuery;

impl Query {
    /// More keys than any client sends.
    const MAX_KEYS: usize = 48;

    /// Reads what follows the `?` of a request.
    ///
    /// # Errors
    /// It is none of a client's.
    pub fn parse(text: &str) -> Result<Self, BadQuery> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (key, value) = (decoded(key)?, decoded(value)?);
            if pairs.len() == Self::MAX_KEYS || pairs.iter().any(|(known, _)| *known == key) {
                return Err(BadQuery);
            }
            pairs.push((key, value));
        }
        Ok(Self(pairs))
    }

    /// The value of a key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == key).map(|(_, value)| value.as_str())
    }

    /// The value of a key as a number.
    pub fn number<T: std::str::FromStr>(&self, key: &str) -> Option<T> {
        self.text(key)?.parse().ok()
    }

    /// The value of a key as so many bytes in hexadecimal, upper or lower case.
    pub fn bytes<const N: usize>(&self, key: &str) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        unhex(self.text(key)?, &mut bytes).then_some(bytes)
    }

    /// The value of a key as at most `most` bytes in hexadecimal.
    pub fn bytes_up_to(&self, key: &str, most: usize) -> Option<Vec<u8>> {
        let digits = self.text(key)?;
        let mut bytes = vec![0; digits.len() / 2];
        (bytes.len() <= most && unhex(digits, &mut bytes)).then_some(bytes)
    }
}

/// Whether `digits` are exactly those of the bytes, which are filled.
fn unhex(digits: &str, bytes: &mut [u8]) -> bool {
    let digits = digits.as_bytes();
    digits.len() == 2 * bytes.len()
        && digits.chunks_exact(2).zip(bytes).all(|(pair, byte)| {
            let nibble = |digit: u8| char::from(digit).to_digit(16);
            let value = nibble(pair[0]).zip(nibble(pair[1])).map(|(high, low)| high << 4 | low);
            value.and_then(|value| u8::try_from(value).ok()).map(|value| *byte = value).is_some()
        })
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// With `%XX` and `+` undone.
fn decoded(text: &str) -> Result<String, BadQuery> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).ok_or(BadQuery);
                let value = digit()? << 4 | digit()?;
                u8::try_from(value).map_err(|_| BadQuery)?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).map_err(|_| BadQuery)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{BadQuery, Query, hex};

    #[test]
    fn values_are_read_as_clients_write_them() {
        let query = Query::parse("uniqueid=0123&name=a%20b+c&rikey=000Aff&empty=&flag").unwrap();
        assert_eq!(query.text("name"), Some("a b c"));
        assert_eq!(query.bytes("rikey"), Some([0, 0x0a, 0xff]));
        assert_eq!(query.bytes::<2>("rikey"), None);
        assert_eq!((query.text("empty"), query.text("flag"), query.text("Name")), (Some(""), Some(""), None));
    }

    #[test]
    fn what_no_client_sends_is_refused() {
        let many: String = (0..100).map(|n| format!("k{n}=1&")).collect();
        for wrong in ["a=1&a=2", "a=%4", "a=%zz", "a=%ff", &many] {
            assert_eq!(Query::parse(wrong), Err(BadQuery), "{wrong}");
        }
        let query = Query::parse("odd=abc&wide=１２&long=00112233").unwrap();
        assert_eq!(query.bytes_up_to("odd", 9), None);
        assert_eq!(query.bytes_up_to("wide", 9), None);
        assert_eq!(query.bytes_up_to("long", 3), None);
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text: String, bytes: Vec<u8>) {
            if let Ok(query) = Query::parse(&text) {
                let _ = (query.bytes::<4>("a"), query.bytes_up_to("a", 4));
            }
            let query = Query::parse(&format!("a={}", hex(&bytes))).unwrap();
            assert_eq!(query.bytes_up_to("a", bytes.len()), Some(bytes));
        }
    }
}
