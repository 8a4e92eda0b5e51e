//! The host as the API sees it: each call is an [`Order`] by whoever the API says.

use std::{net::IpAddr, path::PathBuf, time::Instant};

use punktfunk_api::{
    Host, HostEvent, SettingsRefusal,
    model::{
        AdminError, AdminErrorCode, AdministratorState, ApproveRequest, ArmRequest, AuditPage, AuditQuery,
        AuditVerdict, BackupKey, BackupWritten, Device, DeviceChange, DeviceStanding, DoctorReport, EndedSession,
        Health, HostIdentity, HostInfo, HostStatus, Knock, LibraryEntry, LogLine, LogQuery, MoonlightPin, Moonlights,
        OfferedBy, Pending, PinWindowOpen, Probes, RestoreRequest, Restored, Session, SessionSample, Settings,
        SettingsChange, UpdateOffer, UpdatePiece, UpdateRefusal, UpdateStatus,
        select::{FingerprintPrefix, KnockSelector},
    },
};
use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{Action, AdminRefusal, Origin, Password, SessionId, SessionToken, SetPasswordError, Verdict};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use tokio::sync::broadcast;

use super::{
    Supervisor,
    order::{Order, count, error, told},
};

impl Supervisor {
    fn order(&self, by: &Origin) -> Order<'_> {
        Order::new(self, by.clone())
    }

    /// For questions, and for what puts itself down to somebody.
    fn ask(&self) -> Order<'_> {
        Order::new(self, Origin::HOST)
    }
}

impl Host for Supervisor {
    fn health(&self) -> Health {
        Supervisor::health(self)
    }

    fn listen(&self) -> broadcast::Receiver<HostEvent> {
        self.listeners.subscribe()
    }

    fn standing(&self, certificate: Fingerprint) -> Option<DeviceStanding> {
        match self.with_trust(|trust, now| trust.assess(now, Some(certificate))) {
            Verdict::Admit(device) => Some(DeviceStanding {
                fingerprint: certificate,
                name: device.name.to_string(),
                grants: device.access.grants,
            }),
            Verdict::AdmitOpen | Verdict::Park | Verdict::Refuse(_) => None,
        }
    }

    fn is_token(&self, presented: &str) -> bool {
        let digest: [u8; 32] = Sha256::digest(presented.as_bytes()).into();
        self.token.as_ref().is_some_and(|token| bool::from(token.ct_eq(&digest)))
    }

    fn administrator(&self) -> AdministratorState {
        told(Supervisor::administrator(self).state())
    }

    fn claim(&self, source: IpAddr, code: &str, password: Password) -> Result<SessionToken, SetPasswordError> {
        self.order(&Origin::console("claim", source)).claim(source, code, password)
    }

    fn log_in(&self, source: IpAddr, password: Password) -> Result<SessionToken, AdminRefusal> {
        self.ask().check(source, None, password)
    }

    fn confirm(&self, source: IpAddr, token: &str, password: Password) -> Result<SessionToken, AdminRefusal> {
        self.ask().check(source, Some(token), password)
    }

    fn change_password(&self, by: &Origin, token: &str, password: Password) -> Result<SessionToken, SetPasswordError> {
        self.order(by).change_password(token, password)
    }

    fn authorize(&self, token: &str, action: Action) -> Result<SessionId, AdminRefusal> {
        Supervisor::administrator(self).authorize(Instant::now(), token, action)
    }

    fn is_logged_in(&self, token: &str) -> bool {
        Supervisor::administrator(self).is_logged_in(Instant::now(), token)
    }

    fn log_out(&self, token: &str) {
        self.ask().log_out(token);
    }

    fn info(&self) -> HostInfo {
        let id = self.with_trust(|trust, _| trust.host_id().to_owned());
        HostInfo {
            host_version: env!("CARGO_PKG_VERSION").into(),
            name: self.config.host.display_name(),
            id: self.config.host.id.clone().unwrap_or(id),
            fingerprint: self.identity,
            port: self.listen.port(),
            sessions: count(Supervisor::sessions(self).count()),
            max_sessions: self.config.session.max_sessions.into(),
        }
    }

    fn status(&self) -> HostStatus {
        self.ask().status()
    }

    fn probes(&self) -> Probes {
        self.media.chosen().probes
    }

    /// Sessions run the one configured application; there is nothing to choose from.
    fn library(&self) -> Vec<LibraryEntry> {
        Vec::new()
    }

    fn art_dir(&self) -> PathBuf {
        self.state_dir.join("art")
    }

    fn client_logs(&self, device: &DeviceStanding, text: &str) {
        let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
        for line in &lines[lines.len().saturating_sub(CLIENT_LINES)..] {
            let visible = |c: char| if c.is_control() { ' ' } else { c };
            let line: String = line.chars().take(CLIENT_LINE_CHARS).map(visible).collect();
            tracing::info!(device = device.name, fingerprint = device.fingerprint.short(), line, "a device reports");
        }
    }

    fn arm(&self, by: &Origin, request: ArmRequest) -> Result<PinWindowOpen, AdminError> {
        self.order(by).arm(&request)
    }

