//! The console's files, embedded in the program.

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header},
};

include!(concat!(env!("OUT_DIR"), "/console.rs"));

struct File {
    path: &'static str,
    etag: &'static str,
    plain: &'static [u8],
    /// The same, compressed when the console was built.
    brotli: Option<&'static [u8]>,
}

/// The console's files for [`crate::ApiOptions::files`].
pub fn router() -> Router {
    Router::new().fallback(|uri: Uri, headers: HeaderMap| async move {
        respond(uri.path(), &headers).ok_or((StatusCode::NOT_FOUND, "There is no such file."))
    })
}

/// What is at `path`: a file, or the console itself for each of its pages. `None` where a file was meant that is not
/// there.
pub fn respond(path: &str, headers: &HeaderMap) -> Option<Response<Body>> {
    let exact = FILES.iter().find(|file| file.path == path);
    let file = match exact {
        Some(file) => file,
        None if is_page(path) => FILES.iter().find(|file| file.path == "/index.html")?,
        None => return None,
    };
    Some(if has_it_already(headers, file.etag) { not_modified(file) } else { whole(file, headers) })
}

/// Pages have no dot in their last part; `/assets/` holds files only.
fn is_page(path: &str) -> bool {
    let last = path.rsplit('/').next().unwrap_or_default();
    !last.contains('.') && !path.starts_with("/assets/") && !path.starts_with("/api/")
}

fn whole(file: &File, headers: &HeaderMap) -> Response<Body> {
    let packed = file.brotli.filter(|_| takes_brotli(headers));
    let mut response = Response::new(Body::from(packed.unwrap_or(file.plain)));
    describe(&mut response, file);
    let head = response.headers_mut();
    head.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind(file.path)));
    if packed.is_some() {
        head.insert(header::CONTENT_ENCODING, HeaderValue::from_static("br"));
    }
    response
}

fn not_modified(file: &File) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    describe(&mut response, file);
    response
}

/// A file whose name holds its hash never changes; the others are asked for anew.
fn describe(response: &mut Response<Body>, file: &File) {
    let lasting = if file.path.starts_with("/assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let head = response.headers_mut();
    head.insert(header::CACHE_CONTROL, HeaderValue::from_static(lasting));
    head.insert(header::ETAG, HeaderValue::from_static(file.etag));
    head.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
}

fn has_it_already(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    known.is_some_and(|known| known.split(',').any(|known| known.trim().trim_start_matches("W/") == etag))
}

fn takes_brotli(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.flat_map(|value| value.split(',')).any(|coding| {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = matches!(quality.trim(), "q=0" | "q=0.0" | "q=0.00" | "q=0.000");
        name.trim() == "br" && !refused
    })
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json" | "map") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

    use super::{FILES, respond, takes_brotli};

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn every_page_is_the_console_and_a_missing_file_is_none() {
        for page in ["/", "/devices", "/sessions/7"] {
            let response = respond(page, &HeaderMap::new()).unwrap();
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8", "{page}");
            assert_eq!(response.headers()[header::CACHE_CONTROL], "no-cache");
        }
        for missing in ["/assets/gone", "/assets/gone.js", "/favicon.gone", "/api/v1/gone", "/../etc/passwd.txt"] {
            assert!(respond(missing, &HeaderMap::new()).is_none(), "{missing}");
        }
    }

    #[test]
    fn what_a_browser_has_is_not_sent_again() {
        for file in FILES {
            let again = respond(file.path, &with(header::IF_NONE_MATCH, file.etag)).unwrap();
            assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        }
    }

    #[test]
    fn brotli_goes_to_those_who_take_it() {
        for (value, takes) in
            [("br", true), ("gzip, br", true), ("br;q=0.5", true), ("br;q=0", false), ("gzip", false), ("", false)]
        {
            assert_eq!(takes_brotli(&with(header::ACCEPT_ENCODING, value)), takes, "{value}");
        }
        for file in FILES.iter().filter(|file| file.brotli.is_some()) {
            let packed = respond(file.path, &with(header::ACCEPT_ENCODING, "br")).unwrap();
            assert_eq!(packed.headers()[header::CONTENT_ENCODING], "br", "{}", file.path);
        }
    }
}
