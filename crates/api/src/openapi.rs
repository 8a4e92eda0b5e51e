//! The document that describes the API, made from the table of routes.

use utoipa::{
    OpenApi as _,
    openapi::{
        Content, OpenApi, RefOr, Response, ResponseBuilder,
        path::Operation,
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use crate::{
    cookie,
    events::{ChangedEvent, DroppedEvent},
    lane::Lane,
    model::SessionSample,
    problem::{self, Problem},
    routes,
    table::Route,
};

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "punktfunk", description = DESCRIPTION),
    components(schemas(Problem, ChangedEvent, DroppedEvent, SessionSample, crate::model::LogLine)),
    tags(
        (name = "health", description = "How the host is, for anybody"),
        (name = "login", description = "The first claim, logins, the password"),
        (name = "host", description = "What the host is, can and does"),
        (name = "pairing", description = "PIN windows and devices that knock"),
        (name = "devices", description = "Paired devices"),
        (name = "sessions", description = "Sessions, running and ended"),
        (name = "settings", description = "The configuration"),
        (name = "update", description = "Updates of the system"),
        (name = "diagnostics", description = "What is wrong"),
        (name = "audit", description = "Who did what"),
        (name = "backup", description = "Saving and restoring"),
        (name = "identity", description = "The host's identity"),
    )
)]
struct Document;

/// The OpenAPI 3.1 document of this API.
pub fn openapi() -> OpenApi {
    let mut document = Document::openapi();
    let components = document.components.get_or_insert_default();
    let schemes = [("login", login_scheme()), ("token", token_scheme()), ("device", device_scheme())];
    components.security_schemes.extend(schemes.map(|(name, scheme)| (name.to_owned(), RefOr::T(scheme))));
    for route in routes::table() {
        document.components.get_or_insert_default().schemas.extend(route.schemas.iter().cloned());
        let (path, method) = (route.path.clone(), route.method.clone());
        document.paths.add_path_operation(path, vec![method], describe(route));
    }
    document
}

fn login_scheme() -> SecurityScheme {
    SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::with_description(cookie::NAME, "A login of the console")))
}

fn token_scheme() -> SecurityScheme {
    SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer))
}

fn device_scheme() -> SecurityScheme {
    let description = Some("The certificate of a paired device".to_owned());
    SecurityScheme::MutualTls { description, deprecated: None, extensions: None }
}

/// The operation of a route, with what holds for every route of its lane.
fn describe(route: Route) -> Operation {
    let Route { lane, mut operation, path, .. } = route;
    let extensions = operation.extensions.get_or_insert_default();
    extensions.insert("x-lane".into(), lane.word().into());
    operation.security = Some(requirements(lane));
    let takes_parameters = operation.parameters.is_some();
    let writes = operation.request_body.is_some();
    let mut add = |status: &str, description: &str| {
        let absent = !operation.responses.responses.contains_key(status);
        if absent {
            operation.responses.responses.insert(status.into(), RefOr::T(problem_response(description)));
        }
    };
    add("400", "The request cannot be read");
    add("403", "Not allowed: the lane, the Origin, an old password, or nobody administers the host");
    add("421", "The Host header names another machine");
    add("500", "A fault of the host");
    add("503", "Too much is under way");
    if !matches!(lane, Lane::Open { .. }) {
        add("401", "Nobody who is known asks");
    }
    if takes_parameters {
        add("414", "The path or the query is too long");
    }
    if path.contains('{') {
        add("404", "There is no such thing");
    }
    if writes {
        add("413", "The body is too large");
        add("415", "The body is not JSON");
        add("422", "The body is not what this request takes");
    }
    operation
}

fn requirements(lane: Lane) -> Vec<SecurityRequirement> {
    let one = |name: &str| SecurityRequirement::new(name, Vec::<String>::new());
    match lane {
        Lane::Open { .. } => vec![],
        Lane::Device | Lane::Admin | Lane::Sensitive => vec![one("login"), one("token"), one("device")],
    }
}

fn problem_response(description: &str) -> Response {
    let schema = utoipa::openapi::Ref::from_schema_name("Problem");
    ResponseBuilder::new().description(description).content(problem::MEDIA_TYPE, Content::new(Some(schema))).build()
}

const DESCRIPTION: &str = "The management API of a punktfunk host. `x-lane` says who may use a route: `open` anybody, \
    `device` paired devices and administrators, `admin` administrators, `admin!` administrators whose login proved \
    the password in the last 15 minutes. Errors are `application/problem+json`; programs decide by `code`.";
