//! The audit log.

use axum::{Json, extract::State};

use super::Answer;
use crate::{
    app::App,
    extract::InQuery,
    model::{AuditPage, AuditQuery, AuditVerdict},
    problem::{Problem, ProblemCode},
    work::Effort,
};

/// Rows of the audit log, the newest first
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditQuery),
    responses((status = 200, body = AuditPage)))]
pub(super) async fn list_audit(State(app): State<App>, InQuery(query): InQuery<AuditQuery>) -> Answer<AuditPage> {
    if query.limit.is_some_and(|limit| !(1..=500).contains(&limit)) {
        return Err(Problem::new(ProblemCode::BadRequest, "limit is a number from 1 to 500"));
    }
    app.order(Effort::Little, move |host| host.audit(query)).await.map(Json)
}

/// Looks at every row of the audit log
#[utoipa::path(get, path = "/api/v1/audit/verdict", tag = "audit", responses((status = 200, body = AuditVerdict)))]
pub(super) async fn verify_audit(State(app): State<App>) -> Answer<AuditVerdict> {
    app.order(Effort::Long, |host| host.verify_audit()).await.map(Json)
}
