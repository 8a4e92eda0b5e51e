//! Why the host did not start, each with what to do about it.

use std::{io, net::SocketAddr, path::PathBuf};

use crate::{config::problem::ConfigError, directories::Purpose, exit::Exit};

/// Why the host did not start. The text goes to the operator as it stands.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The configuration is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The state or runtime directory cannot be used.
    #[error(
        "the {name} directory {} {fault}; mend that, or name another with --{name}-dir",
        path.display(), name = purpose.name()
    )]
    Directory {
        /// Which of the two.
        purpose: Purpose,
        /// Its path.
        path: PathBuf,
        /// What is wrong with it, fit to follow its path.
        fault: String,
    },
    /// Another host uses the same directory.
    #[error(
        "a host already uses the {} directory {}: stop it first, or give this one its own --runtime-dir, \
         --state-dir and network.port", purpose.name(), path.display()
    )]
    AlreadyRunning {
        /// Which of the two.
        purpose: Purpose,
        /// The directory both want.
        path: PathBuf,
    },
    /// The admin socket could not be made.
    #[error("the admin socket {} cannot be made: {source}; remove what is there, or name another --runtime-dir", path.display())]
    AdminSocket {
        /// Its path.
        path: PathBuf,
        /// The system's word.
        source: io::Error,
    },
    /// The control port is taken.
    #[error("UDP port {} is in use by another program: stop it (`ss -ulpn` names it), or set network.port", address.port())]
    PortInUse {
        /// The address that was asked for.
        address: SocketAddr,
    },
    /// A port of GameStream is taken.
    #[error(
        "{protocol} port {} (GameStream) is in use by another program, perhaps another host for Moonlight: stop it \
         (`ss -tulpn` names it), or set gamestream.port, or gamestream.enable = false", address.port()
    )]
    GameStreamPort {
        /// The address that was asked for.
        address: SocketAddr,
        /// `TCP` or `UDP`.
        protocol: &'static str,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {fault}; set network.listen to an address of this machine, or to \"0.0.0.0\"")]
    Address {
        /// The address that was asked for.
        address: SocketAddr,
        /// The system's word.
        fault: String,
    },
    /// Identity or database is damaged, incomplete or of a newer version.
    #[error("the host will not start with {what}: {fault}")]
    DamagedData {
        /// What it is, and where: `the trust database /var/lib/punktfunk/state.db`.
        what: String,
        /// What is wrong with it and the way out.
        fault: String,
    },
    /// A file with a secret, which the configuration names.
    #[error("the file {} ({key}) {fault}", path.display())]
    Secret {
        /// Which key names it.
        key: &'static str,
        /// Its path.
        path: PathBuf,
        /// What is wrong with it, fit to follow its path.
        fault: String,
    },
    /// The system refused something basic.
    #[error("{what} failed: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// The system's word.
        source: io::Error,
    },
}

impl StartError {
    /// The exit code that goes with it.
    pub const fn exit(&self) -> Exit {
        match self {
            Self::Config(_) | Self::Secret { .. } => Exit::Config,
            Self::Directory { .. } | Self::AdminSocket { .. } => Exit::CannotCreate,
            Self::AlreadyRunning { .. } => Exit::Busy,
            Self::PortInUse { .. } | Self::GameStreamPort { .. } | Self::Address { .. } | Self::System { .. } => {
                Exit::System
            }
            Self::DamagedData { .. } => Exit::DamagedData,
        }
    }
}
