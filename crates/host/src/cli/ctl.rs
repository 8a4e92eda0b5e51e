//! `punktfunk-host ctl`: one request to the running host, its answer as text or JSON.

mod files;
mod update;
pub(super) mod welcome;

use std::{net::IpAddr, path::PathBuf, str::FromStr};

use clap::{Args, Subcommand};
use punktfunk_proto::units::Fingerprint;
use serde_json::{Value, json};

use super::{complain, language::Language, print, print_line, text};
use crate::{
    admin::{
        client::{AdminClient, AdminClientError},
        protocol::{
            AccessWord, AdminRequest, AdminResponse, AuditVerdict, CheckOutcome, ExpiresIn, MoonlightPin, PinDigits,
        },
        select::{FingerprintPrefix, KnockSelector},
    },
    directories::RUNTIME_DIR,
    exit::Exit,
};

pub(super) const EXAMPLES: &str = "\
Devices are named by the beginning of their fingerprint, 8 digits or more; knocks also by the id of the pending list.
Access is full, controller-only, view-only, or rights with + between them (gamepad, pointer, keyboard, clipboard,
microphone, launch, admin). It ends after a time such as 45m, 2h or 30d, or never. Texts come in German where the
locale (LC_ALL, LC_MESSAGES, LANG) is German.

Examples:
  punktfunk-host ctl pair
  punktfunk-host ctl pair --qr --access controller-only --expires 3h
  punktfunk-host ctl pending
  punktfunk-host ctl approve 3 --label \"Living room\"
  punktfunk-host ctl devices access 1a2b3c4d view-only --expires 2h
  punktfunk-host ctl revoke 1a2b3c4d
  punktfunk-host ctl claim
  punktfunk-host ctl backup den.age --passphrase-file pass.txt
  punktfunk-host ctl restore den.age --passphrase-file pass.txt
  punktfunk-host ctl audit --last 20
  punktfunk-host ctl sessions --json";

#[derive(Debug, Args)]
pub(super) struct CtlArgs {
    /// Where the host's sockets are
    #[arg(long, value_name = "DIR", default_value = RUNTIME_DIR, global = true)]
    runtime_dir: PathBuf,
    /// Print the answer as one JSON object
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    order: Order,
}

#[derive(Debug, Subcommand)]
enum Order {
    /// How the host is
    Status,
    /// Where the console is, and the claim code of a new host: what the machine's own screen shows
    Welcome(welcome::WelcomeArgs),
    /// Pair a device by PIN, or by a link that it scans
    #[command(after_help = PAIR_EXAMPLES, args_conflicts_with_subcommands = true)]
    Pair {
        #[command(subcommand)]
        order: Option<PairOrder>,
        #[command(flatten)]
        arm: ArmArgs,
    },
    /// List the devices that ask to be admitted
    Pending,
    /// Admit a device that asks; its waiting connection goes on
    #[command(after_help = APPROVE_EXAMPLES)]
    Approve {
        /// Id or beginning of the fingerprint
        #[arg(value_name = "KNOCK")]
        knock: KnockSelector,
        /// Keep it under this name, in place of the one it gave
        #[arg(long, value_name = "NAME")]
        label: Option<String>,
        #[command(flatten)]
        offer: OfferArgs,
    },
    /// Refuse a device that asks
    Deny {
        /// Id or beginning of the fingerprint
        #[arg(value_name = "KNOCK")]
        knock: KnockSelector,
    },
    /// List, rename, restrict, revoke or forget paired devices
    #[command(after_help = DEVICES_EXAMPLES)]
    Devices {
        #[command(subcommand)]
        order: Option<DeviceOrder>,
    },
    /// Unpair a device and end its sessions: short for `devices revoke`
    Revoke {
        /// Beginning of its fingerprint
        #[arg(value_name = "FINGERPRINT")]
        device: FingerprintPrefix,
    },
    /// List or stop sessions, list those that ended
    Sessions {
        #[command(subcommand)]
        order: Option<SessionOrder>,
    },
    /// Show the code with which a new host is claimed, claim it from here, or undo that
    #[command(after_help = CLAIM_EXAMPLES)]
    Claim(files::ClaimArgs),
    /// Write identity, devices and rights into one encrypted file
    #[command(after_help = BACKUP_EXAMPLES)]
    Backup(files::BackupArgs),
    /// Bring back what a backup holds; the host must not run
    #[command(after_help = RESTORE_EXAMPLES)]
    Restore(files::RestoreArgs),
    /// Read, check or export the audit log
    #[command(after_help = AUDIT_EXAMPLES, args_conflicts_with_subcommands = true)]
    Audit {
        #[command(subcommand)]
        order: Option<AuditOrder>,
        /// So many rows, the newest
        #[arg(long, value_name = "N", default_value_t = 50)]
        last: u32,
    },
    /// Test the whole machine, from the display to a client's reassembled frames; exit code 1 if something failed
    Doctor,
    /// List or change settings that the configuration file does not set
    #[command(after_help = SETTINGS_EXAMPLES)]
    Settings {
        #[command(subcommand)]
        order: Option<SettingsOrder>,
    },
    /// End all sessions and start the host anew
    Restart,
    /// Look for updates of the system, stage them, see what became of the last one
    #[command(after_help = UPDATE_EXAMPLES)]
    Update(update::UpdateArgs),
    /// Show the host's identity, or change it so that paired clients follow
    #[command(after_help = IDENTITY_EXAMPLES)]
    Identity {
        #[command(subcommand)]
        order: Option<IdentityOrder>,
    },
}

