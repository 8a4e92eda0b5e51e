//! Whether other machines get through to this one. A firewall cannot be read without rights over the network; that
//! somebody came through it can be told.

use std::{
    net::{IpAddr, SocketAddr},
    sync::OnceLock,
};

use punktfunk_api::model::{Check, CheckOutcome};

/// The first other machine that came.
#[derive(Debug, Default)]
pub(super) struct Reach {
    came_from: OnceLock<IpAddr>,
}

impl Reach {
    /// A connection's handshake is done. Looks at this machine's addresses until another machine has come.
    pub(super) fn came(&self, from: IpAddr) {
        if self.came_from.get().is_none() && !is_of_this_machine(from) {
            let _ = self.came_from.set(from);
        }
    }

    /// What a self test says of it.
    pub(super) fn check(&self, listen: SocketAddr, media: Option<u16>, console: Option<u16>) -> Check {
        let control = listen.port();
        let (outcome, found, remedy) = match self.came_from.get() {
            Some(_) => (CheckOutcome::Passed, format!("other machines reach UDP {control}"), None),
            None if listen.ip().is_loopback() => {
                (CheckOutcome::Skipped, "only this machine can connect, as configured".to_owned(), None)
            }
            None => {
                let found = format!("no other machine has reached UDP {control} since the start");
                (CheckOutcome::Skipped, found, Some(remedy(control, media, console)))
            }
        };
        Check { id: "firewall".into(), outcome, found, remedy }
    }
}

fn remedy(control: u16, media: Option<u16>, console: Option<u16>) -> String {
    let media = match media {
        Some(first) => format!("UDP {first} and those after it (picture)"),
        None => "all of UDP (network.media_port fixes the ports of the picture)".to_owned(),
    };
    let console = console.map(|port| format!(", TCP {port} (console)")).unwrap_or_default();
    format!(
        "if a device does not find this host, let UDP {control} (control), {media}, UDP 5353 (discovery){console} through \
         its firewall, and look whether the device is in the same network"
    )
}

fn is_of_this_machine(address: IpAddr) -> bool {
    let address = address.to_canonical();
    let own = || if_addrs::get_if_addrs().unwrap_or_default();
    address.is_loopback() || own().iter().any(|interface| interface.ip() == address)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};

    use punktfunk_api::model::CheckOutcome;

    use super::Reach;

    #[test]
    fn only_another_machine_shows_that_the_firewall_is_open() {
        let reach = Reach::default();
        let listen = SocketAddr::from(([0, 0, 0, 0], 9777));
        reach.came(Ipv4Addr::LOCALHOST.into());
        reach.came(Ipv4Addr::LOCALHOST.to_ipv6_mapped().into());
        for own in if_addrs::get_if_addrs().unwrap() {
            reach.came(own.ip());
        }
        let check = reach.check(listen, Some(9778), Some(47990));
        assert_eq!(check.outcome, CheckOutcome::Skipped);
        let remedy = check.remedy.unwrap();
        assert!(["UDP 9777", "UDP 9778", "TCP 47990"].iter().all(|port| remedy.contains(port)), "{remedy}");
        reach.came(IpAddr::from([203, 0, 113, 7]));
        let check = reach.check(listen, None, None);
        assert_eq!((check.outcome, check.remedy), (CheckOutcome::Passed, None));
    }

    #[test]
    fn a_host_for_this_machine_alone_needs_no_open_firewall() {
        let check = Reach::default().check(SocketAddr::from(([127, 0, 0, 1], 9777)), None, None);
        assert_eq!((check.outcome, check.remedy), (CheckOutcome::Skipped, None));
    }
}
