//! Administration of the running host over a local socket: what `punktfunk-host ctl` uses.
//!
//! The socket is `admin.sock` in the runtime directory, mode 0600 in a directory of mode 0700, and the peer's user
//! is asked of the kernel: only root and the host's own user are served. A connection carries lines: each request
//! is one line of JSON, answered by one line of JSON ([`protocol`]). [`server`] is the host's end, [`client`] the
//! other.

use std::path::{Path, PathBuf};

pub use punktfunk_api::model::select;
use punktfunk_api::model::text;

pub mod client;
pub mod protocol;
pub mod server;

/// The socket's name in the runtime directory.
pub const SOCKET_NAME: &str = "admin.sock";

/// The admin socket of the host that runs in `runtime_dir`.
pub fn socket_path(runtime_dir: &Path) -> PathBuf {
    runtime_dir.join(SOCKET_NAME)
}
