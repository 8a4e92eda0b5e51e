//! The link that `ctl pair --qr` shows: where the host is, who it is, and the token that pairs one device.
//!
//! `punktfunk://HOST[:PORT]/join?fp=FINGERPRINT&t=TOKEN[&at=HOST[:PORT]]…[&name=NAME]`
//!
//! With the fingerprint the scanning device needs no trust on first use, with the token no PIN. The parameters stand
//! in this order, each once, `at` up to seven times for further addresses. Whoever reads the link can pair until
//! somebody has: it is a secret, and [`JoinLink`] is not printed.

use std::{
    fmt,
    net::{IpAddr, Ipv6Addr},
    str::FromStr,
};

use zeroize::Zeroizing;

use super::JoinToken;
use crate::units::Fingerprint;

/// All that a device needs to join a host.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinLink {
    addresses: Vec<JoinAddress>,
    /// The certificate that the host must show.
    pub host: Fingerprint,
    /// The password of the ceremony.
    pub token: JoinToken,
    name: Option<String>,
}

impl JoinLink {
    /// Addresses that a link holds at most.
    pub const MAX_ADDRESSES: usize = 8;
    /// The longest name, in bytes of UTF-8.
    pub const MAX_NAME: usize = 64;
    /// The longest link that is read, in bytes. A QR code of this size is at the limit of what phones read.
    pub const MAX_LEN: usize = 2_560;

    /// A link to `host`.
    ///
    /// # Errors
    /// No address, or more than [`JoinLink::MAX_ADDRESSES`].
    pub fn new(addresses: Vec<JoinAddress>, host: Fingerprint, token: JoinToken) -> Result<Self, JoinLinkError> {
        match addresses.len() {
            0 => Err(JoinLinkError::Address),
            count if count > Self::MAX_ADDRESSES => Err(JoinLinkError::TooLong),
            _ => Ok(Self { addresses, host, token, name: None }),
        }
    }

    /// The link with the host's display name in it.
    ///
    /// # Errors
    /// The name is empty, longer than [`JoinLink::MAX_NAME`], or has characters that cannot be seen.
    pub fn named(self, name: &str) -> Result<Self, JoinLinkError> {
        let fits = !name.is_empty() && name.len() <= Self::MAX_NAME && !name.chars().any(is_deceptive);
        if fits { Ok(Self { name: Some(name.to_owned()), ..self }) } else { Err(JoinLinkError::Name) }
    }

    /// Where the host may be reached, in the order to try. At least one.
    pub fn addresses(&self) -> &[JoinAddress] {
        &self.addresses
    }

    /// What the host calls itself. Whoever made the link chose it.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The link itself. It holds the token: show it to the owner, log it nowhere.
    pub fn to_text(&self) -> Zeroizing<String> {
        let (first, others) = self.addresses.split_first().expect("a link has an address");
        // Reserved at once: a text that grows leaves copies of the token behind.
        let mut text = Zeroizing::new(String::with_capacity(Self::MAX_LEN));
        for part in [SCHEME, &first.to_string(), PATH, &self.host.to_string(), "&t=", self.token.as_str()] {
            text.push_str(part);
        }
        for address in others {
            text.push_str("&at=");
            text.push_str(&address.to_string());
        }
        if let Some(name) = &self.name {
            text.push_str("&name=");
            escape(name, &mut text);
        }
        text
    }
}

impl FromStr for JoinLink {
    type Err = JoinLinkError;

    fn from_str(text: &str) -> Result<Self, JoinLinkError> {
        if text.len() > Self::MAX_LEN {
            return Err(JoinLinkError::TooLong);
        }
        let rest = text.strip_prefix(SCHEME).ok_or(JoinLinkError::Scheme)?;
        let (authority, query) = rest.split_once(PATH).ok_or(JoinLinkError::Scheme)?;
        let mut parameters = query.split('&').peekable();
        let host = parameters.next().filter(|text| is_fingerprint(text)).and_then(|text| text.parse().ok());
        let token = parameters.next().and_then(|text| text.strip_prefix("t=")).and_then(|text| text.parse().ok());
        let mut addresses = vec![authority.parse()?];
        while let Some(address) = parameters.peek().and_then(|parameter| parameter.strip_prefix("at=")) {
            addresses.push(address.parse()?);
            parameters.next();
        }
        let host = host.ok_or(JoinLinkError::Fingerprint)?;
        let link = Self::new(addresses, host, token.ok_or(JoinLinkError::Token)?)?;
        match (parameters.next(), parameters.next()) {
            (None, _) => Ok(link),
            (Some(last), None) => {
                let name = last.strip_prefix("name=").ok_or(JoinLinkError::Parameter)?;
                link.named(&unescape(name).ok_or(JoinLinkError::Name)?)
            }
            (Some(_), Some(_)) => Err(JoinLinkError::Parameter),
        }
    }
}

impl fmt::Debug for JoinLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinLink").field("addresses", &self.addresses).field("host", &self.host).finish_non_exhaustive()
    }
}

