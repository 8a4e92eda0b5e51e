//! The administrator: the first claim, the password, logins, and what needs the password again.
//!
//! Read [`Administrator`] first. Nothing here knows of HTTP, cookies or sockets, and time and randomness are
//! parameters; what has to be stored is handed to the caller.

mod claim;
mod password;
mod sessions;
mod throttle;
mod work;

use std::{
    net::IpAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use rand::{CryptoRng, Rng};

pub use claim::ClaimCode;
pub use password::{DeclaredPassword, Password, PasswordCost, PasswordHash, PasswordRefusal};
pub use sessions::{SessionId, SessionToken};
pub use work::{CheckedPassword, NewPassword, PasswordCheck, PasswordHashing};

use crate::{source::Source, store::StoreError};
use sessions::Sessions;
use throttle::Throttle;
use work::{Gate, Subject};

/// Who may administer this host. One per process, behind a lock of its own.
///
/// Whatever needs a hash goes in three steps: `begin_…` decides and hands out work, `run` does it **outside** the
/// lock, `finish_…` acts on the result. Several can be under way; each finds out at the end whether it still counts.
///
/// Until there is an administrator a [`ClaimCode`] is shown at the machine, and only who types it becomes one. The
/// code lives in memory: a restart shows another, so a code that was photographed yesterday is worth nothing.
#[derive(Debug)]
pub struct Administrator {
    state: State,
    /// Counts passwords, so that work begun under an earlier one is worth nothing.
    epoch: u64,
    cost: PasswordCost,
    throttle: Throttle,
    sessions: Sessions,
    gate: Arc<Gate>,
}

#[derive(Debug)]
enum State {
    Unclaimed(ClaimCode),
    Claimed(PasswordHash),
    Declared(PasswordHash),
}

/// Whether there is an administrator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdministratorState {
    /// No: the claim code is shown.
    Unclaimed,
    /// Yes, with a password of their own.
    Claimed,
    /// Yes, with the password that the configuration declares; it can be changed there only.
    Declared,
}

/// What a request wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Looking, and what harms nobody. A login is enough.
    Ordinary,
    /// Arming, approving, unpairing, grants, power, backup, the password. Needs the password of the last 15 minutes.
    Sensitive,
}

/// Why a request was refused. Beyond this the peer learns nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdminRefusal {
    /// The password or code is wrong.
    #[error("that is wrong")]
    Wrong,
    /// Too many attempts, from here or from everywhere.
    #[error("too many attempts: try again in {} seconds", .retry_after.as_secs() + 1)]
    Wait {
        /// When an attempt from the same address will be heard. At most a minute.
        retry_after: Duration,
    },
    /// Others are being checked. Nothing was counted: try again at once.
    #[error("the host is busy with other logins: try again")]
    Busy,
    /// Not logged in, or not any more.
    #[error("log in first")]
    NoSession,
    /// Logged in, but the password was proven too long ago.
    #[error("type the password again to go on")]
    PasswordNeeded,
    /// There is an administrator already, or the password was changed meanwhile.
    #[error("this host has an administrator: log in")]
    Claimed,
    /// There is no administrator yet.
    #[error("this host has no administrator yet: claim it with the code that it shows")]
    Unclaimed,
    /// The configuration declares the password.
    #[error("the password is declared in the host's configuration (console.password_file): change it there")]
    Declared,
}

