//! `make image-bootc-test`: the bootc flavour, deployed, in a virtual machine: used, upgraded, rolled back, and a version that
//! does not stream taken back.
//!
//! ostree fetches, deploys and merges in the machine itself. Two things are played: the boot loader, which `bootc install`
//! brings, by QEMU, and the registry by an ostree repository over HTTP.

use std::{path::PathBuf, thread::sleep, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::{
    Console, Machine, Running, Table, fresh,
    machine::Start,
    offers::{Offers, Version},
    shell::Shell,
    trial::{Owner, first_start},
    visit::Visit,
};

/// What is tried.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The folder of the version that is deployed first, as `make image-bootc` leaves it
    #[arg(long, value_name = "DIR")]
    first: PathBuf,
    /// That of a newer version, to upgrade to
    #[arg(long, value_name = "DIR")]
    newer: PathBuf,
    /// That of a still newer one whose host does not start
    #[arg(long, value_name = "DIR")]
    broken: PathBuf,
    /// The ostree repository with all of them
    #[arg(long, value_name = "DIR")]
    repository: PathBuf,
    /// The home of gpg with the key that signed them
    #[arg(long, value_name = "DIR")]
    key: PathBuf,
    /// Where the machine's disk and its logs go; emptied first
    #[arg(long, default_value = "target/image-bootc-test")]
    dir: PathBuf,
    /// Frames that a stream has to have
    #[arg(long, default_value_t = 60)]
    frames: u64,
}

/// Runs the trial, prints its table, fails if a step did.
pub(crate) fn run(options: &Options) -> Result<()> {
    let dir = fresh(&options.dir)?;
    eprintln!("image-test: logs in {}", dir.display());
    let mut table = Table::default();
    let ended = trial(options, &dir, &mut table);
    print!("{table}");
    ended?;
    ensure!(table.is_good(), "the bootc flavour does not keep what it promises");
    Ok(())
}

/// Goes through all of it. What the rest cannot do without ends it.
fn trial(options: &Options, dir: &std::path::Path, table: &mut Table) -> Result<()> {
    let offers = Offers::open(&options.repository, &options.key, dir)?;
    let [first, newer, broken] = [&options.first, &options.newer, &options.broken].map(|folder| offers.version(folder));
    let (first, newer, broken) = (first?, newer?, broken?);
    let machine = Machine::deployed(&options.first.join(format!("punktfunk_{}.ext4", first.name)), dir)?;
    let (running, fingerprint, code) = table.need("first start, to the claim code", || first_start(&machine))?;
    let mut shell = running.shell()?;
    from_inside(&mut shell, table);

    let mut console = Console::visit(running.console(), fingerprint)?;
    let mut visit = Visit { console: &mut console, table };
    visit.claims(&code)?;
    visit.logs_in()?;
    visit.table.step("the console knows that updates are not its own", || {
        let status = visit.console.show("/api/v1/update")?;
        ensure!(status == Value::Null, "GET /api/v1/update says {status}");
        Ok(((), "GET /api/v1/update: 200, null; the card is not shown".to_owned()))
    });
    let device = visit.pairs(&machine, &running)?;
    visit.streams(&device, &running, (options.frames, &[]));
    visit.tests_itself();
    let owner = Owner { machine: &machine, fingerprint, device };
    let mut house = House { owner, running, shell };
    house.is_kept(&first.name, table);
    house.edits(table);
    house.refuses(&offers, &newer, table);
    house.loses_power(&offers, &newer, &first.name, table)?;
    house.upgrades(&offers, &newer, table)?;
    house.rolls_back(&first.name, table)?;
    house.is_kept(&first.name, table);
    house.takes_back(&offers, &broken, &first.name, table)
}

