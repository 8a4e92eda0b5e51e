//! Knocks from a hundred addresses at once (abuse case 11, in small). Needs root: host and clients live in two network
//! namespaces, joined by a cable, one end of which has many addresses.

use std::{
    collections::BTreeSet,
    fs::File,
    io::Write as _,
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd as _,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::{
        client_control::{ClientClosed, ClientCommand},
        client_pairing::PairingOutcome,
    },
    units::Fingerprint,
};
use punktfunk_transport::Client;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use serde_json::Value;
use tokio::task::JoinSet;

use crate::fixture::{BASE, Device, Host, PATIENCE, PROGRAM, SYNTHETIC, Session, configure, hello, serve};

/// Addresses that knock.
const SOURCES: u16 = 100;
/// Devices listed at most, and those of them that wait through everything.
const LISTED: usize = 32;
const PATIENT: usize = 4;

/// Two namespaces with a cable between them. In `clients`, what is sent to the host's address number `n` leaves from
/// the clients' address number `n`, so that a client chooses its source by whom it calls.
struct Network {
    host: String,
    clients: String,
}

impl Network {
    /// `None` where that cannot be had.
    fn new() -> Option<Self> {
        let id = std::process::id();
        let network = Self { host: format!("pf-host-{id}"), clients: format!("pf-clients-{id}") };
        let Self { host, clients } = &network;
        let mut lines = format!(
            "netns add {host}\nnetns add {clients}\n\
             link add h{id} netns {host} type veth peer name c{id} netns {clients}\n"
        );
        ip(&lines)?;
        lines.clear();
        for n in 0..SOURCES {
            lines += &format!("address add {}/15 dev h{id}\n", host_address(n));
        }
        lines += &format!("link set h{id} up\n");
        in_namespace(host, &lines)?;
        lines.clear();
        for n in 0..SOURCES {
            lines += &format!("address add {}/15 dev c{id} noprefixroute\n", source(n));
        }
        lines += &format!("link set c{id} up\n");
        for n in 0..SOURCES {
            lines += &format!("route add {} dev c{id} src {}\n", host_address(n), source(n));
        }
        in_namespace(clients, &lines)?;
        Some(network)
    }

    /// Moves this thread, and with it every socket it makes, to where the clients are.
    fn enter(&self) {
        let namespace = File::open(format!("/run/netns/{}", self.clients)).unwrap();
        move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
    }

    fn serve(&self, dir: &std::path::Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.host, PROGRAM]);
        serve(command, dir)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for namespace in [&self.host, &self.clients] {
            let _ = ip(&format!("netns delete {namespace}\n"));
        }
    }
}

fn host_address(n: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0A62_0001 + u32::from(n))
}

fn source(n: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(0x0A63_0001 + u32::from(n))
}

fn ip(lines: &str) -> Option<()> {
    batch(Command::new("ip").arg("-batch").arg("-"), lines)
}

fn in_namespace(namespace: &str, lines: &str) -> Option<()> {
    batch(Command::new("ip").args(["-netns", namespace, "-batch", "-"]), lines)
}

fn batch(command: &mut Command, lines: &str) -> Option<()> {
    let mut child = command.stdin(Stdio::piped()).spawn().ok()?;
    child.stdin.take().expect("piped").write_all(lines.as_bytes()).ok()?;
    child.wait().ok()?.success().then_some(())
}

/// The host of the test and what was seen of its approval queue.
struct Door {
    host: Host,
}

impl Door {
    fn pending(&self) -> Value {
        self.host.ctl_json(&["pending"])
    }

    fn dropped(&self) -> u64 {
        self.pending()["dropped"].as_u64().unwrap()
    }

    /// Where a client calls that wants to be seen at address number `from`.
    fn address(&self, from: u16) -> SocketAddr {
        SocketAddr::new(host_address(from).into(), self.host.address.port())
    }

    async fn knock(&self, device: &Device, from: u16) -> Session {
        let link = Client::connect(self.address(from), Some(&device.identity), None, PATIENCE).await.unwrap();
        Session::over(link, &hello("1280x720@60"))
    }

    /// Waits until the list is what `is_so` wants, and returns it.
    async fn wait_until(&self, is_so: impl Fn(&[Listed]) -> bool) -> Vec<Listed> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let listed = self.listed();
            if is_so(&listed) {
                return listed;
            }
            assert!(Instant::now() < deadline, "{listed:?}\n{}", self.host.log());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn listed(&self) -> Vec<Listed> {
        let pending = self.pending();
        let knocks = pending["knocks"].as_array().unwrap().iter();
        knocks
            .map(|knock| Listed {
                id: knock["id"].to_string(),
                fingerprint: knock["fingerprint"].as_str().unwrap().parse().unwrap(),
                source: knock["source"].as_str().unwrap().to_owned(),
                waits: knock["waiting"].as_bool().unwrap(),
            })
            .collect()
    }

    /// In KiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.host.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }
}

#[derive(Debug)]
struct Listed {
    id: String,
    fingerprint: Fingerprint,
    source: String,
    waits: bool,
}

#[test]
fn knocks_of_a_hundred_addresses_stay_within_the_list_and_evict_nobody_who_waits() {
    let Some(network) = rustix::process::geteuid().is_root().then(Network::new).flatten() else {
        eprintln!("skipped: only root with `ip netns` can have a hundred addresses");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), &(BASE.replace("127.0.0.1", "0.0.0.0") + SYNTHETIC));
    let door = Arc::new(Door { host: Host::run(dir.path(), network.serve(dir.path())) });
    std::thread::scope(|scope| {
        let clients = scope.spawn(|| {
            network.enter();
            // All on this thread: another one would be in another namespace.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(knock_from_everywhere(&door));
        });
        clients.join().unwrap();
    });
}