const PAIR_EXAMPLES: &str = "\
A PIN is good for one attempt within two minutes, by whoever types it. A link (--qr) is good for ten minutes and for the
first device that opens it; it cannot be used up by a neighbour's wrong guess.

Examples:
  punktfunk-host ctl pair
  punktfunk-host ctl pair --qr
  punktfunk-host ctl pair --for 1a2b…(64 digits) --access view-only --expires 2h
  punktfunk-host ctl pair disarm
  punktfunk-host ctl pair moonlight
  punktfunk-host ctl pair moonlight 1234 --label \"Living room\"";

const APPROVE_EXAMPLES: &str = "\
Examples:
  punktfunk-host ctl approve 3
  punktfunk-host ctl approve 1a2b3c4d --label \"Guest\" --access controller-only --expires 3h";

const DEVICES_EXAMPLES: &str = "\
Examples:
  punktfunk-host ctl devices
  punktfunk-host ctl devices access 1a2b3c4d gamepad+pointer
  punktfunk-host ctl devices access 1a2b3c4d --expires never
  punktfunk-host ctl devices forget 1a2b3c4d";

const CLAIM_EXAMPLES: &str = "\
Examples:
  punktfunk-host ctl claim
  pass show den | punktfunk-host ctl claim --password-file -
  punktfunk-host ctl claim --reset";

const BACKUP_EXAMPLES: &str = "\
The file holds the host's key: whoever can read it can pretend to be this host. The passphrase is the first line of its
file and has 12 characters or more.

Examples:
  punktfunk-host ctl backup den.age --passphrase-file pass.txt
  punktfunk-host ctl backup den.age --recipient age1…";

const RESTORE_EXAMPLES: &str = "\
Clients that were paired when the backup was written connect without being asked again.

Examples:
  systemctl stop punktfunk-host
  punktfunk-host ctl restore den.age --passphrase-file pass.txt
  punktfunk-host ctl restore den.age --key-file key.txt --replace";

const AUDIT_EXAMPLES: &str = "\
Each row holds the hash of the row before it. Keep the last hash that `verify` shows somewhere else, and no later row can
be taken away unseen.

Examples:
  punktfunk-host ctl audit --last 20
  punktfunk-host ctl audit verify
  punktfunk-host ctl audit export > audit.jsonl";

