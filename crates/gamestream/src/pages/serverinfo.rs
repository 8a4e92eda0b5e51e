//! `/serverinfo` (GameStream spec section 2.4).

use std::net::{IpAddr, Ipv4Addr};

use punktfunk_proto::units::Fingerprint;

use super::{Caller, Host, Lane, Xml};

/// What the host says of itself.
#[derive(Clone, Debug)]
pub struct Description {
    /// What it is called.
    pub name: String,
    /// Its identity in every client, which stays for ever: the text of a UUID.
    pub unique_id: String,
    /// TCP port of HTTP.
    pub port: u16,
    /// Which codecs can be streamed.
    pub codecs: Codecs,
    /// The hardware address behind which the host is found, for Wake-on-LAN.
    pub mac: Option<[u8; 6]>,
}

impl Description {
    /// TCP port of HTTPS.
    pub const fn https_port(&self) -> u16 {
        self.port.wrapping_sub(5)
    }

    /// TCP port of RTSP.
    pub const fn rtsp_port(&self) -> u16 {
        self.port.wrapping_add(21)
    }
}

/// `ServerCodecModeSupport`: a set of codecs (GameStream spec section 2.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Codecs(u32);

impl Codecs {
    /// H.264, 8 bits, 4:2:0: every host offers it.
    pub const H264: Self = Self(0x0000_0001);
    /// HEVC Main.
    pub const HEVC: Self = Self(0x0000_0100);
    /// HEVC Main10.
    pub const HEVC_MAIN10: Self = Self(0x0000_0200);
    /// AV1 Main, 8 bits.
    pub const AV1: Self = Self(0x0001_0000);
    /// AV1 Main, 10 bits.
    pub const AV1_MAIN10: Self = Self(0x0002_0000);

    /// This set and `other`.
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether all of `other` are in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The bits as clients read them.
    pub const fn bits(self) -> u32 {
        self.0
    }
}

/// The page; `device` is paired.
pub(super) fn page(host: &dyn Host, caller: &Caller, device: Option<Fingerprint>) -> Xml {
    let told = host.describe(caller.local);
    // Over HTTP nobody is known, and what runs is the business of who runs it.
    let running = device.and_then(|device| host.running(device)).unwrap_or(0);
    let is_paired = device.is_some() && matches!(caller.lane, Lane::Secure(_));
    let mac = told.mac.filter(|_| is_paired).unwrap_or_default();
    Xml::ok()
        .with("hostname", &told.name)
        .with("appversion", APP_VERSION)
        .with("GfeVersion", GFE_VERSION)
        .with("uniqueid", &told.unique_id)
        .with("HttpsPort", told.https_port())
        .with("ExternalPort", told.port)
        .with("MaxLumaPixelsHEVC", if told.codecs.contains(Codecs::HEVC) { MAX_LUMA_PIXELS } else { 0 })
        .with("mac", mac.map(|byte| format!("{byte:02X}")).join(":"))
        .with("LocalIP", local_ip(caller.local))
        .with("ServerCodecModeSupport", told.codecs.bits())
        .with("PairStatus", u8::from(is_paired))
        .with("currentgame", running)
        .with("state", if running == 0 { "SUNSHINE_SERVER_FREE" } else { "SUNSHINE_SERVER_BUSY" })
}

/// An IPv6 text would overwrite the IPv4 address that the client stores; 127.0.0.1 is ignored.
fn local_ip(local: IpAddr) -> Ipv4Addr {
    match local.to_canonical() {
        IpAddr::V4(v4) => v4,
        IpAddr::V6(_) => Ipv4Addr::LOCALHOST,
    }
}

/// Section 2.5: the modern protocol with its extensions.
const APP_VERSION: &str = "7.1.431.-1";
/// Accepted by every client that looks at it.
const GFE_VERSION: &str = "3.23.0.74";
/// "The host can HEVC".
const MAX_LUMA_PIXELS: u32 = 1_869_449_984;
