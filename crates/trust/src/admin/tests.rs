use super::{
    Action, AdminRefusal, Administrator, AdministratorState, Password, PasswordCost, PasswordHash, SessionToken,
    SetPasswordError,
    sessions::Sessions,
    work::{Gate, NewPassword},
};
use crate::store::StoreError;
use rand::{SeedableRng, rngs::StdRng};
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    time::{Duration, Instant},
};
use zeroize::Zeroizing;

/// Everything of argon2id but its price.
const CHEAP: PasswordCost = PasswordCost { memory_kib: 16, passes: 1, lanes: 1 };
const RIGHT: &str = "correct horse";
const WRONG: &str = "battery staple";

fn password(text: &str) -> Password {
    Password::new(Zeroizing::new(text.to_owned())).unwrap()
}

fn source(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(0xC0A8_0000 + n).into()
}

fn minutes(n: u64) -> Duration {
    Duration::from_secs(60 * n)
}

struct Fixture {
    admin: Administrator,
    now: Instant,
    rng: StdRng,
}

impl Fixture {
    fn unclaimed() -> Self {
        let (now, mut rng) = (Instant::now(), StdRng::seed_from_u64(1));
        Self { admin: Administrator::new(now, None, CHEAP, &mut rng), now, rng }
    }

    fn claimed() -> Self {
        let (now, mut rng) = (Instant::now(), StdRng::seed_from_u64(1));
        let hash = PasswordHash::of(&password(RIGHT), CHEAP, [1; 16]);
        Self { admin: Administrator::new(now, Some(hash), CHEAP, &mut rng), now, rng }
    }

    fn code(&self) -> String {
        self.admin.claim_code().unwrap().to_text().to_string()
    }

    fn begin_claim(&mut self, from: u32, code: &str, wanted: &str) -> Result<NewPassword, AdminRefusal> {
        let asked = (code, password(wanted));
        self.admin.begin_claim(self.now, source(from), asked, &mut self.rng).map(super::PasswordHashing::run)
    }

    fn finish(&mut self, new: NewPassword) -> Result<SessionToken, SetPasswordError> {
        self.admin.finish_password(self.now, new, &mut self.rng, |_| Ok(()))
    }

    fn log_in(&mut self, from: IpAddr, text: &str) -> Result<String, AdminRefusal> {
        let checked = self.admin.begin_login(self.now, from, password(text))?.run();
        self.admin.finish_check(self.now, checked, &mut self.rng).map(|token| token.to_text().to_string())
    }

    fn step_up(&mut self, from: IpAddr, token: &str, text: &str) -> Result<String, AdminRefusal> {
        let checked = self.admin.begin_step_up(self.now, from, (token, password(text)))?.run();
        self.admin.finish_check(self.now, checked, &mut self.rng).map(|token| token.to_text().to_string())
    }

    fn may(&mut self, token: &str, action: Action) -> Result<(), AdminRefusal> {
        self.admin.authorize(self.now, token, action).map(|_| ())
    }
}

#[test]
fn case_35_of_all_who_race_for_the_first_password_only_the_holder_of_the_claim_code_wins() {
    let mut fixture = Fixture::unclaimed();
    let code = fixture.code();
    for neighbour in 0..200 {
        let guess = format!("{neighbour:08}");
        let refused = fixture.begin_claim(neighbour, &guess, "mine now, all mine").unwrap_err();
        assert!(matches!(refused, AdminRefusal::Wrong | AdminRefusal::Wait { .. }));
    }
    let due = match fixture.begin_claim(999, &code, RIGHT) {
        Err(AdminRefusal::Wait { retry_after }) => retry_after,
        other => panic!("after 200 wrong codes everybody waits for a slot: {other:?}"),
    };
    assert!(due <= Administrator::LONGEST_WAIT);
    fixture.now += due;
    let new = fixture.begin_claim(999, &code, RIGHT).unwrap();
    let token = fixture.finish(new).unwrap().to_text();
    assert_eq!(fixture.may(&token, Action::Sensitive), Ok(()));
    assert_eq!(fixture.begin_claim(1, &code, "too late for this").unwrap_err(), AdminRefusal::Claimed);
}

#[test]
fn a_claim_code_is_good_for_one_administrator_even_if_two_use_it_at_once() {
    let mut fixture = Fixture::unclaimed();
    let code = fixture.code();
    let first = fixture.begin_claim(1, &code, RIGHT).unwrap();
    let second = fixture.begin_claim(2, &code, WRONG).unwrap();
    assert!(fixture.finish(second).is_ok());
    assert!(matches!(fixture.finish(first), Err(SetPasswordError::Refused(AdminRefusal::Claimed))));
    assert!(fixture.log_in(source(3), WRONG).is_ok());
    assert_eq!(fixture.admin.state(), AdministratorState::Claimed);
    assert!(fixture.admin.claim_code().is_none());
}

