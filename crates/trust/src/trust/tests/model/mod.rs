//! Random use against a small reference model: nobody is let in who should not be, no PIN serves two guesses, no
//! device is lost or comes back. Guesses run the real ceremony, restarts open the real store again.

mod reference;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Instant,
};

use proptest::{
    collection::vec,
    option,
    prelude::{Just, ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest},
    test_runner::TestCaseError,
};
use punktfunk_proto::{
    pairing::{ClientCeremony, HostCeremony, Outcome, PairingSecret},
    units::{Fingerprint, HostTime},
};

use super::{Fixture, seconds, source};
use crate::{
    access::{Grants, Offer},
    approvals::{ApprovalPath, KnockId, ParkedId},
    pin::{Invitation, InvitedBy, InvitedDevice, PinAttempt, SpentPin},
    policy::PairingPolicy,
    trust::{ApproveError, Refusal, TrustEvent, Verdict},
};
use reference::{Guess, Reference, Who};

type Checked = Result<(), TestCaseError>;

#[derive(Clone, Debug)]
enum Op {
    Arm {
        who: Option<Who>,
        by: InvitedBy,
        offer: Offer,
    },
    Disarm,
    /// A request to pair arrives: from the internet, or from the house.
    Begin {
        who: Who,
        far: bool,
    },
    /// The request was no ceremony.
    Malformed(usize),
    /// The ceremony's answer goes out, to somebody who knows the secret or does not.
    Answer {
        attempt: usize,
        knows: bool,
    },
    /// The proof arrives.
    Prove(usize),
    Knock {
        who: Who,
        far: bool,
    },
    Approve {
        place: usize,
        offer: Offer,
    },
    ApproveAgain(usize),
    Deny(usize),
    Connect(Who),
    Revoke(Who),
    Forget(Who),
    SetAccess {
        who: Who,
        offer: Offer,
    },
    Wait(u64),
    /// Somebody sets the clock: by a day, or to 1970.
    Jump(Jump),
    Disk {
        faulty: bool,
    },
    Restart,
}

#[derive(Clone, Copy, Debug)]
enum Jump {
    DayAhead,
    DayBack,
    Epoch,
}

fn offer() -> impl Strategy<Value = Offer> {
    let lifetime = option::of(prop_oneof![3 => 1..400_u64, 1 => 40_000..130_000_u64]);
    (0..64_u32, lifetime).prop_map(|(bits, lifetime)| Offer {
        grants: Grants::from_bits(bits).expect("six bits"),
        lifetime: lifetime.map(seconds),
    })
}

fn op() -> impl Strategy<Value = Op> {
    let who = || 0..DEVICES;
    let far = || proptest::bool::weighted(0.15);
    let by = prop_oneof![2 => Just(InvitedBy::Pin), 1 => Just(InvitedBy::Token)];
    let jump = prop_oneof![Just(Jump::DayAhead), Just(Jump::DayBack), Just(Jump::Epoch)];
    prop_oneof![
        6 => (option::of(who()), by, offer()).prop_map(|(who, by, offer)| Op::Arm { who, by, offer }),
        1 => Just(Op::Disarm),
        12 => (who(), far()).prop_map(|(who, far)| Op::Begin { who, far }),
        1 => (0..4_usize).prop_map(Op::Malformed),
        10 => (0..4_usize, any::<bool>()).prop_map(|(attempt, knows)| Op::Answer { attempt, knows }),
        8 => (0..3_usize).prop_map(Op::Prove),
        6 => (who(), far()).prop_map(|(who, far)| Op::Knock { who, far }),
        5 => (0..4_usize, offer()).prop_map(|(place, offer)| Op::Approve { place, offer }),
        1 => (0..4_usize).prop_map(Op::ApproveAgain),
        1 => (0..4_usize).prop_map(Op::Deny),
        4 => who().prop_map(Op::Connect),
        3 => who().prop_map(Op::Revoke),
        2 => who().prop_map(Op::Forget),
        3 => (who(), offer()).prop_map(|(who, offer)| Op::SetAccess { who, offer }),
        8 => prop_oneof![3 => 0..5_u64, 2 => 0..200_u64].prop_map(Op::Wait),
        1 => jump.prop_map(Op::Jump),
        2 => prop_oneof![3 => Just(false), 1 => Just(true)].prop_map(|faulty| Op::Disk { faulty }),
        2 => Just(Op::Restart),
    ]
}

/// Few enough to meet again.
const DEVICES: Who = 4;

fn print(who: Who) -> Fingerprint {
    Fingerprint::from_bytes([who; 32])
}

fn address(who: Who, far: bool) -> IpAddr {
    if far { [203, 0, 113, who].into() } else { source(who) }
}

