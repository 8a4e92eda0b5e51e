//! Finding hosts.

use std::{fmt, net::IpAddr};

use mdns_sd::{Receiver, ResolvedService, ServiceDaemon, ServiceEvent};

use super::{DiscoveryError, Reach, SERVICE_TYPE, daemon};

/// Looks for hosts until dropped.
pub struct Browser {
    daemon: ServiceDaemon,
    service_type: &'static str,
    events: Receiver<ServiceEvent>,
}

/// A host that advertises itself. Everything in it is a stranger's claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovered {
    /// The display name.
    pub name: String,
    /// The host name it can be looked up by, with the trailing dot.
    pub target: String,
    /// The QUIC port.
    pub port: u16,
    /// Where it can be reached, IPv4 first; link-local IPv6 addresses are left out.
    pub addresses: Vec<IpAddr>,
    /// The TXT record; a value that is not UTF-8 is empty.
    pub txt: Vec<(String, String)>,
}

/// What a [`Browser`] sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discovery {
    /// A host was found, or its record changed.
    Found(Discovered),
    /// The host of this name withdrew or was not heard of for long.
    Gone {
        /// The display name.
        name: String,
    },
}

impl Browser {
    /// Starts looking; runs on a thread of its own from then on.
    ///
    /// # Errors
    /// mDNS is not available.
    pub fn start(reach: Reach) -> Result<Self, DiscoveryError> {
        Self::start_for(SERVICE_TYPE, reach)
    }

    /// As [`Browser::start`], for another service type.
    ///
    /// # Errors
    /// As there.
    pub fn start_for(service_type: &'static str, reach: Reach) -> Result<Self, DiscoveryError> {
        let daemon = daemon(&reach)?;
        let events = daemon.browse(service_type)?;
        Ok(Self { daemon, service_type, events })
    }

    /// Waits for the next change; `None` when mDNS stopped working. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Discovery> {
        loop {
            match self.events.recv_async().await.ok()? {
                ServiceEvent::ServiceResolved(service) => {
                    return Some(Discovery::Found(discovered(&service, self.service_type)));
                }
                ServiceEvent::ServiceRemoved(_, full_name) => {
                    return Some(Discovery::Gone { name: instance_name(&full_name, self.service_type) });
                }
                _ => {}
            }
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.daemon.stop_browse(self.service_type);
        let _ = self.daemon.shutdown();
    }
}

impl fmt::Debug for Browser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Browser")
    }
}

fn discovered(service: &ResolvedService, service_type: &str) -> Discovered {
    let mut addresses: Vec<IpAddr> = service.addresses.iter().map(mdns_sd::ScopedIp::to_ip_addr).collect();
    addresses.retain(|ip| !matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local()));
    addresses.sort();
    let property = |property: &mdns_sd::TxtProperty| (property.key().to_owned(), property.val_str().to_owned());
    Discovered {
        name: instance_name(&service.fullname, service_type),
        target: service.host.clone(),
        port: service.port,
        addresses,
        txt: service.txt_properties.iter().map(property).collect(),
    }
}

/// The display name in a full service name: the escapes of RFC 6763, section 4.3, undone.
fn instance_name(full_name: &str, service_type: &str) -> String {
    let instance = full_name.strip_suffix(service_type).and_then(|name| name.strip_suffix('.')).unwrap_or(full_name);
    let mut name = String::with_capacity(instance.len());
    let mut characters = instance.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => name.extend(characters.next()),
            other => name.push(other),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::{SERVICE_TYPE, instance_name};

    #[test]
    fn a_name_with_dots_and_backslashes_comes_back_as_it_was_given() {
        assert_eq!(instance_name(r"Tom\.s \\ PC._punktfunk._udp.local.", SERVICE_TYPE), r"Tom.s \ PC");
        assert_eq!(instance_name("plain._punktfunk._udp.local.", SERVICE_TYPE), "plain");
    }
}
