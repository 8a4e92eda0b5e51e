//! What can be typed. What follows from it is in [`crate::command`].

use std::{fmt, path::PathBuf, str::FromStr, time::Duration};

use clap::{Args, Parser, Subcommand, ValueEnum};
use punktfunk_audio::Layout;
use punktfunk_proto::units::{Fingerprint, Mode};
use zeroize::Zeroizing;

use crate::{error::EXIT_HELP, script::Step, session::Plays};

/// The reference client of punktfunk: finds hosts, pairs with them, streams from them.
#[derive(Debug, Parser)]
#[command(name = "punktfunk", version, after_long_help = EXIT_HELP, after_help = "See --help for exit codes.")]
pub struct Cli {
    /// Where identity and known hosts are kept [default: ~/.local/state/punktfunk]
    #[arg(long, value_name = "DIR", global = true)]
    pub state_dir: Option<PathBuf>,
    /// Print the result as one JSON object on standard output, and no progress
    #[arg(long, global = true)]
    pub json: bool,
    /// Where hosts are looked for by mDNS
    #[arg(long, value_name = "WHERE", global = true, value_enum, default_value_t = Mdns::Network)]
    pub mdns: Mdns,
    /// Say more on standard error; twice says everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// What to do
    #[command(subcommand)]
    pub command: Command,
}

/// Where mDNS is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mdns {
    /// On every interface but loopback
    Network,
    /// On loopback only
    Loopback,
    /// Nowhere
    Off,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List the hosts on the local network
    #[command(after_help = DISCOVER_EXAMPLES)]
    Discover(DiscoverArgs),
    /// Pair with a host by the PIN that it shows
    #[command(after_help = PAIR_EXAMPLES)]
    Pair(PairArgs),
    /// Pair with a host by the link that it shows as a QR code
    #[command(after_help = JOIN_EXAMPLES)]
    Join(JoinArgs),
    /// Stream from a host
    #[command(after_help = CONNECT_EXAMPLES, after_long_help = CONNECT_LONG)]
    Connect(ConnectArgs),
    /// Say whether a host answers, who it is, and how fast the way to it is
    #[command(after_help = PROBE_EXAMPLES)]
    Probe(ProbeArgs),
    /// List the hosts that are trusted, rename or forget one
    #[command(after_help = HOSTS_EXAMPLES)]
    Hosts(HostsArgs),
}

/// `punktfunk discover`
#[derive(Debug, Args)]
pub struct DiscoverArgs {
    /// How long to listen, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "3", value_parser = seconds)]
    pub timeout: Duration,
}

/// How to reach a host.
#[derive(Debug, Args)]
pub struct Reaching {
    /// A known host's name, an advertised name, a DNS name or an address, with :PORT if it is not 9777
    #[arg(value_name = "HOST")]
    pub host: String,
    /// How long to wait for an answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
}

/// `punktfunk pair`
#[derive(Debug, Args)]
pub struct PairArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "the fields are documented")]
    pub reaching: Reaching,
    /// The four digits that the host shows; asked for if absent
    #[arg(long, value_name = "PIN", conflicts_with = "pin_file")]
    pub pin: Option<String>,
    /// Read the PIN from this file; - is standard input
    #[arg(long, value_name = "FILE")]
    pub pin_file: Option<PathBuf>,
    /// What the host shall call this device [default: this machine's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// `punktfunk join`
#[derive(Debug, Args)]
pub struct JoinArgs {
    /// The link, in quotes, or - to read it from standard input
    ///
    /// A link is a secret until it is used. On the command line every user of this machine can read it in the list of
    /// processes, and the shell keeps it in its history; better is -.
    #[arg(value_name = "LINK")]
    pub link: SecretText,
    /// How long to wait for an answer, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub timeout: Duration,
    /// What the host shall call this device [default: this machine's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// What was typed and must not be shown again. Wiped when dropped.
#[derive(Clone)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(····)")
    }
}

