//! Devices that knocked and wait for an answer.

use axum::{Json, extract::State};
use serde::Serialize;
use utoipa::ToSchema;

use super::Answer;
use crate::{
    app::App,
    caller::Caller,
    extract::{Body, InPath},
    model::{ApproveRequest, Device, Knock, Pending},
    problem::Problem,
    work::Effort,
};

/// A device that was admitted.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Approved {
    /// As it is stored.
    device: Device,
    /// Whether its connection was waiting and goes on.
    admitted: bool,
}

/// The devices that knocked
#[utoipa::path(get, path = "/api/v1/pending", tag = "pairing", responses((status = 200, body = Pending)))]
pub(super) async fn list_pending(State(app): State<App>) -> Answer<Pending> {
    app.ask(|host| host.pending()).await.map(Json)
}

/// Admits a device that knocked
#[utoipa::path(post, path = "/api/v1/pending/{id}/approve", tag = "pairing", request_body = ApproveRequest,
    params(("id" = u64, Path, description = "The knock")), responses(
    (status = 200, description = "Admitted", body = Approved),
    (status = 409, description = "It may not be approved; the problem says why",
        body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn approve_pending(
    State(app): State<App>,
    caller: Caller,
    InPath(id): InPath<u64>,
    Body(request): Body<ApproveRequest>,
) -> Answer<Approved> {
    let (device, admitted) = app.order(Effort::Little, move |host| host.approve(&caller.origin(), id, request)).await?;
    Ok(Json(Approved { device, admitted }))
}

/// Refuses a device that knocked
#[utoipa::path(post, path = "/api/v1/pending/{id}/deny", tag = "pairing",
    params(("id" = u64, Path, description = "The knock")),
    responses((status = 200, description = "Refused", body = Knock)))]
pub(super) async fn deny_pending(State(app): State<App>, caller: Caller, InPath(id): InPath<u64>) -> Answer<Knock> {
    app.order(Effort::Little, move |host| host.deny(&caller.origin(), id)).await.map(Json)
}
