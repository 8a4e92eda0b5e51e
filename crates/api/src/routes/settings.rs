//! The configuration as far as it can be changed over the network, and the restart that some changes need.

use axum::{Json, extract::State, http::StatusCode};

use super::Answer;
use crate::{
    app::App,
    caller::Caller,
    extract::Body,
    model::{Settings, SettingsChange},
    problem::Problem,
    work::Effort,
};

/// Every key of the configuration
#[utoipa::path(get, path = "/api/v1/settings", tag = "settings", responses((status = 200, body = Settings)))]
pub(super) async fn list_settings(State(app): State<App>) -> Answer<Settings> {
    app.ask(|host| host.settings()).await.map(Json)
}

/// Stores values for keys that the configuration file does not set
///
/// All of them or none: a problem with status 422 lists those that cannot be.
#[utoipa::path(patch, path = "/api/v1/settings", tag = "settings", request_body = SettingsChange,
    responses((status = 200, description = "Stored", body = Settings)))]
pub(super) async fn change_settings(
    State(app): State<App>,
    caller: Caller,
    Body(change): Body<SettingsChange>,
) -> Answer<Settings> {
    app.order(Effort::Little, move |host| host.change_settings(&caller.origin(), change)).await.map(Json)
}

/// Ends all sessions and starts anew, soon
#[utoipa::path(post, path = "/api/v1/restart", tag = "settings",
    responses((status = 202, description = "It is about to")))]
pub(super) async fn restart(State(app): State<App>, caller: Caller) -> Result<StatusCode, Problem> {
    app.ask(move |host| host.restart(&caller.origin())).await?;
    Ok(StatusCode::ACCEPTED)
}
