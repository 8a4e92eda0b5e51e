//! `kill -9` of either side at random moments of pairing and of streaming: no stored trust is lost, nobody gets in who
//! did not finish, and both sides find each other again without a prompt.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    ops::Range,
    pin::pin,
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    pairing::Pin,
    session::{
        client_control::{ClientCommand, ClientEvent},
        client_pairing::PairingOutcome,
    },
    units::Fingerprint,
};
use punktfunk_transport::{Client, TlsIdentity};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tokio::time::{sleep, timeout};

use crate::{
    fixture::{self, Device, Host, PATIENCE, SYNTHETIC, Session, hello},
    trust::another_than,
};

/// Hosts that are killed at the same time, each with its own state and devices.
const LANES: u64 = 4;
/// What each of them goes through, each time with four kills.
const CYCLES: usize = 6;
/// A mode that leaves the processor to the tests beside this one.
const MODE: &str = "320x240@30";
/// From the first packet of a streaming client well into its stream.
const STREAMING: Range<f64> = 0.0..0.5;
/// From nothing to a host that is almost ready.
const STARTING: Range<f64> = 0.0..0.1;
/// What was on its way to a client when the host died has arrived by then.
const IN_FLIGHT: Duration = Duration::from_millis(50);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn kill_9_of_either_side_at_any_moment_loses_no_trust_and_admits_nobody() {
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let lanes: Vec<_> = (0..LANES).map(|lane| tokio::spawn(Lane::run(seed.wrapping_add(lane)))).collect();
    let mut kills = 0;
    for lane in lanes {
        kills += lane.await.unwrap_or_else(|error| panic!("seed {seed}: {error}")).kills;
    }
    assert!(kills >= 50, "{kills} kills");
    println!("{kills} kills");
}

/// One host, its devices and what they were told.
struct Lane {
    dir: tempfile::TempDir,
    host: Host,
    identity: Fingerprint,
    rng: StdRng,
    /// From the first packet of an undisturbed pairing to its end, in seconds.
    pairing: Range<f64>,
    /// Devices that are stored: they were told so, or were found to be after the host died.
    paired: Vec<Device>,
    /// Devices that had the right PIN and were not told: stored or not, until the host dies and it is found out.
    undecided: Vec<Device>,
    /// Devices that are not stored.
    strangers: Vec<Device>,
    tally: Tally,
}

/// What happened, to see that the kills come at all sorts of moments.
#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    told: usize,
    cut_short_but_stored: usize,
    cut_short: usize,
}

impl Lane {
    async fn run(seed: u64) -> Tally {
        let dir = tempfile::tempdir().unwrap();
        let host = Host::start_in(dir.path(), SYNTHETIC);
        let identity = host.fingerprint();
        let (first, pin) = (Device::new("First"), host.arm());
        let began = Instant::now();
        assert_eq!(first.pair(&host, &pin).await, PairingOutcome::Paired);
        let pairing = 0.0..began.elapsed().as_secs_f64();
        let rng = StdRng::seed_from_u64(seed);
        let (paired, undecided, strangers) = (vec![first], Vec::new(), Vec::new());
        let mut lane = Self {
            dir,
            host,
            identity,
            rng,
            pairing: pairing.clone(),
            paired,
            undecided,
            strangers,
            tally: Tally::default(),
        };
        // One source may try a PIN every two seconds; a host that starts anew does not remember the last attempt.
        for _ in 0..CYCLES {
            lane.host_dies_while_streaming().await;
            lane.host_dies_while_pairing().await;
            lane.client_dies_while_pairing().await;
            lane.client_dies_while_streaming().await;
        }
        println!("{pairing:?} s for a pairing; {:?}", lane.tally);
        lane.tally
    }

    async fn host_dies_while_streaming(&mut self) {
        let moment = self.moment(STREAMING);
        let streaming = async {
            let mut session = self.reconnect(self.any_paired()).await;
            let welcome = session.welcome().await;
            let mut stream = session.start(&welcome).await;
            loop {
                stream.next().await;
            }
        };
        let _: Result<(), _> = timeout(moment, streaming).await;
        self.restart().await;
        self.check().await;
    }