const SETTINGS_EXAMPLES: &str = "\
What is set here is kept in the state directory, holds after a restart of the host, and can be set in the console too. Keys
that the configuration file sets are locked.

Examples:
  punktfunk-host ctl settings
  punktfunk-host ctl settings set encoder.bitrate_kbps 30000
  punktfunk-host ctl settings reset encoder.bitrate_kbps && punktfunk-host ctl restart";

const UPDATE_EXAMPLES: &str = "\
Only for systems made from the image, which have two slots. An update has to be signed and newer. It is put into the slot
that does not run and tried when the machine starts next; what does not stream is taken back by itself.

Examples:
  punktfunk-host ctl update check
  punktfunk-host ctl update stage && punktfunk-host ctl update apply
  punktfunk-host ctl update stage --from /media/stick";

const IDENTITY_EXAMPLES: &str = "\
Prepare the next identity, let every device connect once, then promote it and restart the host. Our client follows
without being asked; clients of other makers pair again.

Examples:
  punktfunk-host ctl identity
  punktfunk-host ctl identity prepare
  punktfunk-host ctl identity promote && systemctl restart punktfunk-host";

/// What a new device gets.
#[derive(Debug, Default, Args)]
struct OfferArgs {
    /// What it may do [default: full]
    #[arg(long, value_name = "ACCESS")]
    access: Option<AccessWord>,
    /// For how long [default: never]
    #[arg(long, value_name = "TIME")]
    expires: Option<ExpiresIn>,
}

#[derive(Debug, Default, Args)]
struct ArmArgs {
    /// Good only for the device with this fingerprint (64 hex digits)
    #[arg(long = "for", value_name = "FINGERPRINT")]
    bound_to: Option<Fingerprint>,
    /// Show a link to scan in place of a PIN
    #[arg(long)]
    qr: bool,
    #[command(flatten)]
    offer: OfferArgs,
}

#[derive(Debug, Subcommand)]
enum PairOrder {
    /// Show a new PIN, good for one attempt within two minutes (the default)
    Arm(ArmArgs),
    /// Take the PIN or the link back
    Disarm,
    /// Type the PIN that a Moonlight shows; without one, list the Moonlights that wait
    Moonlight(MoonlightArgs),
}

#[derive(Debug, Args)]
struct MoonlightArgs {
    /// The four digits that it shows
    pin: Option<PinText>,
    /// The address of the device that shows them, where several wait
    #[arg(long, value_name = "ADDRESS", requires = "pin")]
    from: Option<IpAddr>,
    /// Keep it under this name
    #[arg(long, value_name = "NAME", requires = "pin")]
    label: Option<String>,
    #[command(flatten)]
    offer: OfferArgs,
}

impl MoonlightArgs {
    fn request(&self) -> AdminRequest {
        let Some(PinText(pin)) = self.pin.clone() else { return AdminRequest::Moonlights };
        let OfferArgs { access, expires } = self.offer;
        let (address, label) = (self.from, self.label.clone());
        AdminRequest::TypeMoonlightPin(MoonlightPin { pin, address, label, access, expires })
    }
}

/// A PIN on the command line: worthless as soon as it is used.
#[derive(Clone, Debug)]
struct PinText(PinDigits);

impl FromStr for PinText {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        PinDigits::try_from(text.to_owned()).map(Self)
    }
}

