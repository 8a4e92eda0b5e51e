//! Certificates that are odd, and certificates that are somebody else's (abuse cases 20 and 21).

use anyhow::Result;
use rcgen::{CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};

use super::{ceremony::says, owner_pairs};
use crate::rogue::{End, Finding, Line, Persona, Rogue, Victim, pair, source};

/// Certificates no authority would accept: each waits as a stranger and gets in once its fingerprint is trusted, and
/// a second one like it does not (abuse case 20).
///
/// # Errors
/// The attack could not be carried out.
pub async fn odd_certificates(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("odd-certificates", &[20]);
    for (n, what) in ODD.into_iter().enumerate() {
        let (first, second) = (odd(what)?, odd(what)?);
        let from = Rogue::at(source(n as u16))?;
        let mut line = from.call(victim.address, &first).await?;
        line.hello(what).await?;
        let knocks = victim.wait_for_knocks(|knocks| lists(knocks, &first)).await?;
        finding.check("it is held as a stranger", !knocks.is_empty(), what);
        victim.ctl(&["approve", &first.fingerprint().to_string()])?;
        finding.check("its fingerprint, once trusted, lets it in", line.hear().await.is_some(), what);
        drop(line);
        let mut line = from.call(victim.address, &second).await?;
        line.hello(what).await?;
        let held = victim.wait_for_knocks(|knocks| lists(knocks, &second)).await.is_ok();
        finding.check("another certificate of the same contents does not", held, what);
    }
    Ok(finding)
}

/// The certificate of a paired device, shown without its key (abuse case 21).
///
/// # Errors
/// The attack could not be carried out.
pub async fn stolen_certificate(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("stolen-certificate", &[21]);
    let device = Persona::fresh("Living room")?;
    let paired = owner_pairs(victim, &device, &victim.arm()?).await?;
    anyhow::ensure!(paired.is_ok(), "the device to be robbed does not pair: {paired:?}");
    let pin = victim.arm_for(device.fingerprint())?;
    let forged = device.forged_by(&Persona::fresh("Mallory")?);
    let rogue = Rogue::at(source(0))?;
    for what in ["Hello", "PairRequest"] {
        let end = match rogue.call(victim.address, &forged).await {
            // The client's half of the handshake ends before the host looks at the signature.
            Ok(line) => say(line, what).await,
            Err(error) => End::Broken(error.to_string()),
        };
        let failed = matches!(end, End::Broken(_));
        finding.check("the handshake fails: its key is not proven", failed, format!("{what}: {end}"));
    }
    let sessions = victim.ctl(&["sessions", "list"])?["sessions"].as_array().map_or(0, Vec::len);
    let untouched = sessions + victim.knocks()?.len() == 0 && victim.devices()? == 1;
    finding.check("nothing is recorded, no session begins", untouched, "no session, no knock");
    finding.check("a PIN bound to that certificate is not used up", victim.is_armed()?, "still armed");
    // The address that its first pairing came from has to wait a moment.
    let line = Rogue::at(source(1))?.call(victim.address, &device).await?;
    let again = pair(line, &device, &pin).await?;
    finding.check("the device itself is served", again.is_ok(), says(&again));
    Ok(finding)
}

async fn say(mut line: Line, what: &str) -> End {
    // Whether it can be written is not the question, but how the connection ends.
    let _ = match what {
        "Hello" => line.hello("Living room").await,
        _ => line.say(&super::refusal::whole()).await,
    };
    line.end().await
}

fn lists(knocks: &[serde_json::Value], persona: &Persona) -> bool {
    let own = |knock: &serde_json::Value| knock["fingerprint"] == persona.fingerprint().to_string();
    knocks.iter().any(|knock| own(knock) && knock["waiting"] == true)
}

const ODD: [&str; 6] =
    ["expired", "not yet valid", "an authority's", "of another issuer", "of a version 1", "with an Ed25519 key"];

fn odd(what: &str) -> Result<Persona> {
    let mut contents = CertificateParams::new(["punktfunk-client".to_owned()])?;
    match what {
        "expired" => {
            (contents.not_before, contents.not_after) = (date_time_ymd(1990, 1, 1), date_time_ymd(1991, 1, 1));
        }
        "not yet valid" => {
            (contents.not_before, contents.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1));
        }
        "an authority's" => contents.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained),
        "of another issuer" => return issued(contents),
        "of a version 1" => return version_1(&contents),
        _ => {
            let key = KeyPair::generate_for(&rcgen::PKCS_ED25519)?;
            return Persona::holding(what, contents.self_signed(&key)?.der().to_vec(), key.serialize_der());
        }
    }
    Persona::with_contents(what, contents)
}

/// Signed by an authority nobody knows, which claims to be the host.
fn issued(contents: CertificateParams) -> Result<Persona> {
    let (key, authority_key) = (KeyPair::generate()?, KeyPair::generate()?);
    let mut authority = CertificateParams::new(["punktfunk".to_owned()])?;
    authority.distinguished_name.push(DnType::CommonName, "punktfunk");
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let certificate = contents.signed_by(&key, &issuer)?;
    Persona::holding("of another issuer", certificate.der().to_vec(), key.serialize_der())
}

/// A certificate without version and extensions; its own signature is wrong then.
fn version_1(contents: &CertificateParams) -> Result<Persona> {
    let key = KeyPair::generate()?;
    let certificate = contents.self_signed(&key)?;
    let (_, whole, _) = element(certificate.der());
    let (_, mut fields, signature) = element(whole);
    let mut kept = Vec::new();
    while !fields.is_empty() {
        let (tag, content, rest) = element(fields);
        if !matches!(tag, 0xA0 | 0xA3) {
            kept.extend(wrapped(tag, content));
        }
        fields = rest;
    }
    let certificate = wrapped(0x30, &[wrapped(0x30, &kept), signature.to_vec()].concat());
    Persona::holding("of a version 1", certificate, key.serialize_der())
}

/// Tag, content and rest of a DER element of our own making.
fn element(der: &[u8]) -> (u8, &[u8], &[u8]) {
    let digits = if der[1] < 0x80 { 0 } else { usize::from(der[1] & 0x7F) };
    let long = |length: usize, digit: &u8| length << 8 | usize::from(*digit);
    let length = if digits == 0 { usize::from(der[1]) } else { der[2..2 + digits].iter().fold(0, long) };
    let (content, rest) = der[2 + digits..].split_at(length);
    (der[0], content, rest)
}

fn wrapped(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len();
    let short = u8::try_from(length).ok().filter(|short| *short < 0x80);
    let header = short.map_or_else(|| vec![tag, 0x82, (length >> 8) as u8, length as u8], |short| vec![tag, short]);
    [header, content.to_vec()].concat()
}