    async fn host_dies_while_pairing(&mut self) {
        let (device, moment) = (Device::new("Tablet"), self.moment(self.pairing.clone()));
        let (pin, knows_it) = self.invite();
        let mut was_told = false;
        {
            let tell = |outcome| was_told = outcome == PairingOutcome::Paired;
            let secret = pin.into();
            let mut ceremony = pin!(device.pair_telling(self.host.address, &secret, tell));
            let in_time = timeout(moment, &mut ceremony).await;
            self.kill_host();
            if in_time.is_err() {
                let _ = timeout(IN_FLIGHT, ceremony).await;
            }
        }
        self.note(device, knows_it, was_told);
        self.restart().await;
        self.check().await;
    }

    async fn client_dies_while_pairing(&mut self) {
        let (device, moment) = (Device::new("Phone"), self.moment(self.pairing.clone()));
        let (pin, knows_it) = self.invite();
        let client = ClientProcess::start(&device, self.host.address, Task::Pair(pin.digits().to_owned()));
        sleep(moment).await;
        let was_told = client.kill().iter().any(|line| line == PAIRED);
        self.tally.kills += 1;
        self.note(device, knows_it, was_told);
        self.check().await;
    }

    async fn client_dies_while_streaming(&mut self) {
        let moment = self.moment(STREAMING);
        let client = ClientProcess::start(self.any_paired(), self.host.address, Task::Stream);
        sleep(moment).await;
        client.kill();
        self.tally.kills += 1;
        self.check().await;
    }

    /// Arms a PIN, and says whether the returned one is it.
    fn invite(&mut self) -> (Pin, bool) {
        let pin = self.host.arm();
        match self.rng.random_bool(0.75) {
            true => (pin, true),
            false => (another_than(&pin), false),
        }
    }

    fn note(&mut self, device: Device, knows_the_pin: bool, was_told: bool) {
        let devices = match (was_told, knows_the_pin) {
            (true, true) => &mut self.paired,
            (false, true) => &mut self.undecided,
            (false, false) => &mut self.strangers,
            (true, false) => panic!("a device that did not know the PIN was told that it is paired"),
        };
        devices.push(device);
        self.tally.told += usize::from(was_told);
    }

    /// The host has died and is up again: what it knows now is what is stored.
    fn decide(&mut self) {
        let listed = self.listed();
        for device in self.undecided.drain(..) {
            if listed.contains(&device.fingerprint()) {
                self.tally.cut_short_but_stored += 1;
                self.paired.push(device);
            } else {
                self.tally.cut_short += 1;
                self.strangers.push(device);
            }
        }
    }

    fn listed(&self) -> BTreeSet<Fingerprint> {
        let devices = self.host.ctl_json(&["devices", "list"]);
        let fingerprints = devices["devices"].as_array().unwrap().iter();
        fingerprints.map(|device| device["fingerprint"].as_str().unwrap().parse().unwrap()).collect()
    }

    /// Who this host is, whom it knows, and that it acts on that.
    async fn check(&mut self) {
        assert_eq!(self.host.fingerprint(), self.identity);
        let (listed, fingerprints) =
            (self.listed(), |devices: &[Device]| devices.iter().map(Device::fingerprint).collect());
        let (paired, undecided): (BTreeSet<_>, BTreeSet<_>) =
            (fingerprints(&self.paired), fingerprints(&self.undecided));
        assert!(listed.is_superset(&paired), "a pairing that a device was told of is lost\n{}", self.host.log());
        let others: BTreeSet<_> = listed.difference(&paired).copied().collect();
        assert!(others.is_subset(&undecided), "a device that never finished is stored\n{}", self.host.log());
        self.an_old_friend_gets_in().await;
        self.a_stranger_waits().await;
        assert!(!self.host.log().contains("panicked"), "{}", self.host.log());
    }

