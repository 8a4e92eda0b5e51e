//! Who a network address counts as when attempts are limited.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The unit of every limit per source: an IPv4 address, an IPv6 address of the local network, or a whole /64 of
/// the global IPv6 internet, which one subscriber owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl Source {
    /// The address as 16 bytes, IPv4 as an IPv4-mapped one.
    pub fn octets(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            IpAddr::V6(v6) => v6.octets(),
        }
    }

    /// The source that `address` belongs to.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) if !is_private_v6(v6) => {
                Self(IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))))
            }
            other => Self(other),
        }
    }
}

/// Whether `address` belongs to a private, link-local or loopback range, where a person in the house can be meant.
///
/// 100.64.0.0/10 does not count: behind a carrier's address translation it is shared with strangers.
pub fn is_private(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => is_private_v4(v4),
        IpAddr::V6(v6) => is_private_v6(v6),
    }
}

fn is_private_v4(v4: Ipv4Addr) -> bool {
    v4.is_private() || v4.is_loopback() || v4.is_link_local()
}

fn is_private_v6(v6: Ipv6Addr) -> bool {
    v6.is_loopback() || v6.is_unique_local() || v6.is_unicast_link_local()
}

#[cfg(test)]
mod tests {
    use super::{Source, is_private};

    #[test]
    fn only_addresses_of_the_house_are_private() {
        for inside in ["127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.3.4", "::1", "fe80::1", "fd00::1"]
        {
            assert!(is_private(inside.parse().unwrap()), "{inside}");
        }
        assert!(is_private("::ffff:192.168.1.1".parse().unwrap()));
        for outside in ["8.8.8.8", "172.32.0.1", "100.64.0.1", "0.0.0.0", "2001:db8::1", "::ffff:8.8.8.8", "::"] {
            assert!(!is_private(outside.parse().unwrap()), "{outside}");
        }
    }

    #[test]
    fn a_subscriber_with_a_whole_ipv6_prefix_is_one_source() {
        let of = |text: &str| Source::of(text.parse().unwrap());
        assert_eq!(of("2001:db8:0:1::1"), of("2001:db8:0:1:ffff::9"));
        assert_ne!(of("2001:db8:0:1::1"), of("2001:db8:0:2::1"));
        assert_ne!(of("fe80::1"), of("fe80::2"));
        assert_eq!(of("::ffff:10.0.0.1"), of("10.0.0.1"));
    }
}
