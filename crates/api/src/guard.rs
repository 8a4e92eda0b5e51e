//! The guard before every route: who is not of its lane gets no further.

use axum::{
    Extension,
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{
    app::App,
    caller::{Caller, Shown},
    lane::Lane,
    middleware::{media_type, only_reads, says_json},
    model::AdministratorState,
    peer::Peer,
    problem::{Problem, ProblemCode},
};

/// What a route demands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demands {
    /// Who may use it.
    pub(crate) lane: Lane,
    /// What its bodies may be.
    pub(crate) media: Media,
}

/// What bodies may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    /// JSON, which no page of a stranger can send without asking first.
    Json,
    /// Plain text as well.
    JsonOrText,
    /// Bytes alone, which no page of a stranger can send without asking first either.
    Octets,
}

/// Lets a request through that meets `demands`, with its [`Caller`].
pub(crate) async fn admit(
    State((app, demands)): State<(App, Demands)>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = caller(&app, demands.lane, Shown::read(&peer, request.headers())).await;
    let checked = caller.and_then(|caller| check_media(demands.media, &request).map(|()| caller));
    match checked {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn caller(app: &App, lane: Lane, shown: Shown) -> Result<Caller, Problem> {
    let options = app.options.clone();
    let answer = app.ask(move |host| {
        if !lane.answers_unclaimed() && host.administrator() == AdministratorState::Unclaimed {
            let detail = "nobody administers this host yet: claim it with the code that it shows";
            return Err(Problem::new(ProblemCode::Unclaimed, detail));
        }
        shown.admit(host, &options, lane)
    });
    answer.await?
}

/// A request that changes something and has a body, or says what its body is, has to say JSON.
fn check_media(media: Media, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    if media == Media::Octets {
        let says_so = media_type(headers).is_some_and(|kind| kind.eq_ignore_ascii_case("application/octet-stream"));
        let ask = || Problem::new(ProblemCode::NotJson, "send application/octet-stream");
        return if says_so { Ok(()) } else { Err(ask()) };
    }
    let silent = !has_body(headers) && !headers.contains_key(header::CONTENT_TYPE);
    if only_reads(request.method()) || silent || says_json(headers) {
        return Ok(());
    }
    let is_text = media_type(headers).is_some_and(|kind| kind.eq_ignore_ascii_case("text/plain"));
    match media {
        Media::JsonOrText if is_text => Ok(()),
        Media::JsonOrText => Err(Problem::new(ProblemCode::NotJson, "send text/plain or application/json")),
        Media::Json | Media::Octets => {
            Err(Problem::new(ProblemCode::NotJson, "send JSON, with Content-Type: application/json"))
        }
    }
}

fn has_body(headers: &HeaderMap) -> bool {
    let length = headers.get(header::CONTENT_LENGTH);
    length.is_some_and(|length| length != "0") || headers.contains_key(header::TRANSFER_ENCODING)
}
