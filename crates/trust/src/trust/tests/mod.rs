mod audit;
mod declared;
mod disk;
mod expiry;
mod knocking;
mod model;
mod opening;
mod owner;
mod pairing;
mod rotation;

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::{Duration, Instant},
};

use punktfunk_proto::units::{Fingerprint, HostTime};
use rand::{SeedableRng, rngs::StdRng};
use tempfile::TempDir;

use super::{Trust, TrustEvent};
use crate::{
    access::Offer,
    approvals::{KnockId, ParkedId},
    clock::Moment,
    pin::{Invitation, InvitedDevice, PairRefusal, SpentPin},
    policy::PairingPolicy,
};

const A: Fingerprint = Fingerprint::from_bytes([0xA; 32]);
const B: Fingerprint = Fingerprint::from_bytes([0xB; 32]);

fn source(n: u8) -> IpAddr {
    Ipv4Addr::new(192, 168, 1, n).into()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

/// What is tested is what is written, not how long a disk takes.
fn folder_in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// A host's trust in a folder of its own, on a clock that the test moves.
struct Fixture {
    state: TempDir,
    trust: Trust,
    now: Moment,
    rng: StdRng,
}

impl Fixture {
    fn new(policy: PairingPolicy) -> Self {
        let state = folder_in_memory();
        let now = Moment { instant: Instant::now(), wall: HostTime::from_nanos(0).plus(seconds(1_800_000_000)) };
        let trust = Trust::open(state.path(), policy, now).unwrap();
        Self { state, trust, now, rng: StdRng::seed_from_u64(1) }
    }

    fn require() -> Self {
        Self::new(PairingPolicy::Require)
    }

    fn folder(&self) -> &Path {
        self.state.path()
    }

    /// Both clocks move on.
    fn wait(&mut self, time: Duration) {
        self.now = Moment { instant: self.now.instant + time, wall: self.now.wall.plus(time) };
        self.trust.handle_timeout(self.now);
    }

    /// Somebody sets the real-time clock.
    fn set_wall_clock(&mut self, seconds_since_1970: u64) {
        self.now.wall = HostTime::from_nanos(0).plus(seconds(seconds_since_1970));
    }

    fn restart(self) -> Self {
        let Self { state, trust, now, rng } = self;
        let policy = trust.policy();
        drop(trust);
        let trust = Trust::open(state.path(), policy, now).unwrap();
        Self { state, trust, now, rng }
    }

    fn arm(&mut self, device: InvitedDevice, offer: Offer) {
        self.trust.arm(self.now, Invitation { device, offer, ..Invitation::default() }, &mut self.rng);
    }

    /// Goes up to the proof that `device` has yet to give.
    fn spend(&mut self, device: Fingerprint, from: u8) -> Result<SpentPin, PairRefusal> {
        let attempt = self.trust.begin_pairing(self.now, source(from), Some(device))?;
        self.trust.spend_pin(self.now, attempt)
    }

    /// Pairs `device` by PIN with `offer`.
    fn pair(&mut self, device: Fingerprint, offer: Offer) {
        self.arm(InvitedDevice::Bound(device), offer);
        self.wait(seconds(3));
        let spent = self.spend(device, 1).unwrap();
        self.trust.pair_succeeded(self.now, spent, Some("Tablet")).unwrap();
    }

    fn knock(&mut self, device: Fingerprint) -> (ParkedId, KnockId) {
        let parked = self.trust.knock(self.now, source(1), device, Some("Tablet")).unwrap();
        let id = self.trust.knocks(self.now).find(|knock| knock.fingerprint == device).unwrap().id;
        (parked, id)
    }

    fn events(&mut self) -> Vec<TrustEvent> {
        std::iter::from_fn(|| self.trust.poll_event()).collect()
    }
}

#[test]
fn trust_can_be_moved_to_another_thread() {
    fn check<T: Send>() {}
    check::<Trust>();
}