    async fn an_old_friend_gets_in(&mut self) {
        let wants_a_frame = self.rng.random_bool(0.4);
        let device = self.any_paired();
        let mut session = self.reconnect(device).await;
        let welcome = session.welcome().await;
        if wants_a_frame {
            let first = session.start(&welcome).await.next().await;
            assert!(first.is_idr());
        }
        let knocks = self.host.ctl_json(&["pending"])["knocks"].to_string();
        assert!(!knocks.contains(&device.fingerprint().to_string()), "the owner was asked: {knocks}");
        session.tell(ClientCommand::Close { quit: true }).await;
        session.closed().await;
    }

    async fn a_stranger_waits(&mut self) {
        let Some(device) = self.strangers.last() else { return };
        let mut session = self.reconnect(device).await;
        let fingerprint = device.fingerprint().to_string();
        let is_asked = || self.host.ctl_json(&["pending"])["knocks"].to_string().contains(&fingerprint).then_some(());
        wait_for(is_asked).await;
        while let Ok(event) = session.events.try_recv() {
            assert!(!matches!(event, ClientEvent::Welcomed(_)), "a stranger was let in\n{}", self.host.log());
        }
        session.tell(ClientCommand::Close { quit: true }).await;
        session.closed().await;
    }

    /// A device connects as one that has pinned this host.
    async fn reconnect(&self, device: &Device) -> Session {
        let connect = Client::connect(self.host.address, Some(&device.identity), Some(self.identity), PATIENCE);
        Session::over(connect.await.unwrap(), &hello(MODE))
    }

    fn any_paired(&self) -> &Device {
        // Drawn from the clone: the choice moves on with every draw elsewhere.
        &self.paired[self.rng.clone().random_range(0..self.paired.len())]
    }

    fn moment(&mut self, seconds: Range<f64>) -> Duration {
        Duration::from_secs_f64(self.rng.random_range(seconds))
    }

    fn kill_host(&self) {
        let pid = Pid::from_raw(self.host.pid() as i32).unwrap();
        kill_process(pid, Signal::KILL).unwrap();
    }

