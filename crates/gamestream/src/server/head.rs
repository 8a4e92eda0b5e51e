//! The head of a request, as far as it matters here: `GET target HTTP/1.x`. Everything else of it is ignored.

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Head<'a> {
    pub(super) path: &'a str,
    pub(super) query: &'a str,
}

/// Reads the head at the start of `bytes`; `None` as long as it is not there whole, `Some(None)` when it is none of ours.
pub(super) fn parse(bytes: &[u8]) -> Option<Option<Head<'_>>> {
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(request_line(&bytes[..end]))
}

fn request_line(head: &[u8]) -> Option<Head<'_>> {
    let line = head.split(|byte| *byte == b'\r').next()?;
    let line = std::str::from_utf8(line).ok()?;
    let mut words = line.split(' ');
    let (method, target, version) = (words.next()?, words.next()?, words.next()?);
    if method != "GET" || words.next().is_some() || !version.starts_with("HTTP/1.") || !target.starts_with('/') {
        return None;
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    Some(Head { path, query })
}

/// The longest head: a client's certificate is in it, in hexadecimal.
pub(super) const LONGEST: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::proptest;

    use super::{Head, parse};

    #[test]
    fn a_request_is_its_first_line() {
        let whole = b"GET /serverinfo?uniqueid=1&uuid=2 HTTP/1.1\r\nHost: den:47989\r\nAccept: */*\r\n\r\n";
        assert_eq!(parse(whole), Some(Some(Head { path: "/serverinfo", query: "uniqueid=1&uuid=2" })));
        for cut in 0..whole.len() {
            assert_eq!(parse(&whole[..cut]), None, "cut at {cut}");
        }
    }

    #[test]
    fn other_requests_are_none() {
        for wrong in [
            "POST / HTTP/1.1",
            "GET /",
            "GET / HTTP/2",
            "GET / x HTTP/1.1",
            "GET http://a/ HTTP/1.1",
            "",
            "\u{16}\u{3}",
        ] {
            assert_eq!(parse(format!("{wrong}\r\n\r\n").as_bytes()), Some(None), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes: Vec<u8>) {
            parse(&bytes);
            parse(&[&bytes[..], b"\r\n\r\n"].concat());
        }
    }
}
