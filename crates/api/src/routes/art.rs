//! Pictures of the library.

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};

use crate::{
    app::App,
    art,
    extract::InPath,
    problem::{Problem, ProblemCode},
    work::Effort,
};

/// A picture of the library
#[utoipa::path(get, path = "/api/v1/library/art/{file}", tag = "host",
    params(("file" = String, Path, description = "Its name, as the library has it")),
    responses((status = 200, description = "The picture", content(
        (Vec<u8> = "image/png"), (Vec<u8> = "image/jpeg"), (Vec<u8> = "image/webp")))))]
pub(super) async fn show_art(State(app): State<App>, InPath(file): InPath<String>) -> Result<Response, Problem> {
    let picture = app.order(Effort::Little, move |host| {
        art::read(&host.art_dir(), &file).map_err(|fault| {
            tracing::info!(%fault, "a picture of the library was not shown");
            Problem::new(ProblemCode::NotFound, "the library has no such picture")
        })
    });
    let picture = picture.await?;
    let headers = [(header::CONTENT_TYPE, picture.media_type), (header::CACHE_CONTROL, "private, max-age=300")];
    Ok((headers, picture.bytes).into_response())
}
