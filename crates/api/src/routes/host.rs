//! What paired devices may know of the host, and how it is for the administrator.

use axum::{Json, extract::State};

use super::Answer;
use crate::{
    app::App,
    model::{HostInfo, HostStatus, LibraryEntry, Probes},
};

/// What paired devices may know of the host
#[utoipa::path(get, path = "/api/v1/host", tag = "host", responses((status = 200, body = HostInfo)))]
pub(super) async fn show_host(State(app): State<App>) -> Answer<HostInfo> {
    app.ask(|host| host.info()).await.map(Json)
}

/// The same, where clients look for it
#[utoipa::path(get, path = "/api/v1/status", tag = "host", responses((status = 200, body = HostInfo)))]
pub(super) async fn show_status(state: State<App>) -> Answer<HostInfo> {
    show_host(state).await
}

/// The displays and encoders that sessions can use
#[utoipa::path(get, path = "/api/v1/compositors", tag = "host", responses((status = 200, body = Probes)))]
pub(super) async fn list_compositors(State(app): State<App>) -> Answer<Probes> {
    app.ask(|host| host.probes()).await.map(Json)
}

/// What sessions can run
#[utoipa::path(get, path = "/api/v1/library", tag = "host", responses((status = 200, body = Vec<LibraryEntry>)))]
pub(super) async fn list_library(State(app): State<App>) -> Answer<Vec<LibraryEntry>> {
    app.ask(|host| host.library()).await.map(Json)
}

/// How the host is, for the administrator
#[utoipa::path(get, path = "/api/v1/overview", tag = "host", responses((status = 200, body = HostStatus)))]
pub(super) async fn show_overview(State(app): State<App>) -> Answer<HostStatus> {
    app.ask(|host| host.status()).await.map(Json)
}
