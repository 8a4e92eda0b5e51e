//! Updates of the system image, where it has an update service.

use axum::{Json, extract::State, http::StatusCode};

use super::Answer;
use crate::{
    app::App,
    caller::Caller,
    extract::Body,
    model::{UpdateChoice, UpdateOffer, UpdateSource, UpdateStatus},
    problem::Problem,
    work::Effort,
};

/// How updates of the system stand; null: this system is not updated by the host
#[utoipa::path(get, path = "/api/v1/update", tag = "update", responses((status = 200, body = Option<UpdateStatus>)))]
pub(super) async fn show_update(State(app): State<App>) -> Answer<Option<UpdateStatus>> {
    app.order(Effort::Little, |host| host.update()).await.map(Json)
}

/// Looks for an update: what is offered has been checked to be signed, of this system and newer
#[utoipa::path(post, path = "/api/v1/update/check", tag = "update", request_body = UpdateSource, responses(
    (status = 200, body = UpdateOffer),
    (status = 409, description = "What is offered cannot be taken; the problem says why",
        body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn check_update(State(app): State<App>, Body(source): Body<UpdateSource>) -> Answer<UpdateOffer> {
    app.order(Effort::Long, move |host| host.check_for_update(source.from)).await.map(Json)
}

/// Puts the update that was found into the slot that does not run
///
/// Goes on after the answer: `work` of the status says how far it is, `refused` why it failed.
#[utoipa::path(post, path = "/api/v1/update/stage", tag = "update", request_body = UpdateChoice, responses(
    (status = 200, body = UpdateStatus),
    (status = 409, description = "It is not what was found", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn stage_update(
    State(app): State<App>,
    caller: Caller,
    Body(choice): Body<UpdateChoice>,
) -> Answer<UpdateStatus> {
    app.order(Effort::Little, move |host| host.stage_update(&caller.origin(), &choice.version)).await.map(Json)
}

/// Ends all sessions and starts the machine anew with the update that is staged
#[utoipa::path(post, path = "/api/v1/update/apply", tag = "update", responses(
    (status = 202, description = "It is about to"),
    (status = 409, description = "Nothing is staged", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn apply_update(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    app.order(Effort::Little, move |host| host.apply_update(&caller.origin())).await?;
    Ok(StatusCode::ACCEPTED)
}

/// The owner has read that the last update was taken back
#[utoipa::path(post, path = "/api/v1/update/dismiss", tag = "update", responses((status = 200, body = UpdateStatus)))]
pub(super) async fn dismiss_update(State(app): State<App>) -> Answer<UpdateStatus> {
    app.order(Effort::Little, |host| host.dismiss_update()).await.map(Json)
}
