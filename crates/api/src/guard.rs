//! The guard before every route: who is not of its lane gets no further.

use axum::{
    Extension,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse as _, Response},
};

use crate::{
    app::App,
    caller::{Caller, Shown},
    lane::Lane,
    model::AdministratorState,
    peer::Peer,
    problem::{Problem, ProblemCode},
};

/// Lets a request through to a route of `lane`, with its [`Caller`].
pub(crate) async fn admit(
    State((app, lane)): State<(App, Lane)>,
    Extension(peer): Extension<Peer>,
    mut request: Request,
    next: Next,
) -> Response {
    match caller(&app, lane, Shown::read(&peer, request.headers())).await {
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
