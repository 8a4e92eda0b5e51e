//! How the host is, for anybody.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};

use crate::{
    app::App,
    model::{Health, HealthState},
    problem::Problem,
};

/// How the host is
///
/// For load balancers, watchdogs and people: what is wrong, and what to do about it.
#[utoipa::path(get, path = "/api/v1/health", tag = "health", responses(
    (status = 200, description = "Devices can stream, perhaps with something missing", body = Health),
    (status = 503, description = "Devices cannot stream", body = Health),
))]
pub(super) async fn health(State(app): State<App>) -> Result<Response, Problem> {
    let health = app.ask(|host| host.health()).await?;
    let status = match health.state {
        HealthState::Ok | HealthState::Degraded => StatusCode::OK,
        HealthState::Failed => StatusCode::SERVICE_UNAVAILABLE,
    };
    Ok((status, Json(health)).into_response())
}

/// How the host is, where watchdogs look for it
#[utoipa::path(get, path = "/health", tag = "health", responses(
    (status = 200, description = "Devices can stream, perhaps with something missing", body = Health),
    (status = 503, description = "Devices cannot stream", body = Health),
))]
pub(super) async fn health_short(state: State<App>) -> Result<Response, Problem> {
    health(state).await
}
