//! Random use against a small model: nobody is let in who should not be, no device is lost or comes back.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{
    collection::vec,
    option,
    prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest},
    test_runner::TestCaseError,
};
use punktfunk_proto::units::{Fingerprint, HostTime};

use super::{Fixture, seconds, source};
use crate::{
    access::{Grants, Offer},
    approvals::ParkedId,
    pin::InvitedDevice,
    trust::{Refusal, TrustEvent, Verdict},
};

#[derive(Clone, Debug)]
enum Op {
    Arm { who: Option<u8>, offer: Offer },
    Pair { who: u8, proves: bool },
    Knock(u8),
    Approve { place: usize, offer: Offer },
    Deny(usize),
    Revoke(u8),
    Forget(u8),
    SetAccess { who: u8, offer: Offer },
    Wait(u64),
    SetClock(u64),
    Disk { faulty: bool },
    Restart,
}

fn offer() -> impl Strategy<Value = Offer> {
    (0..64_u32, option::of(1..400_u64)).prop_map(|(bits, lifetime)| Offer {
        grants: Grants::from_bits(bits).expect("six bits"),
        lifetime: lifetime.map(seconds),
    })
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let who = || 0..DEVICES;
    let op = prop_oneof![
        4 => (option::of(who()), offer()).prop_map(|(who, offer)| Op::Arm { who, offer }),
        5 => (who(), any::<bool>()).prop_map(|(who, proves)| Op::Pair { who, proves }),
        4 => who().prop_map(Op::Knock),
        3 => (0..4_usize, offer()).prop_map(|(place, offer)| Op::Approve { place, offer }),
        1 => (0..4_usize).prop_map(Op::Deny),
        2 => who().prop_map(Op::Revoke),
        1 => who().prop_map(Op::Forget),
        1 => (who(), offer()).prop_map(|(who, offer)| Op::SetAccess { who, offer }),
        4 => (0..200_u64).prop_map(Op::Wait),
        1 => (1_799_900_000..1_800_100_000_u64).prop_map(Op::SetClock),
        1 => prop_oneof![3 => Just(false), 1 => Just(true)].prop_map(|faulty| Op::Disk { faulty }),
        1 => Just(Op::Restart),
    ];
    vec(op, 0..120)
}

/// Few enough to meet again.
const DEVICES: u8 = 4;

fn print(who: u8) -> Fingerprint {
    Fingerprint::from_bytes([who; 32])
}

/// What the owner decided, without any of the machinery.
#[derive(Clone, Debug, PartialEq)]
struct Known {
    offer: Offer,
    since: HostTime,
    revoked: bool,
}

struct Run {
    fixture: Fixture,
    known: BTreeMap<u8, Known>,
    shut_out: BTreeSet<u8>,
    held: BTreeSet<ParkedId>,
    /// Who may still guess, and what a new device gets.
    armed: Option<(Option<u8>, Offer)>,
    faulty: bool,
    stored_time: HostTime,
}

impl Run {
    fn new() -> Self {
        let fixture = Fixture::require();
        let stored_time = fixture.now.wall;
        let (known, shut_out, held) = Default::default();
        Self { fixture, known, shut_out, held, armed: None, faulty: false, stored_time }
    }

    fn apply(mut self, op: Op) -> Result<Self, TestCaseError> {
        match op {
            Op::Arm { who, offer } => {
                let device = who.map_or(InvitedDevice::Anyone, |who| InvitedDevice::Bound(print(who)));
                self.fixture.arm(device, offer);
                self.armed = Some((who, offer));
            }
            Op::Pair { who, proves } => self.pair(who, proves)?,
            Op::Knock(who) => {
                let fixture = &mut self.fixture;
                self.held.extend(fixture.trust.knock(fixture.now, source(who), print(who), Some("same name")));
            }
            Op::Approve { place, offer } => self.approve(place, offer)?,
            Op::Deny(place) => {
                let id = self.fixture.trust.knocks(self.fixture.now).nth(place).map(|knock| knock.id);
                if let Some(id) = id {
                    prop_assert!(self.fixture.trust.deny(self.fixture.now, id).is_ok());
                }
            }
            Op::Revoke(who) => self.revoke(who)?,
            Op::Forget(who) => self.forget(who)?,
            Op::SetAccess { who, offer } => self.set_access(who, offer)?,
            Op::Wait(time) => self.fixture.wait(seconds(time)),
            Op::SetClock(time) => self.fixture.set_wall_clock(time),
            Op::Disk { faulty } => {
                self.fixture.trust.store.set_faulty(faulty);
                self.faulty = faulty;
            }
            Op::Restart => {
                let fixture = self.fixture.restart();
                let (shut_out, held) = Default::default();
                self = Self { fixture, shut_out, held, armed: None, faulty: false, ..self };
            }
        }
        Ok(self)
    }

    fn time(&mut self) -> HostTime {
        self.fixture.trust.time(self.fixture.now)
    }

    /// A write was asked for; it must have worked exactly if the disk does.
    fn wrote(&mut self, ok: bool) -> Result<bool, TestCaseError> {
        prop_assert_eq!(ok, !self.faulty);
        if ok {
            self.stored_time = self.time();
        }
        Ok(ok)
    }

