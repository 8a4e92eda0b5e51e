//! What is wrong with the host.

use axum::{Json, extract::State};

use super::Answer;
use crate::{
    app::App,
    extract::InQuery,
    model::{DoctorReport, LogLine, LogQuery, Probes},
    problem::{Problem, ProblemCode},
    redact::redact,
    work::Effort,
};

/// What was tried at start, with reasons
#[utoipa::path(get, path = "/api/v1/probes", tag = "diagnostics", responses((status = 200, body = Probes)))]
pub(super) async fn list_probes(State(app): State<App>) -> Answer<Probes> {
    app.ask(|host| host.probes()).await.map(Json)
}

/// The last self test; null: there was none
#[utoipa::path(get, path = "/api/v1/doctor", tag = "diagnostics",
    responses((status = 200, body = Option<DoctorReport>)))]
pub(super) async fn show_doctor(State(app): State<App>) -> Answer<Option<DoctorReport>> {
    app.ask(|host| host.last_doctor()).await.map(Json)
}

/// Tests the host from end to end
///
/// Takes some seconds. A test that runs already is waited for.
#[utoipa::path(post, path = "/api/v1/doctor", tag = "diagnostics", responses((status = 200, body = DoctorReport)))]
pub(super) async fn run_doctor(State(app): State<App>) -> Answer<DoctorReport> {
    app.order(Effort::Long, |host| Ok::<_, Problem>(host.run_doctor())).await.map(Json)
}

/// The lines of the log that are still held
#[utoipa::path(get, path = "/api/v1/logs", tag = "diagnostics", params(LogQuery),
    responses((status = 200, body = Vec<LogLine>)))]
pub(super) async fn list_logs(State(app): State<App>, InQuery(query): InQuery<LogQuery>) -> Answer<Vec<LogLine>> {
    if query.limit.is_some_and(|limit| !(1..=1_000).contains(&limit)) {
        return Err(Problem::new(ProblemCode::BadRequest, "limit is a number from 1 to 1000"));
    }
    if query.contains.as_ref().is_some_and(|text| text.chars().count() > 200) {
        return Err(Problem::new(ProblemCode::BadRequest, "contains is a text of 200 characters at most"));
    }
    app.ask(move |host| host.logs(&query).into_iter().map(redacted).collect::<Vec<_>>()).await.map(Json)
}

/// A line without what a fault of the program might have written into it.
pub(crate) fn redacted(line: LogLine) -> LogLine {
    LogLine { text: redact(&line.text).into_owned(), ..line }
}
