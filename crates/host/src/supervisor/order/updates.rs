//! Updates of the system image: what the update service is asked, and what is put down to whom.

use std::{path::PathBuf, time::Duration};

use punktfunk_api::{
    HostEvent, Topic,
    model::{OfferedBy, UpdateOffer, UpdateRefusal, UpdateRefusalCode, UpdateStatus},
};
use punktfunk_trust::AuditEvent;
use punktfunk_update::{
    client::{self, ClientError},
    model::{Answer, Request, UpdateOutcome},
    places, store,
};

use super::Order;
use crate::supervisor::Supervisor;

/// Where the update service is found.
#[derive(Clone, Debug)]
pub struct UpdatePlaces {
    /// Its socket.
    pub socket: PathBuf,
    /// Its state, which everybody may read.
    pub state_dir: PathBuf,
}

type Done<T> = Result<T, UpdateRefusal>;

impl Order<'_> {
    /// How updates stand; `None` where there is no update service.
    pub(in crate::supervisor) fn update(&self) -> Done<Option<UpdateStatus>> {
        match self.ask(&Request::Status, SHORT) {
            Ok(answer) => told(answer).map(Some),
            Err(ClientError::Absent { .. }) => Ok(None),
            Err(fault) => Err(refusal(fault)),
        }
    }

    pub(in crate::supervisor) fn check_for_update(&self, from: OfferedBy) -> Done<UpdateOffer> {
        match self.ask(&Request::Check { from }, LONG).map_err(refusal)? {
            Answer::Offer(offer) => Ok(*offer),
            _ => Err(not_understood()),
        }
    }

    pub(in crate::supervisor) fn stage_update(&self, version: &str) -> Done<UpdateStatus> {
        let parsed = version.parse();
        let wrong = |fault: punktfunk_update::version::NoVersion| {
            UpdateRefusal::new(UpdateRefusalCode::BadRequest, fault.to_string())
        };
        let status = told(self.ask(&Request::Stage { version: parsed.map_err(wrong)? }, SHORT).map_err(refusal)?)?;
        self.host.record(self.origin.clone(), AuditEvent::UpdateAccepted { version: version.into() });
        Ok(status)
    }

    pub(in crate::supervisor) fn apply_update(&self) -> Done<()> {
        let staged = self.update()?.and_then(|status| status.staged);
        let version = staged.map_or_else(|| "none".to_owned(), |version| version.to_string());
        self.ask(&Request::Apply, SHORT).map_err(refusal)?;
        tracing::info!(version, by = ?self.origin.actor, "the machine is started anew with an update");
        self.host.record(self.origin.clone(), AuditEvent::UpdateStarted { version: version.as_str().into() });
        Ok(())
    }

    pub(in crate::supervisor) fn dismiss_update(&self) -> Done<UpdateStatus> {
        let status = told(self.ask(&Request::Dismiss, SHORT).map_err(refusal)?)?;
        self.host.look();
        Ok(status)
    }

    fn ask(&self, request: &Request, patience: Duration) -> Result<Answer, ClientError> {
        client::ask(&self.host.updates.socket, request, patience)
    }
}

impl Supervisor {
    /// How the last update ended, if the owner has not read that it was taken back.
    pub(in crate::supervisor) fn update_taken_back(&self) -> Option<String> {
        match store::load(&places::state_file(&self.updates.state_dir)).last {
            Some(UpdateOutcome::TakenBack { version, from, tries, reason, dismissed: false, .. }) => {
                let times = if tries == 1 { "once".to_owned() } else { format!("{tries} times") };
                Some(format!(
                    "version {version} was started {times} and taken back; {from} runs again. It failed: {reason}"
                ))
            }
            _ => None,
        }
    }

    /// Has the update service look at the machine once, where there is one: whether an update was taken back shows in the
    /// boot menu, which only root can see. Blocks.
    pub(crate) fn look_at_updates(&self) {
        if client::ask(&self.updates.socket, &Request::Status, SHORT).is_ok() {
            self.look();
            self.tell(HostEvent::Changed(Topic::Health));
        }
    }
}

fn told(answer: Answer) -> Done<UpdateStatus> {
    match answer {
        Answer::Status(status) => Ok(*status),
        _ => Err(not_understood()),
    }
}

fn refusal(fault: ClientError) -> UpdateRefusal {
    match fault {
        ClientError::Refused(refusal) => refusal,
        ClientError::Absent { .. } => UpdateRefusal::new(UpdateRefusalCode::NotReady, fault.to_string()),
        ClientError::Permission { .. } | ClientError::Io(_) | ClientError::Protocol(_) => {
            UpdateRefusal::new(UpdateRefusalCode::Machine, fault.to_string())
        }
    }
}

fn not_understood() -> UpdateRefusal {
    refusal(ClientError::Protocol("another answer than was asked for".into()))
}

/// For what is answered from memory.
const SHORT: Duration = Duration::from_secs(20);
/// For what asks the source.
const LONG: Duration = Duration::from_secs(180);
