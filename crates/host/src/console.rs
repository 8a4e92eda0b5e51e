//! The console's part in the daemon: its secrets, its socket, and the server while the host runs.

use std::{
    fs::File,
    io::{self, Read as _},
    net::{IpAddr, Ipv6Addr, SocketAddr},
    os::unix::fs::MetadataExt as _,
    path::Path,
    sync::Arc,
    time::Duration,
};

use punktfunk_api::{
    ApiOptions, Host, Network,
    model::{Fault, FaultCode, Severity},
    server::{self, ServerLimits},
};
use punktfunk_transport::TlsIdentity;
use punktfunk_trust::{DeclaredPassword, PasswordCost, PasswordHash};
use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;
use zeroize::Zeroizing;

use crate::{
    config::{Config, ConsoleConfig},
    error::StartError,
    supervisor::{Supervisor, health::fault},
};

/// The console's socket and the host's certificate, before it is served.
pub struct Console(Option<Open>);

struct Open {
    address: SocketAddr,
    listener: io::Result<TcpListener>,
    identity: TlsIdentity,
}

impl Console {
    /// Listens, if `config` says so. A port that is taken is tried again while the host runs.
    pub fn open(config: &Config, identity: &TlsIdentity) -> Self {
        let address = address(config);
        let open = || Open { address, listener: listen(address), identity: identity.clone() };
        Self(config.console.enable.then(open))
    }

    /// The port to announce.
    pub fn port(&self) -> Option<u16> {
        let open = self.0.as_ref()?;
        let bound = open.listener.as_ref().ok().and_then(|listener| listener.local_addr().ok());
        Some(bound.unwrap_or(open.address).port()).filter(|port| *port != 0)
    }

    /// Serves console and API until `stop` completes.
    pub async fn serve(self, supervisor: Arc<Supervisor>, stop: impl Future<Output = ()>) {
        let Some(Open { address, listener, identity }) = self.0 else { return };
        let mut stop = std::pin::pin!(stop);
        let listener = tokio::select! {
            () = &mut stop => return,
            listener = listening(&supervisor, address, listener) => listener,
        };
        let tls = match punktfunk_transport::https(&identity) {
            Ok(tls) => tls,
            Err(error) => return tracing::error!(%error, "the console cannot use the host's certificate"),
        };
        let address = listener.local_addr().unwrap_or(address);
        supervisor.set_console(address);
        tracing::info!(%address, "the console listens");
        let options = options(supervisor.config());
        let app = punktfunk_api::router(Arc::clone(&supervisor) as Arc<dyn Host>, options);
        server::serve(listener, tls, app, ServerLimits::default(), stop).await;
    }
}

/// Waits until the port is free; says so meanwhile.
async fn listening(
    supervisor: &Arc<Supervisor>,
    address: SocketAddr,
    mut listener: io::Result<TcpListener>,
) -> TcpListener {
    let mut told = false;
    loop {
        match listener {
            Ok(listener) => {
                if told {
                    tell(supervisor, None).await;
                }
                return listener;
            }
            Err(error) if !told => {
                told = true;
                tell(supervisor, Some(unavailable(address, &error))).await;
            }
            Err(_) => {}
        }
        tokio::time::sleep(TRY_AGAIN).await;
        listener = listen(address);
    }
}

async fn tell(supervisor: &Arc<Supervisor>, fault: Option<Fault>) {
    let supervisor = Arc::clone(supervisor);
    if let Err(error) = tokio::task::spawn_blocking(move || supervisor.set_console_fault(fault)).await {
        tracing::error!(%error, "the console's fault could not be listed");
    }
}

fn unavailable(address: SocketAddr, error: &io::Error) -> Fault {
    let what = format!("the console cannot listen on {address} (TCP): {error}");
    let remedy = "stop what uses the port (`ss -tlpn` names it), or set console.port or console.listen";
    fault(FaultCode::PortUnavailable, Severity::Warning, what, remedy)
}

fn options(config: &Config) -> ApiOptions {
    let machine = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let machine = machine.trim();
    let own = ["", ".local", ".lan", ".home", ".fritz.box", ".home.arpa", ".internal"];
    let own = own.iter().filter(|_| !machine.is_empty()).map(|domain| format!("{machine}{domain}"));
    ApiOptions {
        names: own.chain(config.console.names.iter().cloned()).collect(),
        // Checked when the configuration was read.
        token_from: config.console.token_from.iter().filter_map(|text| text.parse::<Network>().ok()).collect(),
        files: Some(punktfunk_api::assets::router()),
        ..ApiOptions::default()
    }
}

/// How often a port that is taken is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// What the console's configuration keeps in files.
#[derive(Default)]
pub struct Secrets {
    /// The declared administrator's password.
    pub password: Option<PasswordHash>,
    /// The SHA-256 of the bearer token.
    pub token: Option<[u8; 32]>,
}

impl Secrets {
    /// Reads the files that `console` names. Hashes a password that is plain: a tenth of a second.
    ///
    /// # Errors
    /// A file cannot be read, can be read by others, or holds no such secret.
    pub fn read(console: &ConsoleConfig) -> Result<Self, StartError> {
        let password = console.password_file.as_deref().map(read_password).transpose()?;
        let token = console.token_file.as_deref().map(read_token).transpose()?;
        Ok(Self { password, token })
    }
}

