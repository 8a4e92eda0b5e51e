//! Paired devices.

use axum::{Json, extract::State};
use punktfunk_proto::units::Fingerprint;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Answer;
use crate::{
    app::App,
    caller::Caller,
    extract::{Body, InPath, InQuery},
    model::{AdminError, AdminErrorCode, Device, DeviceChange, text::fingerprint},
    problem::Problem,
    work::Effort,
};

/// What came of unpairing a device.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Revoked {
    /// How many of its sessions ended.
    sessions_ended: u32,
}

/// How a device is unpaired.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RevokeQuery {
    /// Whether the host forgets that it ever was paired, so that it may knock again.
    #[serde(default)]
    #[param(default = false)]
    forget: bool,
}

/// A fingerprint in a path.
#[derive(Deserialize)]
pub(super) struct ByFingerprint {
    #[serde(with = "fingerprint")]
    fingerprint: Fingerprint,
}

/// The paired devices, in the order they were paired
#[utoipa::path(get, path = "/api/v1/devices", tag = "devices", responses((status = 200, body = Vec<Device>)))]
pub(super) async fn list_devices(State(app): State<App>) -> Answer<Vec<Device>> {
    app.ask(|host| host.devices()).await.map(Json)
}

/// Changes a paired device
///
/// Its sessions follow at once.
#[utoipa::path(patch, path = "/api/v1/devices/{fingerprint}", tag = "devices", request_body = DeviceChange,
    params(("fingerprint" = String, Path, description = "The SHA-256 of its certificate", pattern = "^[0-9a-f]{64}$")),
    responses(
    (status = 200, description = "Changed", body = Device),
    (status = 409, description = "The configuration declares it", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn change_device(
    State(app): State<App>,
    caller: Caller,
    InPath(device): InPath<ByFingerprint>,
    Body(change): Body<DeviceChange>,
) -> Answer<Device> {
    let order = move |host: &dyn crate::Host| host.change_device(&caller.origin(), device.fingerprint, change);
    app.order(Effort::Little, order).await.map(Json)
}

/// Unpairs a device and ends its sessions
#[utoipa::path(delete, path = "/api/v1/devices/{fingerprint}", tag = "devices", params(
    ("fingerprint" = String, Path, description = "The SHA-256 of its certificate", pattern = "^[0-9a-f]{64}$"),
    RevokeQuery), responses(
    (status = 200, description = "Unpaired", body = Revoked),
    (status = 409, description = "The configuration declares it", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn revoke_device(
    State(app): State<App>,
    caller: Caller,
    InPath(ByFingerprint { fingerprint }): InPath<ByFingerprint>,
    InQuery(query): InQuery<RevokeQuery>,
) -> Answer<Revoked> {
    let order = move |host: &dyn crate::Host| -> Result<Revoked, AdminError> {
        let by = caller.origin();
        let sessions_ended = match host.revoke(&by, fingerprint) {
            // A device that was revoked before is still there to be forgotten.
            Err(error) if query.forget && error.code == AdminErrorCode::NotFound => 0,
            ended => ended?,
        };
        if query.forget {
            host.forget(&by, fingerprint)?;
        }
        Ok(Revoked { sessions_ended })
    };
    app.order(Effort::Little, order).await.map(Json)
}
