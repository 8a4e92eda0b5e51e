//! From the first start to a factory reset, with the power cut in between.

use std::{
    fs,
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use punktfunk_proto::units::Fingerprint;
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::{
    Console, Device, Machine, Part, Running, Table,
    machine::Start,
    updates::Offers,
    visit::{PASSWORD, Visit},
};

/// How much is tried.
pub(crate) struct Limits {
    /// What is tried after the first evening.
    pub(crate) parts: Vec<Part>,
    /// How often the power is cut.
    pub(crate) cuts: u32,
    /// Decides when.
    pub(crate) seed: u64,
    /// Frames that a stream has to have.
    pub(crate) frames: u64,
    /// Updates, if there are any.
    pub(crate) offers: Option<Offers>,
}

/// What the owner knows of the machine.
pub(crate) struct Owner<'m> {
    pub(crate) machine: &'m Machine,
    pub(crate) fingerprint: Fingerprint,
    pub(crate) device: Device,
}

/// Goes through all of it. What the rest cannot do without ends it.
pub(crate) fn run(machine: &Machine, limits: &Limits, table: &mut Table) -> Result<()> {
    let (mut running, fingerprint, code) = table.need("first start, to the claim code", || first_start(machine))?;
    machine_from_inside(&mut running, machine, table)?;
    running.photograph(&machine.dir().join("claim.png"))?;
    let mut console = Console::visit(running.console(), fingerprint)?;
    Visit { console: &mut console, table }.claims(&code)?;
    table.step("the screen says that it is ready", || {
        running.await_shown("ready", |shown| shown.rsplit("Claim code").next()?.contains("is ready").then_some(()))?;
        // The screen is another terminal than the serial port, and may be a moment behind.
        sleep(Duration::from_secs(3));
        running.photograph(&machine.dir().join("ready.png"))?;
        Ok(((), String::new()))
    });
    let mut visit = Visit { console: &mut console, table };
    visit.logs_in()?;
    let device = visit.pairs(machine, &running)?;
    let picture = format!("11s:snapshot={}", machine.dir().join("stream.png").display());
    visit.streams(&device, &running, (limits.frames, &["--at", &picture]));
    visit.tests_itself();

    let owner = Owner { machine, fingerprint, device };
    let tried = |part| limits.parts.contains(&part);
    if tried(Part::Restart) {
        running = owner.restarts(running, table)?;
    }
    if let (true, Some(offers)) = (tried(Part::Updates), &limits.offers) {
        running = owner.updates(running, offers, limits.seed, table)?;
    }
    if tried(Part::Cuts) {
        running = owner.loses_power(running, limits, table)?;
    }
    running.cut();
    if tried(Part::Reset) {
        owner.resets(table);
    }
    Ok(())
}

/// Starts it, waits for what a new owner looks for, keeps the picture of it.
pub(super) fn first_start(machine: &Machine) -> Result<((Running, Fingerprint, String), String)> {
    let mut running = machine.start(&Start { looked_at: true })?;
    let (fingerprint, code) = running.await_shown("the claim code", |shown| {
        let (_, last) = shown.rsplit_once("Claim code: ")?;
        let mut lines = last.lines();
        let code = lines.next()?.trim().to_owned();
        let digits: String = lines.nth(1)?.chars().filter(char::is_ascii_hexdigit).collect();
        // With a network, the address comes before the code.
        shown.contains("https://10.0.2.15:47990/").then_some((digits.parse().ok()?, code))
    })?;
    let after = running.age();
    Ok(((running, fingerprint, code), format!("{:.0} s after the power came", after.as_secs_f64())))
}

