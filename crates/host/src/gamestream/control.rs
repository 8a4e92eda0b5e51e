//! The control stream of all Moonlight sessions: ENet on one UDP port, driven by one task.
//!
//! Nothing reaches ENet that does not come from an address with a session: a CONNECT must carry the number that RTSP told the
//! client, everything else must come from where that CONNECT came from.

use std::{
    collections::HashMap,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use punktfunk_gamestream::control::{
    CHANNELS, ClientMessage, ControlSeal, EndReason, HOST_CHANNEL, HostMessage, MAX_MESSAGE,
};
use rusty_enet::{EventNoRef, Host, HostSettings, MTU_MAX, Packet, PacketReceived, PeerID, Socket};
use tokio::{net::UdpSocket, sync::mpsc, task::JoinHandle};

/// A session's end of the control stream. Called by the control task; no call may block.
pub trait ControlPeer: Send + Sync {
    /// The client is there.
    fn connected(&self);
    /// How long a message and its acknowledgement take, now and then.
    fn round_trip(&self, time: Duration);
    /// It said this.
    fn message(&self, message: &ClientMessage<'_>);
    /// It has left, or was not heard of for too long. Nothing follows.
    fn gone(&self);
}

/// A client that is expected.
pub struct Expected {
    /// Where it comes from.
    pub peer: IpAddr,
    /// The number its CONNECT carries.
    pub connect: u32,
    /// The launch's key.
    pub key: [u8; 16],
    /// Who hears it.
    pub session: Arc<dyn ControlPeer>,
}

enum Order {
    Expect(Expected),
    End { connect: u32, reason: Option<EndReason> },
}

/// A way to the control task.
#[derive(Clone)]
pub struct ControlHandle(mpsc::Sender<Order>);

impl ControlHandle {
    /// Lets a client in.
    pub async fn expect(&self, expected: Expected) {
        // Gone means that the host stops.
        let _ = self.0.send(Order::Expect(expected)).await;
    }

    /// Ends a session's control stream; the client is told why, if there is something to tell.
    pub async fn end(&self, connect: u32, reason: Option<EndReason>) {
        let _ = self.0.send(Order::End { connect, reason }).await;
    }
}

/// The control port, bound.
pub struct ControlServer(UdpSocket);

impl ControlServer {
    /// Binds it.
    ///
    /// # Errors
    /// The port is taken, or the address not ours.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        let socket = std::net::UdpSocket::bind(address)?;
        socket.set_nonblocking(true)?;
        UdpSocket::from_std(socket).map(Self)
    }

    /// Where it is.
    ///
    /// # Errors
    /// The socket cannot be asked.
    pub fn port(&self) -> io::Result<u16> {
        Ok(self.0.local_addr()?.port())
    }

    /// Starts the task, which ends with the last handle.
    ///
    /// # Errors
    /// ENet refused the socket.
    pub fn start(self) -> io::Result<(ControlHandle, JoinHandle<()>)> {
        let (orders, inbox) = mpsc::channel(ORDERS);
        let gate = Gate { socket: self.0, doors: Vec::new(), refused: 0 };
        let settings = HostSettings { peer_limit: PEERS, channel_limit: CHANNELS, ..HostSettings::default() };
        let mut enet = Host::new(gate, settings).map_err(|error| io::Error::other(error.to_string()))?;
        let bounded =
            enet.set_maximum_packet_size(MAX_MESSAGE).and_then(|()| enet.set_maximum_waiting_data(MAX_WAITING));
        bounded.map_err(|error| io::Error::other(error.to_string()))?;
        let task = Task { enet, inbox, sessions: HashMap::new(), peers: HashMap::new() };
        Ok((ControlHandle(orders), tokio::spawn(task.run())))
    }
}

/// More than there can be sessions, with their successors.
const PEERS: usize = 16;
/// Bytes of messages that wait to be complete.
const MAX_WAITING: usize = 64 * 1_024;
/// Orders on their way to the task.
const ORDERS: usize = 32;
/// Datagrams looked at before others get their turn.
const AT_ONCE: usize = 256;
/// How often ENet looks at its own clock while there are sessions.
const TICK: Duration = Duration::from_millis(10);
/// A client that is not heard of for this long is gone (spec section 4.1), in milliseconds.
const SILENCE: u32 = 10_000;

struct Task {
    enet: Host<Gate>,
    inbox: mpsc::Receiver<Order>,
    /// By the number of their CONNECT.
    sessions: HashMap<u32, Session>,
    peers: HashMap<PeerID, u32>,
}

struct Session {
    seal: ControlSeal,
    session: Arc<dyn ControlPeer>,
    peer: Option<PeerID>,
    /// It was told the end: nothing of it is acted on.
    ended: bool,
}

impl Task {
    async fn run(mut self) {
        loop {
            if let Err(error) = self.service() {
                tracing::debug!(%error, "the control port");
                tokio::time::sleep(TICK).await;
            }
            self.tell_round_trips();
            let busy = !self.sessions.is_empty();
            tokio::select! {
                order = self.inbox.recv() => match order {
                    Some(order) => self.carry_out(order),
                    None => return,
                },
                _ = self.enet.socket().socket.readable() => {}
                () = tokio::time::sleep(TICK), if busy => {}
            }
        }
    }

    fn service(&mut self) -> io::Result<()> {
        for _ in 0..AT_ONCE {
            let Some(event) = self.enet.service()? else { break };
            match event.no_ref() {
                EventNoRef::Connect { peer, data } => self.connect(peer, data),
                EventNoRef::Receive { peer, packet, .. } => self.receive(peer, packet.data()),
                EventNoRef::Disconnect { peer, .. } => self.disconnect(peer),
            }
        }
        Ok(())
    }

    fn tell_round_trips(&self) {
        for session in self.sessions.values() {
            if let Some(peer) = session.peer {
                session.session.round_trip(self.enet.peer(peer).round_trip_time());
            }
        }
    }

    fn connect(&mut self, peer: PeerID, connect: u32) {
        match self.sessions.get_mut(&connect) {
            Some(session) if session.peer.is_none() && !session.ended => {
                session.peer = Some(peer);
                self.peers.insert(peer, connect);
                self.enet.peer_mut(peer).set_timeout(0, SILENCE, SILENCE);
                session.session.connected();
            }
            _ => self.enet.peer_mut(peer).disconnect_now(0),
        }
    }

    fn receive(&mut self, peer: PeerID, sealed: &[u8]) {
        let session = self.peers.get(&peer).and_then(|connect| self.sessions.get_mut(connect));
        let Some(session) = session.filter(|session| !session.ended) else { return };
        match session.seal.open(sealed) {
            Ok(message) => match ClientMessage::parse(&message) {
                Ok(message) => session.session.message(&message),
                Err(error) => tracing::debug!(%error, "a control message"),
            },
            // Anybody on the path can cause it; what is authentic still counts.
            Err(error) => tracing::debug!(%error, "the control port"),
        }
    }

    fn disconnect(&mut self, peer: PeerID) {
        let Some(connect) = self.peers.remove(&peer) else { return };
        self.forget(connect);
    }

    fn forget(&mut self, connect: u32) {
        self.enet.socket_mut().doors.retain(|door| door.connect != connect);
        if let Some(session) = self.sessions.remove(&connect) {
            session.session.gone();
        }
    }

    fn carry_out(&mut self, order: Order) {
        match order {
            Order::Expect(Expected { peer, connect, key, session }) => {
                let seal = ControlSeal::new(&key);
                self.enet.socket_mut().doors.push(Door { peer: peer.to_canonical(), connect, address: None });
                self.sessions.insert(connect, Session { seal, session, peer: None, ended: false });
            }
            Order::End { connect, reason } => self.end(connect, reason),
        }
    }

    /// Says the end and leaves once that has arrived; a client that was never there is forgotten.
    fn end(&mut self, connect: u32, reason: Option<EndReason>) {
        let Some(session) = self.sessions.get_mut(&connect) else { return };
        let Some(peer) = session.peer else { return self.forget(connect) };
        session.ended = true;
        let sealed = reason.and_then(|reason| session.seal.seal(&HostMessage::End(reason).encode()));
        let peer = self.enet.peer_mut(peer);
        if let Some(sealed) = sealed
            && let Err(error) = peer.send(HOST_CHANNEL, &Packet::reliable(&*sealed))
        {
            tracing::debug!(%error, "the client could not be told the end");
        }
        peer.disconnect_later(0);
    }
}

/// The socket as ENet sees it: without what nobody who may speak has sent.
struct Gate {
    socket: UdpSocket,
    doors: Vec<Door>,
    refused: u64,
}

/// One client that may speak.
struct Door {
    peer: IpAddr,
    connect: u32,
    /// Where it speaks from, once it does.
    address: Option<SocketAddr>,
}

impl Gate {
    fn admits(&mut self, from: SocketAddr, datagram: &[u8]) -> bool {
        let peer = from.ip().to_canonical();
        if let Some(connect) = connect_data(datagram) {
            let door = self.doors.iter_mut().find(|door| door.connect == connect && door.peer == peer);
            return door.is_some_and(|door| *door.address.get_or_insert(from) == from);
        }
        // A header that names no peer belongs to CONNECT only.
        let names_a_peer = datagram.first_chunk().is_some_and(|head| u16::from_be_bytes(*head) & NO_PEER != NO_PEER);
        names_a_peer && self.doors.iter().any(|door| door.address == Some(from))
    }
}

/// The data of a CONNECT, which stands alone in its datagram (spec section 4.1).
fn connect_data(datagram: &[u8]) -> Option<u32> {
    let head = u16::from_be_bytes(*datagram.first_chunk()?);
    let command = datagram.get(if head & SENT_TIME == 0 { 2 } else { 4 }..)?;
    let is_connect = head & NO_PEER == NO_PEER && head & COMPRESSED == 0 && command.len() == CONNECT_BYTES;
    (is_connect && command[0] & 0x0F == CONNECT).then(|| command.last_chunk().map(|data| u32::from_be_bytes(*data)))?
}

const SENT_TIME: u16 = 0x8000;
const COMPRESSED: u16 = 0x4000;
const NO_PEER: u16 = 0x0FFF;
const CONNECT: u8 = 2;
const CONNECT_BYTES: usize = 48;

impl Socket for Gate {
    type Address = SocketAddr;
    type Error = io::Error;

    fn send(&mut self, address: SocketAddr, datagram: &[u8]) -> io::Result<usize> {
        match self.socket.try_send_to(datagram, address) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
            // What cannot be sent is lost, and ENet sends it again; the port must go on for the others.
            Err(_) => Ok(datagram.len()),
            sent => sent,
        }
    }

    fn receive(&mut self, buffer: &mut [u8; MTU_MAX]) -> io::Result<Option<(SocketAddr, PacketReceived)>> {
        for _ in 0..AT_ONCE {
            match self.socket.try_recv_from(buffer) {
                Ok((length, from)) if self.admits(from, &buffer[..length]) => {
                    return Ok(Some((from, PacketReceived::Complete(length))));
                }
                Ok((_, from)) => {
                    self.refused += 1;
                    tracing::trace!(%from, refused = self.refused, "a datagram at the control port");
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                // What ICMP tells of an earlier datagram.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{Door, Gate, connect_data};

    /// From `gamestream-enet.json`: CONNECT with this data, and a message.
    const CONNECT: &str =
        "8ffff3b682ff00010000ffff0000038400010000000000300000000000000000000013880000000200000002d497db4477c0f588";
    const DATA: u32 = 2_009_134_472;
    const MESSAGE: &str =
        "8000f3b78600000300240100200002000000cba7578964fa4fa8e7185416b33e29f8a54e75964ddf1abd0172cdfb";

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len() / 2).map(|at| u8::from_str_radix(&text[2 * at..][..2], 16).unwrap()).collect()
    }

    #[tokio::test]
    async fn only_a_client_that_shows_its_number_is_heard_and_only_from_one_place() {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let [here, moved, elsewhere] =
            ["10.0.0.1:1000", "10.0.0.1:1001", "10.0.0.2:1000"].map(|text| text.parse::<SocketAddr>().unwrap());
        let door = Door { peer: here.ip(), connect: DATA, address: None };
        let mut gate = Gate { socket, doors: vec![door], refused: 0 };
        let (connect, message) = (hex(CONNECT), hex(MESSAGE));
        assert_eq!(connect_data(&connect), Some(DATA));
        assert!(!gate.admits(here, &message), "before its CONNECT");
        assert!(!gate.admits(elsewhere, &connect), "from another machine");
        let mut other = connect.clone();
        *other.last_mut().unwrap() ^= 1;
        assert!(!gate.admits(here, &other), "with another number");
        assert!(gate.admits(here, &connect));
        assert!(gate.admits(here, &connect), "sent again");
        assert!(gate.admits(here, &message));
        assert!(!gate.admits(moved, &connect) && !gate.admits(moved, &message), "from another port");
        assert!(!gate.admits(elsewhere, &message));
        for length in 0..connect.len() {
            assert!(!gate.admits(here, &connect[..length]), "a CONNECT of {length} bytes");
        }
    }
}
