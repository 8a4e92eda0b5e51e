//! What the types cannot say: limits on texts, and keys that must fit each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use punktfunk_api::Network;
use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{DeviceName, Grants};

use super::{
    Config, ConsoleConfig, DeviceConfig, DisplayBackend, DisplayConfig, EncoderConfig, HostConfig, NetworkConfig,
    SessionConfig, SessionLauncher, schema::shown,
};

/// A value that its type allows and its meaning does not.
pub(super) struct Violation {
    /// The key, table by table.
    pub(super) key: Vec<String>,
    /// What stands there.
    pub(super) found: String,
    /// What may stand there.
    pub(super) allowed: String,
}

impl Violation {
    fn new(key: &[&str], found: impl Into<String>, allowed: impl Into<String>) -> Self {
        let key = key.iter().map(|part| (*part).to_owned()).collect();
        Self { key, found: found.into(), allowed: allowed.into() }
    }
}

pub(super) fn violations(config: &Config) -> Vec<Violation> {
    let mut violations = Vec::new();
    check_host(&config.host, &mut violations);
    check_devices(&config.devices, &mut violations);
    check_network(&config.network, config.session.max_sessions, &mut violations);
    check_session(&config.session, &mut violations);
    check_launcher(config, &mut violations);
    check_display(&config.display, &mut violations);
    check_encoder(&config.encoder, &mut violations);
    check_console(config, &mut violations);
    check_gamestream(config, &mut violations);
    violations
}

