//! A Moonlight session's sound on its way out: Opus packets become datagrams, once the client has said where it listens.
//!
//! Runs on the session's sound thread, 200 times a second while something is played.

use std::{
    io,
    net::{IpAddr, SocketAddr, UdpSocket},
};

use punktfunk_gamestream::audio::Packetizer;

/// One session's way to its client's ears.
pub struct SoundSend {
    packetizer: Packetizer,
    socket: UdpSocket,
    /// Where pings come from, and what they begin with.
    peer: IpAddr,
    ping: [u8; 16],
    target: Option<SocketAddr>,
}

impl SoundSend {
    /// Of a client at `peer` whose pings to `socket` begin with `ping`.
    ///
    /// # Errors
    /// The socket cannot be used.
    pub fn new(packetizer: Packetizer, socket: UdpSocket, peer: IpAddr, ping: [u8; 16]) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { packetizer, socket, peer: peer.to_canonical(), ping, target: None })
    }

    /// Sends one packet; what is played before the client has pinged is left out.
    pub fn send(&mut self, opus: &[u8]) {
        self.listen();
        let Some(target) = self.target else { return };
        let Self { packetizer, socket, .. } = self;
        // What the kernel does not take is lost; parity is for that.
        let pushed = packetizer.push(opus, |datagram| drop(socket.send_to(datagram, target)));
        if let Err(error) = pushed {
            tracing::debug!(%error, "a packet of sound was not sent");
        }
    }

    /// Takes in what pings have come: the client's latest says where it is.
    fn listen(&mut self) {
        let mut datagram = [0; 64];
        for _ in 0..AT_ONCE {
            match self.socket.recv_from(&mut datagram) {
                Ok((length, from)) => {
                    if from.ip().to_canonical() == self.peer && datagram[..length].starts_with(&self.ping) {
                        self.target = Some(from);
                    }
                }
                Err(_) => return,
            }
        }
    }
}

/// Datagrams looked at before a packet is sent.
const AT_ONCE: usize = 16;

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use punktfunk_gamestream::audio::{AudioParams, Packetizer};

    use super::SoundSend;

    #[test]
    fn sound_goes_to_who_knows_the_sessions_mark_and_begins_then() {
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (socket, client, stranger) = (bind(), bind(), bind());
        let host = socket.local_addr().unwrap();
        let packetizer = Packetizer::new(AudioParams { packet_ms: 5, key_id: 1 }, None);
        let mut sound = SoundSend::new(packetizer, socket, Ipv4Addr::LOCALHOST.into(), *b"0123456789ABCDEF").unwrap();
        stranger.send_to(b"0123456789ABCDEX....", host).unwrap();
        sound.send(&[1; 60]);
        client.send_to(b"0123456789ABCDEF....", host).unwrap();
        (0..4).for_each(|_| sound.send(&[2; 60]));
        let mut datagram = [0; 200];
        let kinds: Vec<u8> = (0..6).map(|_| client.recv(&mut datagram).map(|_| datagram[1]).unwrap()).collect();
        assert_eq!(kinds, [97, 97, 97, 97, 127, 127], "the first packet is the first after the ping");
        stranger.set_nonblocking(true).unwrap();
        assert!(stranger.recv(&mut datagram).is_err());
    }
}
