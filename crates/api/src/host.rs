//! The host as the API sees it.

use std::{net::IpAddr, path::PathBuf};

use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{Action, AdminRefusal, Origin, Password, SessionId, SessionToken, SetPasswordError};
use tokio::sync::broadcast;

use crate::model::{
    AdminError, AdministratorState, ApproveRequest, ArmRequest, AuditPage, AuditQuery, AuditVerdict, BackupKey,
    BackupWritten, Device, DeviceChange, DeviceStanding, DoctorReport, EndedSession, Health, HostIdentity, HostInfo,
    HostStatus, Knock, LibraryEntry, LogLine, LogQuery, MoonlightPin, Moonlights, OfferedBy, Pending, PinWindowOpen,
    Probes, RestoreRequest, Restored, Session, SessionSample, SettingProblem, Settings, SettingsChange, UpdateOffer,
    UpdatePiece, UpdateRefusal, UpdateStatus,
};

/// What changed, so that who shows it asks again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// Devices that knocked.
    Pending,
    /// The PIN window.
    Pairing,
    /// Paired devices.
    Devices,
    /// Sessions began or ended.
    Sessions,
    /// Faults came or went.
    Health,
    /// Settings were stored.
    Settings,
}

/// What the host tells those who listen.
#[derive(Clone, Debug, PartialEq)]
pub enum HostEvent {
    /// Something changed.
    Changed(Topic),
    /// A second of every running session; not sent while there is none.
    Samples(Vec<SessionSample>),
    /// A line was logged.
    Logged(LogLine),
}

/// Why settings were not stored.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingsRefusal {
    /// These values cannot be; nothing was changed.
    Wrong(Vec<SettingProblem>),
    /// For another reason.
    Fault(AdminError),
}

