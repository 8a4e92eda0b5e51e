//! Which page a request comes from. Browsers add a login or a certificate to whatever a page asks for, so what
//! changes something has to come from a page of this host.

use axum::{
    extract::Request,
    http::{HeaderMap, header},
};

use super::only_reads;
use crate::{
    cookie,
    options::ApiOptions,
    problem::{Problem, ProblemCode},
};

/// Checks where `request`, whose Host header is `host`, comes from.
///
/// # Errors
/// A page of somebody else asks, or one that shows a login does not say who it is.
pub(super) fn check(request: &Request, host: &str, options: &ApiOptions) -> Result<(), Problem> {
    let headers = request.headers();
    let writes = !only_reads(request.method());
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) if writes && cookie::is_shown(headers) => {
            Err(wrong("a login may be used by pages of this host only, and this request does not say where it is from"))
        }
        (None, _) => Ok(()),
        (Some(origin), None) if origin.to_str().is_ok_and(|origin| is_ours(origin, host, options)) => Ok(()),
        (Some(_), _) => Err(wrong("the page that asks is not one of this host: open the console at its own address")),
    }?;
    if writes && comes_from_elsewhere(headers) {
        return Err(wrong("the page that asks is not one of this host: open the console at its own address"));
    }
    Ok(())
}

fn is_ours(origin: &str, host: &str, options: &ApiOptions) -> bool {
    let secure = origin.strip_prefix("https://").is_some_and(|rest| same(rest, host, ":443"));
    secure || options.plain_origins && origin.strip_prefix("http://").is_some_and(|rest| same(rest, host, ":80"))
}

fn same(one: &str, other: &str, default_port: &str) -> bool {
    let bare = |text: &str| text.strip_suffix(default_port).unwrap_or(text).to_ascii_lowercase();
    bare(one) == bare(other)
}

/// What browsers say beside the Origin, and no page can forge.
fn comes_from_elsewhere(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    sites.any(|site| site == "cross-site" || site == "same-site")
}

fn wrong(detail: &str) -> Problem {
    Problem::new(ProblemCode::WrongOrigin, detail)
}