/// What was seen from inside becomes facts.
fn machine_from_inside(running: &mut Running, machine: &Machine, table: &mut Table) -> Result<()> {
    let Some(said) = table.step("looked at from inside", || Ok((running.await_look()?, String::new()))) else {
        return Ok(());
    };
    fs::write(machine.dir().join("inside.txt"), &said)?;
    let fact = |name: &str| {
        let head = format!("fact {name}: ");
        said.lines().find_map(|line| line.strip_prefix(&head)).unwrap_or("not seen").trim().to_owned()
    };
    let mut has = |what: &str, name: &str, wanted: &dyn Fn(&str) -> bool| {
        let found = fact(name);
        table.fact(what, wanted(&found), &found);
    };
    let hosts_alone = |found: &str| found.contains("host opens: yes") && found.contains("player opens: no");
    has("no unit failed", "state", &|found| found == "running");
    has("/dev/uinput is the host's alone", "uinput", &hosts_alone);
    has("/dev/uhid is the host's alone", "uhid", &hosts_alone);
    has("the root file system is verified", "root", &|found| found.contains("/dev/mapper/root erofs"));
    has("it cannot be written to", "root-writable", &|found| found == "no");
    has("nor can its configuration", "etc-writable", &|found| found == "no");
    has("nobody has a password", "passwords", &str::is_empty);
    has("nobody can log in", "logins", &str::is_empty);
    has("it has a name of its own", "name", &|found| found.starts_with("punktfunk-"));
    has("there is a slot for the next version", "partitions", &|found| found.contains("_empty=1536"));
    has("listens", "listens", &|found| found.contains("punktfunk-host"));
    has("version", "version", &|found| found.starts_with("punktfunk "));
    has("boot entry", "entries", &|found| !found.contains('+') && found.contains("punktfunk_"));
    has("the factory reset did not start by itself", "reset", &|found| found == "0");
    has("time", "time", &|found| found.contains('='));
    let part = |name: &str| said.lines().filter_map(|line| line.strip_prefix(name)).collect::<Vec<_>>().join("\n");
    table.note(format!("What the host waited for:\n{}", part("chain ")));
    table.note(format!("What took longest:\n{}", part("blame ")));
    Ok(())
}

