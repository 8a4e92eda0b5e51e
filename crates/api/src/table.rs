//! The table of routes. The router is made from it and from nothing else, so that no route is without a lane.

use axum::{Router, extract::DefaultBodyLimit, middleware::from_fn_with_state, routing::MethodRouter};
use utoipa::openapi::{
    HttpMethod, RefOr, Schema,
    path::{Operation, PathItem},
};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::{
    app::App,
    guard::{self, Demands, Media},
    lane::Lane,
};

/// One route.
pub(crate) struct Route {
    /// Who may use it.
    pub(crate) lane: Lane,
    /// By which method.
    pub(crate) method: HttpMethod,
    /// Where: `/api/v1/devices/{fingerprint}`.
    pub(crate) path: String,
    /// What the document says about it.
    pub(crate) operation: Operation,
    /// Types that it names.
    pub(crate) schemas: Vec<(String, RefOr<Schema>)>,
    /// The longest body, in bytes.
    body_limit: usize,
    media: Media,
    handler: MethodRouter<App>,
}

impl Route {
    /// A route of one handler, which `routes!` wraps.
    ///
    /// # Panics
    /// `routes` holds none or several handlers: a bug that every test of the table finds.
    pub(crate) fn new(lane: Lane, (schemas, paths, handler): UtoipaMethodRouter<App>) -> Self {
        let (path, item) = paths.paths.into_iter().next().expect("a handler has a path");
        let (method, operation) = only_operation(item).expect("a route has one handler");
        Self { lane, method, path, operation, schemas, body_limit: BODY_LIMIT, media: Media::Json, handler }
    }

    /// The same, with longer bodies.
    pub(crate) fn with_body_limit(self, body_limit: usize) -> Self {
        Self { body_limit, ..self }
    }

    /// The same, with bodies of plain text as well.
    pub(crate) fn with_text(self) -> Self {
        Self { media: Media::JsonOrText, ..self }
    }

    /// The same, with bodies of bytes alone.
    pub(crate) fn with_octets(self) -> Self {
        Self { media: Media::Octets, ..self }
    }

    /// Adds it to `router`, behind its lane.
    pub(crate) fn add_to(self, router: Router<App>, app: &App) -> Router<App> {
        let demands = Demands { lane: self.lane, media: self.media };
        let guarded = from_fn_with_state((app.clone(), demands), guard::admit);
        let limit = DefaultBodyLimit::max(self.body_limit);
        router.route(&self.path, self.handler.route_layer(guarded).route_layer(limit))
    }
}

fn only_operation(item: PathItem) -> Option<(HttpMethod, Operation)> {
    let operations = [
        (HttpMethod::Get, item.get),
        (HttpMethod::Put, item.put),
        (HttpMethod::Post, item.post),
        (HttpMethod::Delete, item.delete),
        (HttpMethod::Patch, item.patch),
    ];
    let mut present = operations.into_iter().filter_map(|(method, operation)| Some((method, operation?)));
    let only = present.next()?;
    present.next().is_none().then_some(only)
}

/// The longest body of most requests, in bytes.
pub(crate) const BODY_LIMIT: usize = 64 * 1_024;