struct Run {
    fixture: Fixture,
    expected: Reference,
    /// The secret on the owner's screen.
    secret: Option<PairingSecret>,
    /// Under way, with the window each began in.
    attempts: Vec<(PinAttempt, u64)>,
    /// Answered, and whether the client can prove itself.
    answered: Vec<(SpentPin, Guess, bool)>,
    tried: BTreeMap<Who, Instant>,
    held: BTreeSet<ParkedId>,
    gone: Vec<KnockId>,
    live: BTreeMap<Who, Grants>,
    faulty: bool,
}

impl Run {
    fn new() -> Self {
        let fixture = Fixture::new(PairingPolicy::Require);
        let expected = Reference::new(fixture.now);
        let (attempts, answered, tried, held, gone, live) = Default::default();
        Self { fixture, expected, secret: None, attempts, answered, tried, held, gone, live, faulty: false }
    }

    fn apply(mut self, op: Op) -> Result<Self, TestCaseError> {
        match op {
            Op::Arm { who, by, offer } => self.arm(who, by, offer),
            Op::Disarm => {
                self.fixture.trust.disarm();
                self.expected.window = None;
            }
            Op::Begin { who, far } => self.begin(who, far)?,
            Op::Malformed(n) if n < self.attempts.len() => drop(self.attempts.swap_remove(n)),
            Op::Answer { attempt, knows } if attempt < self.attempts.len() => self.answer(attempt, knows)?,
            Op::Prove(n) if n < self.answered.len() => self.prove(n)?,
            Op::Malformed(_) | Op::Answer { .. } | Op::Prove(_) => {}
            Op::Knock { who, far } => self.knock(who, far)?,
            Op::Approve { place, offer } => self.approve(place, offer)?,
            Op::ApproveAgain(n) => self.approve_again(n)?,
            Op::Deny(place) => self.deny(place)?,
            Op::Connect(who) => self.connect(who)?,
            Op::Revoke(who) => self.revoke(who)?,
            Op::Forget(who) => self.forget(who)?,
            Op::SetAccess { who, offer } => self.set_access(who, offer)?,
            Op::Wait(time) => self.fixture.wait(seconds(time)),
            Op::Jump(jump) => self.jump(jump),
            Op::Disk { faulty } => {
                self.fixture.trust.store.set_faulty(faulty);
                self.faulty = faulty;
            }
            Op::Restart => self = self.restart(),
        }
        Ok(self)
    }

    fn restart(mut self) -> Self {
        let fixture = self.fixture.restart();
        self.expected.restart(fixture.now);
        let (attempts, answered, tried, held, gone, live) = Default::default();
        Self { fixture, secret: None, attempts, answered, tried, held, gone, live, faulty: false, ..self }
    }

    fn jump(&mut self, jump: Jump) {
        let now = self.fixture.now.wall.nanos() / 1_000_000_000;
        self.fixture.set_wall_clock(match jump {
            Jump::DayAhead => now + DAY,
            Jump::DayBack => now.saturating_sub(DAY),
            Jump::Epoch => 0,
        });
    }

    /// A write was asked for; it must have worked exactly if the disk does.
    fn wrote(&mut self, ok: bool) -> Result<bool, TestCaseError> {
        prop_assert_eq!(ok, !self.faulty);
        if ok {
            self.expected.wrote();
        }
        Ok(ok)
    }

    fn arm(&mut self, who: Option<Who>, by: InvitedBy, offer: Offer) {
        let device = who.map_or(InvitedDevice::Anyone, |who| InvitedDevice::Bound(print(who)));
        let Fixture { trust, now, rng, .. } = &mut self.fixture;
        self.secret = Some(trust.arm(*now, Invitation { device, by, offer }, rng));
        self.expected.arm(now.instant, by, who, offer);
    }

    fn begin(&mut self, who: Who, far: bool) -> Checked {
        let now = self.fixture.now;
        let quiet = self.tried.insert(who, now.instant).is_none_or(|last| now.instant >= last + seconds(2));
        let open = self.expected.open_to(now.instant, who);
        let is_bound = self.expected.window.is_some_and(|window| window.meant == Some(who));
        match self.fixture.trust.begin_pairing(now, address(who, far), Some(print(who))) {
            Ok(attempt) => {
                prop_assert!(open.is_some(), "{} may try a secret that is not meant for it", who);
                prop_assert!(is_bound || !far, "from the internet without being named");
                self.attempts.push((attempt, open.expect("checked")));
            }
            Err(refusal) => {
                prop_assert!(!(open.is_some() && is_bound && quiet), "kept out, though named: {refusal}");
            }
        }
        Ok(())
    }

