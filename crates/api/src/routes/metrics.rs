//! Figures for monitoring.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{app::App, metrics, problem::Problem};

/// Figures for monitoring, as OpenMetrics text
#[utoipa::path(get, path = "/metrics", tag = "diagnostics",
    responses((status = 200, body = String, content_type = "application/openmetrics-text")))]
pub(super) async fn show_metrics(State(app): State<App>) -> Result<Response, Problem> {
    let text = app.ask(metrics::exposition).await?;
    Ok(([(header::CONTENT_TYPE, metrics::MEDIA_TYPE)], text).into_response())
}
