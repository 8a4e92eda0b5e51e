//! The router.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::from_fn_with_state,
    response::{IntoResponse as _, Response},
};
use tower_service::Service as _;

use crate::{
    app::App,
    host::Host,
    middleware::{around, is_api, only_reads},
    options::ApiOptions,
    problem::{Problem, ProblemCode},
    routes,
};

/// The API and, where `options` has them, the console's files. Each request has to carry a [`crate::Peer`].
pub fn router(host: Arc<dyn Host>, options: ApiOptions) -> Router {
    let app = App::new(host, options);
    let router = routes::table().into_iter().fold(Router::new(), |router, route| route.add_to(router, &app));
    router.fallback(file).layer(from_fn_with_state(app.clone(), around)).with_state(app)
}

/// What is no route is a file of the console, or nothing.
async fn file(State(app): State<App>, request: Request) -> Response {
    let mut files = match &app.options.files {
        Some(files) if only_reads(request.method()) && !is_api(request.uri().path()) => files.clone(),
        Some(_) | None => {
            return Problem::new(ProblemCode::NotFound, "there is nothing at this address").into_response();
        }
    };
    match files.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