    fn answer(&mut self, n: usize, knows: bool) -> Checked {
        let (attempt, window) = self.attempts.swap_remove(n);
        let (now, who) = (self.fixture.now, attempt.fingerprint().as_bytes()[0]);
        let guess = self.secret.clone().filter(|_| knows);
        let proves = guess.is_some_and(|guess| ceremony(attempt.secret(), &guess, print(who)));
        let expected = self.expected.guess(now.instant, who, window);
        let spent = self.fixture.trust.spend_pin(now, attempt);
        prop_assert_eq!(spent.is_ok(), expected.is_some(), "window {}", window);
        self.answered.extend(spent.ok().zip(expected).map(|(spent, guess)| (spent, guess, proves)));
        Ok(())
    }

    fn prove(&mut self, n: usize) -> Checked {
        let (spent, guess, proves) = self.answered.swap_remove(n);
        if !proves {
            return Ok(());
        }
        let offer = self.expected.prove(self.fixture.now.instant, guess);
        let paired = self.fixture.trust.pair_succeeded(self.fixture.now, spent, None);
        self.time();
        match offer {
            None => prop_assert!(paired.is_err(), "paired by a secret that is over"),
            Some(offer) if self.wrote(paired.is_ok())? => self.expected.paired(guess.who, offer),
            Some(_) => {}
        }
        Ok(())
    }

    fn knock(&mut self, who: Who, far: bool) -> Checked {
        let now = self.fixture.now;
        self.time();
        let waits = self.expected.allowed(who).is_none() && !self.expected.is_removed(who);
        let parked = self.fixture.trust.knock(now, address(who, far), print(who), Some("same name"));
        prop_assert_eq!(parked.is_ok(), waits);
        if let Ok(parked) = parked {
            self.held.insert(parked);
            self.expected.listed.insert(who, (now.instant, far));
        }
        Ok(())
    }

    fn approve(&mut self, place: usize, offer: Offer) -> Checked {
        let now = self.fixture.now;
        let Some(knock) = self.fixture.trust.knocks(now).nth(place) else { return Ok(()) };
        self.time();
        let approved = self.fixture.trust.approve(now, knock.id, None, offer);
        if knock.path == ApprovalPath::BoundPin {
            prop_assert!(matches!(approved, Err(ApproveError::NeedsBoundPin)));
        } else if self.wrote(approved.is_ok())? {
            self.expected.approved(knock.fingerprint.as_bytes()[0], offer);
            self.gone.push(knock.id);
        }
        Ok(())
    }

    fn approve_again(&mut self, n: usize) -> Checked {
        if let Some(id) = self.gone.get(n) {
            let again = self.fixture.trust.approve(self.fixture.now, *id, None, Offer::default());
            prop_assert!(matches!(again, Err(ApproveError::Unknown)));
        }
        Ok(())
    }

    fn deny(&mut self, place: usize) -> Checked {
        let now = self.fixture.now;
        let knock = self.fixture.trust.knocks(now).nth(place);
        if let Some(knock) = knock {
            prop_assert!(self.fixture.trust.deny(now, knock.id).is_ok());
            self.expected.listed.remove(&knock.fingerprint.as_bytes()[0]);
            self.gone.push(knock.id);
        }
        Ok(())
    }

    fn connect(&mut self, who: Who) -> Checked {
        if let Verdict::Admit(device) = self.fixture.trust.assess(self.fixture.now, Some(print(who))) {
            self.time();
            self.live.insert(who, device.access.grants);
            let noted = self.fixture.trust.note_seen(self.fixture.now, print(who));
            self.wrote(noted.is_ok())?;
        }
        Ok(())
    }

    fn revoke(&mut self, who: Who) -> Checked {
        let revoked = self.fixture.trust.revoke(self.fixture.now, print(who));
        self.time();
        if self.expected.known.get(&who).is_none_or(|known| known.revoked) {
            prop_assert!(matches!(revoked, Ok(false)));
            return Ok(());
        }
        self.expected.cut(who);
        if self.wrote(revoked.is_ok())? {
            self.expected.known.get_mut(&who).expect("known").revoked = true;
            self.expected.shut_out.remove(&who);
        }
        Ok(())
    }

    fn forget(&mut self, who: Who) -> Checked {
        let forgotten = self.fixture.trust.forget(self.fixture.now, print(who));
        self.time();
        if !self.expected.known.contains_key(&who) {
            prop_assert!(matches!(forgotten, Ok(false)));
            return Ok(());
        }
        self.expected.cut(who);
        if self.wrote(forgotten.is_ok())? {
            self.expected.known.remove(&who);
            self.expected.shut_out.remove(&who);
        }
        Ok(())
    }

