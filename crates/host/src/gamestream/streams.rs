//! The streaming half: RTSP and control ports, and the sockets of each session.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
    sync::Arc,
};

use punktfunk_transport::MediaSocket;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    Desk,
    control::{ControlHandle, ControlServer},
    rtsp_server::{Media, Refused, RtspServer, Stage, Wanted},
};
use crate::supervisor::Supervisor;

/// The ports, bound; nobody is answered yet.
pub struct Streams {
    rtsp: TcpListener,
    control: ControlServer,
    ports: Ports,
}

/// Where sessions are looked for: an offset from the port of the pages (GameStream spec section 1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ports {
    /// The address to listen on.
    pub listen: IpAddr,
    /// The port of the pages over HTTP; 0 for any ports.
    pub base: u16,
}

/// One of the ports that cannot be had.
#[derive(Debug, thiserror::Error)]
#[error("the port {address} of Moonlight's {stream} cannot be had: {source}")]
pub struct PortError {
    /// What it is for.
    pub stream: &'static str,
    /// Which.
    pub address: SocketAddr,
    source: io::Error,
}

const VIDEO: u16 = 9;
const CONTROL: u16 = 10;
const AUDIO: u16 = 11;
const RTSP: u16 = 21;
/// Ports of the second to fourth session: of video from here on, then of audio.
const MORE: u16 = 12;
/// As many as there may be sessions (design section 8).
const SESSIONS: u16 = 4;

impl Ports {
    fn at(&self, offset: u16) -> SocketAddr {
        let port = if self.base == 0 { 0 } else { self.base.saturating_add(offset) };
        SocketAddr::new(self.listen, port)
    }

    /// The usual port, else one of those for further sessions.
    fn first_free<T>(&self, usual: u16, more: u16, bind: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
        let others = (0..SESSIONS - 1).map(|session| self.at(more + session));
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for address in std::iter::once(self.at(usual)).chain(others) {
            match bind(address) {
                Ok(bound) => return Ok(bound),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Streams {
    /// Binds the ports that all sessions share.
    ///
    /// # Errors
    /// One of them is taken, or the address is not ours.
    pub async fn bind(ports: Ports) -> Result<Self, PortError> {
        let (rtsp_at, control_at) = (ports.at(RTSP), ports.at(CONTROL));
        let rtsp = TcpListener::bind(rtsp_at).await;
        let rtsp = rtsp.map_err(|source| PortError { stream: "RTSP", address: rtsp_at, source })?;
        let control = ControlServer::bind(control_at).await;
        let control = control.map_err(|source| PortError { stream: "control stream", address: control_at, source })?;
        Ok(Self { rtsp, control, ports })
    }

    /// The port of RTSP, for the launch's reply.
    ///
    /// # Errors
    /// The socket cannot be asked.
    pub fn rtsp_port(&self) -> io::Result<u16> {
        Ok(self.rtsp.local_addr()?.port())
    }

    /// Serves what is put down at `desk`, until the task is aborted. Sessions that run then go on.
    ///
    /// # Errors
    /// The control port cannot be used.
    pub fn serve(self, supervisor: Arc<Supervisor>, desk: Arc<Desk>) -> io::Result<JoinHandle<()>> {
        let Self { rtsp, control, ports } = self;
        let control_port = control.port()?;
        let (control, _) = control.start()?;
        let stage = HostStage { supervisor, control, control_port, ports };
        Ok(tokio::spawn(RtspServer::new(desk, stage).serve(rtsp)))
    }
}

/// Sessions on the real host.
struct HostStage {
    supervisor: Arc<Supervisor>,
    control: ControlHandle,
    control_port: u16,
    ports: Ports,
}

impl Stage for HostStage {
    fn bind(&self) -> io::Result<Media> {
        let video = |address: SocketAddr| MediaSocket::bind(address.ip(), address.port()).map_err(io::Error::other);
        Ok(Media {
            video: self.ports.first_free(VIDEO, MORE, video)?,
            audio: self.ports.first_free(AUDIO, MORE + SESSIONS - 1, UdpSocket::bind)?,
        })
    }

    fn control_port(&self) -> u16 {
        self.control_port
    }

    async fn open(&self, wanted: Wanted) -> Result<(), Refused> {
        self.supervisor.open_moonlight(wanted, self.control.clone()).await
    }
}
