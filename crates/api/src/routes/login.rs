//! Who administers the host: the first claim, logins, the password.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{AppendHeaders, IntoResponse, Response},
};
use punktfunk_trust::{Action, AdminRefusal, Password, SessionToken};
use zeroize::Zeroizing;

use super::Answer;
use crate::{
    app::App,
    caller::{Caller, Credential},
    cookie,
    extract::Body,
    model::{ClaimRequest, Login, LoginRequest, PasswordChange, SecretText},
    problem::{Problem, ProblemCode},
    work::Effort,
};

/// Claims the host for its first administrator
///
/// With the code that the machine shows. Logs in.
#[utoipa::path(post, path = "/api/v1/claim", tag = "login", request_body = ClaimRequest, responses(
    (status = 200, description = "Claimed and logged in", body = Login,
        headers(("set-cookie" = String, description = "The login"))),
    (status = 401, description = "The code is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "Somebody administers this host already", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many attempts", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn claim(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<ClaimRequest>,
) -> Result<Response, Problem> {
    let password = new_password(&request.password)?;
    let order = move |host: &dyn crate::Host| host.claim(caller.source, request.code.reveal(), password);
    app.order(Effort::Password, order).await.map(|token| logged_in(&token))
}

/// Logs in
#[utoipa::path(post, path = "/api/v1/login", tag = "login", request_body = LoginRequest, responses(
    (status = 200, description = "Logged in", body = Login, headers(("set-cookie" = String, description = "The login"))),
    (status = 401, description = "The password is wrong", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many attempts", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn log_in(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<LoginRequest>,
) -> Result<Response, Problem> {
    let password = typed_password(&request.password)?;
    let order = move |host: &dyn crate::Host| host.log_in(caller.source, password);
    app.order(Effort::Password, order).await.map(|token| logged_in(&token))
}

/// Whether the password was proven lately
#[utoipa::path(get, path = "/api/v1/login", tag = "login", responses((status = 200, body = Login)))]
pub(super) async fn show_login(State(app): State<App>, caller: Caller) -> Answer<Login> {
    let Credential::Login { token, .. } = caller.credential else { return Ok(Json(Login { password_fresh: true })) };
    let fresh = app.ask(move |host| host.authorize(&token, Action::Sensitive).is_ok()).await?;
    Ok(Json(Login { password_fresh: fresh }))
}

/// Proves the password again
///
/// The login goes on under a new cookie; the old one is void.
#[utoipa::path(post, path = "/api/v1/login/confirm", tag = "login", request_body = LoginRequest, responses(
    (status = 200, description = "Proven", body = Login, headers(("set-cookie" = String, description = "The login"))),
    (status = 409, description = "Who asks has no login", body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many attempts", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn confirm_login(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<LoginRequest>,
) -> Result<Response, Problem> {
    let token = caller.login()?;
    let password = typed_password(&request.password)?;
    let order = move |host: &dyn crate::Host| host.confirm(caller.source, &token, password);
    app.order(Effort::Password, order).await.map(|token| logged_in(&token))
}

/// Logs out
#[utoipa::path(delete, path = "/api/v1/login", tag = "login", responses((status = 204, description = "Logged out")))]
pub(super) async fn log_out(State(app): State<App>, caller: Caller) -> Result<impl IntoResponse, Problem> {
    if let Credential::Login { token, .. } = caller.credential {
        app.ask(move |host| host.log_out(&token)).await?;
    }
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, cookie::clear())])))
}

/// Changes the password
///
/// Every other login ends.
#[utoipa::path(put, path = "/api/v1/password", tag = "login", request_body = PasswordChange, responses(
    (status = 200, description = "Changed", body = Login, headers(("set-cookie" = String, description = "The login"))),
    (status = 409, description = "Who asks has no login, or the configuration declares the password",
        body = Problem, content_type = "application/problem+json"),
    (status = 429, description = "Too many attempts", body = Problem, content_type = "application/problem+json"),
))]
pub(super) async fn change_password(
    State(app): State<App>,
    caller: Caller,
    Body(request): Body<PasswordChange>,
) -> Result<Response, Problem> {
    let token = caller.login()?;
    let password = new_password(&request.password)?;
    let order = move |host: &dyn crate::Host| host.change_password(&caller.origin(), &token, password);
    app.order(Effort::Password, order).await.map(|token| logged_in(&token))
}

fn logged_in(token: &SessionToken) -> Response {
    let cookie = AppendHeaders([(header::SET_COOKIE, cookie::set(token))]);
    (cookie, Json(Login { password_fresh: true })).into_response()
}

/// A password that somebody wants from now on; they are told what is wrong with it.
fn new_password(text: &SecretText) -> Result<Password, Problem> {
    Password::new(Zeroizing::new(text.reveal().to_owned()))
        .map_err(|refusal| Problem::new(ProblemCode::Invalid, refusal.to_string()))
}

/// A password that somebody claims to know. One that could never be set is wrong like any other.
fn typed_password(text: &SecretText) -> Result<Password, Problem> {
    Password::new(Zeroizing::new(text.reveal().to_owned())).map_err(|_| AdminRefusal::Wrong.into())
}