/// Why a text is no link to join by. Says nothing about the text, which may hold a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JoinLinkError {
    /// Not a link of ours.
    #[error("this is no punktfunk link: it begins with punktfunk:// and goes on with /join")]
    Scheme,
    /// Longer than any link that a host shows.
    #[error("this link is too long, or names too many addresses")]
    TooLong,
    /// No address, or one that cannot be.
    #[error(
        "the link's address is not a host name, an IPv4 address or an IPv6 address in brackets, with or without a port"
    )]
    Address,
    /// `fp` is missing or wrong.
    #[error("the link lacks the host's fingerprint: scan the code again")]
    Fingerprint,
    /// `t` is missing or wrong.
    #[error("the link lacks its token: scan the code again")]
    Token,
    /// The name cannot be shown.
    #[error("the name in the link is empty, too long or has characters that cannot be seen")]
    Name,
    /// A parameter that is not known, stands twice or at the wrong place.
    #[error("the link has a parameter that does not belong there; a newer version of punktfunk may know it")]
    Parameter,
}

/// Where a host may be reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct JoinAddress {
    host: JoinHost,
    port: u16,
}

/// The host part of a [`JoinAddress`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum JoinHost {
    /// An address. Link-local IPv6 has no place here: its zone means nothing on another device.
    Ip(IpAddr),
    /// A name for the resolver: letters, digits, `-` and `.`, at most 253.
    Name(String),
}

impl JoinAddress {
    /// The port of a link that names none (spec section 1.2).
    pub const DEFAULT_PORT: u16 = 9777;

    /// This address.
    ///
    /// # Errors
    /// A link-local IPv6 address, or port 0.
    pub fn ip(address: IpAddr, port: u16) -> Result<Self, JoinLinkError> {
        let usable = match address {
            IpAddr::V4(_) => true,
            IpAddr::V6(v6) => !v6.is_unicast_link_local(),
        };
        if usable && port != 0 { Ok(Self { host: JoinHost::Ip(address), port }) } else { Err(JoinLinkError::Address) }
    }

    /// This host name.
    ///
    /// # Errors
    /// It is none, or the port is 0.
    pub fn name(name: &str, port: u16) -> Result<Self, JoinLinkError> {
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        // Without a letter it is a mistyped address, which resolvers read in ways of their own.
        let is_name =
            name.len() <= 253 && name.split('.').all(is_label) && name.bytes().any(|byte| byte.is_ascii_alphabetic());
        let host = JoinHost::Name(name.to_ascii_lowercase());
        if is_name && port != 0 { Ok(Self { host, port }) } else { Err(JoinLinkError::Address) }
    }

    /// The host part.
    pub fn host(&self) -> &JoinHost {
        &self.host
    }

    /// The UDP port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl FromStr for JoinAddress {
    type Err = JoinLinkError;

    fn from_str(text: &str) -> Result<Self, JoinLinkError> {
        if let Some(rest) = text.strip_prefix('[') {
            let (address, port) = rest.split_once(']').ok_or(JoinLinkError::Address)?;
            let address: Ipv6Addr = address.parse().map_err(|_| JoinLinkError::Address)?;
            return Self::ip(address.into(), port_of(port)?);
        }
        let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
        let port = port_of(port)?;
        match host.parse::<std::net::Ipv4Addr>() {
            Ok(address) => Self::ip(address.into(), port),
            Err(_) => Self::name(host, port),
        }
    }
}

impl fmt::Display for JoinAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            JoinHost::Ip(IpAddr::V6(address)) => write!(f, "[{address}]")?,
            JoinHost::Ip(IpAddr::V4(address)) => address.fmt(f)?,
            JoinHost::Name(name) => f.write_str(name)?,
        }
        if self.port == Self::DEFAULT_PORT { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

/// What follows a host: nothing, or a colon and a number without a sign or leading zeros.
fn port_of(text: &str) -> Result<u16, JoinLinkError> {
    match text.strip_prefix(':') {
        None if text.is_empty() => Ok(JoinAddress::DEFAULT_PORT),
        Some(digits) if digits.starts_with(|c: char| matches!(c, '1'..='9')) => {
            digits.parse().map_err(|_| JoinLinkError::Address)
        }
        _ => Err(JoinLinkError::Address),
    }
}

/// 64 hex digits without the blanks that [`Fingerprint`] would allow.
fn is_fingerprint(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Controls, and what turns or hides the text around it.
fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}')
}

/// Every byte that is not an ASCII letter, digit, `-`, `.` or `_` as `%` and two hex digits.
fn escape(name: &str, out: &mut String) {
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._".contains(&byte) {
            out.push(byte.into());
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// The inverse; `None` for anything that [`escape`] does not write, small hex digits excepted.
fn unescape(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((first, after)) = rest.split_first() {
        let (byte, after) = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digit = |byte: &u8| char::from(*byte).to_digit(16);
                (u8::try_from(digit(high)? << 4 | digit(low)?).ok()?, after)
            }
            (plain, after) if plain.is_ascii_alphanumeric() || b"-._".contains(plain) => (*plain, after),
            _ => return None,
        };
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}

const SCHEME: &str = "punktfunk://";
const PATH: &str = "/join?fp=";

#[cfg(test)]
mod tests;