impl Owner<'_> {
    /// Logs in.
    pub(crate) fn console(&self, running: &Running) -> Result<Console> {
        let mut console = Console::visit(running.console(), self.fingerprint)?;
        console.log_in(PASSWORD)?;
        Ok(console)
    }

    /// Waits for a machine that shows that it is ready, and uses it: console, login, stream, all without a question.
    pub(crate) fn uses(&self, running: &mut Running) -> Result<String> {
        running.await_shown("ready", |shown| {
            (shown.contains("is ready") && shown.contains("https://10.0.2.15")).then_some(())
        })?;
        let ready = running.age();
        let mut console = self.console(running)?;
        let devices = console.show("/api/v1/devices")?;
        let frames = self.device.stream(running.control(), 3, &[])?;
        let paired = devices.as_array().map_or(0, Vec::len);
        Ok(format!("ready after {:.0} s, {paired} devices, {frames} frames", ready.as_secs_f64()))
    }

    /// The power button, a larger disk, on again.
    fn restarts(&self, running: Running, table: &mut Table) -> Result<Running> {
        table.need("the power button switches it off", || Ok((running.shut_down()?, String::new())))?;
        table.need("back on, on a larger disk, the client connects without a question", || {
            self.machine.grow(1 << 30)?;
            let mut running = self.machine.start(&Start { looked_at: true })?;
            let used = self.uses(&mut running)?;
            let said = running.await_look()?;
            let size =
                said.lines().find_map(|line| line.strip_prefix("fact var: ")).unwrap_or_default().trim().to_owned();
            let mib: u64 = size.split_whitespace().next().and_then(|mib| mib.parse().ok()).unwrap_or_default();
            ensure!(mib > 3_000, "/var did not grow: {size}");
            Ok((running, format!("{used}, /var {mib} MiB")))
        })
    }

    /// Cuts the power at random moments of start, pairing and streaming, and uses it again each time.
    fn loses_power(&self, mut running: Running, limits: &Limits, table: &mut Table) -> Result<Running> {
        let mut random = StdRng::seed_from_u64(limits.seed);
        for cut in 0..limits.cuts {
            let moment = Moment::of(cut, &mut random);
            let name = format!("power cut {}, {moment}", cut + 1);
            let step = table.step(&name, || {
                self.cut(running, &moment, cut)?;
                let mut running = self.machine.start(&Start::default())?;
                let used = self.uses(&mut running)?;
                Ok((running, used))
            });
            running = step.context("the trial ended there")?;
        }
        Ok(running)
    }

    fn cut(&self, running: Running, moment: &Moment, number: u32) -> Result<()> {
        match moment {
            Moment::Pairing(after) => {
                let mut console = self.console(&running)?;
                let pin = console.arm()?;
                let visitor = Device::new(self.machine.dir(), &format!("visitor-{number}"))?;
                let mut pairing = visitor.begin_to_pair(running.control(), &pin)?;
                sleep(*after);
                running.cut();
                let _ = pairing.kill();
                pairing.wait()?;
            }
            Moment::Streaming(after) => {
                let mut streaming = self.device.begin_to_stream(running.control(), 60, &[])?;
                sleep(*after);
                running.cut();
                let _ = streaming.kill();
                streaming.wait()?;
            }
            Moment::Starting(after) => {
                running.cut();
                let running = self.machine.start(&Start::default())?;
                let until = Instant::now() + *after;
                sleep(until.saturating_duration_since(Instant::now()));
                running.cut();
            }
        }
        Ok(())
    }

    /// A machine that shows its boot menu, if it was pressed in time.
    fn menu(&self) -> Result<Option<Running>> {
        let running = self.machine.start(&Start::default())?;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(120) {
            let shown = running.shown();
            if shown.contains("factory reset") {
                return Ok(Some(running));
            }
            if shown.contains("punktfunk starts") {
                break;
            }
            running.order("sendkey spc")?;
            sleep(Duration::from_millis(100));
        }
        Ok(None)
    }

    /// Chosen in the boot menu, as only somebody at the machine can.
    fn resets(&self, table: &mut Table) {
        table.step("factory reset from the boot menu", || {
            // The firmware listens to keys for a moment only, and on a busy machine that is easily missed.
            let mut running =
                (0..KEY_TRIES).find_map(|_| self.menu().transpose()).context("the menu did not come")??;
            running.photograph(&self.machine.dir().join("menu.png"))?;
            running.order("sendkey down")?;
            sleep(Duration::from_secs(1));
            running.order("sendkey ret")?;
            let fingerprint = running.await_shown("a claim code again", |shown| {
                let (_, last) = shown.rsplit_once("Claim code: ")?;
                let digits: String = last.lines().nth(2)?.chars().filter(char::is_ascii_hexdigit).collect();
                digits.parse::<Fingerprint>().ok()
            })?;
            ensure!(fingerprint != self.fingerprint, "it still has its old identity");
            running.cut();
            Ok(((), "a new identity, and nobody's".to_owned()))
        });
    }
}

/// When the power is cut.
enum Moment {
    /// So long after the power came.
    Starting(Duration),
    /// So long after a client began to pair.
    Pairing(Duration),
    /// So long after one began to stream.
    Streaming(Duration),
}

impl Moment {
    fn of(cut: u32, random: &mut StdRng) -> Self {
        let mut within = |least: f64, most: f64| Duration::from_secs_f64(random.random_range(least..most));
        match cut % 3 {
            0 => Self::Starting(within(3.0, 70.0)),
            1 => Self::Pairing(within(0.0, 3.0)),
            _ => Self::Streaming(within(0.0, 8.0)),
        }
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (when, after) = match self {
            Self::Starting(after) => ("start", after),
            Self::Pairing(after) => ("pairing", after),
            Self::Streaming(after) => ("stream", after),
        };
        write!(f, "{:.1} s into a {when}", after.as_secs_f64())
    }
}

/// How often the machine is started for its boot menu.
const KEY_TRIES: u32 = 5;
