use super::{Invitation, InvitedBy, InvitedDevice, PairRefusal, PinAttempt, PinWindow, SpentPin, WindowState};
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, prop_assert, prop_oneof, proptest},
};
use punktfunk_proto::units::Fingerprint;
use rand::{SeedableRng, rngs::StdRng};
use std::{
    collections::HashSet,
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

const A: Fingerprint = Fingerprint::from_bytes([0xA; 32]);
const B: Fingerprint = Fingerprint::from_bytes([0xB; 32]);

fn source(n: u8) -> IpAddr {
    Ipv4Addr::new(192, 168, 1, n).into()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn armed(invitation: Invitation) -> (PinWindow, Instant) {
    let (mut window, start) = (PinWindow::default(), Instant::now());
    window.arm(start, invitation, &mut StdRng::seed_from_u64(1));
    (window, start)
}

fn bound(fingerprint: Fingerprint) -> Invitation {
    Invitation { device: InvitedDevice::Bound(fingerprint), ..Invitation::default() }
}

#[test]
fn one_pin_is_good_for_one_guess_and_the_next_attempt_needs_a_new_one() {
    let (mut window, start) = armed(Invitation::default());
    let attempt = window.begin(start, source(1), Some(A)).unwrap();
    assert!(window.spend(start, attempt).is_ok());
    let again = window.begin(start + seconds(3), source(1), Some(A)).unwrap_err();
    assert_eq!(again, PairRefusal::NotArmed);
    window.arm(start + seconds(3), Invitation::default(), &mut StdRng::seed_from_u64(2));
    assert!(window.begin(start + seconds(6), source(1), Some(A)).is_ok());
}

#[test]
fn of_two_attempts_under_way_only_one_may_answer() {
    let (mut window, start) = armed(Invitation::default());
    let first = window.begin(start, source(1), Some(A)).unwrap();
    let second = window.begin(start, source(2), Some(B)).unwrap();
    let spent = window.spend(start, second).unwrap();
    assert_eq!(window.spend(start, first).unwrap_err(), PairRefusal::NotArmed);
    assert!(window.redeem(start, spent).is_ok());
}

#[test]
fn a_malformed_attempt_does_not_consume_the_pin() {
    let (mut window, start) = armed(Invitation::default());
    drop(window.begin(start, source(1), Some(A)).unwrap());
    let attempt = window.begin(start + seconds(2), source(1), Some(A)).unwrap();
    assert!(window.spend(start + seconds(2), attempt).is_ok());
}

#[test]
fn an_attempt_by_another_device_is_refused_and_the_bound_window_stays_armed() {
    let (mut window, start) = armed(bound(A));
    assert_eq!(window.begin(start, source(1), Some(B)).unwrap_err(), PairRefusal::OtherDevice);
    let state = window.state(start);
    assert_eq!(
        state,
        WindowState::Armed { device: InvitedDevice::Bound(A), by: InvitedBy::Pin, remaining: PinWindow::LIFETIME }
    );
    let attempt = window.begin(start, source(2), Some(A)).unwrap();
    assert!(window.spend(start, attempt).is_ok());
}

#[test]
fn refusals_say_not_armed_other_device_too_fast_or_anonymous_and_nothing_else() {
    let (mut window, start) = (PinWindow::default(), Instant::now());
    assert_eq!(window.begin(start, source(1), Some(A)).unwrap_err(), PairRefusal::NotArmed);
    assert_eq!(window.begin(start + seconds(1), source(1), Some(A)).unwrap_err(), PairRefusal::TooFast);
    assert_eq!(window.begin(start, source(2), None).unwrap_err(), PairRefusal::Anonymous);
    let texts = [PairRefusal::NotArmed, PairRefusal::OtherDevice, PairRefusal::TooFast, PairRefusal::Anonymous]
        .map(|refusal| format!("{refusal} {refusal:?}"));
    assert!(texts.iter().all(|text| !text.chars().any(|c| c.is_ascii_digit())), "{texts:?}");
}

#[test]
fn ten_thousand_attempts_of_one_source_run_one_ceremony_and_the_owners_device_still_pairs() {
    let (mut window, start) = (PinWindow::default(), Instant::now());
    let at = |n: u32| start + Duration::from_millis(u64::from(n));
    for n in 0..100 {
        assert!(window.begin(at(n), source(66), Some(B)).is_err());
    }
    window.arm(at(100), Invitation::default(), &mut StdRng::seed_from_u64(1));
    let ceremonies = (100..10_000).filter(|n| window.begin(at(*n), source(66), Some(B)).is_ok()).count();
    assert_eq!(ceremonies, 0, "it never kept quiet for two seconds");
    let attempt = window.begin(at(10_000), source(7), Some(A)).unwrap();
    let spent = window.spend(at(10_000), attempt).unwrap();
    assert!(window.redeem(at(10_001), spent).is_ok());
}

#[test]
fn a_pin_is_void_after_two_minutes_of_monotonic_time() {
    let (mut window, start) = armed(Invitation::default());
    let attempt = window.begin(start + seconds(119), source(1), Some(A)).unwrap();
    assert_eq!(window.begin(start + seconds(120), source(2), Some(A)).unwrap_err(), PairRefusal::NotArmed);
    assert_eq!(window.spend(start + seconds(120), attempt).unwrap_err(), PairRefusal::NotArmed);
    assert_eq!(window.state(start + seconds(120)), WindowState::Disarmed);
}

#[test]
fn a_proof_that_takes_a_minute_earns_nothing() {
    let (mut window, start) = armed(Invitation::default());
    let attempt = window.begin(start, source(1), Some(A)).unwrap();
    let spent = window.spend(start, attempt).unwrap();
    assert!(window.redeem(start + PinWindow::PROOF_LIFETIME, spent).is_err());
}

#[test]
fn taking_the_pin_back_ends_attempts_and_ceremonies_under_way() {
    let (mut window, start) = armed(Invitation::default());
    let attempt = window.begin(start, source(1), Some(A)).unwrap();
    window.disarm();
    assert_eq!(window.spend(start, attempt).unwrap_err(), PairRefusal::NotArmed);

    let (mut window, start) = armed(Invitation::default());
    let attempt = window.begin(start, source(1), Some(A)).unwrap();
    let spent = window.spend(start, attempt).unwrap();
    window.arm(start, Invitation::default(), &mut StdRng::seed_from_u64(2));
    assert!(window.redeem(start, spent).is_err());
}

#[test]
fn an_attempt_from_an_earlier_window_does_not_use_up_the_new_pin() {
    let (mut window, start) = armed(Invitation::default());
    let stale = window.begin(start, source(1), Some(A)).unwrap();
    window.arm(start, Invitation::default(), &mut StdRng::seed_from_u64(2));
    assert_eq!(window.spend(start, stale).unwrap_err(), PairRefusal::NotArmed);
    let fresh = window.begin(start, source(2), Some(A)).unwrap();
    assert!(window.spend(start, fresh).is_ok());
}

#[test]
fn revoking_a_device_ends_its_ceremony_and_no_other() {
    let (mut window, start) = armed(Invitation::default());
    let attempt = window.begin(start, source(1), Some(A)).unwrap();
    let spent = window.spend(start, attempt).unwrap();
    window.disarm_for(B);
    assert_eq!(window.state(start), WindowState::Spent { by: A });
    window.disarm_for(A);
    assert!(window.redeem(start, spent).is_err());
}

#[test]
fn a_pin_is_four_digits_drawn_from_all_and_never_printed_by_debug() {
    let (mut window, mut rng) = (PinWindow::default(), StdRng::seed_from_u64(3));
    let pins: Vec<String> =
        (0..20_000).map(|_| window.arm(Instant::now(), Invitation::default(), &mut rng).as_str().to_owned()).collect();
    assert!(pins.iter().all(|pin| pin.len() == 4 && pin.bytes().all(|b| b.is_ascii_digit())));
    assert!(pins.iter().any(|pin| pin.starts_with('0')));
    let distinct: HashSet<_> = pins.iter().collect();
    assert!(distinct.len() > 8_000, "20,000 even draws of 10,000 leave about 8,650: {}", distinct.len());
    let attempt = window.begin(Instant::now(), source(1), Some(A)).unwrap();
    let printed = format!("{window:?} {attempt:?}");
    assert!(printed.contains("Pin(····)") && !printed.contains(&format!("{:?}", attempt.secret().as_str())));
}

fn token() -> Invitation {
    Invitation { by: InvitedBy::Token, ..Invitation::default() }
}

#[test]
fn a_wrong_guess_does_not_void_a_token_and_the_first_device_that_proves_it_has_it() {
    let (mut window, start) = armed(token());
    let wrong: Vec<_> = (0..200)
        .map(|n| window.begin(start, source(n), Some(B)).and_then(|guess| window.spend(start, guess)))
        .collect();
    assert!(wrong.iter().all(Result::is_ok), "each source may try");
    drop(wrong);
    let [first, second] = [(A, 201), (B, 202)].map(|(device, from)| {
        let attempt = window.begin(start, source(from), Some(device)).unwrap();
        window.spend(start, attempt).unwrap()
    });
    assert!(window.redeem(start, second).is_ok());
    assert_eq!(window.redeem(start, first).unwrap_err(), PairRefusal::NotArmed);
    assert_eq!(window.state(start), WindowState::Disarmed);
    assert_eq!(window.begin(start + seconds(3), source(201), Some(A)).unwrap_err(), PairRefusal::NotArmed);
}

#[test]
fn a_source_that_guesses_at_a_token_is_slowed_down_up_to_a_minute() {
    let (mut window, start) = armed(token());
    let guesses = (0..6_000_u64).filter(|tenth| {
        let now = start + Duration::from_millis(tenth * 100);
        window.begin(now, source(66), Some(B)).is_ok_and(|attempt| window.spend(now, attempt).is_ok())
    });
    assert_eq!(guesses.count(), 1, "who hammers never keeps quiet for long enough");
}

#[test]
fn a_token_is_void_after_ten_minutes_of_monotonic_time_and_a_proof_after_one() {
    let (mut window, start) = armed(token());
    let end = start + PinWindow::TOKEN_LIFETIME;
    let attempt = window.begin(end - seconds(1), source(1), Some(A)).unwrap();
    let spent = window.spend(end - seconds(1), attempt).unwrap();
    let late = window.begin(end - seconds(1), source(2), Some(A)).unwrap();
    assert_eq!(window.begin(end, source(3), Some(A)).unwrap_err(), PairRefusal::NotArmed);
    assert_eq!(window.spend(end, late).unwrap_err(), PairRefusal::NotArmed);
    assert!(window.redeem(end + seconds(58), spent).is_ok(), "it was proven within a minute");

    let (mut window, start) = armed(token());
    let attempt = window.begin(start, source(1), Some(A)).unwrap();
    let spent = window.spend(start, attempt).unwrap();
    assert!(window.redeem(start + PinWindow::PROOF_LIFETIME, spent).is_err());
}

#[test]
fn a_token_has_128_bits_is_never_the_same_and_is_not_printed() {
    let (mut window, mut rng) = (PinWindow::default(), StdRng::seed_from_u64(3));
    let tokens: HashSet<String> =
        (0..1_000).map(|_| window.arm(Instant::now(), token(), &mut rng).as_str().to_owned()).collect();
    assert!(tokens.len() == 1_000 && tokens.iter().all(|token| token.len() == 26));
    let secret = window.begin(Instant::now(), source(1), Some(A)).unwrap().secret().as_str().to_owned();
    assert!(!format!("{window:?}").contains(&secret));
}

#[test]
fn case_2_ten_thousand_parallel_attempts_do_not_keep_out_the_device_that_the_window_is_bound_to() {
    let (mut window, start) = armed(bound(A));
    let from = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 + n % 3_000));
    let owners = from(7);
    let strangers = (0..10_000).filter(|n| window.begin(start, from(*n), Some(B)).is_ok()).count();
    assert_eq!(strangers, 0);
    let attempt = window.begin(start, owners, Some(A)).expect("neighbours behind its address do not count");
    let spent = window.spend(start, attempt).unwrap();
    assert!(window.redeem(start, spent).is_ok());
}