#[derive(Debug, Subcommand)]
enum DeviceOrder {
    /// List them (the default)
    List,
    /// Give a device another name
    Rename {
        /// Beginning of its fingerprint
        #[arg(value_name = "FINGERPRINT")]
        device: FingerprintPrefix,
        /// The new name
        name: String,
    },
    /// Change what a device may do, for how long, or both; its sessions follow at once
    Access {
        /// Beginning of its fingerprint
        #[arg(value_name = "FINGERPRINT")]
        device: FingerprintPrefix,
        /// What it may do [default: as it is]
        #[arg(value_name = "ACCESS", required_unless_present = "expires")]
        access: Option<AccessWord>,
        /// For how long from now [default: as it is]
        #[arg(long, value_name = "TIME")]
        expires: Option<ExpiresIn>,
    },
    /// Unpair a device and end its sessions; it is refused until it is paired by PIN
    Revoke {
        /// Beginning of its fingerprint
        #[arg(value_name = "FINGERPRINT")]
        device: FingerprintPrefix,
    },
    /// Unpair a device as if it had never been here; it may ask again
    Forget {
        /// Beginning of its fingerprint
        #[arg(value_name = "FINGERPRINT")]
        device: FingerprintPrefix,
    },
}

#[derive(Debug, Subcommand)]
enum SessionOrder {
    /// List them (the default)
    List,
    /// List the sessions that ended last, with their final counters
    History,
    /// End a session
    Stop {
        /// Its id in the list
        #[arg(value_name = "ID")]
        session: u64,
    },
}

#[derive(Debug, Subcommand)]
enum AuditOrder {
    /// Look at every row; exit code 65 if the log is not what was written
    Verify,
    /// Print every row as a line of JSON
    Export,
}

#[derive(Debug, Subcommand)]
enum SettingsOrder {
    /// List them (the default)
    List,
    /// Give a key a value
    Set {
        /// Its path, as the list shows it
        key: String,
        /// A text, a number, true or false, or a list in JSON
        value: String,
    },
    /// Give a key its default again
    Reset {
        /// Its path, as the list shows it
        key: String,
    },
}

impl SettingsOrder {
    fn request(&self) -> AdminRequest {
        match self {
            Self::List => AdminRequest::Settings,
            Self::Set { key, value } => {
                let typed = serde_json::from_str(value).ok().filter(|value: &Value| !value.is_null());
                let typed = typed.unwrap_or_else(|| Value::String(value.clone()));
                AdminRequest::ChangeSettings { changes: [(key.clone(), typed)].into() }
            }
            Self::Reset { key } => AdminRequest::ChangeSettings { changes: [(key.clone(), Value::Null)].into() },
        }
    }
}

#[derive(Debug, Subcommand)]
enum IdentityOrder {
    /// Show it (the default)
    Show,
    /// Make the next identity and tell paired clients of it
    Prepare,
    /// Give the next identity up
    Withdraw,
    /// Change to the next identity at the next start
    Promote,
}

impl Order {
    /// What it asks of the host; `None` needs more than one request, or none.
    fn request(&self) -> Option<AdminRequest> {
        Some(match self {
            Self::Status => AdminRequest::Status,
            Self::Pair { order: Some(PairOrder::Arm(arm)), .. } | Self::Pair { order: None, arm } => arm.request(),
            Self::Pair { order: Some(PairOrder::Disarm), .. } => AdminRequest::PairDisarm,
            Self::Pair { order: Some(PairOrder::Moonlight(moonlight)), .. } => moonlight.request(),
            Self::Pending => AdminRequest::Pending,
            Self::Approve { knock, label, offer } => {
                let (knock, label) = (knock.clone(), label.clone());
                AdminRequest::Approve { knock, label, access: offer.access, expires: offer.expires }
            }
            Self::Deny { knock } => AdminRequest::Deny { knock: knock.clone() },
            Self::Devices { order } => order.as_ref().map_or(AdminRequest::Devices, DeviceOrder::request),
            Self::Revoke { device } => AdminRequest::RevokeDevice { device: device.clone() },
            Self::Sessions { order } => order.as_ref().map_or(AdminRequest::Sessions, SessionOrder::request),
            Self::Audit { order: Some(AuditOrder::Verify), .. } => AdminRequest::AuditVerify,
            Self::Doctor => AdminRequest::Doctor,
            Self::Settings { order } => order.as_ref().map_or(AdminRequest::Settings, SettingsOrder::request),
            Self::Restart => AdminRequest::Restart,
            Self::Identity { order } => order.as_ref().map_or(AdminRequest::Identity, IdentityOrder::request),
            Self::Audit { .. }
            | Self::Backup(_)
            | Self::Claim(_)
            | Self::Restore(_)
            | Self::Update(_)
            | Self::Welcome(_) => return None,
        })
    }
}