fn check_host(host: &HostConfig, out: &mut Vec<Violation>) {
    let name_fits =
        |name: &String| (1..=63).contains(&name.trim().len()) && name.len() <= 63 && !name.chars().any(unprintable);
    if let Some(name) = host.name.as_ref().filter(|name| !name_fits(name)) {
        out.push(Violation::new(&["host", "name"], shown(name), "1 to 63 bytes without control characters"));
    }
    let id_fits = |id: &String| {
        (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    if let Some(id) = host.id.as_ref().filter(|id| !id_fits(id)) {
        out.push(Violation::new(&["host", "id"], shown(id), "1 to 64 letters, digits, - or _"));
    }
}

/// Control characters and the marks that turn the direction of writing.
fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn check_devices(devices: &BTreeMap<String, DeviceConfig>, out: &mut Vec<Violation>) {
    let mut known: BTreeMap<Fingerprint, &str> = BTreeMap::new();
    for (name, device) in devices {
        let key = |last| ["devices", name.as_str(), last];
        if DeviceName::written(name).is_none_or(|written| written.as_str() != name) {
            let allowed = format!("a name of 1 to {} bytes of visible characters", DeviceName::MAX_BYTES);
            out.push(Violation::new(&["devices", name.as_str()], shown(name), allowed));
        }
        match device.fingerprint() {
            None => {
                let allowed = "the 64 hexadecimal digits of the device's fingerprint";
                out.push(Violation::new(&key("fingerprint"), shown(&device.fingerprint), allowed));
            }
            Some(fingerprint) => {
                if let Some(first) = known.insert(fingerprint, name.as_str()) {
                    let allowed = format!("another fingerprint than that of devices.{first}");
                    out.push(Violation::new(&key("fingerprint"), fingerprint.short(), allowed));
                }
            }
        }
        if let Err(fault) = device.access.parse::<Grants>() {
            let allowed = "\"full\", \"controller-only\", \"view-only\", or rights with + between them: gamepad, \
                           pointer, keyboard, clipboard, microphone, launch, admin";
            out.push(Violation::new(&key("access"), shown(&fault.found), allowed));
        }
    }
}

fn check_network(network: &NetworkConfig, sessions: u8, out: &mut Vec<Violation>) {
    if let Some(first) = network.media_port {
        let last = u32::from(first) + u32::from(sessions) - 1;
        let key = &["network", "media_port"];
        if last > u32::from(u16::MAX) {
            let allowed = format!(
                "at most {}: session.max_sessions is {sessions}",
                u32::from(u16::MAX) + 1 - u32::from(sessions)
            );
            out.push(Violation::new(key, first.to_string(), allowed));
        } else if (u32::from(first)..=last).contains(&u32::from(network.port)) {
            let found = format!("{first} (sessions use {first} to {last})");
            out.push(Violation::new(key, found, format!("a range without network.port, which is {}", network.port)));
        }
    }
    let fits =
        |name: &&String| (1..=15).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b'/');
    if let Some(name) = network.mdns.interfaces.iter().find(|name| !fits(name)) {
        let allowed = "names of network interfaces, as `ip link` lists them";
        out.push(Violation::new(&["network", "mdns", "interfaces"], shown(name), allowed));
    }
}

fn check_session(session: &SessionConfig, out: &mut Vec<Violation>) {
    let command = &["session", "command"];
    if session.command.first().is_some_and(String::is_empty) {
        out.push(Violation::new(command, "an empty program name", "a program and its arguments"));
    }
    if session.command.iter().any(|word| word.contains('\0')) {
        out.push(Violation::new(command, "a NUL character", "texts without NUL"));
    }
    for (name, value) in &session.environment.0 {
        let key = &["session", "environment"];
        if name.is_empty() || name.contains(['=', '\0']) {
            out.push(Violation::new(key, format!("the name {}", shown(name)), "names without = and NUL"));
        }
        if value.contains('\0') {
            out.push(Violation::new(key, format!("a NUL character in {}", shown(name)), "values without NUL"));
        }
    }
    let directory = session.directory.as_ref();
    if let Some(directory) = directory.filter(|d| !d.is_absolute() || d.as_os_str().as_encoded_bytes().contains(&0)) {
        let found = shown(&directory.to_string_lossy());
        out.push(Violation::new(&["session", "directory"], found, "an absolute path"));
    }
}

/// sway is started by the host and would run as the host's user, and its application with it.
fn check_launcher(config: &Config, out: &mut Vec<Violation>) {
    if (config.session.launcher, config.display.backend) == (SessionLauncher::Service, DisplayBackend::Sway) {
        let allowed = "\"auto\", \"embedded\" or \"gamescope\", because session.launcher is \"service\"; sway needs session.launcher = \
                       \"child\", where the application runs as the host's user";
        out.push(Violation::new(&["display", "backend"], "\"sway\"", allowed));
    }
}

fn check_display(display: &DisplayConfig, out: &mut Vec<Violation>) {
    let key = &["display", "gamescope", "arguments"];
    if display.gamescope.arguments.iter().any(|word| word.contains('\0')) {
        out.push(Violation::new(key, "a NUL character", "texts without NUL"));
    }
    // What follows it would be taken for the application.
    if display.gamescope.arguments.iter().any(|word| word == "--") {
        out.push(Violation::new(key, shown("--"), "arguments of gamescope alone; the application is session.command"));
    }
}

fn check_encoder(encoder: &EncoderConfig, out: &mut Vec<Violation>) {
    if encoder.bitrate_kbps > encoder.max_bitrate_kbps {
        let allowed = format!("at most encoder.max_bitrate_kbps, which is {}", encoder.max_bitrate_kbps);
        out.push(Violation::new(&["encoder", "bitrate_kbps"], encoder.bitrate_kbps.to_string(), allowed));
    }
    let distinct: BTreeSet<String> = encoder.codecs.iter().map(|codec| format!("{codec:?}")).collect();
    if distinct.len() < encoder.codecs.len() {
        out.push(Violation::new(&["encoder", "codecs"], "a codec twice", "each codec once"));
    }
}

fn check_console(config: &Config, out: &mut Vec<Violation>) {
    let ConsoleConfig { names, password_file, token_file, token_from, .. } = &config.console;
    if let Some(name) = names.iter().find(|name| !is_host_name(name)) {
        let allowed = "names of a host such as \"den.example.org\", without https:// and port";
        out.push(Violation::new(&["console", "names"], shown(name), allowed));
    }
    let relative = |path: &&PathBuf| !path.is_absolute();
    for (key, path) in [("password_file", password_file), ("token_file", token_file)] {
        if let Some(path) = path.as_ref().filter(relative) {
            out.push(Violation::new(&["console", key], shown(&path.to_string_lossy()), "an absolute path"));
        }
    }
    if let Some(network) = token_from.iter().find(|network| network.parse::<Network>().is_err()) {
        let allowed = "networks such as \"192.168.1.0/24\" or \"fd00::/8\", or addresses";
        out.push(Violation::new(&["console", "token_from"], shown(network), allowed));
    }
}

/// All ports follow from one, and none of them may be another's.
fn check_gamestream(config: &Config, out: &mut Vec<Violation>) {
    let gamestream = &config.gamestream;
    if !gamestream.enable {
        return;
    }
    let network = &config.network;
    let media =
        network.media_port.map(|first| (first, first.saturating_add(u16::from(config.session.max_sessions) - 1)));
    let udp = gamestream.udp_ports(config.session.max_sessions);
    let tcp = [gamestream.port, gamestream.https_port(), gamestream.rtsp_port()];
    let in_media = |port: &u16| media.is_some_and(|(first, last)| (first..=last).contains(port));
    let console = config.console.enable.then_some(config.console.port);
    let taken = tcp.into_iter().find(|port| console == Some(*port)).map(|port| (port, "TCP", "console.port"));
    let taken =
        taken.or_else(|| udp.clone().find(|port| *port == network.port).map(|port| (port, "UDP", "network.port")));
    let taken = taken.or_else(|| udp.clone().find(in_media).map(|port| (port, "UDP", "network.media_port")));
    if let Some((port, protocol, other)) = taken {
        let found = format!("{} (which takes {protocol} port {port})", gamestream.port);
        out.push(Violation::new(
            &["gamestream", "port"],
            found,
            format!("a port whose neighbours leave {other} alone"),
        ));
    }
}

fn is_host_name(name: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
            && !label.starts_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}
