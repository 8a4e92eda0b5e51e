//! The PIN window.

use axum::{Json, extract::State, http::StatusCode};

use super::Answer;
use crate::{
    app::App,
    caller::Caller,
    extract::Body,
    model::{ArmRequest, PinWindowOpen, PinWindowState},
    problem::Problem,
    work::Effort,
};

/// The open PIN window, without its PIN; null: none is open
#[utoipa::path(get, path = "/api/v1/pairing", tag = "pairing", responses((status = 200, body = Option<PinWindowState>)))]
pub(super) async fn show_pairing(State(app): State<App>) -> Answer<Option<PinWindowState>> {
    app.ask(|host| host.status().pin_window).await.map(Json)
}

/// Opens a PIN window
///
/// In place of one that is open. The PIN or link is in this answer and in no other.
#[utoipa::path(post, path = "/api/v1/pairing", tag = "pairing", request_body = ArmRequest, responses(
    (status = 200, description = "Open", body = PinWindowOpen),
    (status = 409, description = "Not possible now; the problem says why",
        body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn arm_pairing(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<ArmRequest>,
) -> Answer<PinWindowOpen> {
    app.order(Effort::Little, move |host| host.arm(&caller.origin(), request)).await.map(Json)
}

/// Closes the PIN window, if one is open
#[utoipa::path(delete, path = "/api/v1/pairing", tag = "pairing",
    responses((status = 204, description = "No window is open")))]
pub(super) async fn disarm_pairing(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    app.ask(move |host| host.disarm(&caller.origin())).await?;
    Ok(StatusCode::NO_CONTENT)
}
