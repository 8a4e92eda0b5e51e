//! Paths, queries and bodies, with problems of ours where axum would answer in plain text.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Path, Query, Request, rejection::BytesRejection},
    http::request::Parts,
};
use serde::de::DeserializeOwned;

use crate::problem::{Problem, ProblemCode};

/// A body of JSON.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if !crate::middleware::says_json(request.headers()) {
            return Err(Problem::new(ProblemCode::NotJson, "send the body with Content-Type: application/json"));
        }
        let bytes = read(request, state).await?;
        parse(&bytes).map(Self)
    }
}

/// An object of JSON. Serde would take an array for one as well, field by field.
fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    if bytes.trim_ascii_start().starts_with(b"{")
        && let Ok(value) = serde_json::from_slice(bytes)
    {
        return Ok(value);
    }
    Err(fault_of::<T>(bytes))
}

/// What is wrong with a body, without any of its content: it may hold a password.
fn fault_of<T: DeserializeOwned>(bytes: &[u8]) -> Problem {
    if let Err(error) = is_json(bytes) {
        let place = place(&error);
        return Problem::new(ProblemCode::BadRequest, format!("the body is not JSON{place}"));
    }
    let place = serde_json::from_slice::<T>(bytes).err().map(|error| place(&error)).unwrap_or_default();
    Problem::new(ProblemCode::Invalid, format!("the body is not what this request takes{place}"))
}

fn place(error: &serde_json::Error) -> String {
    format!(" (line {}, column {})", error.line(), error.column())
}

fn is_json(bytes: &[u8]) -> Result<(), serde_json::Error> {
    serde_json::from_slice(bytes).map(|serde::de::IgnoredAny| ())
}

/// The whole body, up to the limit of the route.
///
/// # Errors
/// It is longer, or the connection ended.
pub(crate) async fn read<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, Problem> {
    Bytes::from_request(request, state).await.map_err(|rejection| match rejection {
        BytesRejection::FailedToBufferBody(failed) if failed.status() == 413 => {
            Problem::new(ProblemCode::TooLarge, "the body is larger than this request may be")
        }
        _ => Problem::new(ProblemCode::BadRequest, "the body could not be read to its end"),
    })
}

/// Parts of the path.
pub(crate) struct InPath<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for InPath<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Path(value) = Path::<T>::from_request_parts(parts, state)
            .await
            .map_err(|_| Problem::new(ProblemCode::BadRequest, "the path holds something that is none of its kind"))?;
        Ok(Self(value))
    }
}

/// The query.
pub(crate) struct InQuery<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for InQuery<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Query(value) = Query::<T>::from_request_parts(parts, state)
            .await
            .map_err(|rejection| Problem::new(ProblemCode::BadRequest, rejection.body_text()))?;
        Ok(Self(value))
    }
}
