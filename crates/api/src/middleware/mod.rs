//! What holds for every request and every answer, whatever the route.

mod answer;
mod host_name;
mod origin;

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, Uri, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{
    app::App,
    problem::{Problem, ProblemCode},
};

/// Checks a request before any route sees it, and dresses every answer.
pub(crate) async fn around(State(app): State<App>, request: Request, next: Next) -> Response {
    let is_api = is_api(request.uri().path());
    let response = match check(&app, &request) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    };
    answer::dress(response, is_api)
}

fn check(app: &App, request: &Request) -> Result<(), Problem> {
    check_length(request.uri())?;
    let host = host_name::check(request, &app.options)?;
    origin::check(request, &host, &app.options)
}

fn check_length(uri: &Uri) -> Result<(), Problem> {
    let query = uri.query().map_or(0, str::len);
    if uri.path().len() > MAX_PATH || query > MAX_QUERY {
        return Err(Problem::new(ProblemCode::AddressTooLong, "the path or the query is too long"));
    }
    Ok(())
}

/// Whether a path belongs to the API and not to the console's files.
pub(crate) fn is_api(path: &str) -> bool {
    let below = |root: &str| path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    ["/api", "/health", "/metrics"].into_iter().any(below)
}

/// Whether a method changes nothing.
pub(crate) fn only_reads(method: &Method) -> bool {
    *method == Method::GET || *method == Method::HEAD
}

/// Whether the body says that it is JSON.
pub(crate) fn says_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind.eq_ignore_ascii_case("application/json"))
}

/// What the body says it is, without parameters; `None` also where it says two things.
pub(crate) fn media_type(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let first = values.next()?;
    let text = first.to_str().ok().filter(|_| values.next().is_none())?;
    text.split(';').next().map(str::trim)
}

/// The longest path, in bytes.
const MAX_PATH: usize = 1_024;
/// The longest query, in bytes.
const MAX_QUERY: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::is_api;

    #[test]
    fn the_api_is_told_from_the_consoles_files_by_whole_parts_of_the_path() {
        for api in ["/api", "/api/", "/api/v1/health", "/health", "/metrics"] {
            assert!(is_api(api), "{api}");
        }
        for file in ["/", "/apis", "/healthy", "/assets/api/x.js", "/metricsx", "//api"] {
            assert!(!is_api(file), "{file}");
        }
    }
}
