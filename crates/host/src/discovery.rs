//! The host's advert on the local network (wire specification, section 1.3).

use std::net::SocketAddr;

use punktfunk_proto::{
    units::Fingerprint,
    wire::txt::{Advert, PairingPolicyAdvert},
};
use punktfunk_transport::discovery::{Advertisement, Announcement, GAMESTREAM_TYPE, Reach};

use crate::config::{Config, PairingPolicy};

/// What is announced of a host besides its configuration.
#[derive(Clone, Debug)]
pub struct Announced {
    /// Its id.
    pub id: String,
    /// The SHA-256 of its certificate.
    pub fingerprint: Fingerprint,
    /// Where the control port listens.
    pub listen: SocketAddr,
    /// TCP port of console and API.
    pub console: Option<u16>,
}

/// Advertises the host for as long as the result lives; `None` when switched off or not possible here.
///
/// A host without mDNS works for clients that know its address, so a failure is logged, not fatal.
pub fn advertise(config: &Config, host: &Announced) -> Option<Advertisement> {
    let mdns = &config.network.mdns;
    if !mdns.enable {
        return None;
    }
    let advert = Advert {
        fingerprint: Some(host.fingerprint),
        pairing: match config.pairing.policy {
            PairingPolicy::Require => PairingPolicyAdvert::Required,
            PairingPolicy::Open => PairingPolicyAdvert::Optional,
        },
        id: Some(host.id.clone()),
        os: os_chain(),
        mgmt: host.console,
        mac: Vec::new(),
    };
    let name = config.host.display_name();
    let announcement = Announcement { name: &name, listen: host.listen, txt: &advert.to_pairs() };
    match Advertisement::publish(&announcement, reach(&mdns.interfaces)) {
        Ok(advertisement) => Some(advertisement),
        Err(error) => {
            tracing::warn!(%error, "the host is not announced on the network; clients need its address typed in");
            None
        }
    }
}

/// Advertises the host to Moonlight, likewise; `listen` is where its first page is.
pub fn advertise_to_moonlight(config: &Config, listen: SocketAddr) -> Option<Advertisement> {
    let mdns = &config.network.mdns;
    if !mdns.enable {
        return None;
    }
    let name = plain(&config.host.display_name());
    let announcement = Announcement { name: &name, listen, txt: &[] };
    match Advertisement::publish_as(GAMESTREAM_TYPE, &announcement, reach(&mdns.interfaces)) {
        Ok(advertisement) => Some(advertisement),
        Err(error) => {
            tracing::warn!(%error, "the host is not announced to Moonlight, which needs its address typed in");
            None
        }
    }
}

/// A name of letters, digits and `-`, as Moonlights expect it.
fn plain(name: &str) -> String {
    let kept = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' });
    let name: String = kept.take(63).collect();
    match name.trim_matches('-') {
        "" => "punktfunk".to_owned(),
        name => name.to_owned(),
    }
}

fn reach(interfaces: &[String]) -> Reach {
    match interfaces {
        [] => Reach::Network,
        [only] if only == "lo" => Reach::Loopback,
        names => Reach::Interfaces(names.to_vec()),
    }
}

/// `linux/debian/debian`: family, distribution family, distribution.
fn os_chain() -> Option<String> {
    let release = std::fs::read_to_string("/etc/os-release").ok()?;
    let value = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='))?;
        let first = line.trim_matches('"').split_whitespace().next()?.to_owned();
        first.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')).then_some(first)
    };
    let id = value("ID")?;
    let family = value("ID_LIKE").unwrap_or_else(|| id.clone());
    Some(format!("linux/{family}/{id}"))
}
