//! Ceremonies that are cut, captured, reflected or confused (abuse cases 6 and 7).

use anyhow::{Context as _, Result};
use punktfunk_proto::{
    pairing::{ClientCeremony, Pin},
    wire::{ControlMessage, PairChallenge, PairProof, PairRequest, frame},
};
use tokio::task::JoinSet;

use super::owner_pairs;
use crate::rogue::{Answer, End, Finding, Line, Persona, Rogue, Victim, line::entropy, pair, source};

/// A PairRequest cut at every byte, one byte longer, under another magic, with lengths that lie (abuse case 7).
///
/// # Errors
/// The attack could not be carried out.
pub async fn malformed_requests(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("malformed-requests", &[7]);
    let pin = victim.arm()?;
    let persona = Persona::fresh("Mallory")?;
    let rogue = Rogue::at(source(0))?;
    let mut asked = JoinSet::new();
    let requests = malformed(&request(&persona, victim, &pin));
    let count = requests.len();
    for (what, bytes) in requests {
        let (rogue, persona, host) = (rogue.clone(), persona.clone(), victim.address);
        asked.spawn(async move {
            let mut line = rogue.call(host, &persona).await?;
            line.say_raw(&bytes).await?;
            line.finish();
            anyhow::Ok((what, line.hear().await, line.end().await))
        });
        if asked.len() >= AT_ONCE {
            check_closed(asked.join_next().await.context("one is under way")???, &mut finding);
        }
    }
    for closed in asked.join_all().await {
        check_closed(closed?, &mut finding);
    }
    let all_closed = finding.checks.is_empty();
    finding.check("every one is closed as a protocol error, unanswered", all_closed, format!("{count} requests"));
    finding.check("the host lives", victim.is_alive(), "");
    finding.check("nothing is recorded", victim.devices()? + victim.knocks()?.len() == 0, "no device, no knock");
    let owner = owner_pairs(victim, &Persona::fresh("Owner's own")?, &pin).await?;
    finding.check("the PIN is not used up: the owner's device pairs with it", owner.is_ok(), says(&owner));
    Ok(finding)
}

fn check_closed((what, heard, end): (String, Option<Vec<u8>>, End), finding: &mut Finding) {
    if heard.is_some() || !matches!(end.code(), Some(0x68 | 0)) {
        finding.check("a malformed request is closed, unanswered", false, format!("{what}: {heard:?}, {end}"));
    }
}

/// Connections at once: as many as a host has room for.
const AT_ONCE: usize = 24;

fn request(persona: &Persona, victim: &Victim, pin: &Pin) -> Vec<u8> {
    let parties = (persona.fingerprint(), victim.fingerprint);
    let (_, request) = ClientCeremony::start(Some("Mallory".into()), &pin.clone().into(), parties, entropy());
    ControlMessage::PairRequest(request).encode()
}

/// What is wrong, and the bytes as they go on the stream.
fn malformed(whole: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found: Vec<(String, Vec<u8>)> =
        (0..whole.len()).map(|cut| (format!("cut to {cut} bytes"), frame(&whole[..cut]))).collect();
    let framed = frame(whole);
    found.extend([1, 3, framed.len() - 1].map(|cut| (format!("stream ends at {cut}"), framed[..cut].to_vec())));
    found.push(("one byte longer".into(), frame(&[whole, &[0]].concat())));
    for magic in [*b"PKF2", *b"PKFs", *b"pkfc", *b"GET ", [0; 4], [0xFF; 4]] {
        found.push((format!("magic {magic:?}"), frame(&[&magic[..], &whole[4..]].concat())));
    }
    // After magic and type: the name's length, "Mallory", two bytes for the length of the key exchange.
    for (what, at, value) in
        [("name of 255 bytes", 5, 255), ("name of 65 bytes", 5, 65), ("short exchange", 13, 32), ("long one", 13, 34)]
    {
        let mut lying = whole.to_vec();
        lying[at] = value;
        found.push((what.into(), frame(&lying)));
    }
    found.push(("65535 zeros".into(), frame(&[0; 65_535])));
    found
}