fn read_password(path: &Path) -> Result<PasswordHash, StartError> {
    let wrong = |fault: String| StartError::Secret { key: "console.password_file", path: path.to_owned(), fault };
    let (text, is_open) = read(path).map_err(|fault| wrong(fault.to_string()))?;
    let declared = DeclaredPassword::parse(&text).map_err(|fault| wrong(fault.to_string()))?;
    if is_open && matches!(declared, DeclaredPassword::Plain(_)) {
        return Err(wrong(OPEN.to_owned()));
    }
    Ok(declared.into_hash(PasswordCost::default(), rand::rng().random()))
}

fn read_token(path: &Path) -> Result<[u8; 32], StartError> {
    let wrong =
        |fault: &str| StartError::Secret { key: "console.token_file", path: path.to_owned(), fault: fault.into() };
    let (text, is_open) = read(path).map_err(|fault| wrong(&fault.to_string()))?;
    if is_open {
        return Err(wrong(OPEN));
    }
    let token = text.strip_suffix(b"\n").unwrap_or(&text);
    let fits = (32..=256).contains(&token.len()) && token.iter().all(u8::is_ascii_graphic);
    if fits { Ok(Sha256::digest(token).into()) } else { Err(wrong(NO_TOKEN)) }
}

const OPEN: &str = "can be read by every user of the machine; run: chmod 600";
const NO_TOKEN: &str = "has to hold 32 to 256 visible characters in one line; make it with: openssl rand -hex 32";

/// The file's content, and whether everybody on the machine can read it.
fn read(path: &Path) -> io::Result<(Zeroizing<Vec<u8>>, bool)> {
    const LONGEST: u64 = 4_096;
    let file = File::open(path)?;
    let is_open = file.metadata()?.mode() & 0o004 != 0;
    let mut text = Zeroizing::new(Vec::with_capacity(LONGEST as usize));
    file.take(LONGEST).read_to_end(&mut text)?;
    Ok((text, is_open))
}

/// Where the console is to listen: on every interface over IPv6 and IPv4, where no address is named.
pub fn address(config: &Config) -> SocketAddr {
    let ip = config.console.listen.unwrap_or(config.network.listen);
    let ip = if ip.is_unspecified() { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { ip };
    SocketAddr::new(ip, config.console.port)
}

/// Listens on `address`; `[::]` means IPv4 too, and IPv4 alone on a machine without IPv6.
///
/// # Errors
/// The address is in use, or none of this machine.
pub fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    match listen_on(address) {
        Err(error) if address.ip().is_unspecified() && error.raw_os_error() == Some(libc::EAFNOSUPPORT) => {
            listen_on(SocketAddr::new(IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED), address.port()))
        }
        listening => listening,
    }
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Connections that the kernel holds until they are accepted.
const BACKLOG: i32 = 256;

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

    use super::{Secrets, address, listen};
    use crate::config::{Config, ConsoleConfig};

    fn file(dir: &tempfile::TempDir, text: &str, mode: u32) -> Option<PathBuf> {
        let path = dir.path().join("secret");
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Some(path)
    }

    fn token(text: &str, mode: u32) -> Result<Secrets, String> {
        let dir = tempfile::tempdir().unwrap();
        let console = ConsoleConfig { token_file: file(&dir, text, mode), ..ConsoleConfig::default() };
        Secrets::read(&console).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_token_is_long_in_one_line_and_not_for_everybody_to_read() {
        let good = "0123456789abcdef0123456789abcdef";
        assert!(token(&format!("{good}\n"), 0o600).unwrap().token.is_some());
        assert_eq!(token(good, 0o640).unwrap().token, token(&format!("{good}\n"), 0o600).unwrap().token);
        for (wrong, mode, why) in [
            (good, 0o644, "every user"),
            (&good[..31], 0o600, "32 to 256"),
            ("", 0o600, "32 to 256"),
            ("0123456789abcdef 0123456789abcdef", 0o600, "32 to 256"),
            (&good.repeat(9), 0o600, "32 to 256"),
        ] {
            let said = token(wrong, mode).err().unwrap();
            assert!(said.contains(why) && said.contains("console.token_file"), "{said}");
        }
    }

    #[test]
    fn a_plain_password_is_not_for_everybody_to_read_and_its_hash_is() {
        let dir = tempfile::tempdir().unwrap();
        let read = |text: &str, mode| {
            let console = ConsoleConfig { password_file: file(&dir, text, mode), ..ConsoleConfig::default() };
            Secrets::read(&console)
        };
        let hash = read("correct horse battery\n", 0o600).unwrap().password.unwrap();
        assert!(read("correct horse battery\n", 0o644).err().unwrap().to_string().contains("chmod 600"));
        assert!(read(hash.as_str(), 0o644).is_ok());
        assert!(read("", 0o600).is_err());
    }

    #[tokio::test]
    async fn every_interface_means_both_families() {
        let mut config = Config::default();
        config.console.port = 0;
        let listener = listen(address(&config)).unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        config.network.listen = "127.0.0.1".parse().unwrap();
        assert_eq!(address(&config).to_string(), "127.0.0.1:0");
    }
}
