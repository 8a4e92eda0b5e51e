//! `punktfunk-host serve`: start, run, stop.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use punktfunk_api::HostEvent;
use punktfunk_proto::wire::CloseCode;
use punktfunk_transport::{Server, ServerOptions, TlsIdentity, TransportError};
use punktfunk_trust::{DeclareError, DeclaredDevice, DeviceName, FileError, Moment, Trust, TrustError};
use tokio::sync::{broadcast, watch};

use crate::{
    admin::server::{AdminLimits, AdminServer},
    config::{
        Config, PairingPolicy,
        load::{self, Source},
    },
    console::{Console, Secrets},
    directories::{self, Purpose},
    discovery::{self, Announced},
    error::StartError,
    exit::Exit,
    gamestream::GameStream,
    log::{self, LogRing},
    media::{self, Media},
    service::{self, ServiceNotifier, Signals},
    settings::SettingsStore,
    supervisor::{AdminDesk, Parts, Supervisor, UpdatePlaces},
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
    /// Where the update service is found.
    pub updates: UpdatePlaces,
}

/// What a host needs to start: checked, made and readable.
pub struct Setup {
    /// The configuration, with what the owner set in the console.
    pub settings: SettingsStore,
    /// Secrets that the configuration keeps in files.
    pub secrets: Secrets,
    /// The last lines of the log.
    pub log: Arc<LogRing>,
    /// Who hears what happens.
    pub listeners: broadcast::Sender<HostEvent>,
    /// A directory of our own that can be written.
    pub state_dir: PathBuf,
    /// Likewise.
    pub runtime_dir: PathBuf,
    /// Where the session service listens.
    pub session_socket: PathBuf,
    /// Where the update service is found.
    pub updates: UpdatePlaces,
}

/// How long a graceful stop may take.
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// Events that a slow listener may be behind.
const EVENTS: usize = 256;

/// How the host came to its end.
enum End {
    Stopped,
    /// It is to be started anew in this process.
    Restart,
}

/// Runs a host until a signal stops it. Blocks; makes the runtime of the control plane. A restart that was asked for
/// over the API replaces the process by a new one of the same program and arguments: the process id stays, so that the
/// service manager sees one host.
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
    match result? {
        End::Stopped => Ok(()),
        End::Restart => Err(StartError::System { what: "starting anew", source: service::start_anew() }),
    }
}

/// Everything that can be found wrong before anything runs.
fn prepare(options: &ServeOptions) -> Result<Setup, StartError> {
    let loaded = load::load(options.config.as_deref())?;
    let state_dir = directories::prepare(&options.state_dir, Purpose::State)?;
    let runtime_dir = directories::prepare(&options.runtime_dir, Purpose::Runtime)?;
    let settings = SettingsStore::open(&state_dir, &loaded);
    let (listeners, _) = broadcast::channel(EVENTS);
    let ring = Arc::new(LogRing::new(listeners.clone()));
    log::init(&settings.config().log, Some(Arc::clone(&ring)));
    match &loaded.source {
        Source::File(path) => tracing::info!(path = %path.display(), "configuration read"),
        Source::Defaults => tracing::info!(path = load::DEFAULT_PATH, "no configuration file: defaults hold"),
    }
    settings.warnings().for_each(|warning| tracing::warn!("{warning}"));
    let secrets = Secrets::read(&settings.config().console)?;
    let (session_socket, updates) = (options.session_socket.clone(), options.updates.clone());
    Ok(Setup { settings, secrets, log: ring, listeners, state_dir, runtime_dir, session_socket, updates })
}

