//! Diagnostics to show to somebody else.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{app::App, problem::Problem, report};

/// Diagnostics to show to somebody else: no secrets, no names and addresses of devices
#[utoipa::path(get, path = "/api/v1/report", tag = "diagnostics", responses(
    (status = 200, body = String, content_type = "text/plain",
        headers(("content-disposition" = String, description = "Its name")))))]
pub(super) async fn write_report(State(app): State<App>) -> Result<Response, Problem> {
    let text = app.ask(report::write).await?;
    let headers = [
        (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"punktfunk-report.txt\""),
    ];
    Ok((headers, text).into_response())
}
