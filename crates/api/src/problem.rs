//! What is answered when a request is not carried out: `application/problem+json` (RFC 9457).

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use punktfunk_trust::{AdminRefusal, SetPasswordError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    host::SettingsRefusal,
    model::{AdminError, AdminErrorCode, SettingProblem, UpdateRefusal, UpdateRefusalCode},
};

/// Why a request was not carried out.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: `code` says what it is.
    #[serde(rename = "type")]
    #[schema(examples("about:blank"))]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status of the answer.
    #[schema(minimum = 400, maximum = 599)]
    status: u16,
    /// What is wrong and what to do, for people.
    detail: String,
    /// For programs and translations.
    code: ProblemCode,
    /// When to try again, in seconds; absent where that changes nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1)]
    retry_after_seconds: Option<u64>,
    /// Settings that cannot be stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    problems: Option<Vec<SettingProblem>>,
}

/// Why a request was not carried out, for programs. Codes keep their meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProblemCode {
    /// The path, the query or the body cannot be read, or a value cannot be.
    BadRequest,
    /// Nobody who is known asks: no login, no token, no paired certificate.
    NotAuthenticated,
    /// The password or the code is wrong.
    Wrong,
    /// A paired device asks for what only administrators may do.
    AdministratorsOnly,
    /// The password was proven too long ago: prove it and ask again.
    PasswordNeeded,
    /// The page that asks is not one of this host.
    WrongOrigin,
    /// Nobody administers this host yet.
    Unclaimed,
    /// Somebody administers this host already.
    Claimed,
    /// There is no such route, knock, device, session or file.
    NotFound,
    /// The route exists, this method does not.
    MethodNotAllowed,
    /// It cannot be done as the host is configured or at this moment.
    Refused,
    /// A prefix fits several.
    Ambiguous,
    /// The body is too large.
    TooLarge,
    /// The path or the query is too long.
    AddressTooLong,
    /// The body is not JSON, or does not say so.
    NotJson,
    /// The Host header names another machine.
    UnknownHostName,
    /// The body is JSON, but not what this route takes.
    Invalid,
    /// Too many attempts, or too many at a time.
    TooMany,
    /// It could not be stored; nothing was changed.
    NotStored,
    /// Too much is under way.
    Busy,
    /// A fault of the host.
    Internal,
}

impl ProblemCode {
    /// The status that goes with it.
    pub fn status(self) -> StatusCode {
        match self {
            Self::BadRequest => StatusCode::BAD_REQUEST,
            Self::NotAuthenticated | Self::Wrong => StatusCode::UNAUTHORIZED,
            Self::AdministratorsOnly | Self::PasswordNeeded | Self::WrongOrigin | Self::Unclaimed => {
                StatusCode::FORBIDDEN
            }
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Claimed | Self::Refused | Self::Ambiguous => StatusCode::CONFLICT,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::AddressTooLong => StatusCode::URI_TOO_LONG,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::UnknownHostName => StatusCode::MISDIRECTED_REQUEST,
            Self::Invalid => StatusCode::UNPROCESSABLE_ENTITY,
            Self::TooMany => StatusCode::TOO_MANY_REQUESTS,
            Self::NotStored | Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Busy => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The code of an answer of which only the status is known.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::UNAUTHORIZED => Self::NotAuthenticated,
            StatusCode::NOT_FOUND => Self::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => Self::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => Self::TooLarge,
            StatusCode::URI_TOO_LONG => Self::AddressTooLong,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Self::NotJson,
            StatusCode::UNPROCESSABLE_ENTITY => Self::Invalid,
            status if status.is_client_error() => Self::BadRequest,
            _ => Self::Internal,
        }
    }
}

impl Problem {
    /// A problem with words for people.
    pub fn new(code: ProblemCode, detail: impl Into<String>) -> Self {
        let status = code.status();
        let title = status.canonical_reason().unwrap_or("Not carried out");
        let detail = detail.into();
        Self {
            kind: "about:blank",
            title,
            status: status.as_u16(),
            detail,
            code,
            retry_after_seconds: None,
            problems: None,
        }
    }

    /// What it is, for programs.
    pub fn code(&self) -> ProblemCode {
        self.code
    }

