//! What a machine without a desktop shows on its own screen: where the console is, the claim code while nobody has
//! typed it, that it is ready.

use std::{
    net::{IpAddr, SocketAddr},
    path::Path,
    thread::sleep,
    time::Duration,
};

use clap::Args;
use punktfunk_proto::units::Fingerprint;
use serde_json::{Value, json};

use crate::{
    admin::{
        client::{AdminClient, AdminClientError},
        protocol::{AdminRequest, AdminResponse, HostStatus},
    },
    cli::{language::Language, print, text},
    exit::Exit,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct WelcomeArgs {
    /// Stay, and show it anew whenever it changes: for the machine's own screen
    #[arg(long)]
    follow: bool,
}

/// What is to be shown.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) enum Welcome {
    /// No host answers yet.
    Starting,
    /// A host that waits for whoever types the code.
    Unclaimed { machine: Machine, code: String },
    /// A host that somebody administers.
    Ready { machine: Machine },
}

/// Where a host is found, and what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::cli) struct Machine {
    pub(in crate::cli) name: String,
    /// Of the console, the likeliest first; empty without console or network.
    pub(in crate::cli) addresses: Vec<String>,
    pub(in crate::cli) fingerprint: Fingerprint,
    pub(in crate::cli) warnings: Vec<String>,
}

impl Welcome {
    pub(super) fn json(&self) -> Value {
        let of = |machine: &Machine, state: &str, code: Option<&str>| {
            json!({
                "kind": "welcome", "state": state, "name": machine.name, "addresses": machine.addresses,
                "fingerprint": machine.fingerprint.to_string(), "warnings": machine.warnings, "claim_code": code,
            })
        };
        match self {
            Self::Starting => json!({ "kind": "welcome", "state": "starting" }),
            Self::Unclaimed { machine, code } => of(machine, "unclaimed", Some(code)),
            Self::Ready { machine } => of(machine, "ready", None),
        }
    }
}

/// Asks the host once.
pub(super) fn look(runtime_dir: &Path) -> Result<Welcome, AdminClientError> {
    let mut host = AdminClient::connect(runtime_dir)?;
    let AdminResponse::Status(status) = host.call(&AdminRequest::Status)? else { return Err(unexpected()) };
    let AdminResponse::Administrator(administrator) = host.call(&AdminRequest::Administrator)? else {
        return Err(unexpected());
    };
    let machine = machine(status);
    Ok(match administrator.claim_code {
        Some(code) => Welcome::Unclaimed { machine, code: code.reveal().to_owned() },
        None => Welcome::Ready { machine },
    })
}

/// Shows it until the terminal goes away. A host that does not answer is one that starts.
pub(super) fn follow(runtime_dir: &Path, language: Language) -> Exit {
    let mut shown = None;
    loop {
        let seen = look(runtime_dir).unwrap_or(Welcome::Starting);
        if shown.as_ref() != Some(&seen) {
            let printed = print(&format!("{CLEAR}{}", text::welcome_text(&seen, language)));
            if printed != Exit::Done {
                return printed;
            }
            shown = Some(seen);
        }
        sleep(LOOK_EVERY);
    }
}

impl WelcomeArgs {
    pub(super) fn follows(&self) -> bool {
        self.follow
    }
}

fn machine(status: HostStatus) -> Machine {
    let addresses = status.console.as_deref().map(|console| addresses(console, status.mdns)).unwrap_or_default();
    Machine { name: status.name, addresses, fingerprint: status.fingerprint, warnings: status.warnings }
}

/// The console's addresses as a browser takes them. One that listens everywhere is found under each of the machine's.
fn addresses(console: &str, mdns: bool) -> Vec<String> {
    let Ok(listens) = console.parse::<SocketAddr>() else { return Vec::new() };
    if !listens.ip().is_unspecified() {
        return vec![format!("https://{listens}/")];
    }
    let mut own: Vec<IpAddr> = if_addrs::get_if_addrs().unwrap_or_default().into_iter().map(|one| one.ip()).collect();
    own.retain(|ip| !ip.is_loopback() && !is_link_local(*ip));
    own.sort_by_key(IpAddr::is_ipv6);
    let port = listens.port();
    let mut found: Vec<String> =
        own.into_iter().map(|ip| format!("https://{}/", SocketAddr::new(ip, port))).take(MOST_ADDRESSES).collect();
    if mdns
        && !found.is_empty()
        && let Some(name) = host_name()
    {
        found.push(format!("https://{name}.local:{port}/"));
    }
    found
}

fn is_link_local(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_unicast_link_local(),
    }
}

fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (!name.is_empty() && name != "localhost").then(|| name.to_owned())
}

fn unexpected() -> AdminClientError {
    AdminClientError::Protocol("another answer than was asked for".to_owned())
}

/// Home, and everything away: the terminal shows one state at a time.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";
/// A claim or a cable is seen after so long.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// More do not fit on the screen.
const MOST_ADDRESSES: usize = 2;

#[cfg(test)]
mod tests {
    use super::addresses;

    #[test]
    fn a_console_at_one_address_is_found_there_only() {
        assert_eq!(addresses("192.168.1.20:47990", true), ["https://192.168.1.20:47990/"]);
        assert_eq!(addresses("[fd00::2]:47990", true), ["https://[fd00::2]:47990/"]);
    }

    #[test]
    fn no_address_of_a_console_that_listens_everywhere_leads_to_this_machine_only() {
        for address in addresses("0.0.0.0:47990", true) {
            assert!(
                address.ends_with(":47990/") && !address.contains("//127.") && !address.contains("[::1]"),
                "{address}"
            );
        }
    }
}
