//! The PIN window, and the PINs of Moonlight.

use axum::{Json, extract::State, http::StatusCode};

use super::Answer;
use crate::{
    app::App,
    caller::Caller,
    extract::Body,
    model::{ArmRequest, Device, MoonlightPin, Moonlights, PinWindowOpen, PinWindowState},
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

/// The Moonlights that show a PIN and wait until it is typed here
#[utoipa::path(get, path = "/api/v1/pairing/moonlight", tag = "pairing", responses((status = 200, body = Moonlights)))]
pub(super) async fn list_moonlights(State(app): State<App>) -> Answer<Moonlights> {
    app.ask(|host| host.moonlights()).await.map(Json)
}

/// Types the PIN that a Moonlight shows
///
/// Answered when the device has proven itself, within ten seconds. A wrong PIN ends its attempt: it then has to show
/// another one.
#[utoipa::path(post, path = "/api/v1/pairing/moonlight", tag = "pairing", request_body = MoonlightPin, responses(
    (status = 200, description = "Paired", body = Device),
    (status = 404, description = "No such device waits", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Not paired; the problem says why",
        body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn type_moonlight_pin(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<MoonlightPin>,
) -> Answer<Device> {
    app.order(Effort::Long, move |host| host.type_moonlight_pin(&caller.origin(), request)).await.map(Json)
}