    /// Kills the host and starts it again; sometimes it is killed once more before it is ready.
    async fn restart(&mut self) {
        self.host.kill();
        self.tally.kills += 1;
        if self.rng.random_bool(0.3) {
            let serve = fixture::serve(Command::new(fixture::PROGRAM), self.dir.path()).stderr(Stdio::null()).spawn();
            sleep(self.moment(STARTING)).await;
            kill_and_reap(&mut serve.unwrap());
            self.tally.kills += 1;
        }
        self.host = Host::start_in(self.dir.path(), SYNTHETIC);
        self.decide();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_host_leaves_no_application_running_and_the_next_one_clears_up_behind_it() {
    let dir = tempfile::tempdir().unwrap();
    let started = dir.path().join("application");
    let command = format!("echo $$ > {0}.new && mv {0}.new {0} && exec sleep 600", started.display());
    let configuration =
        format!("[display]\nbackend = \"embedded\"\n[session]\ncommand = [\"sh\", \"-c\", {command:?}]\n");
    let mut host = Host::start_in(dir.path(), &configuration);
    let device = Device::new("Viewer");
    device.pair_now(&host).await;
    device.hello_with(&host, hello(MODE)).await.welcome().await;
    let application = wait_for(|| std::fs::read_to_string(&started).ok()).await;
    host.kill();
    wait_for(|| is_gone(application.trim()).then_some(())).await;
    let host = Host::start_in(dir.path(), &configuration);
    let mut left: Vec<_> = dir.path().join("run").read_dir().unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.sort();
    assert_eq!(left, ["admin.sock", "host.lock"]);
    device.hello_with(&host, hello(MODE)).await.welcome().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_only_place_of_a_killed_client_is_free_for_its_next_start_before_that_gives_up() {
    let host = Host::start(&format!("{SYNTHETIC}[session]\nmax_sessions = 1\n"));
    let device = Device::new("Viewer");
    device.pair_now(&host).await;
    let client = ClientProcess::start(&device, host.address, Task::Stream);
    host.wait_for_count(&["sessions", "list"], "sessions", 1).await;
    client.kill();
    device.hello_with(&host, hello(MODE)).await.welcome().await;
}

fn is_gone(process: &str) -> bool {
    // A zombie has ended; who reaps it is not for this test.
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    status.is_empty() || status.contains("State:\tZ")
}

async fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    let search = async {
        loop {
            match look() {
                Some(found) => return found,
                None => sleep(Duration::from_millis(5)).await,
            }
        }
    };
    timeout(PATIENCE, search).await.expect("in time")
}

fn kill_and_reap(child: &mut Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What a client process is told to do, as one line of JSON.
#[derive(Serialize, Deserialize)]
struct Orders {
    host: SocketAddr,
    certificate: Vec<u8>,
    key: Vec<u8>,
    task: Task,
}

#[derive(Serialize, Deserialize)]
enum Task {
    Pair(String),
    Stream,
}

/// Said by a client process right before its first packet.
const BEGUN: &str = "begun";
/// Said by a client process that was told so.
const PAIRED: &str = "paired";

/// A client in a process of its own, so that it can be killed.
struct ClientProcess {
    child: Child,
    /// It lives only as long as this is open.
    _orders: ChildStdin,
    lines: mpsc::Receiver<String>,
}

impl ClientProcess {
    /// Starts it and waits until it is about to send its first packet.
    fn start(device: &Device, host: SocketAddr, task: Task) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "kill::client_that_is_killed", "--ignored", "--nocapture"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let TlsIdentity { certificate_der, private_key_pkcs8_der } = device.identity.clone();
        let orders = Orders { host, certificate: certificate_der, key: private_key_pkcs8_der.to_vec(), task };
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{}", serde_json::to_string(&orders).unwrap()).unwrap();
        let (output, (tell, lines)) = (BufReader::new(child.stdout.take().unwrap()), mpsc::channel());
        std::thread::spawn(move || {
            for line in output.split(b'\n').map_while(Result::ok) {
                let _ = tell.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        while lines.recv_timeout(PATIENCE).expect("the client process begins") != BEGUN {}
        Self { child, _orders: stdin, lines }
    }

    /// Kills it; what it said since it began.
    fn kill(mut self) -> Vec<String> {
        kill_and_reap(&mut self.child);
        self.lines.iter().collect()
    }
}

impl Drop for ClientProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "run by the test above as the process that is killed"]
fn client_that_is_killed() {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    let orders: Orders = serde_json::from_str(&line).expect("one line of orders");
    // The test that started this is gone when its end of the pipe is.
    std::thread::spawn(move || {
        let _ = std::io::stdin().read_line(&mut line);
        std::process::exit(1);
    });
    tokio::runtime::Runtime::new().unwrap().block_on(obey(orders));
}

async fn obey(orders: Orders) {
    let device = Device { identity: TlsIdentity::new(orders.certificate, orders.key), name: "Killed".into() };
    say(BEGUN);
    match orders.task {
        Task::Pair(pin) => {
            let tell = |outcome| {
                if outcome == PairingOutcome::Paired {
                    say(PAIRED);
                }
            };
            device.pair_telling(orders.host, &pin.parse().unwrap(), tell).await;
        }
        Task::Stream => {
            let connect = Client::connect(orders.host, Some(&device.identity), None, PATIENCE);
            let mut session = Session::over(connect.await.unwrap(), &hello(MODE));
            let welcome = session.welcome().await;
            let mut stream = session.start(&welcome).await;
            loop {
                stream.next().await;
            }
        }
    }
}

/// One line, whole or not at all, on a line of its own whatever the test harness wrote before.
fn say(word: &str) {
    let mut out = std::io::stdout();
    out.write_all(format!("\n{word}\n").as_bytes()).and_then(|()| out.flush()).unwrap();
}