    /// The same, to be tried again after so many seconds.
    pub(crate) fn retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_seconds = Some(seconds.max(1));
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let body = serde_json::to_vec(&self).expect("a problem is plain data");
        let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        let headers = response.headers_mut();
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

impl From<AdminError> for Problem {
    fn from(error: AdminError) -> Self {
        let code = match error.code {
            AdminErrorCode::BadRequest | AdminErrorCode::UnsupportedVersion => ProblemCode::Invalid,
            AdminErrorCode::TooLarge => ProblemCode::TooLarge,
            AdminErrorCode::Forbidden => ProblemCode::AdministratorsOnly,
            AdminErrorCode::Busy => return Self::new(ProblemCode::Busy, error.message).retry_after(1),
            AdminErrorCode::NotFound => ProblemCode::NotFound,
            AdminErrorCode::Ambiguous => ProblemCode::Ambiguous,
            AdminErrorCode::Refused => ProblemCode::Refused,
            AdminErrorCode::NotStored => ProblemCode::NotStored,
            AdminErrorCode::Internal => ProblemCode::Internal,
        };
        Self::new(code, error.message)
    }
}

impl From<UpdateRefusal> for Problem {
    fn from(refusal: UpdateRefusal) -> Self {
        let code = match refusal.code {
            UpdateRefusalCode::BadRequest => ProblemCode::Invalid,
            UpdateRefusalCode::Busy => return Self::new(ProblemCode::Busy, refusal.message).retry_after(5),
            UpdateRefusalCode::NoSpace => ProblemCode::NotStored,
            UpdateRefusalCode::Machine => ProblemCode::Internal,
            UpdateRefusalCode::Unsigned
            | UpdateRefusalCode::Damaged
            | UpdateRefusalCode::WrongImage
            | UpdateRefusalCode::Older
            | UpdateRefusalCode::NoSource
            | UpdateRefusalCode::Unreachable
            | UpdateRefusalCode::NotReady => ProblemCode::Refused,
        };
        Self::new(code, refusal.message)
    }
}

impl From<AdminRefusal> for Problem {
    fn from(refusal: AdminRefusal) -> Self {
        let code = match refusal {
            AdminRefusal::Wrong => ProblemCode::Wrong,
            AdminRefusal::Wait { retry_after } => {
                let seconds = retry_after.as_secs() + 1;
                return Self::new(ProblemCode::TooMany, refusal.to_string()).retry_after(seconds);
            }
            AdminRefusal::Busy => return Self::new(ProblemCode::Busy, refusal.to_string()).retry_after(1),
            AdminRefusal::NoSession => ProblemCode::NotAuthenticated,
            AdminRefusal::PasswordNeeded => ProblemCode::PasswordNeeded,
            AdminRefusal::Claimed => ProblemCode::Claimed,
            AdminRefusal::Unclaimed => ProblemCode::Unclaimed,
            AdminRefusal::Declared => ProblemCode::Refused,
        };
        Self::new(code, refusal.to_string())
    }
}

impl From<SetPasswordError> for Problem {
    fn from(error: SetPasswordError) -> Self {
        match error {
            SetPasswordError::Refused(refusal) => refusal.into(),
            SetPasswordError::Store(error) => Self::new(ProblemCode::NotStored, error.to_string()),
        }
    }
}

impl From<SettingsRefusal> for Problem {
    fn from(refusal: SettingsRefusal) -> Self {
        match refusal {
            SettingsRefusal::Fault(error) => error.into(),
            SettingsRefusal::Wrong(problems) => {
                let detail = "some of these values cannot be stored; nothing was changed";
                Self { problems: Some(problems), ..Self::new(ProblemCode::Invalid, detail) }
            }
        }
    }
}

/// The media type of a problem.
pub(crate) const MEDIA_TYPE: &str = "application/problem+json";

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::{http::header, response::IntoResponse as _};
    use punktfunk_trust::AdminRefusal;

    use super::{Problem, ProblemCode};

    #[test]
    fn who_has_to_wait_is_told_how_long_in_whole_seconds_and_never_zero() {
        let wait = Problem::from(AdminRefusal::Wait { retry_after: Duration::from_millis(2_500) });
        let response = wait.into_response();
        assert_eq!(response.status(), 429);
        assert_eq!(response.headers()[header::RETRY_AFTER], "3");
        let now = Problem::new(ProblemCode::Busy, "busy").retry_after(0).into_response();
        assert_eq!(now.headers()[header::RETRY_AFTER], "1");
    }

    #[test]
    fn a_wrong_password_and_a_wrong_code_read_the_same() {
        let wrong = serde_json::to_value(Problem::from(AdminRefusal::Wrong)).unwrap();
        assert_eq!(wrong["code"], "wrong");
        assert_eq!(wrong["status"], 401);
        assert_eq!(wrong["type"], "about:blank");
        let detail = wrong["detail"].as_str().unwrap();
        assert!(!detail.contains("password") && !detail.contains("code"), "{detail}");
    }
}