    fn pair(&mut self, who: u8, proves: bool) -> Result<(), TestCaseError> {
        let Ok(spent) = self.fixture.spend(print(who), who) else { return Ok(()) };
        let (meant, offer) = self.armed.take().expect("a guess without a window");
        prop_assert!(meant.is_none_or(|meant| meant == who));
        if !proves {
            return Ok(());
        }
        let paired = self.fixture.trust.pair_succeeded(self.fixture.now, spent, None).is_ok();
        if self.wrote(paired)? {
            let since = self.time();
            self.known.entry(who).or_insert(Known { offer, since, revoked: false }).revoked = false;
            self.shut_out.remove(&who);
        }
        Ok(())
    }

    fn approve(&mut self, place: usize, offer: Offer) -> Result<(), TestCaseError> {
        let now = self.fixture.now;
        let knock = self.fixture.trust.knocks(now).nth(place);
        let Some(knock) = knock else { return Ok(()) };
        let approved = self.fixture.trust.approve(now, knock.id, None, offer).is_ok();
        if self.wrote(approved)? {
            let since = self.time();
            let who = knock.fingerprint.as_bytes()[0];
            let offer = self.known.get(&who).map_or(offer, |known| known.offer);
            self.known.insert(who, Known { offer, since, revoked: false });
        }
        Ok(())
    }

    fn revoke(&mut self, who: u8) -> Result<(), TestCaseError> {
        let revoked = self.fixture.trust.revoke(self.fixture.now, print(who));
        if self.known.get(&who).is_none_or(|known| known.revoked) {
            prop_assert!(matches!(revoked, Ok(false)));
            return Ok(());
        }
        self.cut(who);
        if self.wrote(revoked.is_ok())? {
            self.known.get_mut(&who).expect("known").revoked = true;
            self.shut_out.remove(&who);
        }
        Ok(())
    }

    fn forget(&mut self, who: u8) -> Result<(), TestCaseError> {
        let forgotten = self.fixture.trust.forget(self.fixture.now, print(who));
        if !self.known.contains_key(&who) {
            prop_assert!(matches!(forgotten, Ok(false)));
            return Ok(());
        }
        self.cut(who);
        if self.wrote(forgotten.is_ok())? {
            self.known.remove(&who);
            self.shut_out.remove(&who);
        }
        Ok(())
    }

    fn cut(&mut self, who: u8) {
        self.shut_out.insert(who);
        if self.armed.is_some_and(|(meant, _)| meant == Some(who)) {
            self.armed = None;
        }
    }

    fn set_access(&mut self, who: u8, offer: Offer) -> Result<(), TestCaseError> {
        let set = self.fixture.trust.set_access(self.fixture.now, print(who), offer);
        let time = self.time();
        match self.known.get(&who) {
            Some(known) if !known.revoked => {
                if self.wrote(set.is_ok())? {
                    self.known.insert(who, Known { offer, since: time, revoked: false });
                }
            }
            _ => prop_assert!(matches!(set, Ok(false))),
        }
        Ok(())
    }

    fn check(&mut self) -> Result<(), TestCaseError> {
        let time = self.time();
        prop_assert!(time >= self.stored_time, "time went back");
        let known: Vec<_> = self.fixture.trust.devices().map(|device| device.fingerprint).collect();
        prop_assert_eq!(known, self.known.keys().copied().map(print).collect::<Vec<_>>());
        for who in 0..DEVICES {
            let verdict = self.fixture.trust.assess(self.fixture.now, Some(print(who)));
            let got = match &verdict {
                Verdict::Admit(device) => Some(device.access.grants),
                Verdict::Park => None,
                Verdict::Refuse(refusal) => {
                    prop_assert_eq!(*refusal, Refusal::Revoked);
                    let removed = self.known.get(&who).is_some_and(|known| known.revoked);
                    prop_assert!(removed || self.shut_out.contains(&who));
                    continue;
                }
                Verdict::AdmitOpen => return Err(TestCaseError::fail("let in by a policy that requires pairing")),
            };
            prop_assert_eq!(got, self.allowed(who, time), "device {}", who);
        }
        for event in self.fixture.events() {
            if let TrustEvent::Parked { parked, .. } = event {
                prop_assert!(self.held.remove(&parked), "{:?} ended twice", parked);
            }
        }
        Ok(())
    }

    /// What the owner allows `who` at `time`.
    fn allowed(&self, who: u8, time: HostTime) -> Option<Grants> {
        let known = self.known.get(&who).filter(|known| !known.revoked && !self.shut_out.contains(&who))?;
        let whole = |time: HostTime| time.nanos() / 1_000_000_000;
        let over = known.offer.lifetime.is_some_and(|life| whole(time) >= whole(known.since) + life.as_secs());
        (!over).then_some(known.offer.grants)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nobody_is_let_in_unasked_and_no_device_is_lost_or_comes_back(ops in ops()) {
        let mut run = Run::new();
        for op in ops {
            run = run.apply(op)?;
            run.check()?;
        }
    }
}
