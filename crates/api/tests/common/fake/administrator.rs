//! The administrator of the fake host: the real one, on a clock that can be moved.

use std::{
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use punktfunk_api::model::AdministratorState;
use punktfunk_trust::{
    Action, AdminRefusal, Administrator, AdministratorState as State, Password, PasswordCost, PasswordHash, SessionId,
    SessionToken, SetPasswordError,
};
use zeroize::Zeroizing;

/// The administrator.
pub(crate) struct FakeAdministrator(Mutex<(Administrator, Duration)>);

impl FakeAdministrator {
    pub(super) fn unclaimed() -> Self {
        Self::with(None)
    }

    pub(super) fn claimed(password: &str) -> Self {
        let password = Password::new(Zeroizing::new(password.to_owned())).expect("it is long enough");
        Self::with(Some(PasswordHash::of(&password, CHEAP, [7; 16])))
    }

    fn with(stored: Option<PasswordHash>) -> Self {
        let administrator = Administrator::new(Instant::now(), stored, CHEAP, &mut rand::rng());
        Self(Mutex::new((administrator, Duration::ZERO)))
    }

    /// Lets time pass for logins and attempts.
    pub(crate) fn advance(&self, time: Duration) {
        self.lock().1 += time;
    }

    /// What the machine shows while nobody administers it.
    pub(crate) fn claim_code(&self) -> Option<String> {
        self.lock().0.claim_code().map(|code| code.to_text().to_string())
    }

    pub(super) fn state(&self) -> AdministratorState {
        match self.lock().0.state() {
            State::Unclaimed => AdministratorState::Unclaimed,
            State::Claimed => AdministratorState::Claimed,
            State::Declared => AdministratorState::Declared,
        }
    }

    pub(super) fn claim(
        &self,
        source: IpAddr,
        code: &str,
        password: Password,
    ) -> Result<SessionToken, SetPasswordError> {
        let work =
            self.at(|administrator, now| administrator.begin_claim(now, source, (code, password), &mut rand::rng()))?;
        let new = work.run();
        self.at(|administrator, now| administrator.finish_password(now, new, &mut rand::rng(), |_| Ok(())))
    }

    pub(super) fn log_in(&self, source: IpAddr, password: Password) -> Result<SessionToken, AdminRefusal> {
        let checked = self.at(|administrator, now| administrator.begin_login(now, source, password))?.run();
        self.at(|administrator, now| administrator.finish_check(now, checked, &mut rand::rng()))
    }

    pub(super) fn confirm(
        &self,
        source: IpAddr,
        token: &str,
        password: Password,
    ) -> Result<SessionToken, AdminRefusal> {
        let checked = self.at(|administrator, now| administrator.begin_step_up(now, source, (token, password)))?.run();
        self.at(|administrator, now| administrator.finish_check(now, checked, &mut rand::rng()))
    }

    pub(super) fn change(
        &self,
        source: IpAddr,
        token: &str,
        password: Password,
    ) -> Result<SessionToken, SetPasswordError> {
        let work =
            self.at(|administrator, now| administrator.begin_change(now, source, (token, password), &mut rand::rng()))?;
        let new = work.run();
        self.at(|administrator, now| administrator.finish_password(now, new, &mut rand::rng(), |_| Ok(())))
    }

    pub(super) fn authorize(&self, token: &str, action: Action) -> Result<SessionId, AdminRefusal> {
        self.at(|administrator, now| administrator.authorize(now, token, action))
    }

    pub(super) fn is_logged_in(&self, token: &str) -> bool {
        self.at(|administrator, now| administrator.is_logged_in(now, token))
    }

    pub(super) fn log_out(&self, token: &str) {
        self.at(|administrator, now| administrator.log_out(now, token));
    }

    fn at<T>(&self, act: impl FnOnce(&mut Administrator, Instant) -> T) -> T {
        let (administrator, passed) = &mut *self.lock();
        act(administrator, Instant::now() + *passed)
    }

    fn lock(&self) -> MutexGuard<'_, (Administrator, Duration)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tests prove what is done with passwords, not how dear they are.
const CHEAP: PasswordCost = PasswordCost { memory_kib: 16, passes: 1, lanes: 1 };
