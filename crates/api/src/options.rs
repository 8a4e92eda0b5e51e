//! What the host's configuration says about the console.

use std::{fmt, net::IpAddr, str::FromStr};

use axum::Router;

/// What the host's configuration says about the console.
#[derive(Clone, Debug, Default)]
pub struct ApiOptions {
    /// Names of this machine besides `localhost` and its addresses: `NAME`, `NAME.local`, and `console.names`. Without
    /// a port; case does not matter. A request for another name is refused: a page of a stranger could have had its
    /// name resolved to this machine (DNS rebinding).
    pub names: Vec<String>,
    /// Where the bearer token counts (`console.token_from`). Empty: nowhere.
    pub token_from: Vec<Network>,
    /// Answers what no route of the API does: the console's files. It gets `GET` and `HEAD` only.
    pub files: Option<Router>,
    /// Whether pages that came over plain HTTP count as ours: behind a development proxy on the same machine only.
    pub plain_origins: bool,
}

impl ApiOptions {
    /// Whether the bearer token counts when it comes from `source`.
    pub(crate) fn takes_token_from(&self, source: IpAddr) -> bool {
        self.token_from.iter().any(|network| network.contains(source))
    }
}

/// Addresses that begin with the same bits: `192.168.1.0/24`, `fd00::/8`; a single address without the slash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// This machine, in both families.
    pub const LOOPBACK: [Self; 2] = [
        Self { address: IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 0)), prefix: 8 },
        Self { address: IpAddr::V6(std::net::Ipv6Addr::LOCALHOST), prefix: 128 },
    ];

    /// Whether `address` is one of them. An IPv4 address that an IPv6 socket reports counts as what it is.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V6(ours), IpAddr::V6(theirs)) => {
                let differing = ours.to_bits() ^ theirs.to_bits();
                differing.leading_zeros() >= u32::from(self.prefix)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

/// A text that is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a network such as 192.168.1.0/24 or fd00::/8, or an address")]
pub struct NoNetwork;

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| NoNetwork)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().map_err(|_| NoNetwork)?
            }
            Some(_) => return Err(NoNetwork),
        };
        if prefix <= longest { Ok(Self { address, prefix }) } else { Err(NoNetwork) }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn a_network_holds_the_addresses_that_begin_like_it() {
        let holds =
            |network: &str, address: &str| network.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(holds("192.168.1.0/24", "192.168.1.77"));
        assert!(holds("192.168.1.0/24", "::ffff:192.168.1.77"));
        assert!(!holds("192.168.1.0/24", "192.168.2.77"));
        assert!(holds("0.0.0.0/0", "8.8.8.8"));
        assert!(!holds("0.0.0.0/0", "2001:db8::1"));
        assert!(holds("::1", "::1"));
        assert!(!holds("::1", "::2"));
        assert!(holds("fd00::/8", "fdff::1"));
        assert!(Network::LOOPBACK[0].contains("127.200.0.1".parse().unwrap()));
        assert!(!Network::LOOPBACK.iter().any(|network| network.contains("10.0.0.1".parse().unwrap())));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for wrong in
            ["", "/", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/+8", "::1/129", "10.0.0/8", "host/8", "10.0.0.0/-1"]
        {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
        assert_eq!("10.0.0.0/8".parse::<Network>().unwrap().to_string(), "10.0.0.0/8");
    }
}