/// `punktfunk connect`
#[derive(Debug, Args)]
pub struct ConnectArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "the fields are documented")]
    pub reaching: Reaching,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the fields are documented")]
    pub trust: TrustArgs,
    #[command(flatten)]
    #[expect(missing_docs, reason = "the fields are documented")]
    pub ask: AskArgs,
    /// Do something at a time, counted from the first picture (see below); may be repeated
    #[arg(long = "at", value_name = "TIME:ACTION")]
    pub at: Vec<Step>,
    /// A file of such steps, one a line
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
    /// End after so many seconds of pictures
    #[arg(long, value_name = "N", value_parser = seconds)]
    pub seconds: Option<Duration>,
    /// Keep the stream in this file: .ts with times, .h264 or .hevc without
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Play the sound on this machine [default: play where there is a PipeWire]
    #[arg(long, value_enum)]
    pub sound: Option<SoundArg>,
    /// Keep the sound in this file: .wav
    #[arg(long, value_name = "FILE")]
    pub record_sound: Option<PathBuf>,
    /// Fail (exit 6) if more frames than this are lost, damaged or skipped
    #[arg(long, value_name = "N")]
    pub max_lost: Option<u64>,
}

/// Trust in a host that is not known yet.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// Trust the host with this certificate: 64 hex digits that you have from its owner
    #[arg(long, value_name = "HEX", conflicts_with = "trust_on_first_use")]
    pub fingerprint: Option<Fingerprint>,
    /// Trust a host at first sight if it advertises that it is open to everyone
    #[arg(long)]
    pub trust_on_first_use: bool,
    /// How long the host's owner may take to approve this device, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "185", value_parser = seconds)]
    pub wait: Duration,
}

/// `--bitrate`
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BitrateArg {
    /// The host begins, then this client chooses.
    Auto,
    /// This, or the host's own for 0, to the end.
    Kbps(u32),
}

impl FromStr for BitrateArg {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "auto" => Ok(Self::Auto),
            _ => text.parse().map(Self::Kbps).map_err(|_| "write auto, or whole kbit/s such as 20000"),
        }
    }
}

/// What to ask the host for.
#[derive(Debug, Args)]
pub struct AskArgs {
    /// Picture size and rate
    #[arg(long, value_name = "WxH@HZ", default_value = "1280x720@60")]
    pub mode: Mode,
    /// Rate in kbit/s; 0 leaves it to the host; auto follows what the path takes
    #[arg(long, value_name = "KBPS", default_value = "auto")]
    pub bitrate: BitrateArg,
    /// Only this codec
    #[arg(long, value_enum)]
    pub codec: Option<CodecArg>,
    /// The name of the application to start, from the host's library
    #[arg(long, value_name = "ID")]
    pub launch: Option<String>,
    /// Channels of the sound: 2, 6 (5.1) or 8 (7.1)
    #[arg(long, value_name = "N", default_value = "2", value_parser = channels)]
    pub channels: u8,
    /// Offer ChaCha20-Poly1305, for processors without AES
    #[arg(long)]
    pub chacha20: bool,
    /// What to call this device if the host has to approve it [default: this machine's name]
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// `--sound`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SoundArg {
    /// Do not play it.
    Off,
    /// Play it.
    Play,
}

impl From<SoundArg> for Plays {
    fn from(argument: SoundArg) -> Self {
        match argument {
            SoundArg::Off => Self::No,
            SoundArg::Play => Self::Yes,
        }
    }
}

fn channels(text: &str) -> Result<u8, &'static str> {
    text.parse().ok().filter(|channels| Layout::of_channels(*channels).is_some()).ok_or("write 2, 6 or 8")
}

/// The codecs this client decodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CodecArg {
    /// H.264
    H264,
    /// HEVC
    Hevc,
}

/// `punktfunk probe`
#[derive(Debug, Args)]
pub struct ProbeArgs {
    #[command(flatten)]
    #[expect(missing_docs, reason = "the fields are documented")]
    pub reaching: Reaching,
    /// Measure the speed too: streams shortly, so the host must trust this device
    #[arg(long)]
    pub speed: bool,
    /// The rate to try, in kbit/s
    #[arg(long, value_name = "KBPS", default_value_t = 200_000, requires = "speed")]
    pub rate: u32,
    /// How long to try it, in seconds
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds, requires = "speed")]
    pub duration: Duration,
}