/// What is true of the deployment that runs.
fn from_inside(shell: &mut Shell, table: &mut Table) {
    let mut has = |what: &str, command: &str, wanted: &dyn Fn(&str) -> bool| {
        let found = shell.run(command).unwrap_or_else(|error| format!("{error:#}"));
        table.fact(what, wanted(&found), &found.replace('\n', "; "));
    };
    let state = "systemctl is-system-running --wait; systemctl --failed --plain --no-legend";
    has("no unit failed", state, &|found| found == "running");
    has("it is an ostree deployment", "ostree admin status", &|found| found.contains("* punktfunk"));
    has("/usr is mounted read-only", "findmnt --noheadings --output OPTIONS --target /usr", &|found| {
        found.starts_with("ro")
    });
    let writable = "for at in / /usr /etc /var; do touch $at/x 2>/dev/null && rm $at/x && echo -n \"$at \"; done; true";
    has("of it, this can be written to", writable, &|found| found == "/etc /var");
    for node in ["uinput", "uhid"] {
        let opens =
            format!("setpriv --reuid player --regid player --init-groups sh -c ': <>/dev/{node}' 2>/dev/null; echo $?");
        let command = format!("stat --format='%U:%G %a' /dev/{node}; {opens}");
        has(&format!("/dev/{node} is the host's alone"), &command, &|found| {
            found.starts_with("root:punktfunk 660\n") && !found.ends_with("\n0")
        });
    }
    let passwords = r#"awk -F: '$2 !~ /^(x|[!*].*)$/ { print $1 }' /etc/passwd /etc/shadow"#;
    has("nobody has a password", passwords, &str::is_empty);
    has("nobody can log in", "systemctl list-units --plain --no-legend '*getty@*' 'ssh*'", &str::is_empty);
    has("it has a name of its own", "cat /proc/sys/kernel/hostname", &|found| found.starts_with("punktfunk-"));
    has("users have their numbers", "id --user punktfunk; id --user player", &|found| found == "970\n971");
    let rests = "systemctl show --property=ConditionResult --value punktfunk-update.socket";
    has("the service for slots rests", rests, &|found| found == "no");
    let says = |found: &str| found.contains("updated by its distribution's means");
    has("ctl update says so", "punktfunk-host ctl update || true", &says);
    has("memory", "awk '/^MemAvailable/ { print int($2 / 1024) \" MiB available\" }' /proc/meminfo", &|found| {
        !found.is_empty()
    });
    has("time", "systemd-analyze time | head -1", &|found| found.contains('='));
}

/// The machine, switched on, whoever owns it, and somebody inside.
struct House<'m> {
    owner: Owner<'m>,
    running: Running,
    shell: Shell,
}

