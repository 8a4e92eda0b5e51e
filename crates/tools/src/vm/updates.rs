//! Updates of the machine: what is refused, what is kept, what is taken back.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use serde_json::{Value, json};

use super::{Console, Running, Table, machine::Start, source::Source, trial::Owner};

/// What is offered to the machine.
pub(crate) struct Offers {
    /// A newer version that works.
    pub(crate) newer: PathBuf,
    /// One that does not: its host ends at once.
    pub(crate) broken: PathBuf,
    /// The home of gpg with the key that signs.
    pub(crate) key: PathBuf,
}

impl Owner<'_> {
    /// Goes through all of it; leaves the machine with the newer version.
    pub(crate) fn updates(&self, running: Running, offers: &Offers, seed: u64, table: &mut Table) -> Result<Running> {
        let source = Source::open(PORT)?;
        self.refuses(&running, &source, offers, table)?;
        let newer = version_of(&offers.newer)?;
        source.offer(offers.newer.clone());
        let mut random = StdRng::seed_from_u64(seed);
        let mut running = running;
        for step in STEPS {
            let after = Duration::from_secs_f64(random.random_range(0.0..3.0));
            let name = format!("power cut {:.1} s into {step} an update", after.as_secs_f64());
            running = table.need(&name, || self.cut_while(running, &newer, (step, after)))?;
        }
        let running = table.need(&format!("update to {newer}: staged, started, kept"), || {
            let begun = Instant::now();
            let (mut console, packages) = self.stages(&running, &newer)?;
            let staged = begun.elapsed().as_secs();
            apply(&mut console)?;
            let running = self.comes_back(running, &newer, "kept")?;
            Ok((running, format!("{packages} packages differ, staged in {staged} s")))
        })?;
        let broken = version_of(&offers.broken)?;
        table.need(&format!("update to {broken}, whose host is broken: taken back by itself"), || {
            source.offer(offers.broken.clone());
            let (mut console, _) = self.stages(&running, &broken)?;
            apply(&mut console)?;
            let running = self.comes_back(running, &newer, "taken_back")?;
            let status = self.console(&running)?.show("/api/v1/update")?;
            let last = &status["last"];
            let found = format!("after {} tries: {}", last["tries"], last["reason"].as_str().unwrap_or_default());
            Ok((running, found))
        })
    }

    /// Unsigned, older, cut off.
    fn refuses(&self, running: &Running, source: &Source, offers: &Offers, table: &mut Table) -> Result<()> {
        let place = self.machine.dir();
        let unsigned = copy_of(&offers.newer, &place.join("unsigned"))?;
        fs::remove_file(unsigned.join("SHA256SUMS.gpg"))?;
        let older = place.join("older");
        fs::create_dir(&older)?;
        let list = format!("{} *punktfunk_0.0.1.efi\n", "0".repeat(64));
        fs::write(older.join("SHA256SUMS"), list)?;
        sign(&offers.key, &older)?;
        let cut_off = copy_of(&offers.newer, &place.join("cut-off"))?;
        let root = file_in(&cut_off, ".root.raw")?;
        let whole = fs::read_link(&root)?;
        fs::remove_file(&root)?;
        std::io::copy(&mut std::io::Read::take(File::open(whole)?, 1 << 20), &mut File::create(&root)?)?;

        for (what, folder, at_once) in [
            ("an update without signature", unsigned, true),
            ("an older version", older, true),
            ("one that is cut off", cut_off, false),
        ] {
            table.step(&format!("{what} is refused"), || {
                source.offer(folder);
                let mut console = self.console(running)?;
                let checked = check(&mut console);
                let said = match (checked, at_once) {
                    (Err(error), true) => format!("{error:#}"),
                    (Ok(offer), true) => bail!("it is offered: {offer}"),
                    (checked, false) => {
                        let version = checked?["version"].as_str().unwrap_or_default().to_owned();
                        console.ask("POST", "/api/v1/update/stage", &json!({ "version": version }))?;
                        await_status(&mut console, |status| {
                            status["refused"]["message"].as_str().map(|said| Ok(said.to_owned()))
                        })?
                    }
                };
                Ok(((), said.chars().take(120).collect()))
            });
        }
        Ok(())
    }

    /// Checks, looks at what changes, stages; says in how many packages it differs.
    fn stages(&self, running: &Running, version: &str) -> Result<(Console, usize)> {
        let mut console = self.console(running)?;
        let offer = check(&mut console)?;
        ensure!(offer["version"] == version, "{version} is not offered: {offer}");
        console.ask("POST", "/api/v1/update/stage", &json!({ "version": version }))?;
        await_status(&mut console, |status| {
            if let Some(said) = status["refused"]["message"].as_str() {
                return Some(Err(anyhow::anyhow!("refused: {said}")));
            }
            (status["staged"] == version).then_some(Ok(()))
        })?;
        Ok((console, offer["packages"].as_array().map_or(0, Vec::len)))
    }

    /// Loses power while `newer` is staged, and goes on as it was: with the old version, and nothing staged.
    fn cut_while(&self, running: Running, newer: &str, moment: (&str, Duration)) -> Result<(Running, String)> {
        let (step, after) = moment;
        let mut console = self.console(&running)?;
        check(&mut console)?;
        console.ask("POST", "/api/v1/update/stage", &json!({ "version": newer }))?;
        let due = STEPS.iter().position(|known| *known == step);
        await_status(&mut console, |status| {
            ensure_under_way(status).map_or_else(|error| Some(Err(error)), |now| (now >= due).then_some(Ok(())))
        })?;
        sleep(after);
        running.cut();
        let mut running = self.machine.start(&Start::default())?;
        let used = self.uses(&mut running)?;
        let status = self.console(&running)?.show("/api/v1/update")?;
        ensure!(status["running"] != newer && status["staged"] == Value::Null, "it was not forgotten: {status}");
        Ok((running, used))
    }

    /// The machine starts anew by itself, once or more; then it runs `version`, the update ended so, and the client
    /// streams without a question.
    fn comes_back(&self, running: Running, version: &str, ended: &str) -> Result<Running> {
        let deadline = Instant::now() + BACK_WITHIN;
        loop {
            ensure!(Instant::now() < deadline, "{version} did not come back within {BACK_WITHIN:?}");
            sleep(Duration::from_secs(3));
            let Ok(status) = self.console(&running).and_then(|mut console| console.show("/api/v1/update")) else {
                continue;
            };
            if status["running"] == version && status["last"]["ended"] == ended && status["on_trial"] == false {
                break;
            }
        }
        self.device.stream(running.control(), 3, &[])?;
        Ok(running)
    }
}

