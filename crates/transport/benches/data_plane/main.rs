//! What a 1408-byte shard costs each side, ours beside the straightforward baseline, over real sockets on loopback.
//!
//! `cargo bench -p punktfunk-transport --bench data_plane`; a number after `--` sets the rounds, a second one runs ours
//! alone with frames of so many KiB. Costs are processor time of the thread that does the work, so other load disturbs
//! them little; of the rounds, ours and the baseline's taking turns, the lower quartile counts.

mod baseline;
mod floor;
mod library;

use std::{
    net::{IpAddr, Ipv4Addr, UdpSocket},
    time::{Duration, Instant},
};

use punktfunk_proto::{
    crypto::MediaKeys,
    fec::FecScheme,
    session::{
        client_media::ClientMedia,
        host_media::{HostMedia, Protection},
        media::{BLOCK_SHARDS, FEC_PERCENT_CEILING, MediaParams},
    },
    units::HostTime,
    video::UnitKind,
};
use punktfunk_transport::{MediaSocket, RecvBuffers};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const SHARD: usize = 1_408;
const FEC_PERCENT: u8 = 10;
const FRAMES: [usize; 5] = [16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20];
/// Datagrams between two turns of the receiver, as if it ran at the same time.
const CHUNK: usize = 64;
/// Bytes of frames per round.
const ROUND_BYTES: usize = 8 << 20;

/// Processor time of both sides.
#[derive(Clone, Copy, Default)]
struct Cost {
    host: Duration,
    client: Duration,
}

fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn spent<T>(on: &mut Duration, work: impl FnOnce() -> T) -> T {
    let start = processor_time();
    let result = work();
    *on += processor_time() - start;
    result
}

fn data_shards(bytes: usize) -> usize {
    bytes.div_ceil(SHARD)
}

struct Ours {
    host: HostMedia,
    client: ClientMedia,
    sender: MediaSocket,
    receiver: MediaSocket,
    buffers: RecvBuffers,
    out: Vec<u8>,
    /// The buffers that an encoder fills and a decoder empties.
    encoded: Vec<u8>,
    received: Vec<u8>,
    frames: u64,
}

impl Ours {
    fn new() -> Self {
        let params = MediaParams {
            fec_scheme: FecScheme::Gf16,
            fec_percent: FEC_PERCENT_CEILING,
            max_block_shards: BLOCK_SHARDS,
            shard_payload: SHARD as u16,
            keys: Some(MediaKeys::aes128_gcm([7; 16], [1; 4])),
            max_frame_bytes: 8 << 20,
        };
        let mut sender = MediaSocket::bind(LOCALHOST, 0).expect("a free port");
        let mut receiver = MediaSocket::bind(LOCALHOST, 0).expect("a free port");
        receiver.connect(sender.local_addr().expect("bound")).expect("loopback");
        sender.connect(receiver.local_addr().expect("bound")).expect("loopback");
        let mut host = HostMedia::new(params.clone()).expect("sound parameters");
        host.set_fec_percent(FEC_PERCENT);
        host.set_protection(Protection::Uniform);
        Self {
            host,
            client: ClientMedia::new(params).expect("sound parameters"),
            sender,
            receiver,
            buffers: RecvBuffers::new(),
            out: Vec::new(),
            encoded: Vec::new(),
            received: Vec::new(),
            frames: 0,
        }
    }

    fn frame(&mut self, frame: &[u8], cost: &mut Cost) {
        let now = Instant::now();
        let kind = if self.frames == 0 { UnitKind::Idr } else { UnitKind::Delta };
        let pts = HostTime::from_nanos(self.frames * 16_000_000);
        self.frames += 1;
        self.encoded.clear();
        self.encoded.extend_from_slice(frame);
        spent(&mut cost.host, || self.host.submit_buffer(now, pts, kind, &mut self.encoded).expect("it fits"));
        let mut complete = false;
        loop {
            let sent = spent(&mut cost.host, || self.send(now));
            if sent == 0 {
                break;
            }
            complete |= spent(&mut cost.client, || self.receive(now, sent, frame.len()));
        }
        assert!(complete, "a frame was lost on loopback");
    }

    fn send(&mut self, now: Instant) -> usize {
        self.out.clear();
        let Some(batch) = self.host.poll_transmit(now, &mut self.out) else { return 0 };
        let sent = self.sender.send_batch(&self.out, batch.segment).expect("loopback");
        assert_eq!(sent.datagrams, batch.datagrams);
        sent.datagrams
    }

