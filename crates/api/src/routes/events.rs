//! What happens from now on.

use axum::{
    extract::State,
    response::{IntoResponse, Response, Sse, sse::KeepAlive},
};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::{
    app::App,
    caller::Caller,
    events::{self, KEEP_ALIVE},
    extract::InQuery,
    problem::Problem,
};

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct EventQuery {
    /// Whether lines of the log come too.
    #[serde(default)]
    #[param(default = false)]
    logs: bool,
}

/// What happens from now on, as server-sent events
///
/// `changed` with a `ChangedEvent`, `samples` with a list of `SessionSample`, `log` with a `LogLine`, `dropped` with a
/// `DroppedEvent` where the reader was too slow; a comment every 15 seconds.
#[utoipa::path(get, path = "/api/v1/events", tag = "host", params(EventQuery), responses(
    (status = 200, description = "The stream", body = String, content_type = "text/event-stream"),
    (status = 429, description = "Too many streams are open", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn listen(
    State(app): State<App>,
    caller: Caller,
    InQuery(query): InQuery<EventQuery>,
) -> Result<Response, Problem> {
    let stream = events::open(&app, caller, query.logs).await?;
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)).into_response())
}
