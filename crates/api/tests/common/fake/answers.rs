//! The fake host's answers.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf};

use punktfunk_api::{
    Host, HostEvent, SettingsRefusal, Topic,
    model::{
        AccessWord, AdminError, AdminErrorCode, AdministratorState, ApproveRequest, ArmRequest, AuditPage, AuditQuery,
        AuditVerdict, BackupKey, BackupWritten, Check, CheckOutcome, Device, DeviceChange, DeviceStanding,
        DoctorReport, EndedSession, Fault, FaultCode, Health, HealthState, HostIdentity, HostInfo, HostStatus,
        InvitedBy, Knock, LibraryEntry, LogLine, LogQuery, MoonlightPin, MoonlightWaiting, Moonlights, OfferedBy,
        PairedBy, Pending, PinDigits, PinWindowOpen, PinWindowState, Probe, Probes, QrCode, RestoreRequest, Restored,
        Session, SessionSample, SettingProblem, Settings, SettingsChange, Severity, UpdateOffer, UpdatePiece,
        UpdateRefusal, UpdateRefusalCode, UpdateStatus,
    },
};
use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{Action, AdminRefusal, Grants, Origin, Password, SessionId, SessionToken, SetPasswordError};
use serde_json::json;
use tokio::sync::broadcast;

use super::{
    FakeHost,
    data::{self, Changes, NEXT},
};

const OWN: Fingerprint = Fingerprint::from_bytes([0xab; 32]);

fn not_found(what: &str) -> AdminError {
    AdminError::new(AdminErrorCode::NotFound, format!("there is no such {what}"))
}

fn refused(why: &str) -> AdminError {
    AdminError::new(AdminErrorCode::Refused, why)
}

impl Host for FakeHost {
    fn health(&self) -> Health {
        let state = self.data().health;
        let severity = match state {
            HealthState::Ok => Severity::Notice,
            HealthState::Degraded => Severity::Warning,
            HealthState::Failed => Severity::Error,
        };
        let what = "no graphics card could be opened".to_owned();
        let remedy = "add the host's user to the group render".to_owned();
        let fault = Fault { code: FaultCode::NoGpu, severity, what, remedy };
        Health { state, administrator: Host::administrator(self), faults: vec![fault] }
    }

    fn listen(&self) -> broadcast::Receiver<HostEvent> {
        self.events.subscribe()
    }

    fn standing(&self, certificate: Fingerprint) -> Option<DeviceStanding> {
        let mut data = self.data();
        let device = data.device(certificate)?;
        Some(DeviceStanding { fingerprint: certificate, name: device.name.clone(), grants: device.access.0 })
    }

    fn is_token(&self, presented: &str) -> bool {
        presented == Self::TOKEN
    }

    fn administrator(&self) -> AdministratorState {
        self.administrator.state()
    }

    fn claim(&self, source: IpAddr, code: &str, password: Password) -> Result<SessionToken, SetPasswordError> {
        self.administrator.claim(source, code, password)
    }

    fn log_in(&self, source: IpAddr, password: Password) -> Result<SessionToken, AdminRefusal> {
        self.administrator.log_in(source, password)
    }

    fn confirm(&self, source: IpAddr, token: &str, password: Password) -> Result<SessionToken, AdminRefusal> {
        self.administrator.confirm(source, token, password)
    }

    fn change_password(&self, by: &Origin, token: &str, password: Password) -> Result<SessionToken, SetPasswordError> {
        let source = by.source.unwrap_or(IpAddr::from([127, 0, 0, 1]));
        self.administrator.change(source, token, password)
    }

    fn authorize(&self, token: &str, action: Action) -> Result<SessionId, AdminRefusal> {
        self.administrator.authorize(token, action)
    }

    fn is_logged_in(&self, token: &str) -> bool {
        self.administrator.is_logged_in(token)
    }

    fn log_out(&self, token: &str) {
        self.administrator.log_out(token);
    }

    fn info(&self) -> HostInfo {
        let HostStatus { host_version, name, id, fingerprint, sessions, max_sessions, .. } = self.status();
        HostInfo { host_version, name, id, fingerprint, port: 9_777, sessions, max_sessions }
    }

    fn status(&self) -> HostStatus {
        let data = self.data();
        HostStatus {
            host_version: "0.1.0".into(),
            name: "couch".into(),
            id: "6f2c1f0e-couch".into(),
            fingerprint: OWN,
            console: Some("0.0.0.0:47990".into()),
            listen: "0.0.0.0:9777".into(),
            pairing_policy: "require".into(),
            mdns: true,
            display: "headless".into(),
            encoder: "x264".into(),
            administrator: self.administrator.state(),
            uptime_seconds: 3_600,
            pin_window: data.window.clone(),
            pending: data.knocks.len() as u32,
            devices: data.devices.len() as u32,
            sessions: data.sessions.len() as u32,
            max_sessions: 4,
            warnings: vec!["the clock was set two minutes ago".into()],
        }
    }

