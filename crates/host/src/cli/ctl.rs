//! `punktfunk-host ctl`: one request to the running host, its answer as text or JSON.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use punktfunk_proto::units::Fingerprint;
use serde_json::json;

use super::{complain, print, print_line, table};
use crate::{
    admin::{
        client::{AdminClient, AdminClientError},
        protocol::{AdminRequest, AdminResponse},
        select::{FingerprintPrefix, KnockSelector},
    },
    directories::RUNTIME_DIR,
    exit::Exit,
};

pub(super) const EXAMPLES: &str = "\
Devices are named by the beginning of their fingerprint, 8 digits or more; knocks also by the id of the pending list.

Examples:
  punktfunk-host ctl pair arm
  punktfunk-host ctl pending
  punktfunk-host ctl approve 3 --label \"Living room\"
  punktfunk-host ctl devices revoke 1a2b3c4d
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
    /// Pair a device by PIN
    #[command(subcommand)]
    Pair(PairOrder),
    /// List the devices that ask to be admitted
    Pending,
    /// Admit a device that asks; its waiting connection goes on
    Approve {
        /// Id or beginning of the fingerprint
        #[arg(value_name = "KNOCK")]
        knock: KnockSelector,
        /// Keep it under this name, in place of the one it gave
        #[arg(long, value_name = "NAME")]
        label: Option<String>,
    },
    /// Refuse a device that asks
    Deny {
        /// Id or beginning of the fingerprint
        #[arg(value_name = "KNOCK")]
        knock: KnockSelector,
    },
    /// List, rename or revoke paired devices
    Devices {
        #[command(subcommand)]
        order: Option<DeviceOrder>,
    },
    /// List or stop sessions, list those that ended
    Sessions {
        #[command(subcommand)]
        order: Option<SessionOrder>,
    },
}

#[derive(Debug, Subcommand)]
enum PairOrder {
    /// Show a new PIN, good for one attempt within two minutes
    Arm {
        /// Good only for the device with this fingerprint (64 hex digits)
        #[arg(long = "for", value_name = "FINGERPRINT")]
        bound_to: Option<Fingerprint>,
    },
    /// Take the PIN back
    Disarm,
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
    /// Unpair a device and end its sessions
    Revoke {
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

impl Order {
    fn request(&self) -> AdminRequest {
        match self {
            Self::Status => AdminRequest::Status,
            Self::Pair(PairOrder::Arm { bound_to }) => AdminRequest::PairArm { bound_to: *bound_to },
            Self::Pair(PairOrder::Disarm) => AdminRequest::PairDisarm,
            Self::Pending => AdminRequest::Pending,
            Self::Approve { knock, label } => AdminRequest::Approve { knock: knock.clone(), label: label.clone() },
            Self::Deny { knock } => AdminRequest::Deny { knock: knock.clone() },
            Self::Devices { order: None | Some(DeviceOrder::List) } => AdminRequest::Devices,
            Self::Devices { order: Some(DeviceOrder::Rename { device, name }) } => {
                AdminRequest::RenameDevice { device: device.clone(), name: name.clone() }
            }
            Self::Devices { order: Some(DeviceOrder::Revoke { device }) } => {
                AdminRequest::RevokeDevice { device: device.clone() }
            }
            Self::Sessions { order: None | Some(SessionOrder::List) } => AdminRequest::Sessions,
            Self::Sessions { order: Some(SessionOrder::History) } => AdminRequest::SessionHistory,
            Self::Sessions { order: Some(SessionOrder::Stop { session }) } => {
                AdminRequest::StopSession { session: *session }
            }
        }
    }
}

pub(super) fn run(args: &CtlArgs) -> Exit {
    match call(args) {
        Ok(answer) if args.json => print_line(&json!(answer).to_string()),
        Ok(answer) => print(&table::text(&answer)),
        Err(error) if args.json => {
            print_line(&error_json(&error).to_string());
            error.exit()
        }
        Err(error) => complain(&error, error.exit()),
    }
}

fn call(args: &CtlArgs) -> Result<AdminResponse, AdminClientError> {
    AdminClient::connect(&args.runtime_dir)?.call(&args.order.request())
}

/// In the form of an [`AdminResponse::Error`], also when there was no host to make one.
fn error_json(error: &AdminClientError) -> serde_json::Value {
    match error {
        AdminClientError::Refused(refusal) => json!(AdminResponse::Error(refusal.clone())),
        other => json!({ "kind": "error", "code": other.word(), "message": other.to_string() }),
    }
}
