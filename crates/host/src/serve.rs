//! `punktfunk-host serve`: start, run, stop.

use std::{path::PathBuf, sync::Arc, time::Duration};

use tokio::sync::oneshot;

use crate::{
    admin::{
        protocol::{AdminErrorCode, AdminRequest, AdminResponse},
        server::{AdminHandler, AdminLimits, AdminServer},
    },
    config::load::{self, Loaded, Source},
    directories::{self, DirectoryLock, Purpose},
    error::StartError,
    exit::Exit,
    log,
    service::{ServiceNotifier, Signals},
};

/// What was given on the command line.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// The configuration file, if one was named.
    pub config: Option<PathBuf>,
    /// Where identity and database are.
    pub state_dir: PathBuf,
    /// Where the sockets are.
    pub runtime_dir: PathBuf,
}

/// What a host needs to start: checked, made and readable.
#[derive(Clone, Debug)]
pub struct Setup {
    /// The configuration and where it is from.
    pub loaded: Loaded,
    /// A directory of our own that can be written.
    pub state_dir: PathBuf,
    /// Likewise.
    pub runtime_dir: PathBuf,
}

/// How long a graceful stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// Runs a host until a signal stops it. Blocks; makes the runtime of the control plane.
///
/// # Errors
/// Why the host did not start.
pub fn serve(options: &ServeOptions) -> Result<(), StartError> {
    let setup = prepare(options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|source| StartError::System { what: "starting the runtime", source })?;
    let result = runtime.block_on(run(setup));
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

/// Everything that can be found wrong before anything runs.
fn prepare(options: &ServeOptions) -> Result<Setup, StartError> {
    let loaded = load::load(options.config.as_deref())?;
    log::init(&loaded.config.log);
    match &loaded.source {
        Source::File(path) => tracing::info!(path = %path.display(), "configuration read"),
        Source::Defaults => tracing::info!(path = load::DEFAULT_PATH, "no configuration file: defaults hold"),
    }
    let state_dir = directories::prepare(&options.state_dir, Purpose::State)?;
    let runtime_dir = directories::prepare(&options.runtime_dir, Purpose::Runtime)?;
    Ok(Setup { loaded, state_dir, runtime_dir })
}

/// Start, serve, stop, in this order. READY is said when clients can connect.
async fn run(setup: Setup) -> Result<(), StartError> {
    let mut signals = Signals::catch().map_err(|source| StartError::System { what: "catching signals", source })?;
    let notifier = ServiceNotifier::new();
    let _state_lock = DirectoryLock::acquire(&setup.state_dir, Purpose::State)?;
    let admin = AdminServer::bind(&setup.runtime_dir, AdminLimits::default())?;
    let host = Arc::new(Unequipped);
    let (stop_admin, stopped) = oneshot::channel::<()>();
    let admin = tokio::spawn(admin.run(Arc::clone(&host), async {
        let _ = stopped.await;
    }));
    let watchdog = tokio::spawn(notifier.keep_alive(|| true));

    tracing::info!(runtime_dir = %setup.runtime_dir.display(), "ready");
    notifier.status("ready");
    notifier.ready();

    let signal = signals.stop_requested().await;
    tracing::info!(signal, "stopping");
    notifier.stopping();
    let _ = stop_admin.send(());
    tokio::select! {
        _ = tokio::time::timeout(STOP_LIMIT, admin) => {}
        signal = signals.stop_requested() => {
            tracing::warn!(signal, "asked a second time: ending at once");
            std::process::exit(Exit::Failed.code().into());
        }
    }
    watchdog.abort();
    tracing::info!("stopped");
    Ok(())
}

/// A host without trust, network and sessions: it starts, stops and says so.
struct Unequipped;

impl AdminHandler for Unequipped {
    async fn handle(&self, _request: AdminRequest) -> AdminResponse {
        AdminResponse::error(AdminErrorCode::Refused, "this host has neither trust store nor sessions")
    }
}