#[test]
fn a_bound_device_that_sends_garbage_runs_one_ceremony_in_two_seconds() {
    let (mut window, start) = armed(bound(A));
    let ceremonies = (0..10_000_u32)
        .filter(|n| window.begin(start + Duration::from_millis((*n).into()), source((n % 200) as u8), Some(A)).is_ok())
        .count();
    assert_eq!(ceremonies, 1);
    window.arm(start + seconds(10), bound(A), &mut StdRng::seed_from_u64(2));
    let at = |millis| start + seconds(10) + Duration::from_millis(millis);
    assert_eq!(window.begin(at(1_000), source(1), Some(A)).unwrap_err(), PairRefusal::TooFast, "nor by a new PIN");
}

#[test]
fn case_2_ten_thousand_sources_at_once_run_one_guess_and_cannot_void_a_token() {
    let from = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(0x0A00_0000 + n));
    let (mut window, start) = armed(Invitation::default());
    let guesses = (0..10_000).filter(|n| {
        let attempt = window.begin(start, from(*n), Some(B));
        attempt.is_ok_and(|attempt| window.spend(start, attempt).is_ok())
    });
    assert_eq!(guesses.count(), 1, "a PIN for anyone is voided: this is what a bound window or a token is for");

    let (mut window, start) = armed(token());
    for n in 0..10_000 {
        let attempt = window.begin(start, from(n), Some(B)).unwrap();
        window.spend(start, attempt).unwrap();
    }
    let attempt = window.begin(start, from(20_000), Some(A)).unwrap();
    let spent = window.spend(start, attempt).unwrap();
    assert!(window.redeem(start, spent).is_ok());
}

