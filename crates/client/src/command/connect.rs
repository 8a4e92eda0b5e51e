//! `punktfunk connect`

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::Path,
    time::Duration,
};

use indicatif::ProgressBar;
use punktfunk_proto::{
    units::Fingerprint,
    wire::{ClientCaps, Codec, Grants, Hello, MAX_SHARD_PAYLOAD, VideoCaps},
};
use punktfunk_transport::{Link, TlsIdentity};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};

use super::{Answer, Context, device_name};
use crate::{
    cli::{AskArgs, BitrateArg, CodecArg, ConnectArgs, Reaching, TrustArgs},
    contact::{self, Consent, Dial},
    decode::DECODABLE,
    error::ClientError,
    known_hosts::KnownHosts,
    record::Container,
    script::Script,
    session::{Check, Ending, Notice, Plan, Plays, Report, SoundWish, stream},
    target::resolve,
    terminal::Output,
};

pub(super) async fn run(context: &Context, args: ConnectArgs) -> Result<Answer, ClientError> {
    let identity = context.identity()?;
    let mut steps = args.at.clone();
    if let Some(path) = &args.script {
        let wrong = |error: &dyn std::fmt::Display| ClientError::Usage(format!("{}: {error}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
        steps.extend(Script::parse_lines(&text).map_err(|error| wrong(&error))?);
    }
    if let Some(path) = &args.record {
        Container::of(path).map_err(|error| ClientError::Usage(error.to_string()))?;
    }
    let plan = Plan {
        hello: hello(&args.ask)?,
        patience: args.trust.wait,
        script: Script::new(steps),
        length: args.seconds,
        record: args.record.clone(),
        sound: SoundWish {
            plays: args.sound.map_or(Plays::IfPossible, Plays::from),
            record: args.record_sound.clone(),
        },
        auto_bitrate: args.ask.bitrate == BitrateArg::Auto,
        speed_test: None,
    };
    let link = reach(context, &identity, &args.reaching, &args.trust).await?;
    let mut report = watch(context, &link, plan, &identity).await?;
    if let Some(most) = args.max_lost {
        report.checks.push(lost_check(&report, most));
    }
    Ok(answer(&report))
}

/// Connects to the host, asking on a terminal where trust is offered on first use.
pub(super) async fn reach(
    context: &Context,
    identity: &TlsIdentity,
    reaching: &Reaching,
    trust: &TrustArgs,
) -> Result<Link, ClientError> {
    let known = KnownHosts::load(&context.state_dir)?;
    let spinner = context.output.spinner(format!("connecting to {}", reaching.host));
    let target = resolve(&reaching.host, &known, context.reach.clone()).await?;
    let dial = Dial { identity, budget: reaching.timeout, reach: context.reach.clone(), state_dir: &context.state_dir };
    let consent = match trust.fingerprint {
        Some(fingerprint) => Consent::Fingerprint(fingerprint),
        None if trust.trust_on_first_use => Consent::FirstUse,
        None => Consent::None,
    };
    let link = contact::connect(&dial, &target, consent, |presented| {
        spinner.suspend(|| confirm(context.output, &target.name, presented))
    })
    .await;
    spinner.finish_and_clear();
    link
}

fn confirm(output: Output, name: &str, presented: Fingerprint) -> bool {
    if output == Output::Json || !io::stdin().is_terminal() {
        return false;
    }
    let _ = write!(
        io::stderr(),
        "{name} is new and open to everyone. Its fingerprint is\n  {}\nIs that what the host shows? [y/N] ",
        presented.grouped()
    );
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// What of the video plane this client understands, whatever is asked for.
const UNDERSTOOD: VideoCaps =
    VideoCaps::HOST_TIMING.with(VideoCaps::PROBE_FILLER).with(VideoCaps::STREAMED).with(VideoCaps::SLICES);

/// What this client says of itself and asks for.
pub(super) fn hello(ask: &AskArgs) -> Result<Hello, ClientError> {
    let codecs = match ask.codec {
        Some(CodecArg::H264) => Codec::H264.as_set(),
        Some(CodecArg::Hevc) => Codec::Hevc.as_set(),
        None => DECODABLE,
    };
    let chacha = if ask.chacha20 { VideoCaps::CHACHA20 } else { VideoCaps::NONE };
    if ask.launch.as_ref().is_some_and(|id| id.len() > punktfunk_proto::wire::MAX_LAUNCH_LEN) {
        return Err(ClientError::Usage("an application's id has at most 128 bytes".into()));
    }
    Ok(Hello {
        bitrate_kbps: match ask.bitrate {
            BitrateArg::Auto => 0,
            BitrateArg::Kbps(kbps) => kbps,
        },
        name: Some(device_name(ask.name.clone())),
        launch: ask.launch.clone(),
        video_caps: UNDERSTOOD.with(chacha),
        codecs,
        audio_channels: ask.channels,
        client_caps: ClientCaps::AUDIO_REDUNDANCY,
        max_shard_payload: MAX_SHARD_PAYLOAD,
        ..Hello::new(ask.mode.into())
    })
}

/// Streams and shows how it goes.
pub(super) async fn watch(
    context: &Context,
    link: &Link,
    plan: Plan,
    identity: &TlsIdentity,
) -> Result<Report, ClientError> {
    let (length, output) = (plan.length, context.output);
    let bar = length.map_or_else(|| output.spinner("waiting for the host"), |length| output.time_bar(length));
    let mut watcher = Watcher {
        output,
        bar: bar.clone(),
        device: identity.fingerprint(),
        picture: None,
        state_dir: &context.state_dir,
        host: link.peer_fingerprint,
    };
    let report = stream(link, plan, interrupted(), |notice| watcher.show(&notice)).await;
    bar.finish_and_clear();
    Ok(report?)
}

/// Waits for Ctrl-C or SIGTERM: both end the session properly.
async fn interrupted() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        Ok(()) = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

struct Watcher<'a> {
    output: Output,
    bar: ProgressBar,
    device: Fingerprint,
    picture: Option<(u32, u32)>,
    state_dir: &'a Path,
    host: Option<Fingerprint>,
}

impl Watcher<'_> {
    fn show(&mut self, notice: &Notice<'_>) {
        match notice {
            Notice::Parked => self.output.note(
                &self.bar,
                &format!(
                    "waiting for the host's owner to approve this device, fingerprint\n  {}\n(punktfunk-host ctl approve {})",
                    self.device.grouped(),
                    self.device.short()
                ),
            ),
            Notice::Welcomed(welcome) => self.bar.set_message(format!("{} {}", welcome.mode, "starts")),
            Notice::Picture { width, height } => {
                if self.picture.replace((*width, *height)).is_none() {
                    self.bar.reset_elapsed();
                }
            }
            Notice::Pictures(count) => {
                let (width, height) = self.picture.unwrap_or_default();
                self.bar.set_message(format!("{width}x{height}, {count} pictures"));
                let elapsed = u64::try_from(self.bar.elapsed().as_millis()).unwrap_or(u64::MAX);
                if self.bar.length().is_some() {
                    self.bar.set_position(elapsed);
                }
            }
            Notice::Snapshot(path) => self.output.note(&self.bar, &format!("saved {}", path.display())),
            Notice::AccessChanged { grants, remaining } => {
                self.output.note(&self.bar, &access_text(*grants, *remaining));
            }
            Notice::Successor(successor) => self.note_successor(*successor),
        }
    }

    /// Keeps what the host announced, so that the change of its identity needs no new pairing.
    fn note_successor(&self, successor: Fingerprint) {
        let Some(host) = self.host else { return };
        if let Err(error) = KnownHosts::update(self.state_dir, |known| known.announced(host, successor)) {
            self.output.note(&self.bar, &format!("the host's next identity could not be stored: {error}"));
        }
    }
}

/// What the owner of the host lets this device do from now on.
fn access_text(grants: Grants, remaining: Option<Duration>) -> String {
    let named = [
        (Grants::GAMEPAD, "gamepads"),
        (Grants::POINTER, "pointer"),
        (Grants::KEYBOARD, "keyboard"),
        (Grants::CLIPBOARD, "clipboard"),
        (Grants::MICROPHONE, "microphone"),
        (Grants::LAUNCH, "starting applications"),
    ];
    let granted: Vec<&str> =
        named.into_iter().filter(|(grant, _)| grants.contains(*grant)).map(|(_, name)| name).collect();
    let what = if granted.is_empty() { "watch only".to_owned() } else { granted.join(", ") };
    match remaining {
        Some(left) if left < Duration::from_secs(120) => {
            format!("access ends in {} s; until then: {what}", left.as_secs())
        }
        Some(left) => format!("access ends in {} min; until then: {what}", left.as_secs() / 60),
        None => format!("the host's owner changed what this device may do: {what}"),
    }
}

fn lost_check(report: &Report, most: u64) -> Check {
    let counts = &report.counts;
    let lost = counts.frames_lost + counts.frames_late + counts.frames_damaged + counts.frames_skipped;
    Check { name: format!("at most {most} frames are lost"), ok: lost <= most, found: format!("{lost}") }
}

/// The report, and what is wrong with the session.
pub(super) fn answer(report: &Report) -> Answer {
    Answer { text: report.to_string(), value: json!(report), failure: verdict(report).err() }
}

/// What a session's end means to the shell.
fn verdict(report: &Report) -> Result<(), ClientError> {
    match &report.ended {
        Ending::Host { code, reason } if !matches!(code, 0x00 | 0x52) => {
            return Err(ClientError::Refused { code: *code, reason: reason.clone() });
        }
        Ending::Lost => return Err(ClientError::Lost),
        Ending::HostMisbehaved { detail } => return Err(ClientError::HostMisbehaved(detail.clone())),
        Ending::Local { detail } => return Err(ClientError::Local(detail.clone())),
        Ending::Plan | Ending::Interrupted | Ending::NoPicture | Ending::Host { .. } => {}
    }
    if report.is_good() {
        return Ok(());
    }
    let failed = report.checks.iter().filter(|check| !check.ok);
    Err(ClientError::CheckFailed(failed.map(|check| format!("{} ({})", check.name, check.found)).collect()))
}

#[cfg(test)]
mod tests {
    use super::hello;
    use crate::cli::{BitrateArg, Cli, Command};
    use clap::Parser as _;
    use punktfunk_proto::wire::{CodecSet, VideoCaps};

    fn parsed(arguments: &[&str]) -> Cli {
        Cli::try_parse_from([&["punktfunk"], arguments].concat()).unwrap()
    }

    #[test]
    fn hello_asks_for_what_was_typed() {
        let cli = parsed(&["connect", "den", "--mode", "1920x1080@30", "--codec", "h264", "--bitrate", "8000"]);
        let Command::Connect(args) = cli.command else { panic!("connect was typed") };
        let hello = hello(&args.ask).unwrap();
        assert_eq!((hello.mode.width, hello.mode.height, hello.mode.hz), (1920, 1080, 30));
        assert_eq!((hello.bitrate_kbps, args.ask.bitrate), (8_000, BitrateArg::Kbps(8_000)));
        assert_eq!(hello.codecs, CodecSet::from_bits(0x01));
        assert_eq!(hello.video_caps, VideoCaps::from_bits(0xB8));
    }

    #[test]
    fn the_rate_is_chosen_as_the_session_goes_unless_one_is_typed() {
        for (typed, chosen) in [(&["connect", "den"][..], true), (&["connect", "den", "--bitrate", "0"][..], false)] {
            let Command::Connect(args) = parsed(typed).command else { panic!("connect was typed") };
            assert_eq!(hello(&args.ask).unwrap().bitrate_kbps, 0);
            assert_eq!(args.ask.bitrate == BitrateArg::Auto, chosen);
        }
        assert!(Cli::try_parse_from(["punktfunk", "connect", "den", "--bitrate", "fast"]).is_err());
    }
}
