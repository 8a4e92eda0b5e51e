//! Sessions, running and ended.

use axum::{Json, extract::State, http::StatusCode};

use super::Answer;
use crate::{
    app::App,
    caller::Caller,
    extract::InPath,
    model::{EndedSession, Session, SessionSample},
    problem::Problem,
    work::Effort,
};

/// The running sessions, oldest first
#[utoipa::path(get, path = "/api/v1/sessions", tag = "sessions", responses((status = 200, body = Vec<Session>)))]
pub(super) async fn list_sessions(State(app): State<App>) -> Answer<Vec<Session>> {
    app.ask(|host| host.sessions()).await.map(Json)
}

/// The sessions that ended, the last one last
#[utoipa::path(get, path = "/api/v1/sessions/history", tag = "sessions",
    responses((status = 200, body = Vec<EndedSession>)))]
pub(super) async fn list_ended_sessions(State(app): State<App>) -> Answer<Vec<EndedSession>> {
    app.ask(|host| host.session_history()).await.map(Json)
}

/// The last two minutes of a running session, oldest first
///
/// Empty where there is no such session.
#[utoipa::path(get, path = "/api/v1/sessions/{id}/samples", tag = "sessions",
    params(("id" = u64, Path, description = "The session")), responses((status = 200, body = Vec<SessionSample>)))]
pub(super) async fn list_samples(State(app): State<App>, InPath(id): InPath<u64>) -> Answer<Vec<SessionSample>> {
    app.ask(move |host| host.samples(id)).await.map(Json)
}

/// Ends a session
#[utoipa::path(delete, path = "/api/v1/sessions/{id}", tag = "sessions",
    params(("id" = u64, Path, description = "The session")),
    responses((status = 200, description = "As it was at its end", body = Session)))]
pub(super) async fn stop_session(State(app): State<App>, caller: Caller, InPath(id): InPath<u64>) -> Answer<Session> {
    app.order(Effort::Little, move |host| host.stop_session(&caller.origin(), id)).await.map(Json)
}

/// Makes the next frame of a session a keyframe
#[utoipa::path(post, path = "/api/v1/sessions/{id}/keyframe", tag = "sessions",
    params(("id" = u64, Path, description = "The session")), responses((status = 204, description = "Asked for")))]
pub(super) async fn request_keyframe(State(app): State<App>, InPath(id): InPath<u64>) -> Result<StatusCode, Problem> {
    app.order(Effort::Little, move |host| host.request_keyframe(id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