#[test]
fn a_token_for_anyone_is_for_the_house_too() {
    let (mut window, start) = armed(token());
    let far = "203.0.113.9".parse().unwrap();
    assert_eq!(window.begin(start, far, Some(A)).unwrap_err(), PairRefusal::OtherDevice);
    let invitation = Invitation { device: InvitedDevice::Bound(A), ..token() };
    window.arm(start, invitation, &mut StdRng::seed_from_u64(2));
    assert!(window.begin(start, far, Some(A)).is_ok());
}

#[test]
fn a_ceremony_under_a_token_ends_when_the_owner_takes_it_back_or_removes_the_device() {
    let ends: [fn(&mut PinWindow); 2] = [PinWindow::disarm, |window| window.disarm_for(A)];
    for end in ends {
        let (mut window, start) = armed(token());
        let attempt = window.begin(start, source(1), Some(A)).unwrap();
        let spent = window.spend(start, attempt).unwrap();
        end(&mut window);
        assert!(window.redeem(start, spent).is_err());
    }
}

#[derive(Clone, Debug)]
enum Op {
    Arm(Option<u8>, InvitedBy),
    Disarm,
    Begin { source: u8, device: Option<u8> },
    Spend(usize),
    Redeem(usize),
    Wait(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let device = || 0..3_u8;
    let op = prop_oneof![
        (proptest::option::of(device()), prop_oneof![Just(InvitedBy::Pin), Just(InvitedBy::Token)])
            .prop_map(|(to, by)| Op::Arm(to, by)),
        Just(Op::Disarm),
        (0..3_u8, proptest::option::weighted(0.9, device())).prop_map(|(source, device)| Op::Begin { source, device }),
        (0..4_usize).prop_map(Op::Spend),
        (0..4_usize).prop_map(Op::Redeem),
        (0..90_u64).prop_map(Op::Wait),
    ];
    vec(op, 0..200)
}

/// One window under random use, with what every window promises.
struct Run {
    window: PinWindow,
    now: Instant,
    rng: StdRng,
    attempts: Vec<PinAttempt>,
    spent: Vec<SpentPin>,
    invited: Option<InvitedDevice>,
    by: InvitedBy,
    guesses_since_armed: u32,
    redeemed_since_armed: u32,
}

impl Run {
    fn apply(&mut self, op: Op) -> Result<(), proptest::test_runner::TestCaseError> {
        let device = |n: u8| Fingerprint::from_bytes([n; 32]);
        match op {
            Op::Arm(to, by) => {
                let invited = to.map_or(InvitedDevice::Anyone, |n| InvitedDevice::Bound(device(n)));
                self.window.arm(self.now, Invitation { device: invited, by, ..Invitation::default() }, &mut self.rng);
                (self.invited, self.by) = (Some(invited), by);
                (self.guesses_since_armed, self.redeemed_since_armed) = (0, 0);
            }
            Op::Disarm => {
                self.window.disarm();
                self.invited = None;
            }
            Op::Begin { source: from, device: who } => {
                self.attempts.extend(self.window.begin(self.now, source(from), who.map(device)));
            }
            Op::Spend(n) if n < self.attempts.len() => self.spend(n)?,
            Op::Redeem(n) if n < self.spent.len() => self.redeem(n)?,
            Op::Wait(time) => self.now += seconds(time),
            Op::Spend(_) | Op::Redeem(_) => {}
        }
        Ok(())
    }

