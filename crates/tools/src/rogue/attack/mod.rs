//! The attacks, each a function from a host to a finding.

pub mod ceremony;
pub mod console;
pub mod flood;
pub mod impostor;
pub mod knock;
pub mod leaks;
pub mod middle;
pub mod points;
pub mod refusal;

use anyhow::{Context as _, Result};
use punktfunk_proto::pairing::Pin;

use super::{End, Persona, Rogue, Transcript, Victim, pair, source};

/// The address from which the owner's own device calls: none of an attacker's.
const OWNER: u16 = 0xFFF0;

/// The owner's device pairs with `pin`, from an address of its own.
async fn owner_pairs(victim: &Victim, owner: &Persona, pin: &Pin) -> Result<Result<Transcript, End>> {
    let line = Rogue::at(source(OWNER))?.call(victim.address, owner).await.context("the owner's device calls")?;
    pair(line, owner, pin).await
}
