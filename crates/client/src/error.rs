//! Why a command failed: for the user as text, for the shell as a number.

use std::time::Duration;

use punktfunk_proto::{units::Fingerprint, wire::CloseCode};
use punktfunk_transport::{ConnectError, TransportError, discovery::DiscoveryError};

use crate::{
    decode::DecodeError, identity::IdentityError, known_hosts::KnownHostsError, session::SessionError, trust::Decision,
};

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Everything asked for was done.
    Done = 0,
    /// Something on this machine failed: files, sockets, decoder.
    Local = 1,
    /// The command line was wrong.
    Usage = 2,
    /// The host did not answer, or the connection was lost.
    Unreachable = 3,
    /// The host is not trusted, or not the one that was.
    NotTrusted = 4,
    /// The host refused; the close code is printed.
    Refused = 5,
    /// The stream came, but failed a check.
    CheckFailed = 6,
}

/// The table of [`Exit`] for `--help`.
pub const EXIT_HELP: &str = "\
Exit codes:
  0  done
  1  something on this machine failed (files, sockets, decoder)
  2  the command line was wrong
  3  the host did not answer, or the connection was lost
  4  the host is not trusted, its identity changed, or the PIN or the link was wrong
  5  the host refused; the close code is printed
  6  the stream failed a check";

/// Why a command failed. Every text is complete and says what to do.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The command line was wrong.
    #[error("{0}")]
    Usage(String),
    /// This client's identity cannot be used.
    #[error(transparent)]
    Identity(#[from] IdentityError),
    /// The known hosts cannot be used.
    #[error(transparent)]
    KnownHosts(#[from] KnownHostsError),
    /// mDNS does not work here.
    #[error(transparent)]
    Discovery(#[from] DiscoveryError),
    /// No host of that name was found.
    #[error(
        "no host {0:?}: it is not among the known hosts, not on the local network and not in DNS. `punktfunk discover` \
         lists hosts; an address works too"
    )]
    NoSuchHost(String),
    /// No connection came about.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Several places were called, and no host answered at any.
    #[error(
        "no answer within {} s from {}. Is the host running, is this device in the same network, and does the host's \
         firewall let its UDP port in?",
        .budget.as_secs_f32().ceil(), .places.join(", ")
    )]
    NobodyAnswered {
        /// Addresses, and names that could not be resolved.
        places: Vec<String>,
        /// For how long in all.
        budget: Duration,
    },
    /// Not the host of a link answered at the link's address.
    #[error(
        "another host answered than the link is for, so nothing was sent to it. The link is for\n  {}\nand the answer \
         came from\n  {}\nIs this device in the host's network? If it is, ask the host's owner for a new link \
         (punktfunk-host ctl pair --qr)",
        .meant.grouped(), .presented.grouped()
    )]
    OtherHost {
        /// The certificate that the link names.
        meant: Fingerprint,
        /// The certificate that was shown.
        presented: Fingerprint,
    },
    /// The host knows the link's token no more.
    #[error(
        "this link is no longer good: it was used, its ten minutes are over, or a newer one took its place. Ask the \
         host's owner for a new link (punktfunk-host ctl pair --qr)"
    )]
    LinkSpent {
        /// What the host closed with; `None` if it answered and its answer did not fit the token.
        code: Option<u32>,
    },
    /// The host is not trusted.
    #[error("{}", advise(.0))]
    NotTrusted(Decision),
    /// The PIN was wrong.
    #[error(
        "the PIN is wrong, or somebody is between this device and the host. The PIN is used up: ask the host for a new \
         one (punktfunk-host ctl pair arm)"
    )]
    WrongPin,
    /// The host closed with a code.
    #[error("{} (code 0x{code:02x}{})", refusal(*.code), words(.reason))]
    Refused {
        /// QUIC application error code (spec section 2.6).
        code: u32,
        /// The host's words.
        reason: String,
    },
    /// The connection was lost.
    #[error("the connection to the host was lost; is it still running?")]
    Lost,
    /// The host broke the protocol.
    #[error("the host broke the protocol: {0}. Are both up to date?")]
    HostMisbehaved(String),
    /// The stream failed these checks.
    #[error("the stream failed: {}", .0.join("; "))]
    CheckFailed(Vec<String>),
    /// The user ended it.
    #[error("interrupted")]
    Interrupted,
    /// Something else on this machine failed.
    #[error("{0}")]
    Local(String),
}