/// `punktfunk hosts`
#[derive(Debug, Args)]
pub struct HostsArgs {
    /// What to do; lists them if absent
    #[command(subcommand)]
    pub order: Option<HostsOrder>,
}

/// What to do with a known host.
#[derive(Debug, Subcommand)]
pub enum HostsOrder {
    /// List them
    List,
    /// Stop trusting a host
    Forget {
        /// Its name, or at least eight digits of its fingerprint
        #[arg(value_name = "HOST")]
        host: String,
    },
    /// Call a host something else
    Rename {
        /// Its name, or at least eight digits of its fingerprint
        #[arg(value_name = "HOST")]
        host: String,
        /// The new name
        #[arg(value_name = "NAME")]
        name: String,
    },
}

/// Whole or fractional seconds, up to a day.
fn seconds(text: &str) -> Result<Duration, String> {
    crate::script::parse_time(&format!("{text}s")).map_err(|_| "write seconds, for example 10 or 2.5".to_owned())
}

const DISCOVER_EXAMPLES: &str = "\
Examples:
  punktfunk discover
  punktfunk discover --timeout 10 --json";

const PAIR_EXAMPLES: &str = "\
The host shows the PIN after `punktfunk-host ctl pair arm`. It is good for one attempt.

Examples:
  punktfunk pair living-room
  punktfunk pair 192.168.1.20 --pin 1234 --name \"Tom's laptop\"
  pass show host-pin | punktfunk pair 192.168.1.20 --pin-file -";

const JOIN_EXAMPLES: &str = "\
The host's owner makes the link with `punktfunk-host ctl pair --qr`. It is good for ten
minutes and for one device, and names the host's fingerprint: no PIN, nothing to compare.
It is a secret, and a command line is not: other users can read it. Prefer standard input.

Examples:
  punktfunk join -                      asks for the link on a terminal
  wl-paste | punktfunk join -
  punktfunk join - --name \"Tom's laptop\" < link.txt
  punktfunk join 'punktfunk://192.168.1.20/join?fp=…&t=…'";

const CONNECT_EXAMPLES: &str = "\
Examples:
  punktfunk connect living-room
  punktfunk connect living-room --mode 1920x1080@60 --record evening.ts
  punktfunk connect 192.168.1.20:9777 --seconds 10 --at 2s:type=hello --at 4s:snapshot=typed.png --json

See --help for the actions of --at and --script.";

const CONNECT_LONG: &str = "\
Actions of --at and --script, at a time like 1500ms, 3s or 1m after the first picture:
  type=TEXT         keys for the text, as on a US keyboard; \\n is Enter
  key=CHORD         a key or a chord: enter, f11, ctrl+alt+delete
  move=X,Y          the pointer goes there; fractions of width and height, 0 to 1
  click=X,Y         the pointer goes there and clicks; right-click=X,Y too
  scroll=N          the wheel turns by N notches, up if positive
  mode=WxH@HZ       asks for another mode
  bitrate=KBPS      asks for another rate
  keyframe          asks for a keyframe
  snapshot=FILE     saves the picture as PNG
  quit              ends the session

Examples:
  punktfunk connect living-room
  punktfunk connect living-room --mode 1920x1080@60 --record evening.ts
  punktfunk connect 192.168.1.20:9777 --seconds 10 --at 2s:type=hello --at 4s:snapshot=typed.png --json
  punktfunk connect den --script demo.txt --max-lost 0

The session is good (exit 0) if pictures were decoded, the script was played to its end, every mode was accepted and
seen, every file was written and --max-lost was kept; else exit 6.";

const PROBE_EXAMPLES: &str = "\
Examples:
  punktfunk probe 192.168.1.20
  punktfunk probe living-room --speed --rate 500000 --json";

const HOSTS_EXAMPLES: &str = "\
Examples:
  punktfunk hosts
  punktfunk hosts rename 192.168.1.20 living-room
  punktfunk hosts forget living-room";
