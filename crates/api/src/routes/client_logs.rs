//! What a paired device writes about a fault of its own.

use axum::{
    extract::{FromRequest as _, Request, State},
    http::StatusCode,
};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::{
    app::App,
    caller::{Caller, Credential},
    extract::{self, Body},
    middleware::says_json,
    problem::{Problem, ProblemCode},
    redact::redact,
};

/// Lines that a device writes about a fault of its own.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClientLog {
    /// The lines, 64 KiB at most.
    text: String,
}

/// Sends lines about a fault of the device's own
///
/// Only a device sends them: who else may use this route is answered the same and writes nothing.
#[utoipa::path(post, path = "/api/v1/client-logs", tag = "host",
    request_body(content((ClientLog = "application/json"), (String = "text/plain"))),
    responses((status = 204, description = "Written")))]
pub(super) async fn send_client_logs(
    State(app): State<App>,
    caller: Caller,
    request: Request,
) -> Result<StatusCode, Problem> {
    let text = if says_json(request.headers()) {
        let Body(log) = Body::<ClientLog>::from_request(request, &app).await?;
        log.text
    } else {
        let bytes = extract::read(request, &app).await?;
        String::from_utf8(bytes.into()).map_err(|_| Problem::new(ProblemCode::BadRequest, "the text is not UTF-8"))?
    };
    if text.len() > MAX_TEXT {
        return Err(Problem::new(ProblemCode::TooLarge, "send 64 KiB of text at most"));
    }
    if let Credential::Device(device) = caller.credential {
        app.ask(move |host| host.client_logs(&device, &redact(&text))).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// The longest text, in bytes.
const MAX_TEXT: usize = 64 * 1_024;
/// The longest body, in bytes: in JSON each byte of the text can take six.
pub(super) const BODY_LIMIT: usize = 6 * MAX_TEXT + 64;
