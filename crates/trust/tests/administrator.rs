//! The administrator with the real store and the real price of a hash.

use std::{net::IpAddr, path::Path, time::Instant};

use punktfunk_trust::{
    Action, AdminRefusal, Administrator, AdministratorState, Moment, PairingPolicy, Password, PasswordCost, Trust,
};
use rand::{SeedableRng, rngs::StdRng};
use zeroize::Zeroizing;

const RIGHT: &str = "correct horse";
const OWNER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 1, 2));

fn password(text: &str) -> Password {
    Password::new(Zeroizing::new(text.to_owned())).unwrap()
}

struct Host {
    trust: Trust,
    admin: Administrator,
    rng: StdRng,
}

impl Host {
    fn start(state: &Path, seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let trust = Trust::open(state, PairingPolicy::Require, Moment::now()).unwrap();
        let stored = trust.administrator().cloned();
        let admin = Administrator::new(Instant::now(), stored, PasswordCost::default(), &mut rng);
        Self { trust, admin, rng }
    }

    fn claim(&mut self) -> String {
        let code = self.admin.claim_code().unwrap().to_text();
        let work = self.admin.begin_claim(Instant::now(), OWNER, (&code, password(RIGHT)), &mut self.rng).unwrap();
        let new = work.run();
        let store = |hash: &_| self.trust.store_administrator(Moment::now(), Some(hash));
        let token = self.admin.finish_password(Instant::now(), new, &mut self.rng, store).unwrap();
        token.to_text().to_string()
    }

    fn log_in(&mut self, text: &str) -> Result<String, AdminRefusal> {
        let checked = self.admin.begin_login(Instant::now(), OWNER, password(text))?.run();
        self.admin.finish_check(Instant::now(), checked, &mut self.rng).map(|token| token.to_text().to_string())
    }
}

#[test]
fn a_claimed_host_stays_claimed_after_a_restart_and_every_login_is_over() {
    let state = tempfile::tempdir().unwrap();
    let mut host = Host::start(state.path(), 1);
    assert_eq!(host.admin.state(), AdministratorState::Unclaimed);
    let token = host.claim();
    assert!(host.admin.authorize(Instant::now(), &token, Action::Sensitive).is_ok());
    drop(host);

    let mut host = Host::start(state.path(), 2);
    assert_eq!(host.admin.state(), AdministratorState::Claimed);
    assert_eq!(host.admin.authorize(Instant::now(), &token, Action::Ordinary), Err(AdminRefusal::NoSession));
    let token = host.log_in(RIGHT).unwrap();
    assert!(host.admin.authorize(Instant::now(), &token, Action::Sensitive).is_ok());
    assert_eq!(host.log_in("battery staple"), Err(AdminRefusal::Wrong));
}

#[test]
fn neither_the_password_nor_a_cookie_is_in_the_state_directory() {
    let state = tempfile::tempdir().unwrap();
    let mut host = Host::start(state.path(), 1);
    let token = host.claim();
    drop(host);
    for entry in std::fs::read_dir(state.path()).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        let bytes = std::fs::read(entry.path()).unwrap();
        for secret in [RIGHT, token.as_str()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{:?}", entry.path());
        }
    }
}

#[test]
fn an_unclaimed_host_forgets_the_password_for_good() {
    let state = tempfile::tempdir().unwrap();
    let mut host = Host::start(state.path(), 1);
    host.claim();
    let Host { trust, admin, rng } = &mut host;
    admin.unclaim(rng, || trust.store_administrator(Moment::now(), None)).unwrap();
    drop(host);
    assert_eq!(Host::start(state.path(), 2).admin.state(), AdministratorState::Unclaimed);
}

#[test]
fn a_store_whose_password_cannot_be_used_is_refused_and_is_no_unclaimed_host() {
    let state = tempfile::tempdir().unwrap();
    Host::start(state.path(), 1).claim();
    let file = rusqlite::Connection::open(state.path().join("state.db")).unwrap();
    for damage in
        ["UPDATE meta SET value = 'x' WHERE key = 'administrator'", "DELETE FROM meta WHERE key = 'administrator'"]
    {
        file.execute_batch(damage).unwrap();
        assert!(Trust::open(state.path(), PairingPolicy::Require, Moment::now()).is_err(), "{damage}");
    }
}
