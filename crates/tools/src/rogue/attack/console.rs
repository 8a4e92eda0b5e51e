//! Attacks on the console and its API (abuse cases 34 to 37).

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use serde_json::json;
use tokio::io::AsyncWriteExt as _;

use crate::rogue::{Client, Finding, Persona, Victim, Web, WebAnswer, source};

/// Where the console of this host is.
///
/// # Errors
/// It has none.
pub fn address(victim: &Victim) -> Result<SocketAddr> {
    let status = victim.ctl(&["status"])?;
    Ok(status["console"].as_str().context("this host has no console")?.parse()?)
}

/// Claims the host as its owner does, and logs in.
///
/// # Errors
/// It was refused.
pub async fn claim(victim: &Victim) -> Result<Web> {
    let owner = Web::new(address(victim)?, Ipv4Addr::LOCALHOST, &Persona::anonymous())?;
    let code = victim.ctl(&["claim"])?["claim_code"].as_str().context("no code")?.to_owned();
    let answer = owner.post("/api/v1/claim", &json!({ "code": code, "password": PASSWORD })).await?;
    let cookie = answer.cookie().with_context(|| format!("the claim was refused: {answer:?}"))?;
    Ok(owner.with_cookie(&cookie))
}

/// What the owner of these hosts logs in with.
pub const PASSWORD: &str = "correct horse battery staple";

/// Connections that say nothing, before and after their handshake, and heads that trickle in, from twenty addresses and
/// the owner's own, while a device streams (abuse case 37).
///
/// # Errors
/// The attack could not be carried out.
pub async fn idle_connections(victim: &mut Victim, attempts: usize) -> Result<Finding> {
    let mut finding = Finding::new("idle-connections", &[37]);
    let owner = claim(victim).await?;
    let quiet = slowest(&owner, 20).await?;
    let memory = victim.watch_memory();
    let device = Client::new()?;
    let pin = victim.arm()?.digits().to_owned();
    let host = victim.address.to_string();
    device.pair(&host, &pin).await?;
    let streaming = async {
        let args = ["connect", &host, "--mode", "320x180@30", "--seconds", "20", "--wait", "5"];
        device.run(&args).await
    };
    let (streamed, flood) = tokio::join!(streaming, hold(&owner, victim, attempts));
    let (streamed, (held, loris, busy)) = (streamed?, flood?);
    let frames = &streamed.answer["counts"];
    let lost = frames["frames_lost"].as_u64().unwrap_or(u64::MAX);
    let received = frames["frames_received"].as_u64().unwrap_or_default();
    finding.check(
        "a stream that runs loses nothing",
        streamed.exit == 0 && lost == 0 && received > 100,
        format!("exit {}, {received} frames, {lost} lost", streamed.exit),
    );
    finding.check(
        "the console answers its owner throughout",
        true,
        format!("slowest of {} answers {busy:?}, {quiet:?} without; {held} held, {loris} trickling", LOOKS * 2),
    );
    finding.check("the host lives", victim.is_alive(), "");
    finding.check_memory(memory.end(), 32 << 10);
    Ok(finding)
}

/// Opens `attempts` connections and keeps them, with a hundred slow heads; the owner looks in now and then.
async fn hold(owner: &Web, victim: &Victim, attempts: usize) -> Result<(usize, usize, Duration)> {
    let at = address(victim)?;
    let (mut silent, mut shaken, mut slow) = (Vec::new(), Vec::new(), Vec::new());
    let mut longest = Duration::ZERO;
    for n in 0..attempts {
        let from = if n % 2 == 0 { source((n / 2 % 20) as u16) } else { Ipv4Addr::LOCALHOST };
        let idler = Web::new(at, from, &Persona::anonymous())?;
        match n % 50 {
            0 => silent.extend(idler.touch().await),
            1 => {
                if let Ok(mut trickle) = idler.connect().await {
                    let _ = trickle.write_all(b"GET /api/v1/health HTTP/1.1\r\nX").await;
                    slow.push(trickle);
                }
            }
            _ => shaken.extend(idler.connect().await),
        }
        if n % (attempts / LOOKS) == 0 {
            longest = longest.max(slowest(owner, 1).await?);
        }
    }
    for _ in 0..LOOKS {
        for trickle in &mut slow {
            let _ = trickle.write_all(b"x").await;
        }
        longest = longest.max(slowest(owner, 1).await?);
    }
    Ok((silent.len() + shaken.len(), slow.len(), longest))
}

/// How often the owner looks in while connections are opened, and again while they are held.
const LOOKS: usize = 20;

