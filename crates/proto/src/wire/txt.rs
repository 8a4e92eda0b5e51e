//! The host's mDNS TXT record (spec section 1.3).

use crate::units::Fingerprint;

/// DNS-SD service type of a host.
pub const SERVICE_TYPE: &str = "_punktfunk._udp.local.";

/// What a host says about pairing. Never authority: the host decides when the client connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PairingPolicyAdvert {
    /// A PIN or an approval is needed.
    Required,
    /// Anyone is admitted.
    Optional,
}

/// A host's TXT record, as far as it could be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    /// SHA-256 of the host's certificate; `None` when absent or malformed.
    pub fingerprint: Option<Fingerprint>,
    /// Whether pairing is required; so it is read when absent or unknown.
    pub pairing: PairingPolicyAdvert,
    /// The host's stable id.
    pub id: Option<String>,
    /// TCP port of the management API.
    pub mgmt: Option<u16>,
    /// Operating system chain such as `linux/debian/debian`.
    pub os: Option<String>,
    /// MAC addresses for wake-on-LAN.
    pub mac: Vec<[u8; 6]>,
}

impl Advert {
    /// The record's pairs.
    pub fn to_pairs(&self) -> Vec<(String, String)> {
        let pairing = match self.pairing {
            PairingPolicyAdvert::Required => "required",
            PairingPolicyAdvert::Optional => "optional",
        };
        let macs: Vec<String> = self.mac.iter().map(mac_text).collect();
        [
            ("proto", Some(PROTOCOL.to_owned())),
            ("fp", self.fingerprint.map(|fingerprint| fingerprint.to_string())),
            ("pair", Some(pairing.to_owned())),
            ("id", self.id.clone()),
            ("mgmt", self.mgmt.map(|port| port.to_string())),
            ("os", self.os.clone()),
            ("mac", Some(macs.join(",")).filter(|text| !text.is_empty())),
        ]
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?)))
        .collect()
    }

    /// Reads a record; keys in any case and order, unknown ones ignored, the first of equals wins (RFC 6763
    /// section 6.4). `None` when it is not a record of `punktfunk/1`. What is malformed counts as absent.
    pub fn from_pairs<K: AsRef<str>, V: AsRef<str>>(pairs: &[(K, V)]) -> Option<Self> {
        let value = |key: &str| {
            let (_, value) = pairs.iter().find(|(found, _)| found.as_ref().eq_ignore_ascii_case(key))?;
            Some(value.as_ref()).filter(|value| !value.is_empty())
        };
        if value("proto") != Some(PROTOCOL) {
            return None;
        }
        let pairing = match value("pair") {
            Some("optional") => PairingPolicyAdvert::Optional,
            _ => PairingPolicyAdvert::Required,
        };
        Some(Self {
            fingerprint: value("fp").and_then(|text| text.parse().ok()),
            pairing,
            id: value("id").map(str::to_owned),
            mgmt: value("mgmt").and_then(|text| text.parse().ok()).filter(|port| *port != 0),
            os: value("os").map(str::to_owned),
            mac: value("mac").unwrap_or_default().split(',').filter_map(parse_mac).collect(),
        })
    }
}

fn mac_text(mac: &[u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

fn parse_mac(text: &str) -> Option<[u8; 6]> {
    let mut mac = [0; 6];
    let mut parts = text.trim().split(':');
    for byte in &mut mac {
        let digits = parts.next().filter(|part| part.len() == 2 && part.bytes().all(|d| d.is_ascii_hexdigit()))?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    parts.next().is_none().then_some(mac)
}

const PROTOCOL: &str = "punktfunk/1";

#[cfg(test)]
mod tests {
    use super::{Advert, PairingPolicyAdvert};
    use crate::units::Fingerprint;

    fn full() -> Advert {
        Advert {
            fingerprint: Some(Fingerprint::from_bytes([0xAB; 32])),
            pairing: PairingPolicyAdvert::Optional,
            id: Some("d3b0".to_owned()),
            mgmt: Some(47_990),
            os: Some("linux/debian/debian".to_owned()),
            mac: vec![[0, 1, 2, 0xAA, 0xBB, 0xCC], [9; 6]],
        }
    }

    #[test]
    fn a_record_is_written_as_specified() {
        let text: Vec<String> = full().to_pairs().iter().map(|(key, value)| format!("{key}={value}")).collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        proto=punktfunk/1
        fp=abababababababababababababababababababababababababababababababab
        pair=optional
        id=d3b0
        mgmt=47990
        os=linux/debian/debian
        mac=00:01:02:aa:bb:cc,09:09:09:09:09:09
        ");
    }

    #[test]
    fn a_record_survives_writing_and_reading() {
        let bare = Advert { fingerprint: None, id: None, mgmt: None, os: None, mac: Vec::new(), ..full() };
        for advert in [full(), bare] {
            assert_eq!(Advert::from_pairs(&advert.to_pairs()), Some(advert));
        }
    }

    #[test]
    fn what_is_malformed_counts_as_absent_and_never_opens_a_host() {
        let pairs = [
            ("PROTO", "punktfunk/1"),
            ("pair", "Optional "),
            ("fp", "zz"),
            ("mgmt", "70000"),
            ("mac", "00:01,+1:02:03:04:05:06,01:02:03:04:05:06,"),
            ("future", "x"),
        ];
        let advert = Advert::from_pairs(&pairs).unwrap();
        assert_eq!(advert.pairing, PairingPolicyAdvert::Required);
        assert_eq!((advert.fingerprint, advert.mgmt), (None, None));
        assert_eq!(advert.mac, [[1, 2, 3, 4, 5, 6]]);
    }

    #[test]
    fn a_record_of_another_protocol_is_none_of_ours() {
        assert_eq!(Advert::from_pairs(&[("proto", "punktfunk/2"), ("pair", "optional")]), None);
        assert_eq!(Advert::from_pairs::<&str, &str>(&[]), None);
    }
}
