//! The router.

use std::sync::Arc;

use axum::Router;

use crate::{app::App, host::Host, options::ApiOptions, routes};

/// The API and, where `options` has them, the console's files. Each request has to carry a [`crate::Peer`].
pub fn router(host: Arc<dyn Host>, options: ApiOptions) -> Router {
    let app = App::new(host, options);
    let router = routes::table().into_iter().fold(Router::new(), |router, route| route.add_to(router, &app));
    router.with_state(app)
}
