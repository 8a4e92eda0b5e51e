use super::{JoinAddress, JoinHost, JoinLink, JoinLinkError};
use crate::{pairing::JoinToken, units::Fingerprint};
use proptest::{
    collection::vec,
    option,
    prelude::{Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest},
};
use std::net::{Ipv4Addr, Ipv6Addr};

const PRINT: &str = "abababababababababababababababababababababababababababababababab";
const TOKEN: &str = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ";

fn link(tail: &str) -> Result<JoinLink, JoinLinkError> {
    format!("punktfunk://192.168.1.20/join?fp={PRINT}&t={TOKEN}{tail}").parse()
}

fn at(authority: &str) -> Result<JoinLink, JoinLinkError> {
    format!("punktfunk://{authority}/join?fp={PRINT}&t={TOKEN}").parse()
}

#[test]
fn a_link_says_where_who_and_with_what() {
    let link = link("&at=[fd00::7]:4000&at=tower.local&name=Tom%27s%20tower").unwrap();
    assert_eq!(link.host, Fingerprint::from_bytes([0xAB; 32]));
    assert_eq!(link.token.as_str(), TOKEN);
    assert_eq!(link.name(), Some("Tom's tower"));
    let addresses: Vec<_> = link.addresses().iter().map(ToString::to_string).collect();
    assert_eq!(addresses, ["192.168.1.20", "[fd00::7]:4000", "tower.local"]);
    assert_eq!(link.addresses()[0].port(), 9777);
    assert_eq!(link.addresses()[2].host(), &JoinHost::Name("tower.local".into()));
}

#[test]
fn what_is_not_exactly_a_link_is_refused() {
    let long = "a".repeat(3_000);
    for tail in ["&x=1", "&name=a&name=b", "&name=a&at=10.0.0.1", "&", "&name=a&", "#a", " ", "&name"] {
        assert!(link(tail).is_err(), "{tail}");
    }
    for name in ["", "%", "%4", "%zz", "%FF", "a b", "a+b", "%00", "%1B%5B2J", "%E2%80%AE", &long] {
        assert!(link(&format!("&name={name}")).is_err(), "{name}");
    }
    for authority in [
        "",
        ":1",
        "a:",
        "a:0",
        "a:+1",
        "a:01",
        "a:65536",
        "user@a",
        "fe80::1",
        "[fe80::1]",
        "[::1",
        "1.2.3",
        "1.2.3.256",
        "0x7f.1.1.1:80:1",
        "a b",
        "-a",
        "a..b",
        "a/b",
        "[1.2.3.4]",
        "ä.example",
        &long,
    ] {
        assert!(at(authority).is_err(), "{authority}");
    }
    for text in
        ["", "http://a", "punktfunk://a", "punktfunk://a/join", "punktfunk://a/join?fp=", "PUNKTFUNK://a/join?fp="]
    {
        assert!(text.parse::<JoinLink>().is_err(), "{text}");
    }
    let spaced = format!("punktfunk://a/join?fp={}&t={TOKEN}", PRINT.replacen("ab", "a b", 1));
    assert_eq!(spaced.parse::<JoinLink>(), Err(JoinLinkError::Fingerprint));
    let short = format!("punktfunk://a/join?fp={PRINT}&t=4321");
    assert_eq!(short.parse::<JoinLink>(), Err(JoinLinkError::Token), "a PIN is no token");
}

#[test]
fn a_link_holds_eight_addresses_and_no_more() {
    assert_eq!(link(&"&at=10.0.0.1".repeat(7)).unwrap().addresses().len(), JoinLink::MAX_ADDRESSES);
    assert_eq!(link(&"&at=10.0.0.1".repeat(8)), Err(JoinLinkError::TooLong));
}

#[test]
fn a_link_and_its_errors_do_not_print_the_token() {
    let good = link("").unwrap();
    assert!(!format!("{good:?}").contains("ZZZ"));
    let error = link("&x=1").unwrap_err();
    assert!(!format!("{error:?} {error}").contains("ZZZ"));
}

#[test]
fn the_longest_link_is_read_as_it_was_written() {
    let name = format!("{0}.{0}.{0}.{1}", "a".repeat(63), "b".repeat(61));
    let addresses = vec![JoinAddress::name(&name, 40_000).unwrap(); 8];
    let longest = JoinLink::new(addresses, Fingerprint::from_bytes([1; 32]), JoinToken::from_random([2; 16])).unwrap();
    let longest = longest.named(&"ä".repeat(32)).unwrap();
    let text = longest.to_text();
    assert!(text.len() <= JoinLink::MAX_LEN, "{}", text.len());
    assert_eq!(text.parse::<JoinLink>().unwrap(), longest);
}

fn address() -> impl Strategy<Value = JoinAddress> {
    let port = || 1..=u16::MAX;
    prop_oneof![
        (any::<u32>(), port()).prop_map(|(ip, port)| JoinAddress::ip(Ipv4Addr::from_bits(ip).into(), port).unwrap()),
        (any::<u128>(), port())
            .prop_filter_map("link-local", |(ip, port)| { JoinAddress::ip(Ipv6Addr::from_bits(ip).into(), port).ok() }),
        ("[a-z][a-z0-9]{0,20}(\\.[a-z]{1,10}){0,3}", port())
            .prop_map(|(name, port)| JoinAddress::name(&name, port).unwrap()),
    ]
}

proptest! {
    #[test]
    fn every_link_is_read_as_it_was_written(
        addresses in vec(address(), 1..=8), host in any::<[u8; 32]>(), token in any::<[u8; 16]>(),
        name in option::of("[^\\p{C}\u{2028}\u{2029}]{1,16}"),
    ) {
        let link = JoinLink::new(addresses, Fingerprint::from_bytes(host), JoinToken::from_random(token)).unwrap();
        let link = match name {
            // Some of these names hide something, and are refused.
            Some(name) => link.clone().named(&name).unwrap_or(link),
            None => link,
        };
        prop_assert_eq!(link.to_text().parse::<JoinLink>().unwrap(), link);
    }

    #[test]
    fn no_text_makes_the_parser_panic_and_what_it_reads_it_writes_again(
        text in "punktfunk://[a-z0-9.:\\[\\]]{0,12}/join\\?fp=(ab){31,33}&t=[0-7][0-9A-Z]{25}(&[a-z]{1,4}=[a-z%0-9.]{0,8}){0,3}",
        noise in any::<String>(),
    ) {
        prop_assert!(noise.parse::<JoinLink>().is_err());
        if let Ok(link) = text.parse::<JoinLink>() {
            prop_assert_eq!(link.to_text().parse::<JoinLink>().unwrap(), link);
        }
    }
}
