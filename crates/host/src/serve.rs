//! `punktfunk-host serve`: start, run, stop.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use punktfunk_proto::wire::CloseCode;
use punktfunk_transport::{Server, ServerOptions, TlsIdentity, TransportError};
use punktfunk_trust::{DeclareError, DeclaredDevice, DeviceName, FileError, Moment, Trust, TrustError};
use tokio::sync::oneshot;

use crate::{
    admin::server::{AdminLimits, AdminServer},
    config::{
        Config, PairingPolicy,
        load::{self, Loaded, Source},
    },
    directories::{self, Purpose},
    discovery,
    error::StartError,
    exit::Exit,
    log, media,
    service::{ServiceNotifier, Signals},
    supervisor::Supervisor,
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
    /// Where the session service listens, for a configuration that wants it.
    pub session_socket: PathBuf,
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
    /// Where the session service listens.
    pub session_socket: PathBuf,
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
    Ok(Setup { loaded, state_dir, runtime_dir, session_socket: options.session_socket.clone() })
}

/// Start, serve, stop, in this order. READY is said when clients can connect.
async fn run(setup: Setup) -> Result<(), StartError> {
    let mut signals = Signals::catch().map_err(|source| StartError::System { what: "catching signals", source })?;
    let notifier = ServiceNotifier::new();
    let admin = AdminServer::bind(&setup.runtime_dir, AdminLimits::default())?;
    let config = setup.loaded.config;
    let trust = open_trust(&setup.state_dir, &config)?;
    let media = media::choose(&config, &setup.runtime_dir, &setup.session_socket)?;
    let server = listen(&config, &trust)?;
    let listen = server
        .local_addr()
        .map_err(|source| StartError::System { what: "asking the control socket for its address", source })?;
    let id = config.host.id.clone().unwrap_or_else(|| trust.host_id().to_owned());
    let fingerprint = trust.identity().fingerprint;
    let advertisement = discovery::advertise(&config, &id, fingerprint, listen);
    let supervisor = Supervisor::new(config, trust, media, listen);

    let (stop_admin, stopped) = oneshot::channel::<()>();
    let admin = tokio::spawn(admin.run(Arc::clone(&supervisor), async {
        let _ = stopped.await;
    }));
    let server = Arc::new(server);
    let serving = tokio::spawn({
        let (supervisor, server) = (Arc::clone(&supervisor), Arc::clone(&server));
        async move { supervisor.serve(&server).await }
    });
    let timekeeping = tokio::spawn(Arc::clone(&supervisor).keep_time());
    let watchdog = tokio::spawn(notifier.keep_alive({
        let (supervisor, mut said) = (Arc::clone(&supervisor), Instant::now());
        move || {
            if said.elapsed() > STATUS_INTERVAL {
                notifier.status(&supervisor.status_line());
                said = Instant::now();
            }
            supervisor.is_healthy()
        }
    }));

    tracing::info!(%listen, fingerprint = %fingerprint, "ready");
    notifier.status(&supervisor.status_line());
    notifier.ready();

    let signal = signals.stop_requested().await;
    tracing::info!(signal, "stopping");
    notifier.stopping();
    drop(advertisement);
    let _ = stop_admin.send(());
    let stop = async {
        supervisor.stop().await;
        serving.abort();
        server.shutdown(CloseCode::Ended.code(), "the host is stopping").await;
        let _ = admin.await;
    };
    tokio::select! {
        _ = tokio::time::timeout(STOP_LIMIT, stop) => {}
        signal = signals.stop_requested() => {
            tracing::warn!(signal, "asked a second time: ending at once");
            std::process::exit(Exit::Failed.code().into());
        }
    }
    timekeeping.abort();
    watchdog.abort();
    tracing::info!("stopped");
    Ok(())
}

fn open_trust(state_dir: &std::path::Path, config: &Config) -> Result<Trust, StartError> {
    let policy = match config.pairing.policy {
        PairingPolicy::Require => punktfunk_trust::PairingPolicy::Require,
        PairingPolicy::Open => punktfunk_trust::PairingPolicy::Open,
    };
    let mut trust = Trust::open(state_dir, policy, Moment::now()).map_err(|fault| match fault {
        TrustError::StateDir(FileError::InUse { path }) => StartError::AlreadyRunning { purpose: Purpose::State, path },
        TrustError::StateDir(fault) => {
            StartError::Directory { purpose: Purpose::State, path: state_dir.to_owned(), fault: fault.to_string() }
        }
        TrustError::Identity(fault) => damaged("the host's identity", state_dir, &fault),
        TrustError::Store(fault) => damaged("the trust store", state_dir, &fault),
    })?;
    match trust.declare(Moment::now(), &declared(config)) {
        Ok(()) => {
            if let Err(error) = trust.note_configuration(Moment::now(), &config.effective()) {
                tracing::warn!(%error, "the audit log does not say what changed in the configuration");
            }
            Ok(trust)
        }
        Err(fault @ DeclareError::Twice { .. }) => {
            Err(StartError::DamagedData { what: "the configuration".into(), fault: fault.to_string() })
        }
        Err(DeclareError::Store(fault)) => Err(damaged("the trust store", state_dir, &fault)),
    }
}

/// The devices of the configuration, which was checked when it was read.
fn declared(config: &Config) -> Vec<DeclaredDevice> {
    let devices = config.devices.iter().filter_map(|(name, device)| {
        let grants = device.access.parse().ok()?;
        Some(DeclaredDevice {
            name: DeviceName::written(name)?,
            fingerprint: device.fingerprint()?,
            grants,
            expires: None,
        })
    });
    devices.collect()
}

fn damaged(what: &str, state_dir: &std::path::Path, fault: &dyn std::fmt::Display) -> StartError {
    StartError::DamagedData { what: format!("{what} in {}", state_dir.display()), fault: fault.to_string() }
}

fn listen(config: &Config, trust: &Trust) -> Result<Server, StartError> {
    let identity = trust.identity();
    let identity = TlsIdentity::new(identity.certificate_der.clone(), identity.private_key_pkcs8_der.clone());
    let address = SocketAddr::new(config.network.listen, config.network.port);
    Server::bind(address, &identity, ServerOptions::default()).map_err(|fault| match fault {
        TransportError::PortInUse(address) => StartError::PortInUse { address },
        TransportError::Identity(fault) => {
            StartError::DamagedData { what: "the host's identity".into(), fault: fault.to_string() }
        }
        fault => StartError::Address { address, fault: fault.to_string() },
    })
}

/// How often `systemctl status` is told anew.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);
