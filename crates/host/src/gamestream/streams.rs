//! The streaming half: RTSP and control ports, and the sockets of each session.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    sync::Arc,
};

use punktfunk_transport::MediaSocket;
use tokio::{net::TcpListener, task::JoinHandle};

use super::{
    cannot_listen,
    control::{ControlHandle, ControlServer},
    interface, listen,
    rtsp_server::{Media, Refused, RtspServer, Stage, Wanted},
};
use crate::{config::Config, error::StartError, supervisor::Supervisor};

/// The ports that all sessions share, bound; nobody is answered yet.
pub struct Streams {
    rtsp: TcpListener,
    control: ControlServer,
    ports: Ports,
}

/// Where the sockets of a session are looked for.
#[derive(Clone, Copy, Debug)]
struct Ports {
    listen: IpAddr,
    video: u16,
    audio: u16,
    /// Of the second session; those of the others follow.
    more_video: u16,
    more_audio: u16,
}

/// Beside the first session, with ports of the standard, so many more (design section 8).
const MORE_SESSIONS: u16 = 3;

impl Ports {
    fn of(config: &Config) -> Self {
        let (video, audio) = (config.gamestream.video_port(), config.gamestream.audio_port());
        let more_video = audio.saturating_add(1);
        Self {
            listen: interface(config),
            video,
            audio,
            more_video,
            more_audio: more_video.saturating_add(MORE_SESSIONS),
        }
    }

    /// The usual port, else one of those for further sessions.
    fn first_free<T>(&self, usual: u16, more: u16, bind: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
        let others = (0..MORE_SESSIONS).map(|session| more.saturating_add(session));
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for port in std::iter::once(usual).chain(others) {
            match bind_at(SocketAddr::new(self.listen, port), &bind) {
                Ok(bound) => return Ok(bound),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

/// Binds `address`; where that is every interface and there is no IPv6, over IPv4 alone.
fn bind_at<T>(address: SocketAddr, bind: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    bind(address).or_else(|error| match address.ip() {
        IpAddr::V6(ip) if ip.is_unspecified() => {
            bind((Ipv4Addr::UNSPECIFIED, address.port()).into()).map_err(|_| error)
        }
        _ => Err(error),
    })
}

impl Streams {
    /// Binds the ports that all sessions share.
    ///
    /// # Errors
    /// One of them is taken, or the address is not ours.
    pub fn bind(config: &Config) -> Result<Self, StartError> {
        let rtsp = listen(config, config.gamestream.rtsp_port())?;
        let address = SocketAddr::new(interface(config), config.gamestream.control_port());
        let control = bind_at(address, ControlServer::bind).map_err(|error| cannot_listen(address, "UDP", error))?;
        Ok(Self { rtsp, control, ports: Ports::of(config) })
    }

    /// Serves what is put down at the host's desk, until the task is aborted. Sessions that run then go on.
    ///
    /// # Errors
    /// The control port cannot be used.
    pub fn serve(self, supervisor: Arc<Supervisor>) -> io::Result<JoinHandle<()>> {
        let Self { rtsp, control, ports } = self;
        let control_port = control.port()?;
        let (control, _) = control.start()?;
        let desk = Arc::clone(supervisor.moonlight().desk());
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
            video: self.ports.first_free(self.ports.video, self.ports.more_video, video)?,
            audio: self.ports.first_free(self.ports.audio, self.ports.more_audio, UdpSocket::bind)?,
        })
    }

    fn control_port(&self) -> u16 {
        self.control_port
    }

    async fn open(&self, wanted: Wanted) -> Result<(), Refused> {
        self.supervisor.open_moonlight(wanted, self.control.clone()).await
    }
}