impl ArmArgs {
    fn request(&self) -> AdminRequest {
        let OfferArgs { access, expires } = self.offer;
        AdminRequest::PairArm { bound_to: self.bound_to, join: self.qr, access, expires }
    }
}

impl DeviceOrder {
    fn request(&self) -> AdminRequest {
        match self {
            Self::List => AdminRequest::Devices,
            Self::Rename { device, name } => AdminRequest::RenameDevice { device: device.clone(), name: name.clone() },
            Self::Access { device, access, expires } => {
                AdminRequest::SetAccess { device: device.clone(), access: *access, expires: *expires }
            }
            Self::Revoke { device } => AdminRequest::RevokeDevice { device: device.clone() },
            Self::Forget { device } => AdminRequest::ForgetDevice { device: device.clone() },
        }
    }
}

impl SessionOrder {
    fn request(&self) -> AdminRequest {
        match *self {
            Self::List => AdminRequest::Sessions,
            Self::History => AdminRequest::SessionHistory,
            Self::Stop { session } => AdminRequest::StopSession { session },
        }
    }
}

impl IdentityOrder {
    fn request(&self) -> AdminRequest {
        match self {
            Self::Show => AdminRequest::Identity,
            Self::Prepare => AdminRequest::PrepareIdentity,
            Self::Withdraw => AdminRequest::WithdrawIdentity,
            Self::Promote => AdminRequest::PromoteIdentity,
        }
    }
}

pub(super) fn run(args: &CtlArgs) -> Exit {
    let language = Language::of_locale();
    let done = match &args.order {
        Order::Welcome(order) if order.follows() => return welcome::follow(&args.runtime_dir, language),
        Order::Welcome(_) => welcome::look(&args.runtime_dir).map_err(CtlError::from).map(Done::welcomed),
        Order::Claim(order) => order.request().and_then(|request| one(args, &request)),
        Order::Backup(order) => files::back_up(order, &args.runtime_dir),
        Order::Restore(order) => files::restore(order),
        Order::Update(order) => update::run(order),
        Order::Audit { order: Some(AuditOrder::Export), .. } => return export(args),
        Order::Audit { order: None, last } => recent(args, *last),
        order => one(args, &order.request().expect("every other order is one request")),
    };
    match done {
        Ok(done) if args.json => done.exit_after(print_line(&done.value.to_string())),
        Ok(done) => done.exit_after(print(&done.text(language))),
        Err(error) if args.json => {
            print_line(&error.json().to_string());
            error.exit()
        }
        Err(error) => complain(&error, error.exit()),
    }
}

/// What an order came to.
struct Done {
    /// For programs.
    value: serde_json::Value,
    /// For people.
    words: Words,
    exit: Exit,
}

enum Words {
    Answer(Box<AdminResponse>),
    Backup { path: PathBuf, devices: u32 },
    Restored(Box<punktfunk_trust::backup::Restored>),
    Welcome(welcome::Welcome),
    Update(Box<punktfunk_update::model::Answer>),
}

impl Done {
    fn answered(answer: AdminResponse) -> Self {
        let broken = matches!(&answer, AdminResponse::AuditVerified(AuditVerdict::Broken { .. }));
        let ill = matches!(&answer, AdminResponse::Doctor(report)
            if report.checks.iter().any(|check| check.outcome == CheckOutcome::Failed));
        let exit = match (broken, ill) {
            (true, _) => Exit::DamagedData,
            (false, true) => Exit::Failed,
            (false, false) => Exit::Done,
        };
        Self { value: json!(answer), words: Words::Answer(Box::new(answer)), exit }
    }