/// Why a new password did not become the stored one. The old state is in force.
#[derive(Debug, thiserror::Error)]
pub enum SetPasswordError {
    /// Somebody else was faster, or the login ended.
    #[error(transparent)]
    Refused(#[from] AdminRefusal),
    /// Our disk. A claim code stays good.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Administrator {
    /// Nobody is told to wait longer than this, whatever others do, and who comes back then is heard.
    pub const LONGEST_WAIT: Duration = throttle::LONGEST_WAIT;

    /// With the password that the store holds; without one, waiting for a claim.
    pub fn new(now: Instant, stored: Option<PasswordHash>, cost: PasswordCost, rng: &mut impl CryptoRng) -> Self {
        let state = stored.map_or_else(|| State::Unclaimed(ClaimCode::draw(rng)), State::Claimed);
        Self::in_state(now, state, cost, rng)
    }

    /// With the password that the configuration declares. What the store holds does not count.
    pub fn declared(now: Instant, hash: PasswordHash, cost: PasswordCost, rng: &mut impl CryptoRng) -> Self {
        Self::in_state(now, State::Declared(hash), cost, rng)
    }

    fn in_state(now: Instant, state: State, cost: PasswordCost, rng: &mut impl CryptoRng) -> Self {
        let throttle = Throttle::new(now, rng.random());
        Self { state, epoch: 0, cost, throttle, sessions: Sessions::default(), gate: Arc::default() }
    }

    /// Whether there is an administrator.
    pub fn state(&self) -> AdministratorState {
        match self.state {
            State::Unclaimed(_) => AdministratorState::Unclaimed,
            State::Claimed(_) => AdministratorState::Claimed,
            State::Declared(_) => AdministratorState::Declared,
        }
    }

    /// The code to show at the machine, while there is no administrator.
    pub fn claim_code(&self) -> Option<&ClaimCode> {
        match &self.state {
            State::Unclaimed(code) => Some(code),
            State::Claimed(_) | State::Declared(_) => None,
        }
    }

    /// Somebody typed a claim code and the password they want. The code stays good until one of those who know it
    /// has finished: it is single use, but a lost connection or a full disk does not use it up.
    ///
    /// # Errors
    /// [`AdminRefusal::Wrong`], [`AdminRefusal::Wait`], [`AdminRefusal::Busy`], or there is an administrator.
    pub fn begin_claim(
        &mut self,
        now: Instant,
        source: IpAddr,
        (typed, password): (&str, Password),
        rng: &mut impl CryptoRng,
    ) -> Result<PasswordHashing, AdminRefusal> {
        let State::Unclaimed(code) = &self.state else { return Err(AdminRefusal::Claimed) };
        let pass = self.gate.enter().ok_or(AdminRefusal::Busy)?;
        let source = Source::of(source);
        self.throttle.attempt(now, source).map_err(|retry_after| AdminRefusal::Wait { retry_after })?;
        if !code.matches(typed) {
            return Err(AdminRefusal::Wrong);
        }
        self.throttle.succeeded(source);
        let subject = Subject { source, session: None, epoch: self.epoch };
        Ok(PasswordHashing { pass, subject, password, cost: self.cost, salt: rng.random() })
    }

    /// An administrator who is logged in wants another password.
    ///
    /// # Errors
    /// As [`Administrator::authorize`] for [`Action::Sensitive`]; [`AdminRefusal::Declared`]; [`AdminRefusal::Busy`].
    pub fn begin_change(
        &mut self,
        now: Instant,
        source: IpAddr,
        (token, password): (&str, Password),
        rng: &mut impl CryptoRng,
    ) -> Result<PasswordHashing, AdminRefusal> {
        let session = Some(self.authorize(now, token, Action::Sensitive)?);
        match &self.state {
            State::Claimed(_) => {}
            State::Declared(_) => return Err(AdminRefusal::Declared),
            State::Unclaimed(_) => return Err(AdminRefusal::Unclaimed),
        }
        let pass = self.gate.enter().ok_or(AdminRefusal::Busy)?;
        let subject = Subject { source: Source::of(source), session, epoch: self.epoch };
        Ok(PasswordHashing { pass, subject, password, cost: self.cost, salt: rng.random() })
    }

    /// Puts the new password in force: `store` writes it, every login ends, and one begins for who set it. Of
    /// several who raced, the first to come here wins.
    ///
    /// # Errors
    /// Nothing changed.
    pub fn finish_password(
        &mut self,
        now: Instant,
        new: NewPassword,
        rng: &mut impl CryptoRng,
        store: impl FnOnce(&PasswordHash) -> Result<(), StoreError>,
    ) -> Result<SessionToken, SetPasswordError> {
        if new.subject.epoch != self.epoch {
            return Err(AdminRefusal::Claimed.into());
        }
        store(&new.hash)?;
        self.change_to(State::Claimed(new.hash));
        Ok(self.sessions.open(now, rng))
    }

    /// Somebody wants to log in.
    ///
    /// # Errors
    /// [`AdminRefusal::Wait`], [`AdminRefusal::Busy`], [`AdminRefusal::Unclaimed`].
    pub fn begin_login(
        &mut self,
        now: Instant,
        source: IpAddr,
        password: Password,
    ) -> Result<PasswordCheck, AdminRefusal> {
        self.begin_check(now, Source::of(source), None, password)
    }

    /// Who is logged in types the password again.
    ///
    /// # Errors
    /// As [`Administrator::begin_login`], and [`AdminRefusal::NoSession`].
    pub fn begin_step_up(
        &mut self,
        now: Instant,
        source: IpAddr,
        (token, password): (&str, Password),
    ) -> Result<PasswordCheck, AdminRefusal> {
        let session = self.sessions.find(now, token).ok_or(AdminRefusal::NoSession)?.id;
        self.begin_check(now, Source::of(source), Some(session), password)
    }

    fn begin_check(
        &mut self,
        now: Instant,
        source: Source,
        session: Option<SessionId>,
        password: Password,
    ) -> Result<PasswordCheck, AdminRefusal> {
        let (State::Claimed(hash) | State::Declared(hash)) = &self.state else { return Err(AdminRefusal::Unclaimed) };
        // A full queue costs nobody an attempt.
        let pass = self.gate.enter().ok_or(AdminRefusal::Busy)?;
        self.throttle.attempt(now, source).map_err(|retry_after| AdminRefusal::Wait { retry_after })?;
        let subject = Subject { source, session, epoch: self.epoch };
        Ok(PasswordCheck { pass, subject, password, hash: hash.clone() })
    }

    /// Logs in, or proves the password within a login, which then goes on under the token returned: the old one is
    /// void, and with it any copy.
    ///
    /// # Errors
    /// [`AdminRefusal::Wrong`]: a login ends after five of them. [`AdminRefusal::Claimed`]: the password was changed
    /// meanwhile. [`AdminRefusal::NoSession`]: the login ended meanwhile.
    pub fn finish_check(
        &mut self,
        now: Instant,
        checked: CheckedPassword,
        rng: &mut impl CryptoRng,
    ) -> Result<SessionToken, AdminRefusal> {
        let Subject { source, session, epoch } = checked.subject;
        if epoch != self.epoch {
            return Err(AdminRefusal::Claimed);
        }
        if !checked.is_right {
            if let Some(session) = session {
                self.sessions.disprove(session);
            }
            return Err(AdminRefusal::Wrong);
        }
        self.throttle.succeeded(source);
        match session {
            None => Ok(self.sessions.open(now, rng)),
            Some(session) => self.sessions.prove(now, session, rng).ok_or(AdminRefusal::NoSession),
        }
    }

    /// Whether who shows `token` may do this. Neither throttled nor slowed down by what others try.
    ///
    /// # Errors
    /// [`AdminRefusal::NoSession`], [`AdminRefusal::PasswordNeeded`].
    pub fn authorize(&mut self, now: Instant, token: &str, action: Action) -> Result<SessionId, AdminRefusal> {
        let session = self.sessions.find(now, token).ok_or(AdminRefusal::NoSession)?;
        match action {
            Action::Sensitive if !session.is_proven(now) => Err(AdminRefusal::PasswordNeeded),
            Action::Ordinary | Action::Sensitive => Ok(session.id),
        }
    }

    /// Whether the login of `token` still holds. Asking is no use of it, so it does not keep it from ending.
    pub fn is_logged_in(&mut self, now: Instant, token: &str) -> bool {
        self.sessions.look_up(now, token).is_some()
    }

    /// Ends the login of `token`. `false` if there was none.
    pub fn log_out(&mut self, now: Instant, token: &str) -> bool {
        let session = self.sessions.find(now, token).map(|session| session.id);
        session.map(|session| self.sessions.end(session)).is_some()
    }

    /// Ends every login.
    pub fn log_out_everywhere(&mut self) {
        self.sessions.end_all();
    }

    /// How many logins there are.
    pub fn logins(&mut self, now: Instant) -> usize {
        self.sessions.count(now)
    }

    /// The owner, at the machine, forgot the password: `store` removes it, every login ends, and a new code is shown.
    ///
    /// # Errors
    /// Nothing changed.
    pub fn unclaim(
        &mut self,
        rng: &mut impl CryptoRng,
        store: impl FnOnce() -> Result<(), StoreError>,
    ) -> Result<(), SetPasswordError> {
        if matches!(self.state, State::Declared(_)) {
            return Err(AdminRefusal::Declared.into());
        }
        store()?;
        self.change_to(State::Unclaimed(ClaimCode::draw(rng)));
        Ok(())
    }

    fn change_to(&mut self, state: State) {
        self.state = state;
        self.epoch += 1;
        self.sessions.end_all();
    }
}

#[cfg(test)]
mod tests;