    fn receive(&mut self, now: Instant, mut missing: usize, bytes: usize) -> bool {
        let mut complete = false;
        while missing > 0 {
            missing -= self.receiver.recv_batch(&mut self.buffers, Duration::from_secs(1)).expect("loopback");
            for datagram in self.buffers.datagrams() {
                self.client.handle_datagram(now, datagram).expect("authentic");
                while let Some(unit) = self.client.poll_unit_into(&mut self.received) {
                    assert_eq!(unit.bytes.len(), bytes);
                    complete = true;
                }
            }
            while self.client.poll_event().is_some() {}
        }
        complete
    }
}

struct Baseline {
    sender: baseline::Sender,
    receiver: baseline::Receiver,
}

impl Baseline {
    fn new() -> Self {
        let [sender, receiver] = [(); 2].map(|()| UdpSocket::bind((LOCALHOST, 0)).expect("a free port"));
        receiver.connect(sender.local_addr().expect("bound")).expect("loopback");
        sender.connect(receiver.local_addr().expect("bound")).expect("loopback");
        Self { sender: baseline::Sender::new(sender), receiver: baseline::Receiver::new(receiver) }
    }

    fn frame(&mut self, frame: &[u8], cost: &mut Cost) {
        let mut packets = spent(&mut cost.host, || self.sender.packetize(frame));
        let mut complete = None;
        loop {
            let sent = spent(&mut cost.host, || self.sender.send(&mut packets, CHUNK));
            if sent == 0 {
                break;
            }
            complete = spent(&mut cost.client, || self.receiver.receive(sent)).or(complete);
        }
        assert_eq!(complete.expect("a frame was lost on loopback").len(), frame.len());
    }
}

/// The lower quartile of each side, in nanoseconds per data shard.
fn quartile(mut costs: Vec<Cost>, shards: usize) -> (f64, f64) {
    let mut pick = |of: fn(&Cost) -> Duration| {
        costs.sort_by_key(of);
        of(&costs[costs.len() / 4]).as_nanos() as f64 / shards as f64
    };
    (pick(|cost| cost.host), pick(|cost| cost.client))
}

fn whole_path(rounds: usize) {
    println!("\nNanoseconds of processor time per {SHARD}-byte shard at {FEC_PERCENT} % parity, kernel included");
    println!(
        "{:>8} | {:>8} {:>8} {:>6} | {:>8} {:>8} {:>6}",
        "frame", "host", "baseline", "ratio", "client", "baseline", "ratio"
    );
    for bytes in FRAMES {
        let frame: Vec<u8> = (0..bytes).map(|i| (i * 7) as u8).collect();
        let (mut ours, mut baseline) = (Ours::new(), Baseline::new());
        let (mut our_costs, mut baseline_costs) = (Vec::new(), Vec::new());
        let frames = (ROUND_BYTES / bytes).min(128);
        for _ in 0..rounds {
            let mut cost = Cost::default();
            (0..frames).for_each(|_| ours.frame(&frame, &mut cost));
            our_costs.push(cost);
            let mut cost = Cost::default();
            (0..frames).for_each(|_| baseline.frame(&frame, &mut cost));
            baseline_costs.push(cost);
        }
        let shards = frames * data_shards(bytes);
        let ((host, client), (host_base, client_base)) =
            (quartile(our_costs, shards), quartile(baseline_costs, shards));
        println!(
            "{:>8} | {host:>8.0} {host_base:>8.0} {:>6.2} | {client:>8.0} {client_base:>8.0} {:>6.2}",
            format!("{} KiB", bytes >> 10),
            host_base / host,
            client_base / client,
        );
    }
}

/// Ours alone at one frame size, for a profiler to look at.
fn alone(rounds: usize, bytes: usize) {
    let frame: Vec<u8> = (0..bytes).map(|i| (i * 7) as u8).collect();
    let (mut ours, mut cost) = (Ours::new(), Cost::default());
    let frames = rounds * (ROUND_BYTES / bytes);
    (0..frames).for_each(|_| ours.frame(&frame, &mut cost));
    let (host, client) = quartile(vec![cost], frames * data_shards(bytes));
    println!("{} KiB: host {host:.0} ns, client {client:.0} ns per shard", bytes >> 10);
}

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<usize>().ok());
    let rounds = numbers.next().unwrap_or(20);
    if let Some(kib) = numbers.next() {
        return alone(rounds, kib << 10);
    }
    library::compare(rounds);
    whole_path(rounds);
    floor::print(rounds);
}
