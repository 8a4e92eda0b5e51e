//! `/pair` and `/unpair` (GameStream spec section 2.7).

use super::{Answer, Caller, Desk, Query, Refusal, Xml, document, query::hex};
use crate::{
    HostKey,
    pairing::{Certificate, Client, Outcome, Refused, Secrets},
};

/// Phases 1 to 4, over HTTP.
pub(super) fn page(desk: &Desk<'_>, caller: &Caller, query: &Query) -> Answer {
    let Some(client) = client(caller, query) else { return document(refused(&no_phase())) };
    let phase = |key| query.text(key).is_some();
    if query.text("phrase") == Some("getservercert") {
        return begin(desk, client, query);
    }
    document(if phase("clientchallenge") {
        challenged(desk, &client, query)
    } else if phase("serverchallengeresp") {
        responded(desk, &client, query)
    } else if phase("clientpairingsecret") {
        proven(desk, &client, query)
    } else {
        desk.attempts().abandon(desk.now, &client);
        refused(&no_phase())
    })
}

/// Phase 5, over HTTPS: the device is paired, or it would not be answered.
pub(super) fn challenge(query: &Query) -> Xml {
    match query.text("phrase") {
        Some("pairchallenge") => Xml::ok().with("paired", 1),
        _ => refused(&no_phase()),
    }
}

/// Sent after a pairing that failed. Over HTTP nobody is known, so it ends the attempt of this address and no more.
pub(super) fn unpair(desk: &Desk<'_>, caller: &Caller, query: &Query) -> Xml {
    if let Some(client) = client(caller, query) {
        desk.attempts().abandon(desk.now, &client);
    }
    Xml::ok()
}

pub(super) fn certificate_told(key: &HostKey) -> String {
    let pem = key.certificate().to_pem();
    Xml::ok().with("paired", 1).with("plaincert", hex(pem.as_bytes())).finish()
}

pub(super) fn refused(refusal: &Refusal) -> Xml {
    Xml::refusal(refusal.code, &refusal.message).with("paired", 0)
}

fn begin(desk: &Desk<'_>, client: Client, query: &Query) -> Answer {
    let salt = query.bytes::<16>("salt");
    let pem = query.bytes_up_to("clientcert", Certificate::MAX_PEM);
    let certificate = pem.map(|pem| Certificate::from_pem(&pem));
    let (salt, certificate) = match (salt, certificate) {
        (Some(salt), Some(Ok(certificate))) => (salt, certificate),
        (_, Some(Err(error))) => return document(refused(&Refusal::new(400, error.to_string()))),
        _ => return document(refused(&no_phase())),
    };
    match desk.attempts().begin(desk.now, client, salt, certificate) {
        Ok(id) => Answer::WhenTyped(id),
        // Without a certificate clients say that another pairing is in progress.
        Err(Refused::Busy) => document(Xml::ok().with("paired", 1)),
        Err(refusal @ Refused::Outside) => document(refused(&Refusal::new(403, refusal.to_string()))),
        Err(refusal) => document(refused(&Refusal::new(503, refusal.to_string()))),
    }
}

fn challenged(desk: &Desk<'_>, client: &Client, query: &Query) -> Xml {
    let Some(challenge) = query.bytes("clientchallenge") else { return broken(desk, client) };
    let drawn = Secrets::draw(&mut rand::rng());
    let answer = desk.attempts().challenge(desk.now, client, challenge, (desk.key, drawn));
    told(answer.map(|answer| ("challengeresponse", hex(&answer))))
}

fn responded(desk: &Desk<'_>, client: &Client, query: &Query) -> Xml {
    let Some(response) = query.bytes("serverchallengeresp") else { return broken(desk, client) };
    let answer = desk.attempts().respond(desk.now, client, response, desk.key);
    told(answer.map(|answer| ("pairingsecret", hex(&answer))))
}

fn proven(desk: &Desk<'_>, client: &Client, query: &Query) -> Xml {
    let Some(secret) = query.bytes("clientpairingsecret") else { return broken(desk, client) };
    let checked = desk.attempts().prove(desk.now, client, &secret);
    let proven = match checked {
        Ok(proven) => proven,
        Err(Refused::WrongPin) => return Xml::ok().with("paired", 0),
        Err(refusal) => return refused(&Refusal::new(400, refusal.to_string())),
    };
    let stored = desk.host.pair(&proven);
    let outcome = if stored { Outcome::Paired(proven.certificate.fingerprint()) } else { Outcome::NotStored };
    desk.attempts().conclude(proven.id, outcome);
    match stored {
        true => Xml::ok().with("paired", 1),
        false => refused(&Refusal::new(500, "the host could not store the pairing; its log says why")),
    }
}

/// Bad digits or length end the attempt.
fn broken(desk: &Desk<'_>, client: &Client) -> Xml {
    desk.attempts().abandon(desk.now, client);
    refused(&no_phase())
}

fn told(answer: Result<(&str, String), Refused>) -> Xml {
    match answer {
        Ok((element, digits)) => Xml::ok().with("paired", 1).with(element, digits),
        Err(Refused::Internal) => refused(&Refusal::new(500, Refused::Internal.to_string())),
        Err(refusal) => refused(&Refusal::new(400, refusal.to_string())),
    }
}

fn no_phase() -> Refusal {
    Refusal::new(400, "this is no step of a pairing")
}

fn client(caller: &Caller, query: &Query) -> Option<Client> {
    let unique_id = query.text("uniqueid").filter(|id| (1..=MAX_UNIQUE_ID).contains(&id.len()))?;
    Some(Client { unique_id: unique_id.to_owned(), peer: caller.peer.to_canonical() })
}

/// Bytes of the longest `uniqueid`.
const MAX_UNIQUE_ID: usize = 64;