    fn probes(&self) -> Probes {
        let probe =
            |name: &str, chosen, fault: Option<&str>| Probe { name: name.into(), chosen, fault: fault.map(Into::into) };
        Probes {
            displays: vec![probe("headless", true, None)],
            encoders: vec![probe("vaapi", false, Some("there is no /dev/dri")), probe("x264", true, None)],
        }
    }

    fn library(&self) -> Vec<LibraryEntry> {
        data::library()
    }

    fn art_dir(&self) -> PathBuf {
        self.art_dir.clone()
    }

    fn client_logs(&self, _: &DeviceStanding, text: &str) {
        self.data().client_logs.push(text.to_owned());
    }

    fn arm(&self, by: &Origin, request: ArmRequest) -> Result<PinWindowOpen, AdminError> {
        let bound_to = request.bound_to;
        self.data().window = Some(PinWindowState { seconds_left: 120, bound_to });
        self.changed(by, Topic::Pairing);
        let pin = (request.by == InvitedBy::Pin).then(|| PinDigits::try_from("4711".to_owned()).expect("four digits"));
        let link = (request.by == InvitedBy::Link).then(|| "punktfunk://pair?token=made-up".to_owned().into());
        let rows = (0..21).map(|row| (0..21).map(|column| if (row * column) % 3 == 0 { '1' } else { '0' }).collect());
        let qr = link.is_some().then(|| QrCode { rows: rows.collect() });
        Ok(PinWindowOpen { pin, link, qr, seconds_left: 120, bound_to })
    }

    fn disarm(&self, by: &Origin) -> bool {
        self.changed(by, Topic::Pairing);
        self.data().window.take().is_some()
    }

    fn moonlights(&self) -> Moonlights {
        let waiting = MoonlightWaiting { address: "192.168.1.7".into(), age_seconds: 12 };
        Moonlights { enabled: true, waiting: vec![waiting] }
    }

    /// The right PIN is 1234.
    fn type_moonlight_pin(&self, by: &Origin, request: MoonlightPin) -> Result<Device, AdminError> {
        if request.pin.reveal() != "1234" {
            let message = "the device shows another PIN; begin again on it".into();
            return Err(AdminError { code: AdminErrorCode::Refused, message });
        }
        let name = request.label.unwrap_or_else(|| "Moonlight on 192.168.1.7".into());
        let grants = request.access.map_or(Grants::FULL, |access| access.0);
        let device = data::device(&name, Fingerprint::of_certificate(b"moonlight"), grants, PairedBy::Pin);
        self.data().devices.push(device.clone());
        self.changed(by, Topic::Devices);
        Ok(device)
    }

    fn pending(&self) -> Pending {
        Pending { knocks: self.data().knocks.clone(), dropped: 0 }
    }

    fn approve(&self, by: &Origin, knock: u64, request: ApproveRequest) -> Result<(Device, bool), AdminError> {
        let knock = self.take_knock(knock)?;
        let grants = request.access.map_or(Grants::FULL, |access| access.0);
        let name = request.label.unwrap_or(knock.name);
        let device = data::device(&name, knock.fingerprint, grants, PairedBy::Approval);
        self.data().devices.push(device.clone());
        self.changed(by, Topic::Devices);
        Ok((device, knock.waiting))
    }

    fn deny(&self, by: &Origin, knock: u64) -> Result<Knock, AdminError> {
        let knock = self.take_knock(knock)?;
        self.changed(by, Topic::Pending);
        Ok(knock)
    }

    fn devices(&self) -> Vec<Device> {
        self.data().devices.clone()
    }

    fn change_device(&self, by: &Origin, device: Fingerprint, change: DeviceChange) -> Result<Device, AdminError> {
        let changed = {
            let mut data = self.data();
            let device = data.device(device).ok_or_else(|| not_found("device"))?;
            if device.paired_by == PairedBy::Declared {
                return Err(refused("the configuration declares this device"));
            }
            let AccessWord(grants) = change.access.unwrap_or(device.access);
            device.name = change.name.unwrap_or_else(|| device.name.clone());
            (device.access, device.grants) = (AccessWord(grants), grants.bits());
            device.clone()
        };
        self.changed(by, Topic::Devices);
        Ok(changed)
    }

