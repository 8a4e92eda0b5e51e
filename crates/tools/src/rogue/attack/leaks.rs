//! Secrets where they do not belong: command lines, environments, readable files, logs and reports (abuse cases 41, 42).

use std::{
    fs,
    net::Ipv4Addr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::console::{self, PASSWORD};
use crate::rogue::{CONFIGURATION, Client, Finding, Persona, Victim, Web};

/// A host with a token, an administrator, a PIN and a link, whose application runs: nothing of these is where others on
/// the machine, or readers of logs and reports, could find it. `victim` was started with [`configuration`].
///
/// # Errors
/// It could not be looked into.
pub async fn secrets(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("secrets", &[41, 42]);
    let owner = console::claim(victim).await?;
    let (device, host) = (Client::new()?, victim.address.to_string());
    let pin = victim.arm()?.digits().to_owned();
    device.pair(&host, &pin).await?;
    let link = victim.ctl(&["pair", "arm", "--qr"])?["link"].as_str().context("no link")?.to_owned();
    let token = Web::new(console::address(victim)?, Ipv4Addr::LOCALHOST, &Persona::anonymous())?.with_token(TOKEN);
    let by_token = token.get("/api/v1/sessions").await?;
    finding.check("the token is good", by_token.status == 200, by_token.status);
    let stream = ["connect", &host, "--mode", "320x180@30", "--seconds", "3", "--wait", "1"];
    let (_, seen) = tokio::join!(device.run(&stream), look(victim, &owner));
    let (processes, report) = seen?;
    let cookie = owner.cookie_value().to_owned();
    let secrets = [
        ("the password", PASSWORD.to_owned()),
        ("the token", TOKEN.to_owned()),
        ("the login", cookie),
        ("the link's secret", link.rsplit('#').next().unwrap_or(&link).to_owned()),
    ];
    let mut places = processes.clone();
    places.push(("the log".to_owned(), victim.log()));
    places.push(("the report".to_owned(), report));
    places.extend(readable_files(victim.dir()));
    let found: Vec<String> = secrets
        .iter()
        .flat_map(|(what, secret)| {
            let holders = places.iter().filter(move |(_, text)| text.contains(secret.as_str()));
            holders.map(move |(place, _)| format!("{what} in {place}"))
        })
        .collect();
    let applications = processes.iter().filter(|(name, _)| name.starts_with("environment")).count();
    finding.check("an application ran", applications >= 2, format!("{applications} environments read"));
    let seen = if found.is_empty() { format!("{} places", places.len()) } else { found.join(", ") };
    finding.check("nothing secret is where others read", found.is_empty(), seen);
    let said =
        places.iter().filter(|(place, _)| !place.starts_with("environment")).any(|(_, text)| says_pin(text, &pin));
    finding.check("nor is the PIN", !said, "");
    Ok(finding)
}

/// The configuration for [`secrets`], with a token in `dir` and an application that is really run.
///
/// # Errors
/// It cannot be written.
pub fn configuration(dir: &Path) -> Result<String> {
    let file = dir.join("token");
    fs::write(&file, TOKEN)?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600))?;
    let usual = CONFIGURATION.replace("\"synthetic\"", "\"embedded\"");
    Ok(format!("{usual}token_file = {file:?}\n[session]\ncommand = [\"foot\"]\n"))
}

const TOKEN: &str = "a-token-that-only-a-test-would-use-0123456789";

/// Command lines and environments of the host and all that it started, and the report, while a device streams.
async fn look(victim: &Victim, owner: &Web) -> Result<(Vec<(String, String)>, String)> {
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let mut seen = Vec::new();
    for process in family(victim.process()) {
        let read = |name: &str| {
            let bytes = fs::read(format!("/proc/{process}/{name}")).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', "\n")
        };
        seen.push((format!("command line of {process}"), read("cmdline")));
        seen.push((format!("environment of {process}"), read("environ")));
    }
    Ok((seen, owner.get("/api/v1/report").await?.body))
}

/// A process and all that descend from it.
fn family(root: u32) -> Vec<u32> {
    let mut family = vec![root];
    let mut next = 0;
    while let Some(process) = family.get(next).copied() {
        next += 1;
        for task in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            family.extend(children.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
        }
    }
    family
}

/// Files below `dir` that others may read, with what they hold. A directory that others may not enter hides all in it.
fn readable_files(dir: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(dir)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            let others = metadata.permissions().mode() & 0o007;
            if metadata.is_dir() && others != 0 {
                folders.push(entry.path());
            } else if metadata.is_file() && others & 0o004 != 0 {
                let text = fs::read(entry.path()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
                files.push((entry.path().display().to_string(), text.unwrap_or_default()));
            }
        }
    }
    files
}

/// Four digits are found in many numbers; a PIN that is told stands beside its name.
fn says_pin(text: &str, pin: &str) -> bool {
    let lines = text.lines().map(str::to_ascii_lowercase);
    lines
        .filter(|line| line.contains("pin"))
        .any(|line| line.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == pin))
}