/// What can be asked of the host.
///
/// Every call may block for as long as a disk write takes, and those that say so longer: callers run them where
/// blocking is allowed. `by` is who asks, for the audit log.
pub trait Host: Send + Sync + 'static {
    /// How the host is. Cheap: anybody may ask as often as they like.
    fn health(&self) -> Health;
    /// What happens from now on. A slow listener misses the oldest events and learns how many.
    fn listen(&self) -> broadcast::Receiver<HostEvent>;

    /// The device of this certificate, if it is paired and its access has not ended.
    fn standing(&self, certificate: Fingerprint) -> Option<DeviceStanding>;
    /// Whether `presented` is the configured bearer token, compared in constant time.
    fn is_token(&self, presented: &str) -> bool;
    /// Whether there is an administrator.
    fn administrator(&self) -> AdministratorState;
    /// Makes `password` the administrator's and logs in. Takes a tenth of a second.
    ///
    /// # Errors
    /// The code is wrong, there is an administrator, too many attempts, or it could not be stored.
    fn claim(&self, source: IpAddr, code: &str, password: Password) -> Result<SessionToken, SetPasswordError>;
    /// Logs in. Takes a tenth of a second.
    ///
    /// # Errors
    /// The password is wrong, or too many attempts.
    fn log_in(&self, source: IpAddr, password: Password) -> Result<SessionToken, AdminRefusal>;
    /// Proves the password within a login, which goes on under the token returned. Takes a tenth of a second.
    ///
    /// # Errors
    /// As [`Host::log_in`], or there is no such login.
    fn confirm(&self, source: IpAddr, token: &str, password: Password) -> Result<SessionToken, AdminRefusal>;
    /// Makes `password` the administrator's; every other login ends. Takes a tenth of a second.
    ///
    /// # Errors
    /// As [`Host::authorize`] for what is sensitive, or it could not be stored.
    fn change_password(&self, by: &Origin, token: &str, password: Password) -> Result<SessionToken, SetPasswordError>;
    /// Whether who shows `token` may do this.
    ///
    /// # Errors
    /// There is no such login, or the password has to be proven again.
    fn authorize(&self, token: &str, action: Action) -> Result<SessionId, AdminRefusal>;

    /// Whether this login still holds; asking does not prolong it.
    fn is_logged_in(&self, token: &str) -> bool;
    /// Ends the login of `token`.
    fn log_out(&self, token: &str);

    /// What paired devices may know.
    fn info(&self) -> HostInfo;
    /// How the host is, for the administrator.
    fn status(&self) -> HostStatus;
    /// What was tried at start, with reasons.
    fn probes(&self) -> Probes;
    /// What sessions can run.
    fn library(&self) -> Vec<LibraryEntry>;
    /// The folder that holds the library's pictures.
    fn art_dir(&self) -> PathBuf;
    /// Lines that a paired device sends about a fault of its own, at most 64 KiB of text.
    fn client_logs(&self, device: &DeviceStanding, text: &str);

    /// Opens a PIN window.
    ///
    /// # Errors
    /// No link can be made, or it is not possible now.
    fn arm(&self, by: &Origin, request: ArmRequest) -> Result<PinWindowOpen, AdminError>;
    /// Closes the PIN window; whether one was open.
    fn disarm(&self, by: &Origin) -> bool;
    /// The Moonlights that wait for their PIN.
    fn moonlights(&self) -> Moonlights;
    /// Types the PIN that a Moonlight shows; the device as stored. Waits for its proof, up to ten seconds.
    ///
    /// # Errors
    /// No such device waits, the PIN is another one, or it could not be stored.
    fn type_moonlight_pin(&self, by: &Origin, request: MoonlightPin) -> Result<Device, AdminError>;
    /// The devices that knocked.
    fn pending(&self) -> Pending;
    /// Admits a device that knocked; the device as stored, and whether its connection was waiting and goes on.
    ///
    /// # Errors
    /// There is no such knock, it may not be approved, or it could not be stored.
    fn approve(&self, by: &Origin, knock: u64, request: ApproveRequest) -> Result<(Device, bool), AdminError>;
    /// Refuses a device that knocked.
    ///
    /// # Errors
    /// There is no such knock.
    fn deny(&self, by: &Origin, knock: u64) -> Result<Knock, AdminError>;

    /// The paired devices, in the order they were paired.
    fn devices(&self) -> Vec<Device>;
    /// Changes a paired device; live sessions follow.
    ///
    /// # Errors
    /// There is none, it is declared, the name is empty, or it could not be stored.
    fn change_device(&self, by: &Origin, device: Fingerprint, change: DeviceChange) -> Result<Device, AdminError>;
    /// Unpairs a device and ends its sessions; how many.
    ///
    /// # Errors
    /// There is none, it is declared, or it could not be stored.
    fn revoke(&self, by: &Origin, device: Fingerprint) -> Result<u32, AdminError>;
    /// Unpairs a device and forgets that it ever was, so that it may knock again.
    ///
    /// # Errors
    /// As [`Host::revoke`].
    fn forget(&self, by: &Origin, device: Fingerprint) -> Result<(), AdminError>;

    /// The running sessions, oldest first.
    fn sessions(&self) -> Vec<Session>;
    /// The sessions that ended, the last one last.
    fn session_history(&self) -> Vec<EndedSession>;
    /// The last two minutes of a running session, oldest first.
    fn samples(&self, session: u64) -> Vec<SessionSample>;
    /// Ends a session.
    ///
    /// # Errors
    /// There is none.
    fn stop_session(&self, by: &Origin, session: u64) -> Result<Session, AdminError>;
    /// Makes the next frame of a session a keyframe.
    ///
    /// # Errors
    /// There is none.
    fn request_keyframe(&self, session: u64) -> Result<(), AdminError>;

    /// Every key of the configuration.
    fn settings(&self) -> Settings;
    /// Stores values for keys that the configuration file does not set.
    ///
    /// # Errors
    /// A key is unknown or locked, a value is impossible, or it could not be stored.
    fn change_settings(&self, by: &Origin, change: SettingsChange) -> Result<Settings, SettingsRefusal>;
    /// Ends all sessions and starts anew, soon: the answer to the request is still sent.
    fn restart(&self, by: &Origin);

    /// The lines of the log that are still held.
    fn logs(&self, query: &LogQuery) -> Vec<LogLine>;
    /// Rows of the audit log, the newest first.
    ///
    /// # Errors
    /// It could not be read.
    fn audit(&self, query: AuditQuery) -> Result<AuditPage, AdminError>;
    /// Looks at every row of the audit log.
    ///
    /// # Errors
    /// It could not be read.
    fn verify_audit(&self) -> Result<AuditVerdict, AdminError>;
    /// An encrypted backup of identity, devices and their rights. Takes a second or so.
    ///
    /// # Errors
    /// The key is none, or it could not be written.
    fn back_up(&self, by: &Origin, key: BackupKey) -> Result<BackupWritten, AdminError>;
    /// Reads a backup, to be put in place at the next start. Takes a second or so.
    ///
    /// # Errors
    /// It is no backup, the passphrase is wrong, or it could not be stored.
    fn restore(&self, by: &Origin, request: RestoreRequest) -> Result<Restored, AdminError>;
    /// The last self test, if there was one.
    fn last_doctor(&self) -> Option<DoctorReport>;
    /// Tests itself from end to end. Takes some seconds; a test that runs already is waited for.
    fn run_doctor(&self) -> DoctorReport;

    /// How the system's updates stand; `None`: this system has no update service.
    ///
    /// # Errors
    /// The update service does not answer.
    fn update(&self) -> Result<Option<UpdateStatus>, UpdateRefusal>;
    /// Looks for an update. Takes as long as the source takes.
    ///
    /// # Errors
    /// What is offered cannot be taken, or there is nothing to ask.
    fn check_for_update(&self, from: OfferedBy) -> Result<UpdateOffer, UpdateRefusal>;
    /// Throws away the files of an update that were brought before.
    ///
    /// # Errors
    /// They are in use, or there is no update service.
    fn begin_update_files(&self) -> Result<(), UpdateRefusal>;
    /// Takes a piece of a file of an update in; pieces come in order.
    ///
    /// # Errors
    /// It is not the next one, its name is none, or there is no room.
    fn bring_update_file(&self, piece: UpdatePiece<'_>, content: &[u8]) -> Result<(), UpdateRefusal>;
    /// Puts the update that was found into the slot that does not run; goes on after the answer.
    ///
    /// # Errors
    /// It is not what was found, or something else is under way.
    fn stage_update(&self, by: &Origin, version: &str) -> Result<UpdateStatus, UpdateRefusal>;
    /// Starts the machine anew with what is staged, soon: the answer to the request is still sent.
    ///
    /// # Errors
    /// Nothing is staged.
    fn apply_update(&self, by: &Origin) -> Result<(), UpdateRefusal>;
    /// The owner has read that an update was taken back.
    ///
    /// # Errors
    /// It could not be stored.
    fn dismiss_update(&self) -> Result<UpdateStatus, UpdateRefusal>;

    /// The host's identity and the one that follows.
    fn identity(&self) -> HostIdentity;
    /// Makes the identity that is to follow.
    ///
    /// # Errors
    /// It could not be stored.
    fn prepare_identity(&self, by: &Origin) -> Result<HostIdentity, AdminError>;
    /// Gives that identity up.
    ///
    /// # Errors
    /// There is none, or it could not be stored.
    fn withdraw_identity(&self, by: &Origin) -> Result<HostIdentity, AdminError>;
    /// Changes to that identity at the next start.
    ///
    /// # Errors
    /// There is none, or it could not be stored.
    fn promote_identity(&self, by: &Origin) -> Result<HostIdentity, AdminError>;
}
