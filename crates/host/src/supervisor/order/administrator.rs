//! The administrator: claim, login, password.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Instant,
};

use punktfunk_trust::{AdminRefusal, AuditEvent, Origin, Password, SessionToken, SetPasswordError};
use zeroize::Zeroizing;

use super::{Order, error};
use crate::admin::protocol::{AdminError, AdminErrorCode, Administrator, AdministratorState, SecretText};

impl Order<'_> {
    pub(in crate::supervisor) fn administrator(&self) -> Administrator {
        let administrator = self.host.administrator();
        let code = administrator.claim_code().map(|code| code.to_text().to_string().into());
        Administrator { state: told(administrator.state()), claim_code: code }
    }

    /// Who may use the admin socket is at the machine, and needs no code.
    pub(in crate::supervisor) fn claim_here(&self, password: &SecretText) -> Result<Administrator, AdminError> {
        let refused = |fault: &dyn std::fmt::Display| error(AdminErrorCode::Refused, fault.to_string());
        let password = Password::new(Zeroizing::new(password.reveal().to_owned())).map_err(|fault| refused(&fault))?;
        let code = self.host.administrator().claim_code().map(punktfunk_trust::ClaimCode::to_text);
        let code = code.ok_or_else(|| refused(&AdminRefusal::Claimed))?;
        let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
        self.claim(here, &code, password).map_err(|fault| not_set(&fault))?;
        // The login that a claim begins is for whoever claims over the network.
        self.host.administrator().log_out_everywhere();
        Ok(self.administrator())
    }

    /// Claims the host; hashes for a tenth of a second.
    pub(in crate::supervisor) fn claim(
        &self,
        source: IpAddr,
        code: &str,
        password: Password,
    ) -> Result<SessionToken, SetPasswordError> {
        let begun = self.host.administrator().begin_claim(Instant::now(), source, (code, password), &mut rand::rng());
        let hashed = begun?.run();
        let store = |hash: &_| self.change(|trust, now| trust.store_administrator(now, Some(hash)));
        let token = self.host.administrator().finish_password(Instant::now(), hashed, &mut rand::rng(), store)?;
        tracing::info!("the host was claimed");
        self.host.tell_health();
        Ok(token)
    }

    /// Logs in, or proves the password within the login of `token`.
    pub(in crate::supervisor) fn check(
        &self,
        source: IpAddr,
        token: Option<&str>,
        password: Password,
    ) -> Result<SessionToken, AdminRefusal> {
        let begun = {
            let mut administrator = self.host.administrator();
            match token {
                None => administrator.begin_login(Instant::now(), source, password),
                Some(token) => administrator.begin_step_up(Instant::now(), source, (token, password)),
            }
        };
        let checked = begun?.run();
        let finished = self.host.administrator().finish_check(Instant::now(), checked, &mut rand::rng());
        match (&finished, token) {
            (Ok(token), None) => self.host.record(self.login_of(&token.to_text(), source), AuditEvent::LoggedIn),
            (Err(AdminRefusal::Wrong), _) => self.host.count_failed_login(source),
            (Ok(_) | Err(_), _) => {}
        }
        finished
    }

    fn login_of(&self, token: &str, source: IpAddr) -> Origin {
        let session = self.host.administrator().authorize(Instant::now(), token, punktfunk_trust::Action::Ordinary);
        let session = session.map(|session| session.number().to_string()).unwrap_or_default();
        Origin::console(session, source)
    }

    pub(in crate::supervisor) fn change_password(
        &self,
        token: &str,
        password: Password,
    ) -> Result<SessionToken, SetPasswordError> {
        let source = self.origin.source.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let begun = self.host.administrator().begin_change(Instant::now(), source, (token, password), &mut rand::rng());
        let hashed = begun?.run();
        let store = |hash: &_| self.change(|trust, now| trust.store_administrator(now, Some(hash)));
        self.host.administrator().finish_password(Instant::now(), hashed, &mut rand::rng(), store)
    }

    /// Ends the login of `token`.
    pub(in crate::supervisor) fn log_out(&self, token: &str) {
        let session = self.host.administrator().authorize(Instant::now(), token, punktfunk_trust::Action::Ordinary);
        if let Ok(session) = session
            && self.host.administrator().log_out(Instant::now(), token)
        {
            let actor = punktfunk_trust::Actor::Console { session: session.number().to_string().as_str().into() };
            self.host.record(Origin { actor, source: None }, AuditEvent::LoggedOut);
        }
    }

    pub(in crate::supervisor) fn unclaim(&self) -> Result<Administrator, AdminError> {
        let store = || self.change(|trust, now| trust.store_administrator(now, None));
        self.host.administrator().unclaim(&mut rand::rng(), store).map_err(|fault| not_set(&fault))?;
        self.host.tell_health();
        Ok(self.administrator())
    }
}

/// As answers say it.
pub(in crate::supervisor) fn told(state: punktfunk_trust::AdministratorState) -> AdministratorState {
    match state {
        punktfunk_trust::AdministratorState::Unclaimed => AdministratorState::Unclaimed,
        punktfunk_trust::AdministratorState::Claimed => AdministratorState::Claimed,
        punktfunk_trust::AdministratorState::Declared => AdministratorState::Declared,
    }
}

fn not_set(fault: &SetPasswordError) -> AdminError {
    let code = match fault {
        SetPasswordError::Refused(_) => AdminErrorCode::Refused,
        SetPasswordError::Store(_) => AdminErrorCode::NotStored,
    };
    error(code, fault.to_string())
}