    fn revoke(&self, by: &Origin, device: Fingerprint) -> Result<u32, AdminError> {
        let ended = {
            let mut data = self.data();
            let found = data.device(device).ok_or_else(|| not_found("device"))?;
            if found.paired_by == PairedBy::Declared {
                return Err(refused("the configuration declares this device"));
            }
            data.devices.retain(|other| other.fingerprint != device);
            let before = data.sessions.len();
            data.sessions.retain(|session| session.fingerprint != Some(device));
            (before - data.sessions.len()) as u32
        };
        self.changed(by, Topic::Devices);
        Ok(ended)
    }

    fn forget(&self, _: &Origin, _: Fingerprint) -> Result<(), AdminError> {
        Ok(())
    }

    fn sessions(&self) -> Vec<Session> {
        self.data().sessions.clone()
    }

    fn session_history(&self) -> Vec<EndedSession> {
        self.data().ended.clone()
    }

    fn samples(&self, session: u64) -> Vec<SessionSample> {
        let runs = self.data().sessions.iter().any(|running| running.id == session);
        if runs { data::samples(session, 1_790_000_000_000, 120) } else { Vec::new() }
    }

    fn stop_session(&self, by: &Origin, session: u64) -> Result<Session, AdminError> {
        let stopped = {
            let mut data = self.data();
            let place = data.sessions.iter().position(|running| running.id == session);
            data.sessions.remove(place.ok_or_else(|| not_found("session"))?)
        };
        self.changed(by, Topic::Sessions);
        Ok(stopped)
    }

    fn request_keyframe(&self, session: u64) -> Result<(), AdminError> {
        let runs = self.data().sessions.iter().any(|running| running.id == session);
        if runs { Ok(()) } else { Err(not_found("session")) }
    }

    fn settings(&self) -> Settings {
        let settings = self.data().settings.clone();
        let restart_needed = settings.iter().any(|setting| setting.after_restart.is_some());
        Settings { settings, restart_needed }
    }

    fn change_settings(&self, by: &Origin, change: SettingsChange) -> Result<Settings, SettingsRefusal> {
        let problems = self.store(change.changes);
        if !problems.is_empty() {
            return Err(SettingsRefusal::Wrong(problems));
        }
        self.changed(by, Topic::Settings);
        Ok(self.settings())
    }

    fn restart(&self, by: &Origin) {
        self.changed(by, Topic::Sessions);
    }

    fn logs(&self, query: &LogQuery) -> Vec<LogLine> {
        let data = self.data();
        let needle = query.contains.as_deref().unwrap_or_default().to_lowercase();
        let fits = |line: &&LogLine| {
            line.number > query.after.unwrap_or(0)
                && query.level.is_none_or(|level| line.level <= level)
                && line.text.to_lowercase().contains(&needle)
        };
        let mut lines: Vec<_> = data.logs.iter().filter(fits).cloned().collect();
        let excess = lines.len().saturating_sub(query.limit.unwrap_or(1_000) as usize);
        lines.drain(..excess);
        lines
    }

    fn audit(&self, query: AuditQuery) -> Result<AuditPage, AdminError> {
        let last = query.before.unwrap_or(41).min(41);
        let row = |number: u64| {
            json!({ "number": number, "hash": "00".repeat(32), "unix": 1_790_000_000 + number,
                "origin": { "actor": { "kind": "host" } }, "what": { "event": "started" } })
        };
        let rows = (1..last).rev().take(query.limit.unwrap_or(100) as usize).map(row);
        Ok(AuditPage { rows: rows.collect() })
    }

    fn verify_audit(&self) -> Result<AuditVerdict, AdminError> {
        Ok(AuditVerdict::Sound { first: 1, last: 40, hash: "00".repeat(32) })
    }

    fn back_up(&self, by: &Origin, _: BackupKey) -> Result<BackupWritten, AdminError> {
        self.data().origins.push(by.clone());
        Ok(BackupWritten { file: b"age-encryption.org/v1\n".to_vec(), devices: 3 })
    }

    fn restore(&self, by: &Origin, request: RestoreRequest) -> Result<Restored, AdminError> {
        if request.file != "QUdF" {
            return Err(AdminError::new(AdminErrorCode::BadRequest, "this is no backup"));
        }
        self.data().origins.push(by.clone());
        Ok(Restored { written_unix: 1_790_000_000, devices: 3 })
    }

    fn last_doctor(&self) -> Option<DoctorReport> {
        self.data().doctor.clone()
    }