#[test]
fn a_disk_that_refuses_leaves_the_host_unclaimed_and_the_code_good() {
    let mut fixture = Fixture::unclaimed();
    let code = fixture.code();
    let new = fixture.begin_claim(1, &code, RIGHT).unwrap();
    let full = || StoreError::DiskFull { action: "store", path: "state.db".into() };
    let refused = fixture.admin.finish_password(fixture.now, new, &mut fixture.rng, |_| Err(full()));
    assert!(matches!(refused, Err(SetPasswordError::Store(_))));
    assert_eq!(fixture.log_in(source(1), RIGHT).unwrap_err(), AdminRefusal::Unclaimed);
    let new = fixture.begin_claim(1, &code, RIGHT).unwrap();
    assert!(fixture.finish(new).is_ok());
}

#[test]
fn each_start_without_an_administrator_shows_another_code() {
    let (now, mut rng) = (Instant::now(), StdRng::seed_from_u64(1));
    let codes: Vec<_> = (0..2)
        .map(|_| Administrator::new(now, None, CHEAP, &mut rng).claim_code().unwrap().to_text().to_string())
        .collect();
    assert_ne!(codes[0], codes[1]);
}

#[test]
fn case_34_two_hundred_wrong_passwords_from_one_address_or_many_do_not_lock_the_owner_out_for_a_minute() {
    for spread in [1, 200] {
        let mut fixture = Fixture::claimed();
        let refusals: Vec<_> = (0..200).map(|n| fixture.log_in(source(n % spread), WRONG).unwrap_err()).collect();
        let heard = refusals.iter().filter(|refusal| **refusal == AdminRefusal::Wrong).count();
        assert!(heard <= 64, "{heard} of 200 were compared");
        let owner = source(5_000);
        if let Err(refusal) = fixture.log_in(owner, RIGHT) {
            let AdminRefusal::Wait { retry_after } = refusal else { panic!("{refusal}") };
            assert!(retry_after <= Administrator::LONGEST_WAIT);
            fixture.now += retry_after;
            // The attack goes on.
            for n in 0..200 {
                let _ = fixture.log_in(source(n % spread), WRONG);
            }
            assert!(fixture.log_in(owner, RIGHT).is_ok());
        }
    }
}

#[test]
fn an_ipv6_subscriber_is_one_source_however_many_addresses_it_uses() {
    let mut fixture = Fixture::claimed();
    let heard = (0..200_u16)
        .filter(|n| {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, *n);
            fixture.log_in(address.into(), WRONG) == Err(AdminRefusal::Wrong)
        })
        .count();
    assert_eq!(heard, 1);
}

#[test]
fn who_is_logged_in_does_not_notice_an_attack() {
    let mut fixture = Fixture::claimed();
    let token = fixture.log_in(source(1), RIGHT).unwrap();
    for n in 0..2_000 {
        let _ = fixture.log_in(source(n), WRONG);
    }
    assert_eq!(fixture.may(&token, Action::Sensitive), Ok(()));
}

