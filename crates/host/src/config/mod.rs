//! The configuration: one typed value, read once at start.
//!
//! From [`Config`] come the TOML file ([`load`]), the JSON Schema ([`schema`]) and the page
//! `docs/reference/configuration.md` ([`reference`]). The doc comments below are that page's text.

use std::{
    collections::BTreeMap,
    fmt,
    net::{IpAddr, Ipv4Addr},
    path::PathBuf,
};

use punktfunk_proto::units::{Bitrate, Fingerprint};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub mod load;
pub mod problem;
pub mod reference;
pub mod schema;
mod semantics;
pub mod settings;

/// Everything that can be configured. Every key has a default, so an empty file is a valid one.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What clients are shown of this host.
    pub host: HostConfig,
    /// Addresses, ports and discovery.
    pub network: NetworkConfig,
    /// Who may connect.
    pub pairing: PairingConfig,
    /// Devices that are paired by declaration, by their names: `[devices.living-room]`. They cannot be changed or
    /// removed with `ctl`; when the declaration goes they are removed at the next start.
    pub devices: BTreeMap<String, DeviceConfig>,
    /// What a session runs, and how many there may be.
    pub session: SessionConfig,
    /// Where the session's picture comes from.
    pub display: DisplayConfig,
    /// How the picture is compressed.
    pub encoder: EncoderConfig,
    /// The sound of a session.
    pub audio: AudioConfig,
    /// Forward error correction: parity sent along with the video.
    pub fec: FecConfig,
    /// GameStream: sessions for Moonlight, beside those of punktfunk's own clients.
    pub gamestream: GameStreamConfig,
    /// The console and the management API, over HTTPS with the host's certificate.
    pub console: ConsoleConfig,
    /// What the host writes to its standard error (with systemd: the journal).
    pub log: LogConfig,
}

impl Config {
    /// Every key with its value as JSON, as the audit log may name them: of what is marked secret only that it is set.
    pub fn effective(&self) -> BTreeMap<String, String> {
        let mut keys = BTreeMap::new();
        // A tree of tables, texts and numbers always is JSON.
        flatten("", &serde_json::to_value(self).unwrap_or_default(), &schema::schema(), &mut keys);
        keys
    }
}

/// Writes the leaves of `value` under their paths.
fn flatten(path: &str, value: &Value, schema: &Value, keys: &mut BTreeMap<String, String>) {
    match value {
        Value::Null => {}
        Value::Object(table) if schema["writeOnly"] != true => {
            for (key, inner) in table {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                let known = &schema["properties"][key];
                flatten(&path, inner, if known.is_null() { &schema["additionalProperties"] } else { known }, keys);
            }
        }
        Value::Object(table) => {
            keys.extend(table.keys().map(|key| (format!("{path}.{key}"), "(set)".to_owned())));
        }
        leaf => {
            let text = if schema["writeOnly"] == true { "(set)".to_owned() } else { leaf.to_string() };
            keys.insert(path.to_owned(), text);
        }
    }
}

/// `[host]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct HostConfig {
    /// The name clients list this host under: 1 to 63 bytes without control characters. Default: the machine's
    /// host name.
    pub name: Option<String>,
    /// A stable id by which clients recognise this host in discovery: 1 to 64 letters, digits, `-` or `_`.
    /// Default: an id made at the first start and kept in the state directory. Set it only to keep the id of a
    /// host that was replaced; trust never depends on it.
    pub id: Option<String>,
}

/// `[network]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// The address to listen on: `0.0.0.0` for every IPv4 interface, or the address of one.
    pub listen: IpAddr,
    /// UDP port of the control connection (QUIC). 0 lets the system choose a free one; clients then find it by
    /// mDNS only.
    pub port: u16,
    /// First UDP port of the media sockets, for firewalls that need fixed ones: sessions use this port and those
    /// after it, `session.max_sessions` in all. Default: free ports the system chooses.
    #[schemars(range(min = 1, max = 65535))]
    pub media_port: Option<u16>,
    /// Announcement of this host on the local network.
    pub mdns: MdnsConfig,
}