/// A captured ceremony, replayed word for word: by a stranger, and by the very device after it was shut out (abuse
/// case 6).
///
/// # Errors
/// The attack could not be carried out.
pub async fn replay(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("replay", &[6]);
    let device = Persona::fresh("Sold tablet")?;
    let captured = pair(Rogue::at(source(0))?.call(victim.address, &device).await?, &device, &victim.arm()?).await?;
    let Ok(captured) = captured else { anyhow::bail!("the ceremony to be captured failed: {captured:?}") };
    victim.ctl(&["devices", "revoke", &device.fingerprint().to_string()])?;
    for (n, (who, persona)) in
        [("the device itself", device.clone()), ("a stranger", Persona::fresh("Mallory")?)].into_iter().enumerate()
    {
        victim.arm()?;
        let line = Rogue::at(source(1 + n as u16))?.call(victim.address, &persona).await?;
        let (fresh, result) = go_on(line, &captured.request, |_| captured.proof.clone()).await?;
        let is_fresh = fresh.is_some_and(|challenge| challenge != captured.challenge);
        finding.check("the host's half is never the same twice", is_fresh, who);
        finding.check("a captured proof is refused", !paired(&result), format!("{who}: {}", told(&result)));
        finding.check("one replay is one guess: the PIN is used up", !victim.is_armed()?, who);
    }
    finding.check("nobody is paired by it", victim.devices()? == 0, "no device");
    Ok(finding)
}

/// The host's own messages sent back to it, under its side of the exchange and the client's, and messages that have
/// no place.
///
/// # Errors
/// The attack could not be carried out.
pub async fn reflection(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("reflection", &[5, 6]);
    let persona = Persona::fresh("Mallory")?;
    let pin: Pin = "0000".parse()?;
    let parties = (persona.fingerprint(), victim.fingerprint);
    let (_, request) = ClientCeremony::start(None, &pin.into(), parties, entropy());

    victim.arm()?;
    let reflect = |challenge: &PairChallenge| PairProof { confirmation: challenge.confirmation };
    let line = Rogue::at(source(0))?.call(victim.address, &persona).await?;
    let (challenge, result) = go_on(line, &request, reflect).await?;
    finding.check("the host's confirmation is no proof", !paired(&result), told(&result));
    let theirs = challenge.context("no challenge to reflect")?.spake;

    victim.arm()?;
    let wrong_side = PairRequest { name: None, spake: theirs };
    let line = Rogue::at(source(1))?.call(victim.address, &persona).await?;
    let (answer, result) = go_on(line, &wrong_side, reflect).await?;
    finding.check("a message of the host's side is malformed", answer.is_none(), told(&result));
    finding.check("and does not use the PIN up", victim.is_armed()?, "still armed");

    let mut turned = theirs;
    turned[0] = b'A';
    let line = Rogue::at(source(2))?.call(victim.address, &persona).await?;
    let (_, result) = go_on(line, &PairRequest { name: None, spake: turned }, reflect).await?;
    finding.check("the host's point under the client's side earns nothing", !paired(&result), told(&result));

    let opening = ControlMessage::PairResult { paired: true }.encode();
    let told_itself = Rogue::at(source(3))?.ask(victim.address, &persona, &opening).await?;
    let refused = told_itself.payloads.is_empty() && told_itself.end.code() == Some(0x68);
    finding.check("a verdict from the client is a protocol error", refused, told_itself.end);
    finding.check("nobody is paired by any of it", victim.devices()? == 0, "no device");
    finding.check("the host lives", victim.is_alive(), "");
    Ok(finding)
}

/// Says `request`, answers a challenge by what `prove` makes of it, and hears the rest.
pub(super) async fn go_on(
    mut line: Line,
    request: &PairRequest,
    prove: impl FnOnce(&PairChallenge) -> PairProof,
) -> Result<(Option<PairChallenge>, Answer)> {
    let asked = std::time::Instant::now();
    line.say(&ControlMessage::PairRequest(request.clone()).encode()).await?;
    let mut payloads: Vec<_> = line.hear().await.into_iter().collect();
    let challenge = payloads.first().and_then(|payload| match ControlMessage::decode(payload) {
        Ok(ControlMessage::PairChallenge(challenge)) => Some(challenge),
        _ => None,
    });
    if let Some(challenge) = &challenge {
        line.say(&ControlMessage::PairProof(prove(challenge)).encode()).await?;
        payloads.extend(line.hear().await);
        line.close(0);
    }
    let end = line.end().await;
    Ok((challenge, Answer { payloads, end, took: asked.elapsed() }))
}

fn paired(answer: &Answer) -> bool {
    answer.payloads.contains(&ControlMessage::PairResult { paired: true }.encode())
}

fn told(answer: &Answer) -> String {
    match answer.payloads.last().map(|payload| ControlMessage::decode(payload)) {
        Some(Ok(message)) => format!("{message:?}"),
        _ => answer.end.to_string(),
    }
}

pub(super) fn says<T>(outcome: &Result<T, End>) -> String {
    match outcome {
        Ok(_) => "paired".to_owned(),
        Err(end) => end.to_string(),
    }
}
