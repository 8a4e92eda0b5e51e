//! The demo: a host and a client as their users start them, and a look at what arrived.

pub(crate) mod client;
pub(crate) mod host;
mod picture;
mod table;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, bail};

use client::Client;
use host::Host;
use picture::{Colour, Picture};
use table::{Check, Table};

/// How the demo runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Where pictures, logs and state go; emptied first
    #[arg(long, default_value = "target/demo")]
    dir: PathBuf,
    /// How long to stream at 1280x720@60 before the mode changes, in seconds
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u64).range(10..=600))]
    seconds: u64,
    /// The display backend: embedded or sway
    #[arg(long, default_value = "embedded")]
    display: String,
    /// The fewest frames a second at 1280x720@60 that count as moving
    #[arg(long, default_value_t = 45.0)]
    min_fps: f64,
}

/// What the demo's application paints where, as fractions of the picture (`crates/tools/demo/stage.pl`).
const LEFT_PANEL: [f64; 4] = [0.1, 0.5, 0.4, 0.75];
/// Where the click goes: into the right panel.
const CLICK: (f64, f64) = (0.75, 0.6);
/// The left panel before and after the key `g`, the mark of a click.
const GREY: Colour = Colour([72, 72, 80]);
const GREEN: Colour = Colour([0, 200, 0]);
const MAGENTA: Colour = Colour([255, 0, 255]);
/// How long to stream in the second mode.
const SECOND_MODE: Duration = Duration::from_secs(4);

/// Runs the demo.
pub(crate) fn run(options: &Options) -> Result<()> {
    let dir = fresh(&options.dir)?;
    say("starting a host with a fresh state directory");
    let host = Host::start(&dir, &options.display)?;
    say(&format!("host ready on {}, fingerprint {}", host.address, host.fingerprint));
    let client = Client::new(&dir)?;
    let pin = host.arm()?;
    say(&format!("pairing a client with PIN {pin} over the wire"));
    client.pair(&host.address, &pin)?;
    let devices = host.ctl(&["devices", "list"])?;
    let paired = devices["devices"].as_array().map_or(0, Vec::len);

    let change_at = Duration::from_secs(options.seconds);
    let end_at = change_at + SECOND_MODE;
    say(&format!(
        "streaming 1280x720@60 for {} s, typing and clicking, then 1920x1080@30 for {} s",
        change_at.as_secs(),
        SECOND_MODE.as_secs()
    ));
    let script = [
        format!("4s:snapshot={}", dir.join("1-before.png").display()),
        "4500ms:type=g".to_owned(),
        format!("5s:click={},{}", CLICK.0, CLICK.1),
        "5500ms:type=hello".to_owned(),
        format!("7s:snapshot={}", dir.join("2-after-input.png").display()),
        format!("{}ms:mode=1920x1080@30", change_at.as_millis()),
        format!(
            "{}ms:snapshot={}",
            (end_at - Duration::from_millis(500)).as_millis(),
            dir.join("3-after-mode.png").display()
        ),
    ];
    let streaming = client.connect(&host.address, "1280x720@60", end_at, &script)?;
    let seen = host.watch(&streaming, change_at, end_at)?;
    let report = streaming.report()?;

    let mut table = Table::new(&report, &seen);
    table.check("the client is paired", paired == 1, format!("{paired} device in the store"));
    check_pictures(&mut table, &dir)?;
    table.check_stream(change_at, end_at, options.min_fps);
    let stopped = host.stop()?;
    table.check("the host stops cleanly", stopped.success(), stopped.to_string());
    print!("{table}");
    println!("Pictures: {}", dir.join("{1-before,2-after-input,3-after-mode}.png").display());
    finish(table.checks())
}

/// Looks at what a person would look at.
fn check_pictures(table: &mut Table, dir: &Path) -> Result<()> {
    let before = Picture::read(&dir.join("1-before.png"))?;
    let after = Picture::read(&dir.join("2-after-input.png"))?;
    let large = Picture::read(&dir.join("3-after-mode.png"))?;
    let share = |picture: &Picture, colour| picture.share(LEFT_PANEL, colour);
    let (grey, green) = (share(&before, GREY), share(&after, GREEN));
    table.check("the application is there", grey > 0.9, format!("left panel {:.0} % grey", grey * 100.0));
    table.check("the keyboard reaches it", green > 0.9, format!("left panel {:.0} % green after `g`", green * 100.0));
    let around = [CLICK.0 - 0.02, CLICK.1 - 0.02, CLICK.0 + 0.02, CLICK.1 + 0.02];
    let (without, with) = (before.share(around, MAGENTA), after.share(around, MAGENTA));
    let found = format!("{:.0} % magenta around the pointer, {:.0} % before", with * 100.0, without * 100.0);
    table.check("the pointer reaches it", with > 0.5 && without < 0.05, found);
    let size = format!("{}x{}", large.width, large.height);
    table.check("the new mode shows the same application", size == "1920x1080" && share(&large, GREEN) > 0.9, size);
    Ok(())
}

fn finish(checks: &[Check]) -> Result<()> {
    let failed: Vec<&str> = checks.iter().filter(|check| !check.ok).map(|check| check.name.as_str()).collect();
    if failed.is_empty() {
        println!("All {} checks passed.", checks.len());
        return Ok(());
    }
    bail!("{} of {} checks failed: {}", failed.len(), checks.len(), failed.join("; "))
}

/// An empty directory for this run, closed to others.
fn fresh(dir: &Path) -> Result<PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    if dir.exists() {
        let ours = dir.join(MARK);
        if !ours.exists() {
            bail!("{} exists and is not from an earlier demo; name another --dir", dir.display());
        }
        fs::remove_dir_all(dir).with_context(|| format!("emptying {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
    fs::write(dir.join(MARK), "This directory belongs to `make demo` and is emptied by it.\n")?;
    Ok(fs::canonicalize(dir)?)
}

/// Marks a directory that the demo may empty.
const MARK: &str = "punktfunk-demo.txt";

fn say(line: &str) {
    eprintln!("demo: {line}");
}