/// `[network.mdns]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MdnsConfig {
    /// Whether the host announces itself by mDNS. Without it clients need its address typed in.
    pub enable: bool,
    /// Names of the network interfaces to announce on, for example `["enp3s0"]`. Empty: all of them.
    pub interfaces: Vec<String>,
}

/// `[pairing]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PairingConfig {
    /// Who may connect. A value that is misspelled or cannot be read stops the start; it never means `open`.
    pub policy: PairingPolicy,
}

/// Who may connect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PairingPolicy {
    /// Only paired devices. An unknown device waits until it is approved or pairs with a PIN.
    #[default]
    Require,
    /// Anybody who can reach the host, without asking. Only for networks where everybody is trusted.
    Open,
}

/// `[devices.<name>]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeviceConfig {
    /// The SHA-256 of the device's certificate, 64 hexadecimal digits: `punktfunk-host ctl pending` shows it when the
    /// device knocks.
    pub fingerprint: String,
    /// What it may do: `"full"`, `"controller-only"`, `"view-only"`, or rights with `+` between them (gamepad,
    /// pointer, keyboard, clipboard, microphone, launch, admin).
    #[serde(default = "full_access")]
    pub access: String,
}

impl DeviceConfig {
    /// Who it is, if that is one.
    pub fn fingerprint(&self) -> Option<Fingerprint> {
        self.fingerprint.parse().ok()
    }
}

fn full_access() -> String {
    "full".to_owned()
}

/// `[session]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SessionConfig {
    /// The application of a session: program and arguments, for example `["foot"]`. It is started directly, not
    /// by a shell. Empty: none is configured and clients are told so when they connect.
    pub command: Vec<String>,
    /// Environment variables for the application, beside those the display sets. The values are never logged.
    #[schemars(extend("writeOnly" = true))]
    pub environment: Environment,
    /// The application's working directory, as an absolute path. Default: the host's own, or with the session service
    /// the home of its user.
    pub directory: Option<PathBuf>,
    /// How long the application lives on when its client is gone without having quit, in seconds: the same device finds
    /// it as it was when it connects in time. It takes the place of a session meanwhile, but gives way to another
    /// device. 0: it ends with its client, but for Moonlight, whose users expect it to stay until they quit: a day.
    #[schemars(range(min = 0, max = 86_400))]
    pub keep_alive_s: u32,
    /// What starts the application, and so under which user it runs.
    pub launcher: SessionLauncher,
    /// How many sessions may run at once; a further client is told that the host is busy.
    #[schemars(range(min = 1, max = 4))]
    pub max_sessions: u8,
}

/// What starts the application, and so under which user it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SessionLauncher {
    /// The host itself, under its own user: the application can read the host's key and the list of paired devices.
    #[default]
    Child,
    /// The session service (`punktfunk-session.socket`), under the user `player`, who can read neither. For the
    /// displays `embedded` and `gamescope`.
    Service,
}

/// Environment variables whose values stay out of logs.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Environment(pub BTreeMap<String, String>);

impl fmt::Debug for Environment {
    /// Names only: values may be secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// `[display]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DisplayConfig {
    /// What makes the virtual display of a session.
    pub backend: DisplayBackend,
    /// For the display `gamescope`.
    pub gamescope: GamescopeConfig,
}

/// `[display.gamescope]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GamescopeConfig {
    /// Further arguments for gamescope, such as `--steam` or `--expose-wayland`. Mode, backend and application are
    /// given by the host.
    pub arguments: Vec<String>,
    /// Whether it may run where there is no GPU, on a software Vulkan driver: slow, and only of use to try it out.
    pub software: bool,
}

