//! mDNS: telling the local network that a host exists, and finding hosts (spec section 1.3).
//!
//! An advert is a hint, never an authority: whatever it says, trust is decided on the connection (abuse case 25).

mod advertise;
mod browse;

use mdns_sd::{IfKind, ServiceDaemon};

pub use advertise::{Advertisement, Announcement};
pub use browse::{Browser, Discovered, Discovery};

/// The service type of hosts.
pub const SERVICE_TYPE: &str = "_punktfunk._udp.local.";
/// The service type under which Moonlight looks for hosts (GameStream spec section 1).
pub const GAMESTREAM_TYPE: &str = "_nvstream._tcp.local.";

/// Where mDNS is spoken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reach {
    /// On every interface of this machine.
    #[default]
    Network,
    /// On the IPv4 loopback interface only: for tests and demonstrations, heard by nobody else.
    Loopback,
    /// On the interfaces of these names only.
    Interfaces(Vec<String>),
}

/// Why mDNS does not work. Streaming does not need it: a client can be given the address.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// The daemon could not be started or refused the record.
    #[error("mDNS is not available ({0}); connect by address instead")]
    Daemon(#[from] mdns_sd::Error),
}

fn daemon(reach: &Reach) -> Result<ServiceDaemon, DiscoveryError> {
    let daemon = ServiceDaemon::new()?;
    match reach {
        Reach::Network => daemon.disable_interface(vec![IfKind::LoopbackV4, IfKind::LoopbackV6])?,
        Reach::Loopback => {
            daemon.disable_interface(IfKind::All)?;
            daemon.enable_interface(IfKind::LoopbackV4)?;
        }
        Reach::Interfaces(names) => {
            daemon.disable_interface(IfKind::All)?;
            daemon.enable_interface(names.iter().map(|name| IfKind::Name(name.clone())).collect::<Vec<_>>())?;
        }
    }
    Ok(daemon)
}