    fn welcomed(welcome: welcome::Welcome) -> Self {
        Self { value: welcome.json(), words: Words::Welcome(welcome), exit: Exit::Done }
    }

    fn text(&self, language: Language) -> String {
        match &self.words {
            Words::Answer(answer) => text::text(answer, language),
            Words::Backup { path, devices } => text::backup_text(path, *devices, language),
            Words::Restored(restored) => text::restored_text(restored, language),
            Words::Welcome(welcome) => text::welcome_text(welcome, language),
            Words::Update(answer) => text::update_text(answer, language),
        }
    }

    /// What was found counts if it could be printed.
    fn exit_after(&self, printed: Exit) -> Exit {
        if printed == Exit::Done { self.exit } else { printed }
    }
}

/// Why an order was not carried out.
#[derive(Debug, thiserror::Error)]
enum CtlError {
    #[error(transparent)]
    Host(#[from] AdminClientError),
    #[error(transparent)]
    File(#[from] files::FileFault),
    #[error(transparent)]
    Update(#[from] punktfunk_update::client::ClientError),
    #[error(transparent)]
    Unread(#[from] update::Unread),
}

impl CtlError {
    fn exit(&self) -> Exit {
        match self {
            Self::Host(error) => error.exit(),
            Self::File(fault) => fault.exit(),
            Self::Update(fault) => update::exit(fault),
            Self::Unread(_) => Exit::System,
        }
    }

    /// In the form of an [`AdminResponse::Error`], also when there was no host to make one.
    fn json(&self) -> serde_json::Value {
        match self {
            Self::Host(AdminClientError::Refused(refusal)) => json!(AdminResponse::Error(refusal.clone())),
            Self::Host(other) => json!({ "kind": "error", "code": other.word(), "message": other.to_string() }),
            Self::File(fault) => json!({ "kind": "error", "code": fault.word(), "message": fault.to_string() }),
            Self::Update(punktfunk_update::client::ClientError::Refused(refusal)) => {
                json!({ "kind": "error", "code": refusal.code, "message": refusal.message })
            }
            Self::Update(_) | Self::Unread(_) => {
                json!({ "kind": "error", "code": "no_answer", "message": self.to_string() })
            }
        }
    }
}

fn one(args: &CtlArgs, request: &AdminRequest) -> Result<Done, CtlError> {
    Ok(Done::answered(AdminClient::connect(&args.runtime_dir)?.call(request)?))
}

/// The newest rows of the audit log.
fn recent(args: &CtlArgs, last: u32) -> Result<Done, CtlError> {
    let mut host = AdminClient::connect(&args.runtime_dir)?;
    let newest = match host.call(&AdminRequest::AuditVerify)? {
        AdminResponse::AuditVerified(AuditVerdict::Sound { last, .. }) => last,
        // A broken log is shown from its first row on.
        _ => 0,
    };
    let after = newest.saturating_sub(last.into());
    Ok(Done::answered(host.call(&AdminRequest::Audit { after, limit: last })?))
}

/// Every row, page by page, as it comes.
fn export(args: &CtlArgs) -> Exit {
    let mut after = 0;
    let exported = (|| -> Result<Exit, CtlError> {
        let mut host = AdminClient::connect(&args.runtime_dir)?;
        loop {
            let answer = host.call(&AdminRequest::Audit { after, limit: u32::MAX })?;
            let AdminResponse::AuditRows { rows } = answer else { return Ok(Exit::Protocol) };
            let Some(last) = rows.last() else { return Ok(Exit::Done) };
            after = last["number"].as_u64().unwrap_or(u64::MAX);
            let lines: String = rows.iter().map(|row| format!("{row}\n")).collect();
            match print(&lines) {
                Exit::Done => {}
                failed => return Ok(failed),
            }
        }
    })();
    exported.unwrap_or_else(|error| complain(&error, error.exit()))
}
