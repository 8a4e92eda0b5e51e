//! Settings, restart, and the self test.

use std::collections::BTreeMap;

use punktfunk_api::{HostEvent, SettingsRefusal, Topic};
use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::AuditEvent;
use serde_json::Value;

use super::{Order, error};
use crate::admin::protocol::{AdminError, AdminErrorCode, DoctorReport, Settings};

impl Order<'_> {
    pub(in crate::supervisor) fn settings(&self) -> Settings {
        self.host.settings.list()
    }

    pub(in crate::supervisor) fn change_settings(
        &self,
        changes: &BTreeMap<String, Value>,
    ) -> Result<Settings, SettingsRefusal> {
        let changed = self.host.settings.change(changes)?;
        for what in &changed {
            tracing::info!(what, "a setting was changed; it holds after a restart");
            let event = AuditEvent::ConfigurationChanged { what: what.as_str().into() };
            self.host.record(self.origin.clone(), event);
        }
        if !changed.is_empty() {
            self.host.tell(HostEvent::Changed(Topic::Settings));
        }
        Ok(self.settings())
    }

    /// Likewise; what is wrong is said in a line.
    pub(in crate::supervisor) fn set(&self, changes: &BTreeMap<String, Value>) -> Result<Settings, AdminError> {
        self.change_settings(changes).map_err(|refusal| match refusal {
            SettingsRefusal::Fault(fault) => fault,
            SettingsRefusal::Wrong(problems) => {
                let line = |problem: &punktfunk_api::model::SettingProblem| {
                    format!("{}: found {}, allowed is {}", problem.key, problem.found, problem.allowed)
                };
                let lines: Vec<String> = problems.iter().map(line).collect();
                error(AdminErrorCode::BadRequest, lines.join("; "))
            }
        })
    }

    /// Asks for it; the answer to the request is still sent.
    pub(in crate::supervisor) fn restart(&self) {
        tracing::info!(by = ?self.origin.actor, "a restart was asked for");
        self.host.restart.notify_one();
    }

    /// Lets the health check's device in once.
    pub(in crate::supervisor) fn expect_probe(&self, fingerprint: Fingerprint) {
        self.host.expect_probe(fingerprint);
    }

    pub(in crate::supervisor) fn doctor(&self) -> DoctorReport {
        self.host.run_doctor()
    }
}
