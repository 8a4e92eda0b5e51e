//! Who asks, and whether they may.

use std::{net::IpAddr, sync::Arc};

use axum::{
    extract::FromRequestParts,
    http::{HeaderMap, header, request::Parts},
};
use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{Action, Actor, AdminRefusal, Grants, Origin, SessionId};
use zeroize::Zeroizing;

use crate::{
    cookie,
    host::Host,
    lane::Lane,
    model::DeviceStanding,
    options::ApiOptions,
    peer::Peer,
    problem::{Problem, ProblemCode},
};

/// Who asks.
#[derive(Clone)]
pub(crate) struct Caller {
    /// How they are known.
    pub(crate) credential: Credential,
    /// Where they are.
    pub(crate) source: IpAddr,
}

/// How somebody is known.
#[derive(Clone)]
pub(crate) enum Credential {
    /// Not at all.
    Stranger,
    /// By a login.
    Login { id: SessionId, token: Arc<Zeroizing<String>> },
    /// By the bearer token.
    Bearer,
    /// By a paired certificate.
    Device(DeviceStanding),
}

impl Caller {
    /// For the audit log.
    pub(crate) fn origin(&self) -> Origin {
        let source = Some(self.source);
        match &self.credential {
            Credential::Stranger => Origin { actor: Actor::Stranger, source },
            Credential::Login { id, .. } => Origin::console(id.number().to_string(), self.source),
            Credential::Bearer => Origin { actor: Actor::Token { name: "api".into() }, source },
            Credential::Device(device) => Origin::device(device.fingerprint, self.source),
        }
    }

    /// Whether somebody who was admitted as an administrator is one still.
    pub(crate) fn still_administers(&self, host: &dyn Host) -> bool {
        match &self.credential {
            Credential::Stranger => false,
            Credential::Login { token, .. } => host.is_logged_in(token),
            Credential::Bearer => true,
            Credential::Device(device) => {
                host.standing(device.fingerprint).is_some_and(|device| device.grants.contains(Grants::ADMIN))
            }
        }
    }

    /// The token of the login.
    ///
    /// # Errors
    /// Somebody asks who needs no login and has none.
    pub(crate) fn login(&self) -> Result<Arc<Zeroizing<String>>, Problem> {
        match &self.credential {
            Credential::Login { token, .. } => Ok(Arc::clone(token)),
            Credential::Stranger | Credential::Bearer | Credential::Device(_) => {
                Err(Problem::new(ProblemCode::Refused, "this is about a login, and you came without one"))
            }
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| {
            tracing::error!("a request reached its route past the guard");
            Problem::new(ProblemCode::Internal, "the host could not tell who asks")
        })
    }
}

/// What a request shows of who asks.
#[derive(Clone)]
pub(crate) struct Shown {
    bearer: Bearer,
    login: Option<Arc<Zeroizing<String>>>,
    certificate: Option<Fingerprint>,
    source: IpAddr,
}

/// What the Authorization header holds.
#[derive(Clone)]
enum Bearer {
    Absent,
    /// There is one, or several, but not exactly one bearer token.
    Unusable,
    Token(Arc<Zeroizing<String>>),
}

impl Shown {
    /// Reads the credentials of a request. Where it comes from is what the connection says and no header.
    pub(crate) fn read(peer: &Peer, headers: &HeaderMap) -> Self {
        let login = cookie::read(headers).map(|token| Arc::new(Zeroizing::new(token)));
        Self { bearer: bearer(headers), login, certificate: peer.certificate, source: peer.source.ip().to_canonical() }
    }

    /// Who asks, if they may use `lane`.
    ///
    /// # Errors
    /// They may not.
    pub(crate) fn admit(&self, host: &dyn Host, options: &ApiOptions, lane: Lane) -> Result<Caller, Problem> {
        let sensitive = lane == Lane::Sensitive;
        let credential = match lane {
            Lane::Open { .. } => Credential::Stranger,
            Lane::Device | Lane::Admin | Lane::Sensitive => self.identify(host, options, sensitive)?,
        };
        let admitted = match (&credential, lane) {
            (_, Lane::Open { .. }) => true,
            (Credential::Stranger, _) => return Err(not_authenticated()),
            (Credential::Device(device), Lane::Admin | Lane::Sensitive) => device.grants.contains(Grants::ADMIN),
            (Credential::Device(_), Lane::Device) | (Credential::Login { .. } | Credential::Bearer, _) => true,
        };
        if admitted {
            return Ok(Caller { credential, source: self.source });
        }
        let detail = "this device is paired to stream: only administrators may do this";
        Err(Problem::new(ProblemCode::AdministratorsOnly, detail))
    }

    /// An Authorization header decides alone: who shows a wrong one meant to use it. A login counts before a
    /// certificate, which browsers show by themselves.
    fn identify(&self, host: &dyn Host, options: &ApiOptions, sensitive: bool) -> Result<Credential, Problem> {
        match &self.bearer {
            Bearer::Absent => {}
            Bearer::Token(token) if options.takes_token_from(self.source) && host.is_token(token) => {
                return Ok(Credential::Bearer);
            }
            Bearer::Token(_) | Bearer::Unusable => return Err(not_authenticated()),
        }
        let action = if sensitive { Action::Sensitive } else { Action::Ordinary };
        match self.login.as_ref().map(|token| (host.authorize(token, action), token)) {
            Some((Ok(id), token)) => return Ok(Credential::Login { id, token: Arc::clone(token) }),
            Some((Err(refusal @ AdminRefusal::PasswordNeeded), _)) => return Err(refusal.into()),
            Some((Err(_), _)) | None => {}
        }
        let device = self.certificate.and_then(|certificate| host.standing(certificate));
        Ok(device.map_or(Credential::Stranger, Credential::Device))
    }
}

fn bearer(headers: &HeaderMap) -> Bearer {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Bearer::Absent };
    let token = value.to_str().ok().and_then(|text| text.split_once(' '));
    match (token, values.next()) {
        (Some((scheme, token)), None) if scheme.eq_ignore_ascii_case("bearer") && is_token_text(token) => {
            Bearer::Token(Arc::new(Zeroizing::new(token.to_owned())))
        }
        _ => Bearer::Unusable,
    }
}

fn is_token_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn not_authenticated() -> Problem {
    Problem::new(ProblemCode::NotAuthenticated, "log in first, or show a token or the certificate of a paired device")
}
