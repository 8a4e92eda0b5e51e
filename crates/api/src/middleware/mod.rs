//! What holds for every request, whatever its route.

use axum::http::{HeaderMap, header};

/// Whether the body says that it is JSON.
pub(crate) fn says_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (value, None) = (values.next().and_then(|value| value.to_str().ok()), values.next()) else { return false };
    let kind = value.and_then(|value| value.split(';').next());
    kind.is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}
