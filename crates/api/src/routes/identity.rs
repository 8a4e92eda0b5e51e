//! The host's identity and the one that follows.

use axum::{Json, extract::State};

use super::Answer;
use crate::{app::App, caller::Caller, model::HostIdentity, problem::Problem, work::Effort};

/// The host's identity and the one that follows
#[utoipa::path(get, path = "/api/v1/identity", tag = "identity", responses((status = 200, body = HostIdentity)))]
pub(super) async fn show_identity(State(app): State<App>) -> Answer<HostIdentity> {
    app.ask(|host| host.identity()).await.map(Json)
}

/// Makes the identity that is to follow
///
/// Paired clients are told of it from now on.
#[utoipa::path(post, path = "/api/v1/identity/successor", tag = "identity", responses(
    (status = 200, description = "Made", body = HostIdentity),
    (status = 409, description = "Not possible now; the problem says why",
        body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn prepare_identity(State(app): State<App>, caller: Caller) -> Answer<HostIdentity> {
    app.order(Effort::Little, move |host| host.prepare_identity(&caller.origin())).await.map(Json)
}

/// Gives the identity up that is to follow
#[utoipa::path(delete, path = "/api/v1/identity/successor", tag = "identity", responses(
    (status = 200, description = "Given up", body = HostIdentity),
    (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Not possible now; the problem says why",
        body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn withdraw_identity(State(app): State<App>, caller: Caller) -> Answer<HostIdentity> {
    app.order(Effort::Little, move |host| host.withdraw_identity(&caller.origin())).await.map(Json)
}

/// Changes to the identity that is to follow, at the next start
#[utoipa::path(post, path = "/api/v1/identity/promote", tag = "identity", responses(
    (status = 200, description = "From the next start on", body = HostIdentity),
    (status = 404, description = "There is none", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Not possible now; the problem says why",
        body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn promote_identity(State(app): State<App>, caller: Caller) -> Answer<HostIdentity> {
    app.order(Effort::Little, move |host| host.promote_identity(&caller.origin())).await.map(Json)
}
