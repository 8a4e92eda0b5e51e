//! Backups of identity, devices and their rights.

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use super::Answer;
use crate::{
    app::App,
    caller::Caller,
    extract::Body,
    model::{BackupKey, RestoreRequest, Restored},
    problem::Problem,
    work::Effort,
};

/// Makes an encrypted backup of identity, devices and their rights
#[utoipa::path(post, path = "/api/v1/backup", tag = "backup", request_body = BackupKey, responses(
    (status = 200, description = "The encrypted file (age)", body = Vec<u8>, content_type = "application/octet-stream",
        headers(
            ("x-devices" = u32, description = "How many devices it holds"),
            ("content-disposition" = String, description = "Its name"),
        )),
    (status = 409, description = "Not possible now; the problem says why",
        body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn back_up(
    State(app): State<App>,
    caller: Caller,
    Body(key): Body<BackupKey>,
) -> Result<Response, Problem> {
    let backup = app.order(Effort::Long, move |host| host.back_up(&caller.origin(), key)).await?;
    let headers = [
        ("content-type", "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION.as_str(), "attachment; filename=\"punktfunk-backup.age\"".to_owned()),
        ("x-devices", backup.devices.to_string()),
    ];
    Ok((headers, backup.file).into_response())
}

/// Reads a backup, to be put in place at the next start
#[utoipa::path(post, path = "/api/v1/restore", tag = "backup", request_body = RestoreRequest, responses(
    (status = 200, description = "Read; it takes effect at the next start", body = Restored),
    (status = 409, description = "It cannot be restored; the problem says why",
        body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn restore(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<RestoreRequest>,
) -> Answer<Restored> {
    app.order(Effort::Long, move |host| host.restore(&caller.origin(), request)).await.map(Json)
}

/// The longest request that restores a backup, in bytes.
pub(super) const RESTORE_BODY_LIMIT: usize = 1 << 20;
