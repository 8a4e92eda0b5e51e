//! Devices that knock with hostile or equal names, again and again, or after they were denied (abuse cases 12 to 15).

use anyhow::{Context as _, Result};
use punktfunk_proto::wire::{ControlMessage, Hello, PairRequest};
use serde_json::Value;

use crate::rogue::{End, Finding, Line, Persona, Rogue, Victim, line::plain_hello, source};

/// One device knocks three times while it waits; one approval makes one session (abuse case 12).
///
/// # Errors
/// The attack could not be carried out.
pub async fn repeated(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("repeated-knocks", &[12]);
    let device = Persona::fresh("Impatient")?;
    let rogue = Rogue::at(source(0))?;
    let mut lines = Vec::new();
    for _ in 0..3 {
        let mut line = rogue.call(victim.address, &device).await?;
        line.hello("Impatient").await?;
        if let Some(Line { .. }) = lines.last() {
            let superseded: &Line = lines.last().context("just seen")?;
            let end = superseded.end().await;
            finding.check("a newer knock closes the older one with 0x66", end.code() == Some(0x66), end);
        } else {
            victim.wait_for_knocks(|knocks| knocks.len() == 1).await?;
        }
        lines.push(line);
    }
    let knocks = victim.wait_for_knocks(|knocks| knocks.len() == 1 && knocks[0]["waiting"] == true).await?;
    victim.ctl(&["approve", &knocks[0]["id"].to_string()])?;
    let welcomed = lines[2].hear().await.is_some();
    finding.check("the connection that waits goes on", welcomed, "Welcome");
    let sessions = victim.ctl(&["sessions", "list"])?["sessions"].as_array().map_or(0, Vec::len);
    finding.check("one approval makes one session", sessions == 1, format!("{sessions} session"));
    finding.check("and one device", victim.devices()? == 1, "one device");
    let again = victim.try_ctl(&["approve", &knocks[0]["id"].to_string()])?;
    finding.check(
        "an answered request cannot be approved again",
        again.status.code() == Some(NO_SUCH_THING),
        again.status,
    );
    Ok(finding)
}

/// Names that would deceive whoever reads them, by Hello and by PairRequest (abuse case 13).
///
/// # Errors
/// The attack could not be carried out.
pub async fn hostile_names(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("hostile-names", &[13]);
    let mut held = Vec::new();
    for (n, (name, _)) in NAMES.iter().enumerate() {
        // Its own address each: one alone has four places.
        let persona = Persona::fresh("Mallory")?;
        let mut line = Rogue::at(source(n as u16))?.call(victim.address, &persona).await?;
        line.say(&hello_named(name)).await?;
        held.push((line, persona));
    }
    let knocks = victim.wait_for_knocks(|knocks| knocks.len() == NAMES.len()).await?;
    for ((_, persona), (raw, expected)) in held.iter().zip(NAMES) {
        let listed = named(&knocks, persona);
        let label = format!("device {}", persona.fingerprint().short());
        let expected = if expected.is_empty() { label.as_str() } else { expected };
        let seen = format!("{:?} is listed as {listed:?}", String::from_utf8_lossy(raw));
        finding.check("a name is scrubbed, or is the fingerprint's label", listed == expected, seen);
    }
    let shown = victim.try_ctl(&["pending"])?.stdout;
    let shown = String::from_utf8(shown).context("ctl prints UTF-8")?;
    let clean = !shown.chars().any(|c| (c.is_control() && c != '\n') || is_deceptive(c));
    finding.check("nothing of them reaches the owner's terminal or log", clean && log_is_clean(victim), "");

    let name = "\u{202e}\u{1b}[31mgnp.exe";
    let mut request = ControlMessage::PairRequest(PairRequest { name: Some(name.into()), spake: [b'B'; 33] }).encode();
    let persona = Persona::fresh("Mallory")?;
    let rogue = Rogue::at(source(100))?;
    rogue.ask(victim.address, &persona, &request).await?;
    request[6] = 0xFF;
    rogue.ask(victim.address, &persona, &request).await?;
    finding.check("the same for the name of a request to pair", log_is_clean(victim), "");
    finding.check("the host lives", victim.is_alive(), "");
    Ok(finding)
}