impl ClientError {
    /// What the shell is told.
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_) => Exit::Usage,
            Self::NoSuchHost(_) | Self::NobodyAnswered { .. } | Self::Lost => Exit::Unreachable,
            Self::Connect(error) => match error {
                ConnectError::NoAnswer { .. } | ConnectError::Handshake { .. } => Exit::Unreachable,
                ConnectError::PinMismatch { .. } => Exit::NotTrusted,
                ConnectError::Closed { .. } => Exit::Refused,
                ConnectError::Local(_) => Exit::Local,
            },
            Self::NotTrusted(_) | Self::WrongPin | Self::OtherHost { .. } | Self::LinkSpent { code: None } => {
                Exit::NotTrusted
            }
            Self::Refused { .. } | Self::LinkSpent { code: Some(_) } => Exit::Refused,
            Self::HostMisbehaved(_) | Self::CheckFailed(_) => Exit::CheckFailed,
            Self::Identity(_) | Self::KnownHosts(_) | Self::Discovery(_) | Self::Local(_) | Self::Interrupted => {
                Exit::Local
            }
        }
    }

    /// The code the host closed with, if it did.
    pub fn close_code(&self) -> Option<u32> {
        match self {
            Self::Refused { code, .. } | Self::Connect(ConnectError::Closed { code, .. }) => Some(*code),
            Self::LinkSpent { code } => *code,
            _ => None,
        }
    }
}

impl From<SessionError> for ClientError {
    fn from(error: SessionError) -> Self {
        match error {
            SessionError::Refused { code, reason } => Self::Refused { code, reason },
            SessionError::Lost => Self::Lost,
            SessionError::NotApproved => {
                Self::Refused { code: CloseCode::AccessTimedOut.code(), reason: "we waited no longer".into() }
            }
            SessionError::Interrupted => Self::Interrupted,
            SessionError::HostMisbehaved(detail) => Self::HostMisbehaved(detail),
            local @ (SessionError::Decode(_)
            | SessionError::Record(_)
            | SessionError::Transport(_)
            | SessionError::Media { .. }
            | SessionError::Sound(_)
            | SessionError::Threads(_)) => Self::Local(local.to_string()),
        }
    }
}

impl From<TransportError> for ClientError {
    fn from(error: TransportError) -> Self {
        Self::Local(error.to_string())
    }
}

impl From<DecodeError> for ClientError {
    fn from(error: DecodeError) -> Self {
        Self::Local(error.to_string())
    }
}

fn advise(decision: &Decision) -> String {
    match decision {
        Decision::Connect => "the host is trusted".into(),
        Decision::OfferTofu { presented } => format!(
            "this host is new and open to everyone. Its fingerprint is\n  {}\nCompare it with what the host shows, then \
             connect again with --trust-on-first-use",
            presented.grouped()
        ),
        Decision::NeedPin { presented } => format!(
            "this host is not known yet. Pair with it: punktfunk pair HOST, with the PIN that the host shows \
             (punktfunk-host ctl pair arm). Or compare its fingerprint\n  {}\nwith what the host shows, and connect with \
             --fingerprint; its owner then approves this device",
            presented.grouped()
        ),
        Decision::IdentityChanged { pinned, presented } => format!(
            "THE HOST'S IDENTITY CHANGED. Trusted is\n  {}\nbut it shows\n  {}\nSomebody else may be answering. If the \
             host was set up anew, pair again with the PIN that it shows: punktfunk pair HOST",
            pinned.grouped(),
            presented.grouped()
        ),
    }
}

fn refusal(code: u32) -> &'static str {
    CloseCode::try_from(code).map_or("The host closed the connection for a reason unknown here.", CloseCode::advice)
}

fn words(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(": {}", crate::text::printable(reason, 256)) }
}

#[cfg(test)]
mod tests {
    use super::{ClientError, EXIT_HELP, Exit};
    use crate::trust::Decision;
    use punktfunk_proto::units::Fingerprint;

    #[test]
    fn every_exit_code_is_explained_in_the_help() {
        let all = [
            Exit::Done,
            Exit::Local,
            Exit::Usage,
            Exit::Unreachable,
            Exit::NotTrusted,
            Exit::Refused,
            Exit::CheckFailed,
        ];
        for exit in all {
            assert!(EXIT_HELP.contains(&format!("\n  {}  ", exit as u8)), "{exit:?}");
        }
        assert_eq!(EXIT_HELP.lines().count(), all.len() + 1);
    }

    #[test]
    fn a_changed_identity_is_told_with_both_fingerprints_and_leads_to_the_pin_only() {
        let (pinned, presented) = (Fingerprint::from_bytes([0xAA; 32]), Fingerprint::from_bytes([0xBB; 32]));
        let error = ClientError::NotTrusted(Decision::IdentityChanged { pinned, presented });
        let text = error.to_string();
        assert!(text.contains("AAAA AAAA") && text.contains("BBBB BBBB") && text.contains("punktfunk pair"), "{text}");
        assert!(!text.contains("--trust-on-first-use") && !text.contains("--fingerprint"), "{text}");
        assert_eq!(error.exit(), Exit::NotTrusted);
    }

    #[test]
    fn a_refusal_says_what_to_do_and_carries_the_code() {
        let error = ClientError::Refused { code: 0x64, reason: "no\u{1b}[2J".into() };
        assert_eq!(error.to_string(), "The host's owner denied the request. (code 0x64: no?[2J)");
        assert_eq!(error.close_code(), Some(0x64));
        assert!(ClientError::Refused { code: 0x7777, reason: String::new() }.to_string().contains("0x7777"));
    }
}