/// What makes the virtual display of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisplayBackend {
    /// The first that works on this machine: `embedded`, then `sway`.
    #[default]
    Auto,
    /// The compositor built into the host.
    Embedded,
    /// A headless gamescope for each session: games on the GPU. Needs gamescope 3.16.22 or newer, PipeWire and a
    /// GPU. It keeps its mode, shows no pointer of its own and takes no text beside keys.
    Gamescope,
    /// A headless sway for each session.
    Sway,
    /// A test picture without application.
    Synthetic,
}

impl DisplayBackend {
    /// Whether a session on it needs `session.command`.
    pub const fn needs_application(self) -> bool {
        !matches!(self, Self::Synthetic)
    }
}

impl From<VideoCodec> for punktfunk_proto::wire::Codec {
    fn from(codec: VideoCodec) -> Self {
        match codec {
            VideoCodec::H264 => Self::H264,
        }
    }
}

/// `[encoder]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EncoderConfig {
    /// What compresses the picture.
    pub backend: EncoderBackend,
    /// Video rate for clients that leave it to the host, in kbit/s. At most `encoder.max_bitrate_kbps`.
    #[schemars(range(min = 500, max = 8_000_000))]
    pub bitrate_kbps: u32,
    /// Ceiling for the video rate, in kbit/s: a client that asks for more gets this.
    #[schemars(range(min = 500, max = 8_000_000))]
    pub max_bitrate_kbps: u32,
    /// Codecs offered to clients, the preferred first.
    #[schemars(length(min = 1))]
    pub codecs: Vec<VideoCodec>,
}

impl EncoderConfig {
    /// The rate for clients that leave it to the host.
    pub fn bitrate(&self) -> Bitrate {
        Bitrate::from_kbps(self.bitrate_kbps)
    }

    /// The ceiling for every session.
    pub fn max_bitrate(&self) -> Bitrate {
        Bitrate::from_kbps(self.max_bitrate_kbps)
    }
}

/// What compresses the picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EncoderBackend {
    /// The first that works on this machine.
    #[default]
    Auto,
    /// Software H.264 (libx264) on the processor.
    X264,
}

/// A video codec this host can encode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VideoCodec {
    /// H.264 / AVC.
    H264,
}

/// `[audio]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct AudioConfig {
    /// Whether what an application plays is streamed. Each session gets a sound server of its own, so `pipewire`,
    /// `pipewire-pulse` and `wireplumber` have to be installed; without them sessions are silent and the console says
    /// why. How many channels there are, and at what rate, follows from what the client asks for.
    pub enable: bool,
}

impl Default for AudioConfig {
    fn default() -> Self {
        Self { enable: true }
    }
}

/// `[fec]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct FecConfig {
    /// Parity at the start of a session, in percent of the data. The host then follows the losses that the
    /// client reports, between 1 and 50 percent.
    #[schemars(range(min = 0, max = 50))]
    pub start_percent: u8,
}

/// `[gamestream]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct GameStreamConfig {
    /// Whether Moonlight can find this host, pair with it and stream. Devices pair by a PIN that Moonlight shows and the
    /// owner types on the host, whatever `pairing.policy` says. While it is off, nothing of it listens.
    pub enable: bool,
    /// TCP port of the first page that Moonlight asks for. The other ports follow from it: HTTPS 5 below, RTSP 21 above
    /// (TCP), and video, control and sound 9, 10 and 11 above (UDP). Where `session.max_sessions` is more than 1, video and
    /// sound of the further sessions take those 12 to 17 above (UDP).
    #[schemars(range(min = 1029, max = 65514))]
    pub port: u16,
}

impl GameStreamConfig {
    /// TCP port of HTTPS.
    pub const fn https_port(&self) -> u16 {
        self.port.wrapping_sub(5)
    }

    /// TCP port of RTSP.
    pub const fn rtsp_port(&self) -> u16 {
        self.port.wrapping_add(21)
    }

    /// UDP port of video.
    pub const fn video_port(&self) -> u16 {
        self.port.wrapping_add(9)
    }

    /// UDP port of control.
    pub const fn control_port(&self) -> u16 {
        self.port.wrapping_add(10)
    }