/// Two devices of one name: they are told apart by their fingerprints, and an approval is for one (abuse case 14).
///
/// # Errors
/// The attack could not be carried out.
pub async fn equal_names(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("equal-names", &[14]);
    let (friend, mallory) = (Persona::fresh("Living room")?, Persona::fresh("Living room")?);
    let mut theirs = Rogue::at(source(0))?.call(victim.address, &mallory).await?;
    theirs.hello("Living room").await?;
    victim.wait_for_knocks(|knocks| knocks.len() == 1).await?;
    let mut ours = Rogue::at(source(1))?.call(victim.address, &friend).await?;
    ours.hello("Living room").await?;
    let knocks = victim.wait_for_knocks(|knocks| knocks.len() == 2).await?;
    let told_apart = knocks[0]["fingerprint"] != knocks[1]["fingerprint"] && knocks[0]["name"] == knocks[1]["name"];
    finding.check("both are listed, told apart by fingerprint", told_apart, "");
    let shown = String::from_utf8_lossy(&victim.try_ctl(&["pending"])?.stdout).into_owned();
    let prints = [&friend, &mallory].iter().all(|persona| shown.contains(&persona.fingerprint().to_string()[..8]));
    let grouped = [&friend, &mallory].iter().all(|persona| shown.contains(&persona.fingerprint().grouped()[..9]));
    finding.check("the list that people read shows the fingerprints", prints || grouped, "");
    victim.ctl(&["approve", &friend.fingerprint().to_string()])?;
    finding.check("the approved one gets in", ours.hear().await.is_some(), "Welcome");
    let end = theirs.end_within(QUIET).await;
    finding.check("the other goes on waiting", end == End::Open, end);
    let devices = victim.ctl(&["devices", "list"])?;
    let only = devices["devices"]
        .as_array()
        .is_some_and(|devices| devices.len() == 1 && devices[0]["fingerprint"] == friend.fingerprint().to_string());
    finding.check("only the approved one is paired", only, "");
    Ok(finding)
}

/// Approvals of a request that was denied, of one that never was, of a prefix that fits nobody (abuse case 15).
///
/// # Errors
/// The attack could not be carried out.
pub async fn stale_ids(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("stale-ids", &[15]);
    let device = Persona::fresh("Stranger")?;
    let mut line = Rogue::at(source(0))?.call(victim.address, &device).await?;
    line.hello("Stranger").await?;
    let knocks = victim.wait_for_knocks(|knocks| knocks.len() == 1).await?;
    let id = knocks[0]["id"].to_string();
    victim.ctl(&["deny", &id])?;
    let end = line.end().await;
    finding.check("a denied request closes 0x64", end.code() == Some(0x64), end);
    let fingerprint = device.fingerprint().to_string();
    for (what, id) in
        [("denied", id.as_str()), ("denied, by fingerprint", &fingerprint), ("unknown", "4711"), ("zero", "0")]
    {
        for order in ["approve", "deny"] {
            let answer = victim.try_ctl(&[order, id])?;
            let not_found = answer.status.code() == Some(NO_SUCH_THING);
            finding.check(
                "an answer to no request is not found",
                not_found,
                format!("{order} {what}: {}", answer.status),
            );
        }
    }
    finding.check("nothing is paired by it", victim.devices()? == 0, "no device");
    Ok(finding)
}

fn named<'a>(knocks: &'a [Value], persona: &Persona) -> &'a str {
    let own = knocks.iter().find(|knock| knock["fingerprint"] == persona.fingerprint().to_string());
    own.and_then(|knock| knock["name"].as_str()).unwrap_or("(not listed)")
}

/// A Hello whose name is these bytes, UTF-8 or not.
fn hello_named(name: &[u8]) -> Vec<u8> {
    let placeholder = "x".repeat(name.len().min(64));
    let mut payload = Hello { name: Some(placeholder.clone()), ..plain_hello() }.encode();
    // The length of the name stands at byte 26 (spec section 2.3).
    payload.splice(26..27 + placeholder.len(), [&[name.len() as u8][..], name].concat());
    payload
}

fn log_is_clean(victim: &Victim) -> bool {
    !victim.log().chars().any(|c| (c.is_control() && c != '\n') || is_deceptive(c))
}

/// Marks of direction and characters without a shape.
fn is_deceptive(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Names as they are sent, and as they are listed; empty: as the label of the fingerprint.
const NAMES: [(&[u8], &str); 8] = [
    (b"\x1b[2J\x1b[31mred", "red"),
    (b"a\0b", "a b"),
    ("\u{202e}gnp.exe".as_bytes(), "gnp.exe"),
    ("\u{feff}Phone\u{200b}".as_bytes(), "Phone"),
    (b"\xff\xfe\xfd", ""),
    (b"", ""),
    ("\u{2066}\u{2069}".as_bytes(), ""),
    // 65 bytes, the last two one character: too long for the wire, so absent (spec section 2.3).
    ("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u{fc}".as_bytes(), ""),
];

/// The exit code of `ctl` for a request or device that is not there.
const NO_SUCH_THING: i32 = 68;
/// Long enough for a Welcome that should not come.
const QUIET: std::time::Duration = std::time::Duration::from_millis(300);
