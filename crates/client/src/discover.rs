//! Hosts on the local network.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use punktfunk_proto::wire::txt::Advert;
use punktfunk_transport::discovery::{Browser, Discovered, Discovery, DiscoveryError, Reach};

/// A host that advertises itself. What it says of itself is a claim: see [`crate::trust`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundHost {
    /// The name it gives itself, fit for a terminal.
    pub name: String,
    /// Where it can be reached, IPv4 first.
    pub addresses: Vec<SocketAddr>,
    /// The rest of its record.
    pub advert: Advert,
}

impl FoundHost {
    /// `None` for records of other protocols, or without an address.
    fn read(found: &Discovered) -> Option<Self> {
        let advert = Advert::from_pairs(&found.txt)?;
        let mut addresses: Vec<SocketAddr> =
            found.addresses.iter().map(|ip| SocketAddr::new(*ip, found.port)).collect();
        addresses.sort_by_key(|address| matches!(address.ip(), IpAddr::V6(_)));
        let name = crate::text::printable(&found.name, 64);
        (!addresses.is_empty()).then_some(Self { name, addresses, advert })
    }
}

/// Looks for hosts for `time`, or until `enough` says so of those found so far.
///
/// # Errors
/// mDNS is not available on this machine.
pub async fn discover(
    reach: Reach,
    time: Duration,
    mut enough: impl FnMut(&[FoundHost]) -> bool,
) -> Result<Vec<FoundHost>, DiscoveryError> {
    let mut browser = Browser::start(reach)?;
    let mut hosts: Vec<FoundHost> = Vec::new();
    let _ = tokio::time::timeout(time, async {
        while let Some(change) = browser.next().await {
            match change {
                Discovery::Found(found) => {
                    hosts.retain(|host| host.name != crate::text::printable(&found.name, 64));
                    hosts.extend(FoundHost::read(&found));
                }
                Discovery::Gone { name } => hosts.retain(|host| host.name != crate::text::printable(&name, 64)),
            }
            if enough(&hosts) {
                break;
            }
        }
    })
    .await;
    hosts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(hosts)
}