    /// UDP port of sound.
    pub const fn audio_port(&self) -> u16 {
        self.port.wrapping_add(11)
    }

    /// All UDP ports, where so many sessions run at once.
    pub const fn udp_ports(&self, sessions: u8) -> std::ops::RangeInclusive<u16> {
        let last = if sessions > 1 { 17 } else { 11 };
        self.video_port()..=self.port.wrapping_add(last)
    }
}

impl Default for GameStreamConfig {
    fn default() -> Self {
        Self { enable: false, port: 47_989 }
    }
}

/// `[console]`.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ConsoleConfig {
    /// Whether the console is served. Without it the host is administered with `punktfunk-host ctl` only.
    pub enable: bool,
    /// The address to listen on. Default: that of `network.listen`; where that is every interface, over IPv6 too.
    pub listen: Option<IpAddr>,
    /// TCP port of console and API. 0 lets the system choose a free one; clients then find it by mDNS. A port that
    /// something else uses is a fault the host lists, and it tries again; it does not stop the start.
    pub port: u16,
    /// Names that browsers may reach the console under, beside `localhost`, the machine's name (also with `.local`
    /// and the like) and its addresses: `["den.example.org"]`. A request to any other name is refused.
    pub names: Vec<String>,
    /// File with the administrator's password, or its argon2 hash. With it there is no claim, and the password can be
    /// changed there only. A file with the password itself must not be readable by other users.
    pub password_file: Option<PathBuf>,
    /// File with a bearer token for programs, of 32 to 256 characters without blanks, not readable by other users:
    /// `openssl rand -hex 32` makes one. Whoever knows it administers the host.
    pub token_file: Option<PathBuf>,
    /// Networks (`"192.168.1.0/24"`) or addresses that the token counts from.
    pub token_from: Vec<String>,
}

impl Default for ConsoleConfig {
    fn default() -> Self {
        Self {
            enable: true,
            listen: None,
            port: Self::PORT,
            names: Vec::new(),
            password_file: None,
            token_file: None,
            token_from: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()],
        }
    }
}

impl ConsoleConfig {
    /// The port that is known (wire specification, section 1.2).
    pub const PORT: u16 = 47_990;
}

/// `[log]`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LogConfig {
    /// How much is written.
    pub level: LogLevel,
    /// How a line looks.
    pub format: LogFormat,
}

/// How much is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// Only faults of the host itself.
    Error,
    /// Also what is possible but bad.
    Warn,
    /// Also what an operator wants to see every day.
    #[default]
    Info,
    /// Also what developers want to see.
    Debug,
    /// Everything, down to single frames.
    Trace,
}

/// How a line of the log looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

impl Default for NetworkConfig {
    fn default() -> Self {
        Self { listen: Ipv4Addr::UNSPECIFIED.into(), port: Self::PORT, media_port: None, mdns: MdnsConfig::default() }
    }
}

impl NetworkConfig {
    /// The port clients try first (wire specification, section 1.2).
    pub const PORT: u16 = 9777;
}

impl Default for MdnsConfig {
    fn default() -> Self {
        Self { enable: true, interfaces: Vec::new() }
    }
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            command: Vec::new(),
            environment: Environment::default(),
            directory: None,
            keep_alive_s: 0,
            launcher: SessionLauncher::default(),
            max_sessions: 4,
        }
    }
}

impl Default for EncoderConfig {
    fn default() -> Self {
        Self {
            backend: EncoderBackend::Auto,
            bitrate_kbps: 20_000,
            max_bitrate_kbps: 100_000,
            codecs: vec![VideoCodec::H264],
        }
    }
}

impl Default for FecConfig {
    fn default() -> Self {
        Self { start_percent: 10 }
    }
}

impl HostConfig {
    /// The configured name, else the machine's host name, else `punktfunk`.
    pub fn display_name(&self) -> String {
        let machine = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
        self.name
            .clone()
            .or_else(machine)
            .map(|name| name.trim().to_owned())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "punktfunk".to_owned())
    }
}