    fn set_access(&mut self, who: Who, offer: Offer) -> Checked {
        let set = self.fixture.trust.set_access(self.fixture.now, print(who), offer);
        let since = self.time();
        match self.expected.known.get(&who).copied() {
            Some(known) if !known.revoked => {
                if self.wrote(set.is_ok())? {
                    self.expected.known.insert(who, reference::Known { offer, since, ..known });
                }
            }
            _ => prop_assert!(matches!(set, Ok(false))),
        }
        Ok(())
    }

    fn time(&mut self) -> HostTime {
        self.expected.time(self.fixture.now)
    }

    /// Everything that can be seen from outside is as the reference says.
    fn check(&mut self) -> Checked {
        let time = self.time();
        prop_assert_eq!(self.fixture.trust.time(self.fixture.now), time, "the clock");
        self.check_devices()?;
        for who in 0..DEVICES {
            self.check_verdict(who)?;
        }
        let listed: BTreeMap<_, _> = self
            .fixture
            .trust
            .knocks(self.fixture.now)
            .map(|knock| (knock.fingerprint.as_bytes()[0], knock.path == ApprovalPath::BoundPin))
            .collect();
        prop_assert_eq!(listed, self.expected.listed.iter().map(|(who, (_, far))| (*who, *far)).collect());
        self.check_events()
    }

    /// No device is lost, none comes back, and each has what the owner gave it.
    fn check_devices(&self) -> Checked {
        let whole = |time: HostTime| time.nanos() / 1_000_000_000;
        let devices: BTreeMap<Who, _> = self
            .fixture
            .trust
            .devices()
            .map(|device| {
                let revoked = device.state != crate::DeviceState::Paired;
                (device.fingerprint.as_bytes()[0], (device.access.grants, device.access.expires.map(whole), revoked))
            })
            .collect();
        let known = self.expected.known.iter();
        prop_assert_eq!(
            devices,
            known.map(|(who, known)| (*who, (known.offer.grants, known.expires(), known.revoked))).collect()
        );
        Ok(())
    }

    fn check_verdict(&mut self, who: Who) -> Checked {
        let grants = match self.fixture.trust.assess(self.fixture.now, Some(print(who))) {
            Verdict::Admit(device) => Some(device.access.grants),
            Verdict::Park => None,
            Verdict::Refuse(refusal) => {
                prop_assert_eq!(refusal, Refusal::Revoked);
                prop_assert!(self.expected.is_removed(who));
                return Ok(());
            }
            Verdict::AdmitOpen => return Err(TestCaseError::fail("let in by a policy that requires pairing")),
        };
        prop_assert_eq!(grants, self.expected.allowed(who), "device {}", who);
        Ok(())
    }

    /// Held connections end once; live sessions end, and learn of other rights, when their device does.
    fn check_events(&mut self) -> Checked {
        self.fixture.trust.handle_timeout(self.fixture.now);
        for event in self.fixture.events() {
            match event {
                TrustEvent::Parked { parked, .. } => {
                    prop_assert!(self.held.remove(&parked), "{:?} ended twice", parked);
                }
                TrustEvent::AccessEnded { fingerprint, .. } => {
                    self.live.remove(&fingerprint.as_bytes()[0]);
                }
                TrustEvent::AccessChanged { fingerprint, grants, .. }
                | TrustEvent::AccessEnding { fingerprint, grants, .. } => {
                    self.live.entry(fingerprint.as_bytes()[0]).and_modify(|live| *live = grants);
                }
            }
        }
        for (who, grants) in &self.live {
            prop_assert_eq!(Some(*grants), self.expected.allowed(*who), "the live session of {}", who);
        }
        Ok(())
    }
}

/// Whether `device`, which believes in `guess`, can prove itself to a host that has `secret`.
fn ceremony(secret: &PairingSecret, guess: &PairingSecret, device: Fingerprint) -> bool {
    let host = Fingerprint::from_bytes([0xFE; 32]);
    let (mut client, request) = ClientCeremony::start(None, guess, (device, host), [1; 64]);
    let mut ceremony = HostCeremony::new(host, device);
    let challenge = ceremony.handle_request(&request, secret, [2; 64]).expect("a whole request");
    let Ok(proof) = client.handle_challenge(&challenge) else { return false };
    matches!(ceremony.handle_proof(&proof), Outcome::Paired { .. })
}

const DAY: u64 = 86_400;
/// 10,000 operations in all.
const RUNS: u32 = 50;
const OPS: usize = 200;

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 4_000, ..ProptestConfig::with_cases(RUNS) })]

    #[test]
    fn in_ten_thousand_operations_nobody_enters_unpaired_no_pin_takes_two_guesses_and_no_device_is_lost(
        ops in vec(op(), OPS)
    ) {
        let mut run = Run::new();
        for op in ops {
            run = run.apply(op)?;
            run.check()?;
        }
    }
}