    fn disarm(&self, by: &Origin) -> bool {
        self.order(by).disarm()
    }

    fn moonlights(&self) -> Moonlights {
        self.ask().moonlights()
    }

    fn type_moonlight_pin(&self, by: &Origin, request: MoonlightPin) -> Result<Device, AdminError> {
        self.order(by).type_moonlight_pin(&request)
    }

    fn pending(&self) -> Pending {
        self.ask().pending()
    }

    fn approve(&self, by: &Origin, knock: u64, request: ApproveRequest) -> Result<(Device, bool), AdminError> {
        self.order(by).approve(&KnockSelector::Id(knock), &request)
    }

    fn deny(&self, by: &Origin, knock: u64) -> Result<Knock, AdminError> {
        self.order(by).deny(&KnockSelector::Id(knock))
    }

    fn devices(&self) -> Vec<Device> {
        self.ask().devices()
    }

    fn change_device(&self, by: &Origin, device: Fingerprint, change: DeviceChange) -> Result<Device, AdminError> {
        self.order(by).change_device(&device.into(), &change)
    }

    fn revoke(&self, by: &Origin, device: Fingerprint) -> Result<u32, AdminError> {
        self.order(by).revoke(&device.into()).map(|(_, sessions_ended)| sessions_ended)
    }

    fn forget(&self, by: &Origin, device: Fingerprint) -> Result<(), AdminError> {
        self.order(by).forget(&FingerprintPrefix::from(device)).map(drop)
    }

    fn sessions(&self) -> Vec<Session> {
        self.ask().sessions()
    }

    fn session_history(&self) -> Vec<EndedSession> {
        self.ask().session_history()
    }

    fn samples(&self, session: u64) -> Vec<SessionSample> {
        self.samples_of(session)
    }

    fn stop_session(&self, by: &Origin, session: u64) -> Result<Session, AdminError> {
        self.order(by).stop_session(session)
    }

    fn request_keyframe(&self, session: u64) -> Result<(), AdminError> {
        self.ask().request_keyframe(session)
    }

    fn settings(&self) -> Settings {
        self.settings.list()
    }

    fn change_settings(&self, by: &Origin, change: SettingsChange) -> Result<Settings, SettingsRefusal> {
        self.order(by).change_settings(&change.changes)
    }

    fn restart(&self, by: &Origin) {
        self.order(by).restart();
    }

    fn logs(&self, query: &LogQuery) -> Vec<LogLine> {
        self.log.lines(query)
    }

    fn audit(&self, query: AuditQuery) -> Result<AuditPage, AdminError> {
        self.ask().audit_page(query)
    }

    fn verify_audit(&self) -> Result<AuditVerdict, AdminError> {
        self.ask().verify_audit()
    }

    fn back_up(&self, by: &Origin, key: BackupKey) -> Result<BackupWritten, AdminError> {
        self.order(by).back_up(&key)
    }

    fn restore(&self, by: &Origin, request: RestoreRequest) -> Result<Restored, AdminError> {
        // One at a time: two would make the same folder.
        let Ok(_alone) = self.restoring.try_lock() else {
            return Err(error(AdminErrorCode::Busy, "another backup is being read"));
        };
        self.order(by).restore(&request)
    }

    fn last_doctor(&self) -> Option<DoctorReport> {
        Supervisor::last_doctor(self)
    }

    fn run_doctor(&self) -> DoctorReport {
        Supervisor::run_doctor(self)
    }

    fn update(&self) -> Result<Option<UpdateStatus>, UpdateRefusal> {
        self.ask().update()
    }

    fn check_for_update(&self, from: OfferedBy) -> Result<UpdateOffer, UpdateRefusal> {
        self.ask().check_for_update(from)
    }

    fn begin_update_files(&self) -> Result<(), UpdateRefusal> {
        self.ask().begin_update_files()
    }

    fn bring_update_file(&self, piece: UpdatePiece<'_>, content: &[u8]) -> Result<(), UpdateRefusal> {
        self.ask().bring_update_file(piece, content)
    }

    fn stage_update(&self, by: &Origin, version: &str) -> Result<UpdateStatus, UpdateRefusal> {
        self.order(by).stage_update(version)
    }

    fn apply_update(&self, by: &Origin) -> Result<(), UpdateRefusal> {
        self.order(by).apply_update()
    }

    fn dismiss_update(&self) -> Result<UpdateStatus, UpdateRefusal> {
        self.ask().dismiss_update()
    }

    fn identity(&self) -> HostIdentity {
        self.ask().identity()
    }

    fn prepare_identity(&self, by: &Origin) -> Result<HostIdentity, AdminError> {
        self.order(by).prepare_identity()
    }

    fn withdraw_identity(&self, by: &Origin) -> Result<HostIdentity, AdminError> {
        self.order(by).withdraw_identity()
    }

    fn promote_identity(&self, by: &Origin) -> Result<HostIdentity, AdminError> {
        self.order(by).promote_identity()
    }
}

/// Of a device's lines so many are logged, the last ones.
const CLIENT_LINES: usize = 100;
/// And so much of each.
const CLIENT_LINE_CHARS: usize = 400;