/// Start, serve, stop, in this order. READY is said when clients can connect.
async fn run(setup: Setup) -> Result<End, StartError> {
    let mut signals = Signals::catch().map_err(|source| StartError::System { what: "catching signals", source })?;
    let notifier = ServiceNotifier::new();
    let admin = AdminServer::bind(&setup.runtime_dir, AdminLimits::default())?;
    let config = setup.settings.config().clone();
    let trust = open_trust(&setup.state_dir, &config)?;
    let identity = trust.identity();
    let identity = TlsIdentity::new(identity.certificate_der.clone(), identity.private_key_pkcs8_der.clone());
    let server = listen(&config, &identity)?;
    let console = Console::open(&config, &identity);
    let listen = server
        .local_addr()
        .map_err(|source| StartError::System { what: "asking the control socket for its address", source })?;
    let id = config.host.id.clone().unwrap_or_else(|| trust.host_id().to_owned());
    let fingerprint = trust.identity().fingerprint;
    let gamestream = GameStream::open(&config, &trust, &id)?;
    let advertisement = discovery::advertise(&config, &Announced { id, fingerprint, listen, console: console.port() });
    let to_moonlight = gamestream.as_ref().and_then(|gamestream| gamestream.address().ok());
    let to_moonlight = to_moonlight.and_then(|address| discovery::advertise_to_moonlight(&config, address));
    let launcher = media::launcher(&config, &setup.runtime_dir, &setup.session_socket)?;
    let Setup { settings, secrets, log, listeners, state_dir, updates, .. } = setup;
    let media = Media::probe(&config, launcher);
    let parts = Parts { config, settings, state_dir, updates, trust, media, listen, secrets, log, listeners };
    let supervisor = Supervisor::new(parts);

    let (stop, stopped) = watch::channel(false);
    let stopping = || {
        let mut stopped = stopped.clone();
        async move { drop(stopped.wait_for(|stopped| *stopped).await) }
    };
    let desk = Arc::new(AdminDesk(Arc::clone(&supervisor)));
    let admin = tokio::spawn(admin.run(desk, stopping()));
    let console = tokio::spawn(console.serve(Arc::clone(&supervisor), stopping()));
    let gamestream = gamestream.map(|gamestream| gamestream.serve(Arc::clone(&supervisor), stopping()));
    let gamestream = tokio::spawn(async {
        if let Some(serving) = gamestream {
            serving.await
        }
    });
    let server = Arc::new(server);
    let serving = tokio::spawn({
        let (supervisor, server) = (Arc::clone(&supervisor), Arc::clone(&server));
        async move { supervisor.serve(&server).await }
    });
    let keeping = [
        tokio::spawn(Arc::clone(&supervisor).keep_time()),
        tokio::spawn(Arc::clone(&supervisor).keep_health(move |line| notifier.status(line))),
        tokio::spawn(Arc::clone(&supervisor).keep_samples()),
        tokio::spawn(Arc::clone(&supervisor).watch_moonlights()),
        tokio::spawn(notifier.keep_alive(alive(notifier, Arc::clone(&supervisor)))),
    ];
    look(&supervisor).await;

    tracing::info!(%listen, fingerprint = %fingerprint, "ready");
    notifier.status(&supervisor.status_line());
    notifier.ready();
    let updates = Arc::clone(&supervisor);
    tokio::task::spawn_blocking(move || updates.look_at_updates());

    let end = tokio::select! {
        signal = signals.stop_requested() => {
            tracing::info!(signal, "stopping");
            notifier.stopping();
            End::Stopped
        }
        () = supervisor.restart_requested() => {
            tracing::info!("restarting");
            notifier.status("restarting");
            // The answer to who asked is on its way.
            tokio::time::sleep(RESTART_AFTER).await;
            End::Restart
        }
    };
    drop((advertisement, to_moonlight));
    let _ = stop.send(true);
    let stop = async {
        supervisor.stop().await;
        serving.abort();
        server.shutdown(CloseCode::Ended.code(), "the host is stopping").await;
        let _ = tokio::join!(admin, console, gamestream);
    };
    tokio::select! {
        _ = tokio::time::timeout(STOP_LIMIT, stop) => {}
        signal = signals.stop_requested() => {
            tracing::warn!(signal, "asked a second time: ending at once");
            std::process::exit(Exit::Failed.code().into());
        }
    }
    keeping.iter().for_each(tokio::task::JoinHandle::abort);
    tracing::info!("stopped");
    Ok(end)
}

/// Looks at the machine before READY: faults are known when somebody asks.
async fn look(supervisor: &Arc<Supervisor>) {
    let supervisor = Arc::clone(supervisor);
    if let Err(error) = tokio::task::spawn_blocking(move || supervisor.look()).await {
        tracing::error!(%error, "looking at the machine failed");
    }
}

/// Whether the watchdog is to be told that all is well; tells `systemctl status` now and then.
fn alive(notifier: ServiceNotifier, supervisor: Arc<Supervisor>) -> impl FnMut() -> bool {
    let mut said = Instant::now();
    move || {
        if said.elapsed() > STATUS_INTERVAL {
            notifier.status(&supervisor.status_line());
            said = Instant::now();
        }
        supervisor.is_healthy()
    }
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

fn listen(config: &Config, identity: &TlsIdentity) -> Result<Server, StartError> {
    let address = SocketAddr::new(config.network.listen, config.network.port);
    Server::bind(address, identity, ServerOptions::default()).map_err(|fault| match fault {
        TransportError::PortInUse(address) => StartError::PortInUse { address },
        TransportError::Identity(fault) => {
            StartError::DamagedData { what: "the host's identity".into(), fault: fault.to_string() }
        }
        fault => StartError::Address { address, fault: fault.to_string() },
    })
}

/// How often `systemctl status` is told anew.
const STATUS_INTERVAL: Duration = Duration::from_secs(10);
/// Between the order to restart and the stop.
const RESTART_AFTER: Duration = Duration::from_millis(300);