async fn knock_from_everywhere(door: &Arc<Door>) {
    let owner = Device::new("Owner's own");
    assert_eq!(owner.pair_at(door.address(0), &door.host.arm()).await, PairingOutcome::Paired);
    let mut patient = Vec::new();
    for from in 0..PATIENT as u16 {
        let device = Device::new("Patient");
        let session = door.knock(&device, from).await;
        door.wait_until(|listed| listed.iter().any(|knock| knock.fingerprint == device.fingerprint())).await;
        patient.push((device, session));
    }
    who_left_gives_way_the_longest_gone_first(door).await;
    let flood = Flood::begin(door).await;
    is_served(door, &owner).await;
    flood.turned_away(door).await;
    let before = door.memory();
    for _ in 0..3 {
        Flood::begin(door).await.turned_away(door).await;
    }
    let after = door.memory();
    println!("{before} KiB before three floods, {after} KiB after");
    assert!(after < before + MEMORY_BOUND, "{before} KiB before, {after} KiB after");
    who_waited_is_let_in(door, patient).await;
    let doctor = door.host.ctl(&["doctor", "--json"]);
    let report: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    let firewall = report["checks"].as_array().unwrap().iter().find(|check| check["id"] == "firewall").unwrap();
    assert_eq!(firewall["outcome"], "passed", "{report}");
    assert!(!door.host.log().contains("panicked"), "{}", door.host.log());
}

/// What three hundred knocks may leave behind, in KiB: the slack of an allocator. Ten thousand stay within it as well.
const MEMORY_BOUND: u64 = 8 * 1_024;

/// One after the other knocks and leaves.
async fn who_left_gives_way_the_longest_gone_first(door: &Door) {
    let sources: Vec<u16> = (PATIENT as u16..SOURCES).collect();
    for &from in &sources {
        let device = Device::new("Passing by");
        let is_listed = |waits: bool| {
            let fingerprint = device.fingerprint();
            move |listed: &[Listed]| listed.iter().any(|knock| knock.fingerprint == fingerprint && knock.waits == waits)
        };
        let session = door.knock(&device, from).await;
        door.wait_until(is_listed(true)).await;
        session.tell(ClientCommand::Close { quit: true }).await;
        let listed = door.wait_until(is_listed(false)).await;
        assert!(listed.len() <= LISTED);
        assert_eq!(listed.iter().filter(|knock| knock.waits).count(), PATIENT, "who waits is never evicted");
    }
    let found: BTreeSet<String> = door.listed().into_iter().map(|knock| knock.source).collect();
    let last = sources[sources.len() - (LISTED - PATIENT)..].iter();
    let expected = (0..PATIENT as u16).chain(last.copied()).map(|from| source(from).to_string()).collect();
    assert_eq!(found, expected, "the latest are listed");
    assert_eq!(door.dropped(), (sources.len() - (LISTED - PATIENT)) as u64);
}

/// A paired device gets in and leaves.
async fn is_served(door: &Door, owner: &Device) {
    let mut session = door.knock(owner, SOURCES / 2).await;
    session.welcome().await;
    session.tell(ClientCommand::Close { quit: true }).await;
    door.host.wait_for_count(&["sessions", "list"], "sessions", 0).await;
}

/// Every address knocks at once with a fresh certificate and stays.
struct Flood {
    knocks: Vec<(Fingerprint, Session)>,
    dropped_before: u64,
}

impl Flood {
    async fn begin(door: &Arc<Door>) -> Self {
        let dropped_before = door.dropped();
        let mut knocks = JoinSet::new();
        for from in 0..SOURCES {
            let door = Arc::clone(door);
            knocks.spawn(async move {
                let device = Device::new("Flood");
                (device.fingerprint(), door.knock(&device, from).await)
            });
        }
        Self { knocks: knocks.join_all().await, dropped_before }
    }

    /// As many as there is room for wait, the others are told so; then all leave.
    async fn turned_away(self, door: &Door) {
        let listed = door.wait_until(|listed| listed.iter().filter(|knock| knock.waits).count() == LISTED).await;
        assert_eq!(listed.len(), LISTED);
        let is_listed = |fingerprint| listed.iter().any(|knock| knock.fingerprint == fingerprint);
        let (mut waiting, refused): (Vec<_>, Vec<_>) =
            self.knocks.into_iter().partition(|(fingerprint, _)| is_listed(*fingerprint));
        let mut unheard = 0;
        for (_, mut session) in refused {
            let ClientClosed::ByHost { code: 0x42, reason } = session.closed().await else { panic!("not refused") };
            assert!(reason.contains("waiting"), "{reason}");
            // Turned away before its Hello was read, it is no knock yet.
            unheard += u64::from(reason.contains("too many connections"));
        }
        for (_, session) in &mut waiting {
            assert!(session.events.try_recv().is_err(), "who waits hears nothing");
            session.tell(ClientCommand::Close { quit: true }).await;
        }
        door.wait_until(|listed| listed.iter().filter(|knock| knock.waits).count() == PATIENT).await;
        let dropped = door.dropped() - self.dropped_before;
        assert_eq!(dropped + unheard, u64::from(SOURCES), "every knock without a place is counted");
    }
}

async fn who_waited_is_let_in(door: &Door, patient: Vec<(Device, Session)>) {
    for (device, mut session) in patient {
        assert!(session.events.try_recv().is_err(), "who waits hears nothing");
        let listed = door.listed();
        let knock = listed.iter().find(|knock| knock.fingerprint == device.fingerprint()).expect("still listed");
        door.host.ctl_json(&["approve", &knock.id]);
        session.welcome().await;
        session.tell(ClientCommand::Close { quit: true }).await;
    }
}
