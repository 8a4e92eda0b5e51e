//! The streaming half of a Moonlight, as small as it can be and written from the specification: RTSP, ENet, video with parity.
#![allow(unreachable_pub, reason = "a module of a test")]

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket},
    time::{Duration, Instant},
};

use aws_lc_rs::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use punktfunk_proto::fec::{BlockShape, FecDecoder, FecScheme};
use rusty_enet::{EventNoRef, Host as Enet, HostSettings, Packet, PeerID};

use crate::fixture::PATIENCE;

const PACKET_SIZE: usize = 1_024;
const SHARD: usize = PACKET_SIZE + 16;

/// What a launch gave the client.
#[derive(Clone, Copy)]
pub struct Ticket {
    pub key: [u8; 16],
    pub rtsp: SocketAddr,
}

/// Which datagrams of video the network loses: called with the number of each.
pub type Loss = fn(u64) -> bool;

/// A frame that came out whole.
pub struct Frame {
    pub index: u32,
    pub is_idr: bool,
    pub bytes: Vec<u8>,
    /// What of it was in its first datagram.
    pub first: usize,
}

/// A client that has shaken hands.
pub struct Client {
    key: LessSafeKey,
    enet: Enet<UdpSocket>,
    peer: PeerID,
    connected: bool,
    sent: u32,
    /// The reason of the host's farewell, and whether the connection is gone.
    pub end: Option<u32>,
    pub gone: bool,
    video: UdpSocket,
    audio: UdpSocket,
    /// Opus packets that came, in order.
    pub sound: Vec<Vec<u8>>,
    ping: Vec<u8>,
    pings: u32,
    tick: Instant,
    loss: Loss,
    datagrams: u64,
    assembly: Assembly,
}

fn aead(key: [u8; 16]) -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).unwrap())
}

fn nonce(number: u32, who: [u8; 2]) -> Nonce {
    let mut nonce = [0; 12];
    nonce[..4].copy_from_slice(&number.to_le_bytes());
    nonce[10..].copy_from_slice(&who);
    Nonce::assume_unique_for_key(nonce)
}

/// One request and its answer, encrypted.
pub struct Rtsp {
    key: LessSafeKey,
    host: SocketAddr,
    sent: u32,
}

impl Rtsp {
    pub fn new(ticket: &Ticket) -> Self {
        Self { key: aead(ticket.key), host: ticket.rtsp, sent: 0 }
    }

    /// The answer; empty when the host closed without one.
    pub fn ask(&mut self, request: &str, headers: &str, body: &str) -> String {
        self.sent += 1;
        let length = if body.is_empty() { String::new() } else { format!("Content-length: {}\r\n", body.len()) };
        let text = format!(
            "{request} RTSP/1.0\r\nCSeq: {}\r\nX-GS-ClientVersion: 14\r\nHost: 127.0.0.1\r\n{headers}{length}\r\n{body}",
            self.sent
        );
        let mut sealed = text.into_bytes();
        let tag = self.key.seal_in_place_separate_tag(nonce(self.sent, *b"CR"), Aad::empty(), &mut sealed).unwrap();
        let head = (0x8000_0000 | sealed.len() as u32).to_be_bytes();
        let message = [&head[..], &self.sent.to_be_bytes(), tag.as_ref(), &sealed].concat();
        let answer = exchange(self.host, &message);
        if answer.is_empty() {
            return String::new();
        }
        let number = u32::from_be_bytes(answer[4..8].try_into().unwrap());
        let mut text = [&answer[24..], &answer[8..24]].concat();
        let opened = self.key.open_in_place(nonce(number, *b"HR"), Aad::empty(), &mut text).unwrap();
        String::from_utf8(opened.to_vec()).unwrap()
    }
}

/// Sends bytes to the RTSP port and reads until the host closes.
pub fn exchange(host: SocketAddr, message: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(host).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    if stream.write_all(message).is_ok() {
        // A reset is an answer, too.
        let _ = stream.read_to_end(&mut answer);
    }
    answer
}

/// What a client announces for this mode.
pub fn announcement(width: u32, height: u32, fps: u32) -> String {
    let lines = [
        "a=x-ss-general.encryptionEnabled:1".into(),
        "a=x-ml-general.featureFlags:3".into(),
        format!("a=x-nv-video[0].clientViewportWd:{width}"),
        format!("a=x-nv-video[0].clientViewportHt:{height}"),
        format!("a=x-nv-video[0].maxFPS:{fps}"),
        format!("a=x-nv-video[0].packetSize:{PACKET_SIZE}"),
        "a=x-nv-vqos[0].bw.maximumBitrateKbps:6000".into(),
        "a=x-nv-vqos[0].fec.minRequiredFecPackets:2".into(),
    ];
    lines.map(|line| line + " \r\n").concat()
}