    fn spend(&mut self, n: usize) -> Result<(), proptest::test_runner::TestCaseError> {
        let attempt = self.attempts.swap_remove(n);
        let who = attempt.fingerprint();
        if let Ok(spent) = self.window.spend(self.now, attempt) {
            self.guesses_since_armed += 1;
            prop_assert!(self.guesses_since_armed == 1 || self.by == InvitedBy::Token);
            prop_assert!(
                matches!(self.invited, Some(InvitedDevice::Anyone)) || self.invited == Some(InvitedDevice::Bound(who))
            );
            self.spent.push(spent);
        }
        Ok(())
    }

    fn redeem(&mut self, n: usize) -> Result<(), proptest::test_runner::TestCaseError> {
        let spent = self.spent.swap_remove(n);
        if self.window.redeem(self.now, spent).is_ok() {
            self.redeemed_since_armed += 1;
            prop_assert!(self.redeemed_since_armed == 1 && self.guesses_since_armed >= 1);
            prop_assert!(self.invited.is_some());
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn no_window_ever_gives_two_guesses_or_serves_a_device_it_is_not_meant_for(ops in ops()) {
        let mut run = Run {
            window: PinWindow::default(), now: Instant::now(), rng: StdRng::seed_from_u64(5),
            attempts: Vec::new(), spent: Vec::new(), invited: None, by: InvitedBy::Pin,
            guesses_since_armed: 0, redeemed_since_armed: 0,
        };
        for op in ops {
            run.apply(op)?;
        }
    }
}
