//! The owner's side of a PIN ceremony: asks trust, hands over the PIN, stores the device.

use punktfunk_proto::{
    pairing::ENTROPY_LEN,
    session::host_control::{HostCommand, HostEvent},
    wire::CloseCode,
};
use punktfunk_trust::{Actor, Origin, PairRefusal};
use rand::RngCore as _;

use super::connection::Owner;

/// Runs one ceremony.
pub(super) async fn run(mut owner: Owner, name: Option<String>) {
    let source = owner.peer.ip();
    let fingerprint = owner.fingerprint;
    let origin = match fingerprint {
        Some(fingerprint) => Origin::device(fingerprint, source),
        None => Origin { actor: Actor::Stranger, source: Some(source) },
    };
    let attempt = owner.supervisor.change_trust(|trust, now| trust.begin_pairing(now, source, fingerprint));
    let attempt = match attempt {
        Ok(attempt) => attempt,
        Err(refusal) => return owner.refuse(close_code(&refusal), refusal.to_string()).await,
    };
    let mut seed = [0; ENTROPY_LEN];
    rand::rng().fill_bytes(&mut seed);
    owner.tell(HostCommand::BeginPairing { secret: attempt.secret().clone(), seed }).await;
    // A malformed request drops the attempt: the window stays armed.
    let Some(HostEvent::PairingAnswered) = owner.events.recv().await else { return };
    let spent = match owner.supervisor.change_trust(|trust, now| trust.acting(origin.clone()).spend_pin(now, attempt)) {
        Ok(spent) => spent,
        Err(refusal) => return owner.refuse(close_code(&refusal), refusal.to_string()).await,
    };
    owner.tell(HostCommand::SendChallenge).await;
    match owner.events.recv().await {
        Some(HostEvent::PairingProven { .. }) => {}
        _ => {
            tracing::warn!(peer = %owner.peer, "pairing failed: wrong PIN, or the device left; the PIN is used up");
            return;
        }
    }
    let supervisor = &owner.supervisor;
    let stored = supervisor.change_trust(|trust, now| trust.acting(origin).pair_succeeded(now, spent, name.as_deref()));
    match &stored {
        Ok(device) => {
            tracing::info!(device = %device.name, fingerprint = device.fingerprint.short(), "paired");
        }
        Err(error) => tracing::error!(%error, "the pairing could not be stored"),
    }
    owner.tell(HostCommand::PairingStored { ok: stored.is_ok() }).await;
}

fn close_code(refusal: &PairRefusal) -> CloseCode {
    match refusal {
        PairRefusal::NotArmed => CloseCode::PairingNotArmed,
        PairRefusal::OtherDevice => CloseCode::PairingOtherDevice,
        PairRefusal::TooFast => CloseCode::PairingTooFast,
        PairRefusal::Anonymous => CloseCode::IdentityRequired,
    }
}