impl House<'_> {
    /// The trial of a deployment's first start passed.
    fn is_kept(&mut self, version: &str, table: &mut Table) {
        table.step(&format!("{version} passes its health check and stays"), || {
            let journal = "journalctl --boot --unit=punktfunk-deployment --output=cat --no-pager";
            let wait = format!("for i in $(seq 200); do {journal} | grep ' stream' && break; sleep 2; done");
            let said = self.shell.run(&wait)?;
            ensure!(said.contains("streams and stays"), "it says: {said}");
            let good = self.shell.run("cat /var/lib/punktfunk-deployment/good")?;
            Ok(((), good.chars().take(12).collect()))
        });
    }

    /// As its owner would.
    fn edits(&mut self, table: &mut Table) {
        table.step("edited in /etc: a name for the host, a file of one's own", || {
            let name = format!("printf '\\n[host]\\nname = \"{NAME}\"\\n' >>/etc/punktfunk/punktfunk.toml");
            self.shell.run(&format!("{name} && echo mine >/etc/mine"))?;
            let differs = self.shell.run("ostree admin config-diff")?;
            ensure!(differs.contains("punktfunk/punktfunk.toml"), "config-diff says: {differs}");
            Ok(((), format!("config-diff lists {} files", differs.lines().count())))
        });
    }

    fn refuses(&mut self, offers: &Offers, version: &Version, table: &mut Table) {
        table.step("an upgrade without signature is refused", || {
            offers.offer_unsigned(version)?;
            let said = self.shell.refused(UPGRADE)?;
            ensure!(said.to_lowercase().contains("signature"), "it says: {said}");
            Ok(((), last_line(&said)))
        });
        table.step("one that is older is refused, signed as it is", || {
            offers.offer_as_old(version)?;
            let said = self.shell.refused(UPGRADE)?;
            ensure!(said.contains("chronologically older"), "it says: {said}");
            Ok(((), last_line(&said)))
        });
    }

    fn loses_power(&mut self, offers: &Offers, newer: &Version, first: &str, table: &mut Table) -> Result<()> {
        table.need("power cut five seconds into an upgrade", || {
            offers.offer(newer)?;
            self.shell.begin(UPGRADE)?;
            sleep(Duration::from_secs(5));
            self.running.lose_power();
            Ok((self.start()?, String::new()))
        })?;
        self.runs_well(&format!("{first} starts, with edits and trust"), first, table)
    }

    fn upgrades(&mut self, offers: &Offers, newer: &Version, table: &mut Table) -> Result<()> {
        table.need(&format!("upgrade to {}: fetched, checked, deployed", newer.name), || {
            offers.offer(newer)?;
            Ok((self.shell.run(UPGRADE).map(drop)?, String::new()))
        })?;
        self.starts(
            &format!("{} starts: edits and trust are there, a client streams without a question", newer.name),
            &newer.name,
            table,
        )?;
        table.step("in /etc is what the new version brings, and what the owner changed where both did", || {
            let found = self.shell.run("cat /etc/punktfunk/newer /etc/mine")?;
            ensure!(found == "newer\nmine", "{found}");
            let default =
                self.shell.run("tail -1 /usr/etc/punktfunk/punktfunk.toml; tail -1 /etc/punktfunk/punktfunk.toml")?;
            ensure!(default == format!("# newer\nname = \"{NAME}\""), "the last lines of default and file: {default}");
            Ok(((), String::new()))
        });
        self.is_kept(&newer.name, table);
        Ok(())
    }

    fn rolls_back(&mut self, first: &str, table: &mut Table) -> Result<()> {
        table.step("a kernel argument of one's own", || {
            let append = format!("ostree admin kargs edit-in-place --append-if-missing={ARGUMENT}");
            Ok((self.shell.run(&append).map(drop)?, String::new()))
        });
        table.need("rolled back by hand", || {
            Ok((self.shell.run("ostree admin set-default 1").map(drop)?, String::new()))
        })?;
        self.starts(&format!("{first} starts again, with trust"), first, table)?;
        table.step("with the kernel argument", || {
            Ok((self.shell.run(&format!("grep --word-regexp {ARGUMENT} /proc/cmdline")).map(drop)?, String::new()))
        });
        Ok(())
    }

    /// A version whose host does not start.
    fn takes_back(&mut self, offers: &Offers, broken: &Version, first: &str, table: &mut Table) -> Result<()> {
        table.need(&format!("upgrade to {}, whose host is broken", broken.name), || {
            offers.offer(broken)?;
            self.shell.run(UPGRADE)?;
            self.restart()?;
            self.runs(&broken.name)?;
            Ok(((), "it is started".to_owned()))
        })?;
        table.need("it starts the machine anew by itself", || {
            self.running.await_end()?;
            self.start()?;
            Ok(((), String::new()))
        })?;
        self.runs_well(&format!("{first} runs again, with trust"), first, table)?;
        table.step("the console says why", || {
            let health = self.owner.console(&self.running)?.show("/api/v1/health")?.to_string();
            let wanted = format!("version {} was started once and taken back; {first} runs again", broken.name);
            ensure!(health.contains(&wanted), "not in {health}");
            Ok(((), wanted))
        });
        table.need("why is kept", || {
            let kept = self.shell.run("cat /var/lib/punktfunk-deployment/taken-back")?;
            let (_, reason) = kept.split_once(": ").context("no reason")?;
            ensure!(reason.starts_with("ready: "), "the reason is not that the host did not start: {kept}");
            Ok(((), reason.to_owned()))
        })
    }

    /// Restarts; what runs then is this version, and all is there.
    fn starts(&mut self, step: &str, version: &str, table: &mut Table) -> Result<()> {
        table.need("restarted", || Ok((self.restart()?, String::new())))?;
        self.runs_well(step, version, table)
    }

    fn runs_well(&mut self, step: &str, version: &str, table: &mut Table) -> Result<()> {
        table.need(step, || {
            let used = self.owner.uses(&mut self.running)?;
            self.runs(version)?;
            let mut console = self.owner.console(&self.running)?;
            let name = console.show("/api/v1/host")?["name"].as_str().unwrap_or_default().to_owned();
            ensure!(name == NAME, "the host's name is {name}");
            Ok(((), used))
        })
    }

    fn runs(&mut self, version: &str) -> Result<()> {
        let status = self.shell.run("ostree admin status")?;
        let (_, booted) = status.split_once("* punktfunk").with_context(|| status.clone())?;
        let found = booted.lines().find_map(|line| line.trim().strip_prefix("Version: "));
        ensure!(found == Some(version), "{version} does not run: {status}");
        Ok(())
    }

    fn restart(&mut self) -> Result<()> {
        self.shell.begin("systemctl reboot")?;
        self.running.await_end()?;
        self.start()
    }

    fn start(&mut self) -> Result<()> {
        self.running = self.owner.machine.start(&Start::default())?;
        self.shell = self.running.shell()?;
        Ok(())
    }
}

fn last_line(said: &str) -> String {
    said.lines().last().unwrap_or_default().chars().take(160).collect()
}

/// As `bootc upgrade` does: fetch, check, deploy, for the next start.
const UPGRADE: &str = "ostree admin upgrade";
/// A kernel argument that nothing reads.
const ARGUMENT: &str = "punktfunk.trial";
/// What the owner calls the host.
const NAME: &str = "den";
