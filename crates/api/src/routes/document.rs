//! The description of this API.

use axum::Json;
use utoipa::openapi::OpenApi;

use crate::openapi::openapi;

/// The OpenAPI document of this API
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "host",
    responses((status = 200, description = "OpenAPI 3.1", body = serde_json::Value)))]
pub(super) async fn show_document() -> Json<OpenApi> {
    Json(openapi())
}
