//! What every answer carries.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

use crate::problem::{self, Problem, ProblemCode};

/// The answer with the headers that tell browsers what they may do with it. Answers of the API are not stored, unless
/// they say otherwise; a failure that is told in plain text becomes a problem.
pub(super) fn dress(response: Response, is_api: bool) -> Response {
    let mut response = if is_told_badly(&response) { retold(&response) } else { response };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let failed = headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind == problem::MEDIA_TYPE);
    if (is_api && !headers.contains_key(header::CACHE_CONTROL)) || failed {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Libraries answer failures of their own in plain text or with nothing.
fn is_told_badly(response: &Response) -> bool {
    let failed = response.status().is_client_error() || response.status().is_server_error();
    failed && !says_what_it_is(response.headers())
}

fn says_what_it_is(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind == problem::MEDIA_TYPE || kind.starts_with("application/json")
}

fn retold(response: &Response) -> Response {
    let status = response.status();
    let detail = match status {
        StatusCode::NOT_FOUND => "there is nothing at this address",
        StatusCode::METHOD_NOT_ALLOWED => "this address does not take this method",
        status if status.is_client_error() => "the request cannot be read",
        _ => "a fault of the host: see its log",
    };
    let mut retold = Problem::new(ProblemCode::of_status(status), detail).into_response();
    if let Some(allow) = response.headers().get(header::ALLOW) {
        retold.headers_mut().insert(header::ALLOW, allow.clone());
    }
    retold
}

/// No inline script or style, nothing from elsewhere, no frames around it. No HSTS: the certificate is our own, and a
/// browser that insisted on it would lock its owner out after a change of identity.
const HEADERS: [(HeaderName, &str); 8] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
         connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
    (HeaderName::from_static("x-robots-tag"), "noindex"),
];
