//! Units that leave while they are being encoded (spec section 4.6): the host's encode and send threads, real sockets, the
//! client's media session. libavcodec hands out whole units; here they are cut at their slices and handed on one by one.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{
        Arc,
        mpsc::{self, Receiver, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use punktfunk_host::session::{
    encode::{EncodeLoop, EncodeMessage},
    pipeline::DisplayControls,
    send::{SendLoop, SendMessage},
    stats::SessionStats,
};
use punktfunk_proto::{
    crypto::MediaKeys,
    fec::FecScheme,
    session::{
        client_media::ClientMedia,
        host_media::HostMedia,
        media::{BLOCK_SHARDS, FEC_PERCENT_CEILING, MediaParams},
    },
    units::{Bitrate, HostTime, Mode},
    video::{Streaming, flags},
};
use punktfunk_transport::{MediaSocket, RecvBuffers};
use punktfunk_video::{
    display::{Application, Backend as _, Output, synthetic::Synthetic},
    encode::{Codec, EncodeError, EncodedUnit, Encoder, EncoderConfig, EncoderKind, FrameRequest, X264, nal_units},
    frame::Pixels,
};

/// H.264 slices, IDR and other.
const SLICES: [u8; 2] = [1, 5];
const UNITS: usize = 60;

/// libx264, its units cut at their slices.
struct Cutting {
    x264: X264,
    /// Every unit as the encoder made it.
    made: Sender<Vec<u8>>,
}

impl Encoder for Cutting {
    fn name(&self) -> &'static str {
        self.x264.name()
    }

    fn config(&self) -> EncoderConfig {
        self.x264.config()
    }

    fn encode(
        &mut self,
        frame: &Pixels,
        request: FrameRequest,
        pts: HostTime,
    ) -> Result<Option<EncodedUnit<'_>>, EncodeError> {
        let unit = self.x264.encode(frame, request, pts)?;
        unit.into_iter().for_each(|unit| drop(self.made.send(unit.bytes.to_vec())));
        Ok(unit)
    }

    fn hands_on_slices(&self) -> bool {
        true
    }

    fn encode_slices(
        &mut self,
        frame: &Pixels,
        request: FrameRequest,
        pts: HostTime,
        hand_on: &mut dyn FnMut(EncodedUnit<'_>),
    ) -> Result<(), EncodeError> {
        let Some(unit) = self.encode(frame, request, pts)? else { return Ok(()) };
        let slices = nal_units(unit.bytes).filter(|nal| SLICES.contains(&nal.kind)).skip(1).map(|nal| nal.start);
        let mut start = 0;
        for end in slices.chain([unit.bytes.len()]) {
            hand_on(EncodedUnit { bytes: &unit.bytes[start..end], ..unit });
            start = end;
        }
        Ok(())
    }

    fn set_bitrate(&mut self, bitrate: Bitrate) -> Bitrate {
        self.x264.set_bitrate(bitrate)
    }
}

/// Small shards, so that slices are large enough to leave by themselves.
fn params() -> MediaParams {
    MediaParams {
        fec_scheme: FecScheme::Gf16,
        fec_percent: FEC_PERCENT_CEILING,
        max_block_shards: BLOCK_SHARDS,
        shard_payload: 512,
        keys: Some(MediaKeys::aes128_gcm([7; 16], [1; 4])),
        max_frame_bytes: 8 << 20,
    }
}

/// Streams the synthetic display to `receive` and ends the threads.
fn stream(streaming: Option<Streaming>, receive: impl FnOnce(MediaSocket, &Receiver<Vec<u8>>)) {
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let mode = Mode::new(1_280, 720, 60).unwrap();
    let application = Application::default();
    let Output { frames, controls } = Synthetic.open(mode, &application).unwrap();
    let controls = Arc::from(controls);
    let bitrate = Bitrate::from_mbps(60);
    let (made, made_inbox) = mpsc::channel();
    let x264 = X264::open(EncoderConfig { mode, bitrate, codec: Codec::H264 }).unwrap();
    let (encode, encode_inbox) = mpsc::sync_channel(64);
    let (send, send_inbox) = mpsc::sync_channel(64);
    let (buffer_sender, buffers) = mpsc::sync_channel(2);
    (0..2).for_each(|_| buffer_sender.send(Vec::new()).unwrap());
    let (control, _control_inbox) = tokio::sync::mpsc::channel(1_024);
    let stats = Arc::new(SessionStats::new(mode));
    let socket = MediaSocket::bind(localhost, 0).unwrap();
    let mut client = MediaSocket::bind(localhost, 0).unwrap();
    client.connect(socket.local_addr().unwrap()).unwrap();
    let port = client.local_addr().unwrap().port();
    client.punch().unwrap();
    let encode_loop = EncodeLoop {
        display: DisplayControls::new(&controls),
        kind: EncoderKind::X264,
        encoder: Box::new(Cutting { x264, made }),
        bitrate,
        inbox: encode_inbox,
        buffers,
        send: send.clone(),
        control: control.clone(),
        stats: Arc::clone(&stats),
        streaming,
        next_index: 0,
    };
    let media = HostMedia::new(params()).unwrap();
    let send_loop = SendLoop {
        media,
        socket,
        inbox: send_inbox,
        encode: encode.clone(),
        buffers: buffer_sender,
        control,
        host_timing: true,
        stats,
    };
    let threads = [thread::spawn(move || encode_loop.run(&frames)), thread::spawn(move || send_loop.run())];
    send.send(SendMessage::Begin { peer: localhost, port }).unwrap();
    receive(client, &made_inbox);
    encode.send(EncodeMessage::Stop).unwrap();
    send.send(SendMessage::Stop).unwrap();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Receives [`UNITS`] units, each as it was made; returns how many of them came slice by slice.
fn receive(mut socket: MediaSocket, made: &Receiver<Vec<u8>>) -> usize {
    let (mut media, mut buffers) = (ClientMedia::new(params()).unwrap(), RecvBuffers::new());
    let (mut units, mut sliced) = (0, 0);
    let deadline = Instant::now() + Duration::from_secs(60);
    while units < UNITS {
        assert!(Instant::now() < deadline, "{units} units came");
        socket.recv_batch(&mut buffers, Duration::from_millis(50)).unwrap();
        for datagram in buffers.datagrams() {
            media.handle_datagram(Instant::now(), datagram).unwrap();
        }
        media.handle_timeout(Instant::now());
        while let Some(unit) = media.poll_unit() {
            assert!(unit.bytes == made.recv().unwrap(), "unit {}", unit.frame_index);
            units += 1;
            sliced += usize::from(unit.user_flags & flags::SLICES != 0);
        }
    }
    sliced
}

#[test]
fn slices_leave_one_by_one_and_make_the_unit_that_was_encoded() {
    stream(Some(Streaming::Slices), |socket, made| {
        let sliced = receive(socket, made);
        assert!(sliced > 0, "of {UNITS} units");
    });
}

#[test]
fn a_client_that_does_not_ask_for_slices_gets_whole_units() {
    stream(None, |socket, made| assert_eq!(receive(socket, made), 0));
}
