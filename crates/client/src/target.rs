//! Which host the user means: a known host's name, an advertised name, a DNS name or an address.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use punktfunk_proto::{units::Fingerprint, wire::txt::Advert};
use punktfunk_transport::discovery::Reach;

use crate::{
    discover::{FoundHost, discover},
    error::ClientError,
    known_hosts::KnownHosts,
};

/// UDP port of hosts (spec section 1.2).
pub const DEFAULT_PORT: u16 = 9_777;
/// A name that is advertised is found in this time, or not at all.
const LOOK_AROUND: Duration = Duration::from_secs(3);

/// A host to contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What to call it.
    pub name: String,
    /// Where to try, in this order.
    pub addresses: Vec<SocketAddr>,
    /// The certificate that is trusted there.
    pub pinned: Option<Fingerprint>,
    /// What it says of itself on the local network.
    pub advert: Option<Advert>,
}

/// Finds the host called `text`. `reach` says where to look for adverts, `None` nowhere.
///
/// # Errors
/// There is no such host.
pub async fn resolve(text: &str, known: &KnownHosts, reach: Option<Reach>) -> Result<Target, ClientError> {
    if text.starts_with("punktfunk:") {
        // Neither repeated nor asked of a resolver: it holds a token.
        return Err(ClientError::Usage("this is a link, not a host; join by it: punktfunk join -".into()));
    }
    if let Some(host) = known.by_name(text) {
        let addresses: Vec<SocketAddr> = host.addresses.iter().filter_map(|address| address.parse().ok()).collect();
        let target = Target { name: host.name.clone(), addresses, pinned: Some(host.fingerprint), advert: None };
        return Ok(target);
    }
    if let Some(address) = parse_address(text) {
        return Ok(at_addresses(text, vec![address], known, reach).await);
    }
    if let Some(found) = advertised(reach.clone(), |host| host.name.eq_ignore_ascii_case(text)).await {
        let pinned =
            found.advert.fingerprint.and_then(|print| known.by_fingerprint(print)).map(|host| host.fingerprint);
        let pinned = pinned.or_else(|| pinned_at(known, &found.addresses));
        return Ok(Target { name: found.name, addresses: found.addresses, pinned, advert: Some(found.advert) });
    }
    let addresses = look_up(text).await;
    if addresses.is_empty() {
        return Err(ClientError::NoSuchHost(text.to_owned()));
    }
    Ok(at_addresses(text, addresses, known, reach).await)
}

/// Where a known host is now, if it advertises itself: its address may have changed.
pub async fn locate(fingerprint: Fingerprint, reach: Option<Reach>) -> Option<FoundHost> {
    advertised(reach, |host| host.advert.fingerprint == Some(fingerprint)).await
}

async fn at_addresses(text: &str, addresses: Vec<SocketAddr>, known: &KnownHosts, reach: Option<Reach>) -> Target {
    let pinned = pinned_at(known, &addresses);
    // An advert only matters for a host that is not known.
    let found = match pinned {
        Some(_) => None,
        None => advertised(reach, |host| host.addresses.iter().any(|address| addresses.contains(address))).await,
    };
    let name = match (&found, pinned.and_then(|print| known.by_fingerprint(print))) {
        (_, Some(host)) => host.name.clone(),
        (Some(found), None) => found.name.clone(),
        (None, None) => text.to_owned(),
    };
    Target { name, addresses, pinned, advert: found.map(|found| found.advert) }
}

fn pinned_at(known: &KnownHosts, addresses: &[SocketAddr]) -> Option<Fingerprint> {
    addresses.iter().find_map(|address| known.by_address(&address.to_string())).map(|host| host.fingerprint)
}

async fn advertised(reach: Option<Reach>, is_it: impl Fn(&FoundHost) -> bool) -> Option<FoundHost> {
    // Without mDNS a name may still be found in DNS.
    let hosts = discover(reach?, LOOK_AROUND, |hosts| hosts.iter().any(&is_it)).await.ok()?;
    hosts.into_iter().find(|host| is_it(host))
}

/// An address with or without a port; IPv6 with a port in brackets.
fn parse_address(text: &str) -> Option<SocketAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip = || bare.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, DEFAULT_PORT));
    text.parse().ok().or_else(ip)
}

async fn look_up(text: &str) -> Vec<SocketAddr> {
    let (name, port) = match text.rsplit_once(':').map(|(name, port)| (name, port.parse::<u16>())) {
        Some((name, Ok(port))) => (name, port),
        _ => (text, DEFAULT_PORT),
    };
    let mut addresses: Vec<SocketAddr> =
        tokio::net::lookup_host((name, port)).await.map(Iterator::collect).unwrap_or_default();
    addresses.sort_by_key(SocketAddr::is_ipv6);
    addresses
}

#[cfg(test)]
mod tests {
    use super::{parse_address, resolve};
    use crate::{
        error::ClientError,
        known_hosts::{KnownHost, KnownHosts, TrustOrigin},
    };
    use punktfunk_proto::units::Fingerprint;

    const DEN: Fingerprint = Fingerprint::from_bytes([7; 32]);

    fn known() -> KnownHosts {
        let mut known = KnownHosts::default();
        known.trust(KnownHost {
            name: "den".into(),
            fingerprint: DEN,
            addresses: vec!["127.0.0.1:9777".into(), "[::1]:9777".into()],
            trust: TrustOrigin::Pin,
            added_unix: 0,
            successor: None,
        });
        known
    }

    #[test]
    fn addresses_are_read_with_and_without_a_port() {
        for (text, expected) in [
            ("10.0.0.7", "10.0.0.7:9777"),
            ("10.0.0.7:1234", "10.0.0.7:1234"),
            ("fd00::1", "[fd00::1]:9777"),
            ("[fd00::1]", "[fd00::1]:9777"),
            ("[fd00::1]:1234", "[fd00::1]:1234"),
        ] {
            assert_eq!(parse_address(text), Some(expected.parse().unwrap()), "{text}");
        }
        assert_eq!(parse_address("den"), None);
        assert_eq!(parse_address("10.0.0.7:99999"), None);
    }

    #[tokio::test]
    async fn a_known_host_is_found_by_name_or_address_with_its_pin() {
        for text in ["DEN", "127.0.0.1", "127.0.0.1:9777", "localhost"] {
            let target = resolve(text, &known(), None).await.unwrap();
            assert_eq!(target.pinned, Some(DEN), "{text}");
            assert_eq!(target.name, "den");
            assert_eq!(target.addresses[0], "127.0.0.1:9777".parse().unwrap());
        }
    }

    #[tokio::test]
    async fn another_port_of_a_known_machine_is_another_host() {
        let target = resolve("127.0.0.1:9778", &known(), None).await.unwrap();
        assert_eq!((target.pinned, target.advert), (None, None));
    }

    #[tokio::test]
    async fn a_link_in_place_of_a_host_is_refused_and_not_repeated() {
        let error = resolve("punktfunk://10.0.0.7/join?fp=ab&t=SECRET", &known(), None).await.unwrap_err();
        assert!(matches!(&error, ClientError::Usage(said) if said.contains("punktfunk join")), "{error}");
        assert!(!error.to_string().contains("SECRET"));
    }

    #[tokio::test]
    async fn a_name_that_nobody_knows_is_told_apart_from_silence() {
        let error = resolve("no-such-host.invalid", &known(), None).await.unwrap_err();
        assert!(matches!(error, ClientError::NoSuchHost(_)));
    }
}