/// The value of a header or of `name=`.
fn value<'a>(answer: &'a str, name: &str) -> &'a str {
    let (_, rest) = answer.split_once(name).unwrap_or_else(|| panic!("no {name} in {answer}"));
    rest.split(['\r', ';']).next().unwrap().trim()
}

impl Client {
    /// Shakes hands for `announce`; the answer to ANNOUNCE if that failed.
    pub fn open(ticket: &Ticket, announce: &str, loss: Loss) -> Result<Self, String> {
        let mut rtsp = Rtsp::new(ticket);
        assert!(rtsp.ask("OPTIONS rtsp://127.0.0.1", "", "").starts_with("RTSP/1.0 200 OK"));
        let offer = rtsp.ask("DESCRIBE rtsp://127.0.0.1", "", "");
        assert!(!offer.contains("refPicInvalidation") && !offer.contains("sprop-parameter-sets"), "{offer}");
        let audio = rtsp.ask("SETUP streamid=audio/0/0", "", "");
        let session = format!("Session: {}\r\n", value(&audio, "Session: "));
        let video = rtsp.ask("SETUP streamid=video/0/0", &session, "");
        let control = rtsp.ask("SETUP streamid=control/13/0", &session, "");
        let announced = rtsp.ask("ANNOUNCE streamid=control/13/0", &session, announce);
        if !announced.starts_with("RTSP/1.0 200 OK") {
            return Err(announced);
        }
        assert!(rtsp.ask("PLAY /", &session, "").starts_with("RTSP/1.0 200 OK"));
        let port = |answer: &str| value(answer, "server_port=").parse::<u16>().unwrap();
        let at = |port: u16| SocketAddr::new(ticket.rtsp.ip(), port);
        let bind = || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let mut enet =
            Enet::new(bind(), HostSettings { peer_limit: 1, channel_limit: 48, ..Default::default() }).unwrap();
        let connect = value(&control, "X-SS-Connect-Data: ").parse().unwrap();
        let peer = enet.connect(at(port(&control)), 48, connect).unwrap().id();
        let socket = bind();
        socket.connect(at(port(&video))).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(5))).unwrap();
        let ear = bind();
        ear.connect(at(port(&audio))).unwrap();
        ear.set_nonblocking(true).unwrap();
        Ok(Self {
            key: aead(ticket.key),
            audio: ear,
            sound: Vec::new(),
            enet,
            peer,
            connected: false,
            sent: 0,
            end: None,
            gone: false,
            video: socket,
            ping: value(&video, "X-SS-Ping-Payload: ").as_bytes().to_vec(),
            pings: 0,
            tick: Instant::now(),
            loss,
            datagrams: 0,
            assembly: Assembly::default(),
        })
    }

    /// The next whole frame; `None` once the host has said farewell or nothing came for [`PATIENCE`].
    pub fn next_frame(&mut self) -> Option<Frame> {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline && self.end.is_none() && !self.gone {
            self.service();
            let mut datagram = [0; 2_048];
            let Ok(length) = self.video.recv(&mut datagram) else { continue };
            self.datagrams += 1;
            if !(self.loss)(self.datagrams) {
                assert_eq!(length, SHARD);
                if let Some(frame) = self.assembly.take(&datagram[..length]) {
                    return Some(frame);
                }
            }
        }
        None
    }

    /// Waits until the host has said farewell; its reason.
    pub fn wait_for_end(&mut self, within: Duration) -> Option<u32> {
        let deadline = Instant::now() + within;
        while self.end.is_none() && !self.gone && Instant::now() < deadline {
            self.service();
            let _ = self.video.recv(&mut [0; 2_048]);
        }
        self.end
    }

    /// Does what is due on the control connection, and pings.
    fn service(&mut self) {
        while let Some(event) = self.enet.service().unwrap() {
            match event.no_ref() {
                EventNoRef::Connect { .. } => {
                    self.connected = true;
                    self.send(0, &[2, 3, 2, 0, 0, 0]);
                    self.send(0, &[7, 3, 1, 0, 0]);
                }
                EventNoRef::Receive { packet, .. } => self.hear(packet.data()),
                EventNoRef::Disconnect { .. } => self.gone = true,
            }
        }
        let mut datagram = [0; 2_048];
        while let Ok(length) = self.audio.recv(&mut datagram) {
            if datagram[1] == 97 {
                let number = usize::from(u16::from_be_bytes([datagram[2], datagram[3]]));
                assert_eq!(number, self.sound.len() % 65_536, "loopback loses nothing");
                self.sound.push(datagram[12..length].to_vec());
            }
        }
        if self.connected && !self.gone && self.tick.elapsed() > Duration::from_millis(100) {
            self.tick = Instant::now();
            self.send(0, &[0, 2, 8, 0, 4, 0, 0, 0, 0, 0, 0, 0]);
            self.pings += 1;
            let ping = [&self.ping[..], &self.pings.to_be_bytes()].concat();
            let _ = (self.video.send(&ping), self.audio.send(&ping));
        }
    }

    fn send(&mut self, channel: u8, message: &[u8]) {
        let mut sealed = message.to_vec();
        let tag = self.key.seal_in_place_separate_tag(nonce(self.sent, *b"CC"), Aad::empty(), &mut sealed).unwrap();
        let length = (20 + sealed.len() as u16).to_le_bytes();
        let packet = [&[1, 0][..], &length, &self.sent.to_le_bytes(), tag.as_ref(), &sealed].concat();
        self.sent += 1;
        let _ = self.enet.peer_mut(self.peer).send(channel, &Packet::reliable(&*packet));
    }

    fn hear(&mut self, sealed: &[u8]) {
        let number = u32::from_le_bytes(sealed[4..8].try_into().unwrap());
        let mut text = [&sealed[24..], &sealed[8..24]].concat();
        let message = self.key.open_in_place(nonce(number, *b"HC"), Aad::empty(), &mut text).unwrap();
        if message[..2] == [9, 1] {
            self.end = Some(u32::from_be_bytes(message[4..8].try_into().unwrap()));
        }
    }

    /// A key goes down or up.
    pub fn key(&mut self, vk: u8, pressed: bool) {
        let magic = if pressed { 3 } else { 4 };
        self.send(2, &[6, 2, 14, 0, 0, 0, 0, 10, magic, 0, 0, 0, 0, vk, 0x80, 0, 0, 0]);
    }

    /// A lost frame: asks for an IDR.
    pub fn request_idr(&mut self) {
        self.send(1, &[2, 3, 2, 0, 0, 0]);
    }

    /// Leaves, as a user does who comes back.
    pub fn leave(mut self) {
        self.enet.peer_mut(self.peer).disconnect(0);
        let deadline = Instant::now() + PATIENCE;
        while !self.gone && Instant::now() < deadline {
            self.service();
            let _ = self.video.recv(&mut [0; 2_048]);
        }
        assert!(self.gone, "the host answered the farewell");
    }
}