/// Which step an update is at, one that is neither done nor refused.
fn ensure_under_way(status: &Value) -> Result<Option<usize>> {
    let at = STEPS.iter().position(|known| status["work"]["step"] == *known);
    ensure!(at.is_some(), "it is not under way any more: {status}");
    Ok(at)
}

/// What staging goes through, in order.
const STEPS: [&str; 3] = ["fetching", "verifying", "writing"];

fn check(console: &mut Console) -> Result<Value> {
    console.ask("POST", "/api/v1/update/check", &json!({ "from": "source" }))
}

fn apply(console: &mut Console) -> Result<()> {
    console.ask("POST", "/api/v1/update/apply", &Value::Null).map(drop)
}

/// Asks how things stand until `found` has something.
fn await_status<T>(console: &mut Console, found: impl Fn(&Value) -> Option<Result<T>>) -> Result<T> {
    let deadline = Instant::now() + STAGED_WITHIN;
    loop {
        let status = console.show("/api/v1/update")?;
        if let Some(found) = found(&status) {
            return found;
        }
        ensure!(Instant::now() < deadline, "it did not come within {STAGED_WITHIN:?}: {status}");
        sleep(Duration::from_secs(1));
    }
}

/// A folder with links to the same files.
fn copy_of(folder: &Path, to: &Path) -> Result<PathBuf> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        symlink(fs::canonicalize(entry.path())?, to.join(entry.file_name()))?;
    }
    Ok(to.to_owned())
}

fn file_in(folder: &Path, end: &str) -> Result<PathBuf> {
    let mut files = fs::read_dir(folder)?.flatten().map(|entry| entry.path());
    let found = files.find(|path| path.to_string_lossy().ends_with(end));
    found.with_context(|| format!("no {end} in {}", folder.display()))
}

/// `punktfunk_1.2.3.efi` names it.
fn version_of(folder: &Path) -> Result<String> {
    let kernel = file_in(folder, ".efi")?;
    let name = kernel.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let version = name.strip_prefix("punktfunk_").and_then(|rest| rest.strip_suffix(".efi"));
    Ok(version.with_context(|| name.clone())?.to_owned())
}

fn sign(key: &Path, folder: &Path) -> Result<()> {
    let status = Command::new("gpg")
        .arg("--homedir")
        .arg(key)
        .args(["--batch", "--yes", "--quiet", "--detach-sign", "--output"])
        .arg(folder.join("SHA256SUMS.gpg"))
        .arg(folder.join("SHA256SUMS"))
        .status()
        .context("gpg")?;
    ensure!(status.success(), "gpg ended with {status}");
    Ok(())
}

/// `crates/tools/scripts/image-test.sh` writes it into the test images.
const PORT: u16 = 47_999;
/// Fetching, checking and writing half a gigabyte takes an emulated processor a while.
const STAGED_WITHIN: Duration = Duration::from_secs(900);
/// Up to three failed starts, and a good one.
const BACK_WITHIN: Duration = Duration::from_secs(1_200);
