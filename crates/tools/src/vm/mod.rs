//! `make image-test`: the image in a virtual machine, used from outside as its owner does.
//!
//! A [`Machine`] is a disk with its firmware, a [`Running`] one that is switched on. [`Console`] is its web console,
//! [`Device`] a real client. [`trial`] goes through an evening with them, and [`Table`] says how it went.
//! [`deployments`] does the same with the bootc flavour.

mod console;
pub(crate) mod deployments;
mod device;
mod entries;
mod machine;
mod offers;
mod shell;
mod source;
mod table;
mod trial;
mod updates;
mod visit;

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};

pub(crate) use self::{
    console::Console,
    device::Device,
    machine::{Machine, Running},
    table::Table,
};

/// How the trial runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The image, as `make image` builds it [default: the newest below target/image]
    #[arg(long, value_name = "FILE")]
    image: Option<PathBuf>,
    /// The folder of a newer version, to update to
    #[arg(long, value_name = "DIR", requires_all = ["broken", "key"])]
    newer: Option<PathBuf>,
    /// The folder of a still newer one whose host does not start
    #[arg(long, value_name = "DIR")]
    broken: Option<PathBuf>,
    /// The home of gpg with the key that signed them
    #[arg(long, value_name = "DIR")]
    key: Option<PathBuf>,
    /// Where the machine's disk, its screen and its logs go; emptied first
    #[arg(long, default_value = "target/image-test")]
    dir: PathBuf,
    /// How often the power is cut
    #[arg(long, default_value_t = 10)]
    cuts: u32,
    /// Decides when it is cut [default: chosen and printed]
    #[arg(long)]
    seed: Option<u64>,
    /// What is tried after the first evening
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Part::Restart, Part::Updates, Part::Cuts, Part::Reset])]
    parts: Vec<Part>,
    /// Frames that a stream has to have
    #[arg(long, default_value_t = 60)]
    frames: u64,
}

/// A part of the trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Part {
    /// Off by its button, on again, on a larger disk
    Restart,
    /// Refused, cut off, kept and taken back updates, where there are some
    Updates,
    /// Power cuts
    Cuts,
    /// The factory reset
    Reset,
}

/// Runs the trial, prints its table, fails if a step did.
pub(crate) fn run(options: &Options) -> Result<()> {
    let image = match &options.image {
        Some(image) => image.clone(),
        None => newest(Path::new("target/image"))?,
    };
    let dir = fresh(&options.dir)?;
    let seed = options.seed.unwrap_or_else(rand::random);
    eprintln!("image-test: {}, seed {seed}, logs in {}", image.display(), dir.display());
    let machine = Machine::flash(&image, &dir)?;
    let mut table = Table::default();
    let offers = match (&options.newer, &options.broken, &options.key) {
        (Some(newer), Some(broken), Some(key)) => {
            Some(updates::Offers { newer: newer.clone(), broken: broken.clone(), key: key.clone() })
        }
        _ => None,
    };
    let parts = options.parts.clone();
    let limits = trial::Limits { parts, cuts: options.cuts, seed, frames: options.frames, offers };
    let ended = trial::run(&machine, &limits, &mut table);
    print!("{table}");
    ended?;
    ensure!(table.is_good(), "the image does not keep what it promises");
    Ok(())
}

/// The image that was built last.
fn newest(folder: &Path) -> Result<PathBuf> {
    let versions = fs::read_dir(folder).with_context(|| format!("{}: `make image` builds one", folder.display()))?;
    let files = versions.flatten().filter_map(|version| fs::read_dir(version.path()).ok()).flatten().flatten();
    let images = files.map(|file| file.path()).filter(|path| is_image(path));
    let newest = images.max_by_key(|path| path.metadata().and_then(|of| of.modified()).ok());
    newest.with_context(|| format!("no image in {}: `make image` builds one", folder.display()))
}

/// `punktfunk_1.2.3.raw`, and not a partition of it.
fn is_image(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_prefix("punktfunk_")
        .and_then(|rest| rest.strip_suffix(".raw"))
        .is_some_and(|version| !version.contains('_') && !version.ends_with(".root") && !version.ends_with(".verity"))
}

/// An empty directory for this run.
fn fresh(dir: &Path) -> Result<PathBuf> {
    if dir.exists() {
        if !dir.join(MARK).exists() {
            bail!("{} exists and is not from an earlier run; name another --dir", dir.display());
        }
        fs::remove_dir_all(dir)?;
    }
    fs::create_dir_all(dir)?;
    fs::write(dir.join(MARK), "This directory belongs to `make image-test` and is emptied by it.\n")?;
    Ok(fs::canonicalize(dir)?)
}

/// Marks a directory that may be emptied.
const MARK: &str = "punktfunk-image-test.txt";
