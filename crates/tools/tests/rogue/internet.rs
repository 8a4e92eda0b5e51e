//! A stranger from an address that is not of the house (abuse case 26). Needs root: host and stranger live in two
//! network namespaces, joined by a cable with addresses of 203.0.113.0/24.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd as _,
    process::Command,
};

use punktfunk_tools::rogue::{CONFIGURATION, Persona, Rogue, Victim, pair, program};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const HOST: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 1);
const STRANGERS: [Ipv4Addr; 3] =
    [Ipv4Addr::new(203, 0, 113, 2), Ipv4Addr::new(203, 0, 113, 3), Ipv4Addr::new(203, 0, 113, 4)];

/// Two namespaces with a cable between them.
struct Internet {
    host: String,
    strangers: String,
}

impl Internet {
    /// `None` where that cannot be had.
    fn new() -> Option<Self> {
        let id = std::process::id();
        let internet = Self { host: format!("pf-inet-h{id}"), strangers: format!("pf-inet-s{id}") };
        let Self { host, strangers } = &internet;
        ip(&["netns", "add", host])?;
        ip(&["netns", "add", strangers])?;
        let (ours, theirs) = (format!("ih{id}"), format!("is{id}"));
        ip(&["link", "add", &ours, "netns", host, "type", "veth", "peer", "name", &theirs, "netns", strangers])?;
        ip(&["-netns", host, "address", "add", &format!("{HOST}/24"), "dev", &ours])?;
        for stranger in STRANGERS {
            ip(&["-netns", strangers, "address", "add", &format!("{stranger}/24"), "dev", &theirs])?;
        }
        ip(&["-netns", host, "link", "set", &ours, "up"])?;
        ip(&["-netns", strangers, "link", "set", &theirs, "up"])?;
        Some(internet)
    }
}

impl Drop for Internet {
    fn drop(&mut self) {
        for namespace in [&self.host, &self.strangers] {
            let _ = ip(&["netns", "delete", namespace]);
        }
    }
}

fn ip(words: &[&str]) -> Option<()> {
    Command::new("ip").args(words).status().ok()?.success().then_some(())
}

#[test]
fn a_knock_from_the_internet_cannot_be_approved_and_only_a_pin_bound_to_it_lets_it_in() {
    let Some(internet) = rustix::process::geteuid().is_root().then(Internet::new).flatten() else {
        eprintln!("skipped: only root with `ip netns` can have such an address");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &internet.host]).arg(program("punktfunk-host").unwrap());
    let configuration = CONFIGURATION.replace("127.0.0.1", "0.0.0.0");
    let victim = Victim::run(dir.path(), command, &configuration).unwrap().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let namespace = File::open(format!("/run/netns/{}", internet.strangers)).unwrap();
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            // All on this thread: another one would be in another namespace.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(knock_and_pair(&victim));
        });
    });
}

async fn knock_and_pair(victim: &Victim) {
    let at = SocketAddr::from((HOST, victim.address.port()));
    let stranger = Persona::fresh("Far away").unwrap();
    let [first, second, third] = STRANGERS.map(|address| Rogue::at(address).unwrap());
    let mut held = first.call(at, &stranger).await.unwrap();
    held.hello("Far away").await.unwrap();
    let knocks = victim.wait_for_knocks(|knocks| knocks.len() == 1).await.unwrap();
    assert_eq!(knocks[0]["source"], STRANGERS[0].to_string());

    let refused = victim.try_ctl(&["approve", &knocks[0]["id"].to_string()]).unwrap();
    let said = String::from_utf8_lossy(&[refused.stdout, refused.stderr].concat()).into_owned();
    assert!(!refused.status.success() && said.contains("PIN"), "{said}");
    assert_eq!(victim.devices().unwrap(), 0);

    let for_anyone = victim.arm().unwrap();
    let refused = pair(second.call(at, &stranger).await.unwrap(), &stranger, &for_anyone).await.unwrap();
    assert_eq!(refused.unwrap_err().code(), Some(0x61), "a PIN for the house is not for the internet");
    assert!(victim.is_armed().unwrap());

    let bound = victim.arm_for(stranger.fingerprint()).unwrap();
    let paired = pair(third.call(at, &stranger).await.unwrap(), &stranger, &bound).await.unwrap();
    assert!(paired.is_ok(), "{paired:?}");
    assert!(held.hear().await.is_some_and(|payload| payload.starts_with(b"PKF1")), "the held connection goes on");
}
