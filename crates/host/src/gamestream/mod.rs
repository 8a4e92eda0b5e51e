//! GameStream, so that stock Moonlight streams from this host: the pages over HTTP and HTTPS on one side, the streams on
//! the other. They meet at the [`Desk`].

pub mod control;
mod desk;
mod pages;
pub mod rtsp_server;
pub mod send;
pub mod session;
pub mod sound;
pub mod streams;

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use punktfunk_gamestream::{
    HostKey,
    pages::{Application, Codecs},
    pairing::{AttemptId, Pin, TypeRefusal},
    server::{Pairing, Server, ServerLimits},
};
use punktfunk_proto::units::Fingerprint;
use punktfunk_trust::{Offer, Origin, Trust};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpListener;

pub use desk::{Desk, End, Full, Orders, Running, Slot, SlotNumber};

use crate::{
    config::{Config, VideoCodec},
    console,
    error::StartError,
    supervisor::Supervisor,
};
use pages::Pages;
use streams::Streams;

/// The sockets and the key of GameStream, before it is served.
pub struct GameStream {
    http: TcpListener,
    https: TcpListener,
    streams: Streams,
    key: Arc<HostKey>,
    unique_id: String,
}

impl GameStream {
    /// Listens, if `config` says so.
    ///
    /// # Errors
    /// A port is taken, or the certificate that Moonlight knows the host by is damaged.
    pub fn open(config: &Config, trust: &Trust, id: &str) -> Result<Option<Self>, StartError> {
        let gamestream = &config.gamestream;
        if !gamestream.enable {
            return Ok(None);
        }
        let what = || "the identity for GameStream".to_owned();
        let damaged = |fault: String| StartError::DamagedData { what: what(), fault };
        let identity = trust.gamestream_identity().map_err(|fault| damaged(fault.to_string()))?;
        let key = HostKey::new(identity.certificate_der, identity.private_key_pkcs8_der);
        let key = Arc::new(key.map_err(|fault| damaged(fault.to_string()))?);
        let (http, https) = (listen(config, gamestream.port)?, listen(config, gamestream.https_port())?);
        let streams = Streams::bind(config)?;
        Ok(Some(Self { http, https, streams, key, unique_id: unique_id(id) }))
    }

    /// Where Moonlight's first page is.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.http.local_addr()
    }

    /// Serves until `stop` completes.
    pub async fn serve(self, supervisor: Arc<Supervisor>, stop: impl Future<Output = ()>) {
        let Self { http, https, streams, key, unique_id } = self;
        let streaming = match streams.serve(Arc::clone(&supervisor)) {
            Ok(streaming) => streaming,
            Err(error) => return tracing::error!(%error, "Moonlight cannot be served"),
        };
        let pairing = Arc::clone(supervisor.moonlight().pairing());
        let pages = Arc::new(Pages::new(supervisor, unique_id));
        let server = match Server::new(pages, key, pairing, ServerLimits::default()) {
            Ok(server) => server,
            Err(error) => return tracing::error!(%error, "Moonlight cannot be served"),
        };
        if let (Ok(http), Ok(https)) = (http.local_addr(), https.local_addr()) {
            tracing::info!(%http, %https, "GameStream listens");
        }
        server.serve(http, https, stop).await;
        streaming.abort();
    }
}

/// Listens on a TCP port of GameStream.
///
/// # Errors
/// The port is taken, or the address is none of this machine.
pub fn listen(config: &Config, port: u16) -> Result<TcpListener, StartError> {
    let address = SocketAddr::new(interface(config), port);
    console::listen(address).map_err(|error| cannot_listen(address, "TCP", error))
}

/// Where GameStream listens: on every interface over IPv6 too.
fn interface(config: &Config) -> IpAddr {
    let ip = config.network.listen;
    if ip.is_unspecified() { IpAddr::V6(Ipv6Addr::UNSPECIFIED) } else { ip }
}

fn cannot_listen(address: SocketAddr, protocol: &'static str, error: io::Error) -> StartError {
    match error.kind() {
        io::ErrorKind::AddrInUse => StartError::GameStreamPort { address, protocol },
        _ => StartError::Address { address, fault: error.to_string() },
    }
}

/// What the host knows of Moonlight beside its streams: who waits for a PIN, and what was typed.
pub struct Moonlight {
    desk: Arc<Desk>,
    pairing: Arc<Pairing>,
    typed: Mutex<HashMap<AttemptId, Typed>>,
}

/// What came with a PIN.
#[derive(Clone, Debug)]
pub struct Typed {
    /// Who typed it.
    pub by: Origin,
    /// What a new device gets.
    pub offer: Offer,
    /// What it is to be called.
    pub label: Option<String>,
}

impl Moonlight {
    /// Nobody waits yet. `most` applications run at once.
    pub fn new(most: usize) -> Self {
        Self { desk: Desk::new(most), pairing: Arc::default(), typed: Mutex::default() }
    }

    /// What was launched and what runs.
    pub fn desk(&self) -> &Arc<Desk> {
        &self.desk
    }

    /// Who waits for a PIN.
    pub fn pairing(&self) -> &Arc<Pairing> {
        &self.pairing
    }

    /// Types the PIN that the device at `peer` shows, or the only one that waits; says which attempt that is, and whose.
    ///
    /// # Errors
    /// It goes to nobody.
    pub fn type_pin(
        &self,
        peer: Option<IpAddr>,
        pin: &Pin,
        typed: Typed,
    ) -> Result<(AttemptId, Fingerprint), TypeRefusal> {
        // Held until it is noted: the device may be faster than the next line.
        let mut noted = self.typed();
        let (id, device) = self.pairing.type_pin(peer, pin)?;
        noted.insert(id, typed);
        Ok((id, device))
    }

    /// What was typed for an attempt, once.
    pub fn take_typed(&self, id: AttemptId) -> Option<Typed> {
        self.typed().remove(&id)
    }

    fn typed(&self) -> MutexGuard<'_, HashMap<AttemptId, Typed>> {
        self.typed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What Moonlight can start: what every session of this host runs. It remembers it by its number.
pub fn application(config: &Config) -> Application {
    let program = config.session.command.first().and_then(|program| std::path::Path::new(program).file_name());
    let title = program.map_or_else(|| "Desktop".into(), |program| program.to_string_lossy().into_owned());
    Application { id: 1, title }
}

/// What can be streamed: told here, and again in the answer to RTSP DESCRIBE.
pub fn codecs(config: &Config) -> Codecs {
    let bits = |codec: &VideoCodec| match codec {
        VideoCodec::H264 => Codecs::H264,
    };
    config.encoder.codecs.iter().map(bits).fold(Codecs::H264, Codecs::with)
}

/// The identity of the host in every Moonlight: a UUID that follows from the host's id, whatever text that is.
fn unique_id(id: &str) -> String {
    let digest = Sha256::new().chain_update(b"punktfunk gamestream ").chain_update(id).finalize();
    let digits: String = digest[..16].iter().map(|byte| format!("{byte:02X}")).collect();
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::unique_id;

    #[test]
    fn the_unique_id_is_a_uuid_that_follows_from_the_hosts_id() {
        let id = unique_id("living-room-1");
        assert_eq!(id, unique_id("living-room-1"));
        assert_ne!(id, unique_id("living-room-2"));
        let lengths: Vec<usize> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
    }
}
