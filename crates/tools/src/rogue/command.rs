//! `punktfunk-tools rogue`

use anyhow::{Result, bail};
use clap::ValueEnum;
use serde_json::json;

use super::{
    Finding, Victim,
    attack::{ceremony, console, flood, flood::Scale, impostor, knock, middle, points, refusal},
};

/// How to attack.
#[derive(clap::Args)]
pub struct Options {
    /// Only this attack; may be repeated [default: all of them]
    #[arg(long = "attack", value_name = "NAME", value_enum)]
    attacks: Vec<Attack>,
    /// How many attempts to pair a flood makes; knocks are a tenth of it
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1_000..=1_000_000))]
    attempts: u32,
    /// Print one JSON object in place of the table
    #[arg(long)]
    json: bool,
}

/// Examples for the help.
pub const EXAMPLES: &str = "\
Each attack has a real punktfunk-host of its own, started beside this program on loopback.
Exit code 1 if a promise was broken.

Examples:
  punktfunk-tools rogue
  punktfunk-tools rogue --attack pair-attempts --attempts 100000
  punktfunk-tools rogue --attack replay --attack reflection --json";

/// The attacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Attack {
    /// Requests to pair that are cut, too long or nonsense
    MalformedRequests,
    /// Key exchanges of small order, the identity, in odd encodings
    HostilePoints,
    /// A captured ceremony, word for word
    Replay,
    /// The host's messages sent back to it
    Reflection,
    /// What the refusals give away
    Refusals,
    /// Somebody between client and host while they pair
    MiddleWhilePairing,
    /// Somebody between client and host on a later day
    MiddleWhileConnecting,
    /// Thousands that ask to pair at once
    PairAttempts,
    /// Thousands that guess a PIN bound to another device
    Guesses,
    /// Connections that say nothing, from four addresses
    SilentConnections,
    /// The same from a hundred
    SilentCrowd,
    /// Knocks of fresh certificates from one address
    KnocksOfOne,
    /// Knocks of fresh certificates from 300 addresses
    KnocksOfMany,
    /// One device that knocks again and again
    RepeatedKnocks,
    /// Names that would deceive whoever reads them
    HostileNames,
    /// Two devices of one name
    EqualNames,
    /// Approvals of requests that are gone
    StaleIds,
    /// Certificates no authority would accept
    OddCertificates,
    /// A paired device's certificate without its key
    StolenCertificate,
    /// Thousands of connections to the console that say nothing, and heads that trickle in
    IdleConnections,
    /// Hundreds of wrong passwords
    WrongPasswords,
    /// Strangers who want to be the first administrator
    RaceToClaim,
}

/// Runs the attacks and prints what they found.
///
/// # Errors
/// An attack could not be carried out, or a promise was broken.
pub fn run(options: &Options) -> Result<()> {
    let attacks = if options.attacks.is_empty() { Attack::value_variants() } else { &options.attacks };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut findings = Vec::new();
    for attack in attacks {
        let mut victim = Victim::start("")?;
        let finding = runtime.block_on(carry_out(*attack, &mut victim, options.attempts as usize))?;
        if !options.json {
            print!("{finding}");
        }
        findings.push(finding);
    }
    if options.json {
        let findings: Vec<_> = findings.iter().map(Finding::to_json).collect();
        println!("{}", json!({ "findings": findings }));
    }
    let broken: Vec<&str> =
        findings.iter().filter(|finding| !finding.is_kept()).map(|finding| finding.attack).collect();
    if !broken.is_empty() {
        bail!("promises were broken by: {}", broken.join(", "));
    }
    Ok(())
}

async fn carry_out(attack: Attack, victim: &mut Victim, attempts: usize) -> Result<Finding> {
    let crowd = Scale { attempts, sources: 20, at_once: 128 };
    // Fewer at once than one address may have handshakes under way, so that each knock is heard.
    let knocks = Scale { attempts: attempts / 10, sources: 1, at_once: 48 };
    match attack {
        Attack::MalformedRequests => ceremony::malformed_requests(victim).await,
        Attack::HostilePoints => points::hostile_points(victim).await,
        Attack::Replay => ceremony::replay(victim).await,
        Attack::Reflection => ceremony::reflection(victim).await,
        Attack::Refusals => refusal::refusals(victim).await,
        Attack::MiddleWhilePairing => middle::while_pairing(victim).await,
        Attack::MiddleWhileConnecting => middle::while_connecting(victim).await,
        Attack::PairAttempts => flood::pair_attempts(victim, crowd).await,
        Attack::Guesses => flood::guesses(victim, crowd).await,
        Attack::SilentConnections => flood::silent_connections(victim, 4, 32).await,
        Attack::SilentCrowd => flood::silent_connections(victim, 100, 1).await,
        Attack::KnocksOfOne => flood::knocks(victim, Scale { sources: 1, ..knocks }).await,
        Attack::KnocksOfMany => flood::knocks(victim, Scale { sources: 300, ..knocks }).await,
        Attack::RepeatedKnocks => knock::repeated(victim).await,
        Attack::HostileNames => knock::hostile_names(victim).await,
        Attack::EqualNames => knock::equal_names(victim).await,
        Attack::StaleIds => knock::stale_ids(victim).await,
        Attack::OddCertificates => impostor::odd_certificates(victim).await,
        Attack::StolenCertificate => impostor::stolen_certificate(victim).await,
        Attack::IdleConnections => console::idle_connections(victim, attempts).await,
        Attack::WrongPasswords => console::wrong_passwords(victim).await,
        Attack::RaceToClaim => console::race_to_claim(victim).await,
    }
}