/// The slowest of so many answers to the owner.
async fn slowest(owner: &Web, times: usize) -> Result<Duration> {
    let mut longest = Duration::ZERO;
    for _ in 0..times {
        let asked = Instant::now();
        let answer = owner.get("/api/v1/sessions").await?;
        anyhow::ensure!(answer.status == 200, "the owner was refused: {answer:?}");
        longest = longest.max(asked.elapsed());
    }
    Ok(longest)
}

/// Wrong passwords from one address and from two hundred; the owner, elsewhere, logs in within a minute (abuse case 34).
///
/// # Errors
/// The attack could not be carried out.
pub async fn wrong_passwords(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("wrong-passwords", &[34]);
    claim(victim).await?;
    let at = address(victim)?;
    let guess = |from: Ipv4Addr| async move {
        let web = Web::new(at, from, &Persona::anonymous())?;
        web.post("/api/v1/login", &json!({ "password": "not the password at all" })).await
    };
    let mut one = Vec::new();
    for _ in 0..200 {
        one.push(guess(source(0)).await?);
    }
    let heard = one.iter().filter(|answer| answer.status == 401).count();
    finding.check("of 200 guesses of one address few are heard", heard <= 10, statuses(&one));
    let told = one.iter().filter(|answer| answer.status == 429).all(has_wait);
    finding.check("the others are told how long to wait", told, "Retry-After");
    let mut many = Vec::new();
    for n in 1..=200 {
        many.push(guess(source(n)).await?);
    }
    finding.check(
        "nobody is logged in by guessing",
        many.iter().all(|answer| answer.cookie().is_none()),
        statuses(&many),
    );
    let began = Instant::now();
    let owner = Web::new(at, Ipv4Addr::LOCALHOST, &Persona::anonymous())?;
    let entered = loop {
        let answer = owner.post("/api/v1/login", &json!({ "password": PASSWORD })).await?;
        if answer.status == 200 || began.elapsed() > Duration::from_secs(90) {
            break answer.status == 200;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    };
    let waited = began.elapsed();
    finding.check(
        "the owner logs in within a minute",
        entered && waited <= Duration::from_secs(61),
        format!("after {:.1} s", waited.as_secs_f64()),
    );
    finding.check("the host lives", victim.is_alive(), "");
    Ok(finding)
}

fn has_wait(answer: &WebAnswer) -> bool {
    answer.head.to_ascii_lowercase().contains("\r\nretry-after: ")
}

fn statuses(answers: &[WebAnswer]) -> String {
    let mut counts = std::collections::BTreeMap::<u16, usize>::new();
    for answer in answers {
        *counts.entry(answer.status).or_default() += 1;
    }
    counts.iter().map(|(status, count)| format!("{status}: {count}")).collect::<Vec<_>>().join(", ")
}

/// Two strangers race the owner to a fresh host: nothing but health and claim answers, and only who has the code gets it
/// (abuse case 35).
///
/// # Errors
/// The attack could not be carried out.
pub async fn race_to_claim(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("race-to-claim", &[35]);
    let at = address(victim)?;
    let strangers = [1, 2].map(|n| Web::new(at, source(n), &Persona::anonymous()));
    let mut open = Vec::new();
    for path in ["/api/v1/host", "/api/v1/devices", "/api/v1/settings", "/api/v1/events", "/metrics", "/api/v1/logs"] {
        let answer = strangers[0].as_ref().map_err(|fault| anyhow::anyhow!("{fault}"))?.get(path).await?;
        open.push((path, answer.status));
    }
    finding.check(
        "nothing answers but health and claim",
        open.iter().all(|(_, status)| *status == 403),
        format!("{open:?}"),
    );
    let [first, second] = strangers;
    let (first, second) = (first?, second?);
    let wrong = json!({ "code": "AAAA-AAAA-AAAA", "password": "the password of a thief" });
    let owner = Web::new(at, Ipv4Addr::LOCALHOST, &Persona::anonymous())?;
    let code = victim.ctl(&["claim"])?["claim_code"].as_str().context("no code")?.to_owned();
    let right = json!({ "code": code, "password": PASSWORD });
    let (a, b, c) = tokio::join!(
        first.post("/api/v1/claim", &wrong),
        second.post("/api/v1/claim", &wrong),
        owner.post("/api/v1/claim", &right),
    );
    let (a, b, c) = (a?, b?, c?);
    finding.check(
        "strangers get nothing",
        a.cookie().is_none() && b.cookie().is_none(),
        format!("{}, {}", a.status, b.status),
    );
    finding.check("who has the code is the administrator", c.status == 200 && c.cookie().is_some(), c.status);
    let late = second.post("/api/v1/claim", &right).await?;
    finding.check("the code is good once", late.cookie().is_none(), late.status);
    Ok(finding)
}
