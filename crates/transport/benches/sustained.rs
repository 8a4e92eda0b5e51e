//! What two threads carry through real sockets on loopback, and how much of what the kernel alone would carry that is.
//!
//! `cargo bench -p punktfunk-transport --bench sustained -- SECONDS GIGABITS`; 10 s of 4 Gbit/s where nothing is given. The
//! second part sends datagrams of the same size with nothing in them, in the same segmented batches and as fast as the
//! kernel takes them: the limit of this machine.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    crypto::MediaKeys,
    fec::FecScheme,
    session::{
        client_media::{ClientMedia, ClientMediaStats},
        host_media::HostMedia,
        media::{BLOCK_SHARDS, FEC_PERCENT_CEILING, MediaParams},
    },
    units::HostTime,
    video::UnitKind,
};
use punktfunk_transport::{MediaSocket, RecvBuffers};

const LOCALHOST: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const FRAME_BYTES: usize = 256 << 10;
const SEGMENT: usize = 1_472;
/// Datagrams that one segmented send carries.
const BATCH: usize = 44;
/// How long after the last datagram the receiver still listens.
const QUIET: Duration = Duration::from_millis(100);

fn sockets() -> (MediaSocket, MediaSocket) {
    let mut sender = MediaSocket::bind(LOCALHOST, 0).expect("a free port");
    let mut receiver = MediaSocket::bind(LOCALHOST, 0).expect("a free port");
    receiver.connect(sender.local_addr().expect("bound")).expect("loopback");
    sender.connect(receiver.local_addr().expect("bound")).expect("loopback");
    (sender, receiver)
}

fn params() -> MediaParams {
    MediaParams {
        fec_scheme: FecScheme::Gf16,
        fec_percent: FEC_PERCENT_CEILING,
        max_block_shards: BLOCK_SHARDS,
        shard_payload: 1_408,
        keys: Some(MediaKeys::aes128_gcm([7; 16], [1; 4])),
        max_frame_bytes: 8 << 20,
    }
}

fn gigabits(bytes: u64, time: Duration) -> f64 {
    bytes as f64 * 8.0 / time.as_secs_f64() / 1e9
}

/// Sends whole frames at `rate` for `length` and returns how many.
fn stream(mut socket: MediaSocket, length: Duration, rate: f64) -> u64 {
    let mut host = HostMedia::new(params()).expect("sound parameters");
    host.set_fec_percent(10);
    let period = Duration::from_secs_f64(FRAME_BYTES as f64 * 8.0 / (rate * 1e9));
    let (start, mut frames) = (Instant::now(), 0_u64);
    let (mut out, mut encoded) = (Vec::new(), Vec::new());
    while start.elapsed() < length {
        let due = start + period * frames as u32;
        thread::sleep(due.saturating_duration_since(Instant::now()));
        encoded.resize(FRAME_BYTES, 7);
        let kind = if frames == 0 { UnitKind::Idr } else { UnitKind::Delta };
        let pts = HostTime::from_nanos(start.elapsed().as_nanos() as u64);
        host.submit_buffer(Instant::now(), pts, kind, &mut encoded).expect("it fits");
        while let Some(batch) = host.poll_transmit(Instant::now(), &mut out) {
            socket.send_batch(&out, batch.segment).expect("loopback");
            out.clear();
        }
        frames += 1;
    }
    frames
}

/// Receives frames until nothing has come for [`QUIET`] after `done`.
fn receive(mut socket: MediaSocket, done: &AtomicBool) -> (u64, ClientMediaStats) {
    let mut client = ClientMedia::new(params()).expect("sound parameters");
    let (mut buffers, mut unit, mut frames) = (RecvBuffers::new(), Vec::new(), 0);
    while socket.recv_batch(&mut buffers, QUIET).expect("loopback") > 0 || !done.load(Ordering::Relaxed) {
        let now = Instant::now();
        for datagram in buffers.datagrams() {
            client.handle_datagram(now, datagram).expect("authentic");
        }
        while client.poll_unit_into(&mut unit).is_some() {
            frames += 1;
        }
        while client.poll_event().is_some() {}
    }
    (frames, client.stats())
}

fn frames_at(length: Duration, rate: f64) {
    let ((sender, receiver), done) = (sockets(), AtomicBool::new(false));
    let start = Instant::now();
    let (sent, (received, stats)) = thread::scope(|scope| {
        let receiving = scope.spawn(|| receive(receiver, &done));
        let sent = stream(sender, length, rate);
        done.store(true, Ordering::Relaxed);
        (sent, receiving.join().expect("the receiver ends"))
    });
    let time = start.elapsed().saturating_sub(QUIET);
    println!(
        "frames of {} KiB: {sent} sent, {} lost, {} datagrams restored; {:.2} Gbit/s of video, {:.2} Gbit/s of datagrams",
        FRAME_BYTES >> 10,
        sent - received,
        stats.loss.recovered,
        gigabits(received * FRAME_BYTES as u64, time),
        gigabits(stats.datagram_bytes, time),
    );
}

/// The kernel alone: datagrams of the same size as fast as they go.
fn bare(length: Duration) {
    let ((mut sender, mut receiver), done) = (sockets(), AtomicBool::new(false));
    let start = Instant::now();
    let (sent, received) = thread::scope(|scope| {
        let receiving = scope.spawn(|| {
            let (mut buffers, mut bytes) = (RecvBuffers::new(), 0_u64);
            while receiver.recv_batch(&mut buffers, QUIET).expect("loopback") > 0 || !done.load(Ordering::Relaxed) {
                bytes += buffers.datagrams().map(|datagram| datagram.len() as u64).sum::<u64>();
            }
            bytes
        });
        let (batch, mut sent) = (vec![7; BATCH * SEGMENT], 0);
        while start.elapsed() < length {
            sent += sender.send_batch(&batch, SEGMENT).expect("loopback").datagrams as u64 * SEGMENT as u64;
        }
        done.store(true, Ordering::Relaxed);
        (sent, receiving.join().expect("the receiver ends"))
    });
    println!(
        "the kernel alone: {:.2} Gbit/s sent, {:.2} Gbit/s received",
        gigabits(sent, length),
        gigabits(received, length)
    );
}

fn main() {
    let mut numbers = std::env::args().filter_map(|argument| argument.parse::<f64>().ok());
    let (seconds, rate) = (numbers.next().unwrap_or(10.0), numbers.next().unwrap_or(4.0));
    println!("{rate} Gbit/s of video for {seconds} s");
    frames_at(Duration::from_secs_f64(seconds), rate);
    bare(Duration::from_secs_f64(seconds / 4.0));
}
