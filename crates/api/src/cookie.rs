//! The cookie of a login.

use axum::http::{HeaderMap, HeaderValue, header};
use punktfunk_trust::SessionToken;

/// The login that a request shows. Two of them are none: nobody can tell which one is meant.
pub(crate) fn read(headers: &HeaderMap) -> Option<String> {
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value.to_owned());
    let first = ours.next()?;
    ours.next().is_none().then_some(first)
}

/// Whether a request shows a login, a good one or not.
pub(crate) fn is_shown(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::COOKIE).iter();
    values.any(|value| value.as_bytes().windows(NAME.len()).any(|window| window == NAME.as_bytes()))
}

/// What makes the browser show this login from now on, until it is closed or the host ends it.
pub(crate) fn set(token: &SessionToken) -> HeaderValue {
    let text = [NAME, "=", &token.to_text(), ATTRIBUTES].concat();
    let mut value = HeaderValue::from_str(&text).expect("hex digits and our own words are ASCII");
    value.set_sensitive(true);
    value
}

/// What makes the browser forget it.
pub(crate) fn clear() -> HeaderValue {
    let text = [NAME, "=", ATTRIBUTES, "; Max-Age=0"].concat();
    HeaderValue::from_str(&text).expect("our own words are ASCII")
}

/// The prefix makes browsers insist on Secure, on the path and on this very host.
pub(crate) const NAME: &str = "__Host-punktfunk";
const ATTRIBUTES: &str = "; Path=/; Secure; HttpOnly; SameSite=Strict";

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{clear, read};

    fn with(cookies: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(header::COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        headers
    }

    #[test]
    fn the_login_is_found_among_other_cookies_and_two_are_none() {
        assert_eq!(read(&with(&["a=b; __Host-punktfunk=cafe; c=d"])), Some("cafe".into()));
        assert_eq!(read(&with(&["a=b", "__Host-punktfunk=cafe"])), Some("cafe".into()));
        assert_eq!(read(&with(&["__Host-punktfunk=a; __Host-punktfunk=b"])), None);
        assert_eq!(read(&with(&["__Host-punktfunk=a", "__Host-punktfunk=a"])), None);
        assert_eq!(read(&with(&["x__Host-punktfunk=a", "__host-punktfunk=a"])), None);
        assert_eq!(read(&with(&[])), None);
    }

    #[test]
    fn a_cleared_cookie_keeps_the_attributes_that_its_prefix_demands() {
        assert_eq!(clear(), "__Host-punktfunk=; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=0");
    }
}