/// Frames out of datagrams.
#[derive(Default)]
struct Assembly {
    frame: u32,
    blocks: BTreeMap<u8, Block>,
}

#[derive(Default)]
struct Block {
    data: usize,
    parity: usize,
    shards: BTreeMap<usize, Vec<u8>>,
}

impl Assembly {
    /// Takes a datagram in; a frame that it completes.
    fn take(&mut self, shard: &[u8]) -> Option<Frame> {
        let word = |at: usize| u32::from_le_bytes(shard[at..at + 4].try_into().unwrap());
        let (frame, blocks, fec) = (word(20), shard[27], word(28));
        assert_eq!(shard[0], 0x90);
        if frame < self.frame {
            return None;
        }
        if frame > self.frame {
            *self = Self { frame, ..Self::default() };
        }
        let (number, last) = (blocks >> 4 & 3, blocks >> 6);
        let block = self.blocks.entry(number).or_default();
        block.data = (fec >> 22) as usize;
        block.parity = (block.data * (fec >> 4 & 0xFF) as usize).div_ceil(100);
        block.shards.insert((fec >> 12 & 0x3FF) as usize, shard.to_vec());
        let whole = self.blocks.len() == usize::from(last) + 1
            && self.blocks.values().all(|block| block.shards.len() >= block.data);
        whole.then(|| self.finish())
    }

    fn finish(&mut self) -> Frame {
        let blocks = std::mem::take(&mut self.blocks);
        let payload: Vec<u8> = blocks.into_values().flat_map(Block::restored).collect();
        let index = self.frame;
        self.frame += 1;
        assert_eq!(payload[0], 1);
        let last = usize::from(u16::from_le_bytes([payload[4], payload[5]]));
        let whole = payload.len() - (PACKET_SIZE - 16) + last;
        let bytes = payload[8..whole].to_vec();
        Frame { index, is_idr: payload[3] == 2, first: (PACKET_SIZE - 24).min(bytes.len()), bytes }
    }
}

impl Block {
    /// Its payload, whatever was lost.
    fn restored(self) -> Vec<u8> {
        let Self { data, parity, shards } = self;
        let mut bytes = vec![0; data * SHARD];
        for (at, shard) in shards.range(..data) {
            bytes[at * SHARD..][..SHARD].copy_from_slice(shard);
        }
        if shards.range(..data).count() < data {
            let shape = BlockShape { data, recovery: parity, shard_bytes: SHARD };
            let rest = shards.range(data..).map(|(at, shard)| (at - data, &**shard));
            let mut decoder = FecDecoder::new(FecScheme::Gf8);
            decoder.reconstruct(shape, &mut bytes, |shard| shards.contains_key(&shard), rest).unwrap();
        }
        bytes.chunks(SHARD).flat_map(|shard| &shard[32..]).copied().collect()
    }
}