    fn run_doctor(&self) -> DoctorReport {
        let check = |id: &str, outcome, remedy: Option<&str>| Check {
            id: id.into(),
            outcome,
            found: "60 frames in 1.0 s".into(),
            remedy: remedy.map(Into::into),
        };
        let checks = vec![
            check("stream", CheckOutcome::Passed, None),
            check("disk", CheckOutcome::Warned, Some("make room below /var")),
        ];
        let report = DoctorReport { unix: 1_790_000_100, took_ms: 1_240, checks };
        self.data().doctor = Some(report.clone());
        report
    }

    fn identity(&self) -> HostIdentity {
        let data = self.data();
        HostIdentity { fingerprint: OWN, successor: data.successor, after_restart: data.after_restart }
    }

    fn update(&self) -> Result<Option<UpdateStatus>, UpdateRefusal> {
        self.update_status().map(Some)
    }

    fn check_for_update(&self, from: OfferedBy) -> Result<UpdateOffer, UpdateRefusal> {
        match from {
            OfferedBy::Files => Err(UpdateRefusal::new(UpdateRefusalCode::Unsigned, "it is not signed")),
            OfferedBy::Source => {
                Ok(UpdateOffer { version: "2".parse().ok(), by: from, signed_by: "AB".repeat(20), packages: None })
            }
        }
    }

    fn begin_update_files(&self) -> Result<(), UpdateRefusal> {
        Ok(())
    }

    fn bring_update_file(&self, piece: UpdatePiece<'_>, _content: &[u8]) -> Result<(), UpdateRefusal> {
        match piece.offset {
            0 => Ok(()),
            _ => Err(UpdateRefusal::new(UpdateRefusalCode::BadRequest, "it is not the next piece")),
        }
    }

    fn stage_update(&self, by: &Origin, version: &str) -> Result<UpdateStatus, UpdateRefusal> {
        if version != "2" {
            return Err(UpdateRefusal::new(UpdateRefusalCode::NotReady, "it is not what was found"));
        }
        self.data().staged = Some(version.to_owned());
        self.changed(by, Topic::Settings);
        self.update_status()
    }

    fn apply_update(&self, by: &Origin) -> Result<(), UpdateRefusal> {
        self.data().staged = None;
        self.changed(by, Topic::Settings);
        Ok(())
    }

    fn dismiss_update(&self) -> Result<UpdateStatus, UpdateRefusal> {
        self.update_status()
    }

    fn prepare_identity(&self, by: &Origin) -> Result<HostIdentity, AdminError> {
        self.data().successor = Some(NEXT);
        self.changed(by, Topic::Settings);
        Ok(self.identity())
    }

    fn withdraw_identity(&self, by: &Origin) -> Result<HostIdentity, AdminError> {
        self.data().successor.take().ok_or_else(|| not_found("successor"))?;
        self.changed(by, Topic::Settings);
        Ok(self.identity())
    }

    fn promote_identity(&self, by: &Origin) -> Result<HostIdentity, AdminError> {
        let next = self.data().successor.ok_or_else(|| not_found("successor"))?;
        self.data().after_restart = Some(next);
        self.changed(by, Topic::Settings);
        Ok(self.identity())
    }
}

impl FakeHost {
    fn update_status(&self) -> Result<UpdateStatus, UpdateRefusal> {
        let status = json!({"image": "punktfunk", "running": "1", "on_trial": false, "staged": self.data().staged});
        serde_json::from_value(status)
            .map_err(|fault| UpdateRefusal::new(UpdateRefusalCode::Machine, fault.to_string()))
    }

    fn take_knock(&self, id: u64) -> Result<Knock, AdminError> {
        let mut data = self.data();
        let place = data.knocks.iter().position(|knock| knock.id == id).ok_or_else(|| not_found("knock"))?;
        Ok(data.knocks.remove(place))
    }

    /// Stores all of `changes`, or says which cannot be.
    fn store(&self, changes: Changes) -> Vec<SettingProblem> {
        let mut data = self.data();
        let mut wanted = BTreeMap::new();
        let mut problems = Vec::new();
        for (key, value) in changes {
            let setting = data.settings.iter().find(|setting| setting.key == key);
            let allowed = match setting {
                None => Some("a key of the configuration"),
                Some(setting) if setting.locked.is_some() => Some("it is locked"),
                Some(setting) if value.is_null() || data::fits(&setting.kind, &value) => None,
                Some(_) => Some("a value of its kind"),
            };
            match allowed {
                Some(allowed) => {
                    problems.push(SettingProblem { key, found: value.to_string(), allowed: allowed.into() })
                }
                None => drop(wanted.insert(key, value)),
            }
        }
        if problems.is_empty() {
            for setting in &mut data.settings {
                if let Some(value) = wanted.remove(&setting.key) {
                    setting.after_restart = Some(if value.is_null() { setting.default.clone() } else { value });
                }
            }
        }
        problems
    }
}