#[test]
fn case_36_a_stolen_cookie_does_nothing_sensitive_without_the_password_and_ends() {
    let mut fixture = Fixture::claimed();
    let stolen = fixture.log_in(source(1), RIGHT).unwrap();
    fixture.now += minutes(15);
    assert_eq!(fixture.may(&stolen, Action::Sensitive), Err(AdminRefusal::PasswordNeeded));
    assert_eq!(fixture.may(&stolen, Action::Ordinary), Ok(()));
    let change = fixture.admin.begin_change(fixture.now, source(66), (&stolen, password(WRONG)), &mut fixture.rng);
    assert_eq!(change.unwrap_err(), AdminRefusal::PasswordNeeded);
    let mut guesses = 0;
    while fixture.may(&stolen, Action::Ordinary).is_ok() {
        match fixture.step_up(source(66), &stolen, &format!("guess number {guesses}")) {
            Err(AdminRefusal::Wrong) => guesses += 1,
            Err(AdminRefusal::Wait { retry_after }) => fixture.now += retry_after,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(guesses, Sessions::MAX_WRONG);
    assert_eq!(fixture.step_up(source(66), &stolen, RIGHT).unwrap_err(), AdminRefusal::NoSession);
}

#[test]
fn a_stolen_cookie_is_void_once_the_owner_types_the_password_again() {
    let mut fixture = Fixture::claimed();
    let stolen = fixture.log_in(source(1), RIGHT).unwrap();
    fixture.now += minutes(20);
    let fresh = fixture.step_up(source(1), &stolen, RIGHT).unwrap();
    assert_eq!(fixture.may(&fresh, Action::Sensitive), Ok(()));
    assert_eq!(fixture.may(&stolen, Action::Ordinary), Err(AdminRefusal::NoSession));
    fixture.now += minutes(15);
    assert_eq!(fixture.may(&fresh, Action::Sensitive), Err(AdminRefusal::PasswordNeeded));
}

#[test]
fn a_new_password_logs_everybody_out_and_checks_begun_before_are_void() {
    let mut fixture = Fixture::claimed();
    let elsewhere = fixture.log_in(source(2), RIGHT).unwrap();
    let token = fixture.log_in(source(1), RIGHT).unwrap();
    let under_way = fixture.admin.begin_login(fixture.now, source(3), password(RIGHT)).unwrap().run();
    let wanted = (token.as_str(), password("another password"));
    let new = fixture.admin.begin_change(fixture.now, source(1), wanted, &mut fixture.rng).unwrap().run();
    let own = fixture.finish(new).unwrap().to_text();
    for old in [&elsewhere, &token] {
        assert_eq!(fixture.may(old, Action::Ordinary), Err(AdminRefusal::NoSession));
    }
    assert_eq!(fixture.may(&own, Action::Sensitive), Ok(()));
    let late = fixture.admin.finish_check(fixture.now, under_way, &mut fixture.rng);
    assert_eq!(late.unwrap_err(), AdminRefusal::Claimed);
    assert_eq!(fixture.log_in(source(9), RIGHT).unwrap_err(), AdminRefusal::Wrong);
    assert!(fixture.log_in(source(8), "another password").is_ok());
}

#[test]
fn logging_out_ends_one_login_or_all() {
    let mut fixture = Fixture::claimed();
    let [one, two] = [1, 2].map(|n| fixture.log_in(source(n), RIGHT).unwrap());
    assert!(fixture.admin.log_out(fixture.now, &one));
    assert!(!fixture.admin.log_out(fixture.now, &one));
    assert_eq!(
        (fixture.may(&one, Action::Ordinary), fixture.may(&two, Action::Ordinary)),
        (Err(AdminRefusal::NoSession), Ok(()))
    );
    fixture.admin.log_out_everywhere();
    assert_eq!(fixture.admin.logins(fixture.now), 0);
}

#[test]
fn a_declared_password_is_neither_claimed_nor_changed_here() {
    let (now, mut rng) = (Instant::now(), StdRng::seed_from_u64(1));
    let hash = PasswordHash::of(&password(RIGHT), CHEAP, [1; 16]);
    let admin = Administrator::declared(now, hash, CHEAP, &mut rng);
    let mut fixture = Fixture { admin, now, rng };
    assert!(fixture.admin.claim_code().is_none());
    assert_eq!(fixture.begin_claim(1, "00000000", WRONG).unwrap_err(), AdminRefusal::Claimed);
    let token = fixture.log_in(source(1), RIGHT).unwrap();
    let change = fixture.admin.begin_change(now, source(1), (&token, password(WRONG)), &mut fixture.rng);
    assert_eq!(change.unwrap_err(), AdminRefusal::Declared);
    let reset = fixture.admin.unclaim(&mut fixture.rng, || panic!("nothing is to be stored"));
    assert!(matches!(reset, Err(SetPasswordError::Refused(AdminRefusal::Declared))));
}

#[test]
fn an_owner_who_forgot_the_password_claims_the_host_again() {
    let mut fixture = Fixture::claimed();
    let token = fixture.log_in(source(1), RIGHT).unwrap();
    fixture.admin.unclaim(&mut fixture.rng, || Ok(())).unwrap();
    assert_eq!(fixture.may(&token, Action::Ordinary), Err(AdminRefusal::NoSession));
    assert_eq!(fixture.log_in(source(2), RIGHT).unwrap_err(), AdminRefusal::Unclaimed);
    let code = fixture.code();
    let new = fixture.begin_claim(2, &code, WRONG).unwrap();
    assert!(fixture.finish(new).is_ok());
}

#[test]
fn four_hashes_wait_at_most_and_a_full_queue_costs_nobody_an_attempt() {
    let mut fixture = Fixture::claimed();
    let waiting: Vec<_> = (0..Gate::MAX as u32)
        .map(|n| fixture.admin.begin_login(fixture.now, source(n), password(WRONG)).unwrap())
        .collect();
    for _ in 0..100 {
        assert_eq!(fixture.log_in(source(77), RIGHT).unwrap_err(), AdminRefusal::Busy);
    }
    drop(waiting);
    assert!(fixture.log_in(source(77), RIGHT).is_ok());
}

#[test]
fn nothing_of_the_administrator_is_printed() {
    let mut fixture = Fixture::unclaimed();
    let code = fixture.code();
    let printed = format!("{:?}", fixture.admin);
    assert!(!printed.contains(&code) && !printed.contains(&code.replace('-', "")));
    let asked = (code.as_str(), password(RIGHT));
    let work = fixture.admin.begin_claim(fixture.now, source(1), asked, &mut fixture.rng).unwrap();
    assert!(!format!("{work:?}").contains(RIGHT));
    let new = work.run();
    let hash = new.hash.as_str().to_owned();
    assert!(!format!("{new:?}").contains(&hash));
    fixture.finish(new).unwrap();
    assert!(!format!("{:?}", fixture.admin).contains(&hash));
}
