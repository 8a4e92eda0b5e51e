//! Random use against a small reference model: nobody is let in who should not be, no PIN serves two guesses, no
//! device is lost or comes back. Guesses run the real ceremony, restarts open the real store again.

mod ops;
mod reference;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Instant,
};

use proptest::{
    collection::vec,
    prelude::{ProptestConfig, Strategy as _, prop_assert, prop_assert_eq, proptest},
    strategy::ValueTree as _,
    test_runner::{TestCaseError, TestRunner},
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
    trust::{AccessEnd, ApproveError, Refusal, TrustEvent, Verdict},
};
use ops::{Jump, Op, op};
use reference::{Guess, Reference, Who};

type Checked = Result<(), TestCaseError>;

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
    reached: BTreeMap<Reached, u32>,
}

/// What random use must come to often enough to mean something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Reached {
    Paired,
    PairedAgain,
    WrongGuess,
    Approved,
    RenewedByApproval,
    EndedWhileLive,
    RemovalNotStored,
    WriteRefused,
    FarKnockRefused,
    StaleSecret,
}

impl Reached {
    const ALL: [Self; 10] = [
        Self::Paired,
        Self::PairedAgain,
        Self::WrongGuess,
        Self::Approved,
        Self::RenewedByApproval,
        Self::EndedWhileLive,
        Self::RemovalNotStored,
        Self::WriteRefused,
        Self::FarKnockRefused,
        Self::StaleSecret,
    ];
}

impl Run {
    fn new() -> Self {
        let fixture = Fixture::new(PairingPolicy::Require);
        let expected = Reference::new(fixture.now);
        let (attempts, answered, tried, held, gone, live) = Default::default();
        let (secret, faulty, reached) = Default::default();
        Self { fixture, expected, secret, attempts, answered, tried, held, gone, live, faulty, reached }
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
            Op::Pair { who, knows } => self.pair(who, knows)?,
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
        } else {
            self.reach(Reached::WriteRefused);
        }
        Ok(ok)
    }

    fn arm(&mut self, who: Option<Who>, by: InvitedBy, offer: Offer) {
        let device = who.map_or(InvitedDevice::Anyone, |who| InvitedDevice::Bound(print(who)));
        let Fixture { trust, now, rng, .. } = &mut self.fixture;
        self.secret = Some(trust.arm(*now, Invitation { device, by, offer }, rng));
        self.expected.arm(now.instant, by, who, offer);
        self.noted();
    }

    /// Something went to the audit log that changes nothing else: with a row, if the disk takes one, goes the time.
    fn noted(&mut self) {
        self.time();
        if !self.faulty {
            self.expected.wrote();
        }
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
        if spent.is_ok() {
            self.noted();
        }
        self.answered.extend(spent.ok().zip(expected).map(|(spent, guess)| (spent, guess, proves)));
        Ok(())
    }

    fn pair(&mut self, who: Who, knows: bool) -> Checked {
        let (begun, answered) = (self.attempts.len(), self.answered.len());
        self.begin(who, false)?;
        if self.attempts.len() > begun {
            self.answer(begun, knows)?;
        }
        if self.answered.len() > answered {
            self.prove(answered)?;
        }
        Ok(())
    }

    fn prove(&mut self, n: usize) -> Checked {
        let (spent, guess, proves) = self.answered.swap_remove(n);
        if !proves {
            self.reach(Reached::WrongGuess);
            return Ok(());
        }
        let offer = self.expected.prove(self.fixture.now.instant, guess);
        let paired = self.fixture.trust.pair_succeeded(self.fixture.now, spent, None);
        self.time();
        match offer {
            None => {
                prop_assert!(paired.is_err(), "paired by a secret that is over");
                self.reach(Reached::StaleSecret);
            }
            Some(offer) if self.wrote(paired.is_ok())? => {
                self.reach(if self.expected.known.contains_key(&guess.who) {
                    Reached::PairedAgain
                } else {
                    Reached::Paired
                });
                self.expected.paired(guess.who, offer);
            }
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
            self.reach(Reached::FarKnockRefused);
        } else if self.wrote(approved.is_ok())? {
            let known = self.expected.known.contains_key(&knock.fingerprint.as_bytes()[0]);
            self.reach(if known { Reached::RenewedByApproval } else { Reached::Approved });
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
            self.noted();
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
        } else {
            self.reach(Reached::RemovalNotStored);
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
        } else {
            self.reach(Reached::RemovalNotStored);
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

    fn reach(&mut self, reached: Reached) {
        *self.reached.entry(reached).or_default() += 1;
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
                TrustEvent::AccessEnded { fingerprint, end } => {
                    if end == AccessEnd::Expired {
                        self.noted();
                    }
                    if self.live.remove(&fingerprint.as_bytes()[0]).is_some() {
                        self.reach(Reached::EndedWhileLive);
                    }
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
/// 40,000 operations in all, give or take some thousands.
const RUNS: u32 = 200;
/// Operations of one run at most; half of it on average, so that a failure shrinks.
const OPS: usize = 400;

/// The model is worth what it meets. Always the same operations, so that this fails for a reason.
#[test]
fn random_operations_come_to_everything_that_matters_often() {
    let mut runner = TestRunner::deterministic();
    let mut reached = BTreeMap::<Reached, u32>::new();
    for _ in 0..200 {
        let ops = vec(op(), 200).new_tree(&mut runner).unwrap().current();
        let mut run = Run::new();
        for op in ops {
            run = run.apply(op).unwrap();
            run.check().unwrap();
        }
        for (what, times) in run.reached {
            *reached.entry(what).or_default() += times;
        }
    }
    println!("{reached:?}");
    for what in Reached::ALL {
        assert!(reached.get(&what).is_some_and(|times| *times >= 10), "{what:?}: {reached:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { max_shrink_iters: 4_000, ..ProptestConfig::with_cases(RUNS) })]

    #[test]
    fn in_ten_thousand_operations_nobody_enters_unpaired_no_pin_takes_two_guesses_and_no_device_is_lost(
        ops in vec(op(), 0..=OPS)
    ) {
        let mut run = Run::new();
        for op in ops {
            run = run.apply(op)?;
            run.check()?;
        }
    }
}
