//! Units that leave while they are being encoded (spec section 4.6), from a host to a client.

use std::time::{Duration, Instant};

use punktfunk_proto::{
    crypto::MediaKeys,
    fec::FecScheme,
    session::{
        client_media::ClientMedia,
        host_media::{AccessUnit, HostMedia, MediaError},
        media::{BLOCK_SHARDS, FEC_PERCENT_CEILING, MediaParams},
    },
    simulation::{Bottleneck, Loss, Outcome, Simulation, Stream, Weather},
    units::{Bitrate, HostTime},
    video::{Streaming, UnitKind},
    wire::VideoCaps,
};

const SECOND: Duration = Duration::from_secs(1);
const PTS: HostTime = HostTime::from_nanos(1);

fn params() -> MediaParams {
    MediaParams {
        fec_scheme: FecScheme::Gf16,
        fec_percent: FEC_PERCENT_CEILING,
        max_block_shards: BLOCK_SHARDS,
        shard_payload: 1_408,
        keys: Some(MediaKeys::aes128_gcm([7; 16], [1; 4])),
        max_frame_bytes: 1 << 20,
    }
}

fn pair() -> (HostMedia, ClientMedia) {
    let mut host = HostMedia::new(params()).unwrap();
    host.set_fec_percent(10);
    (host, ClientMedia::new(params()).unwrap())
}

fn picture(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at * 31 + at / 251) as u8).collect()
}

/// Moves everything that can leave to the client; returns how many datagrams that were.
fn flush(host: &mut HostMedia, client: &mut ClientMedia, now: Instant) -> usize {
    let (mut out, mut count) = (Vec::new(), 0);
    while let Some(batch) = host.poll_transmit(now, &mut out) {
        for datagram in out.chunks_mut(batch.segment) {
            client.handle_datagram(now, datagram).unwrap();
        }
        count += batch.datagrams;
        out.clear();
    }
    count
}

fn simulate(stream: Stream, weather: Weather) -> Outcome {
    let weather = Weather { latency: Duration::from_millis(5), ..weather };
    let outcome = Simulation::new(Instant::now(), stream, weather, 46).run();
    println!("{:?}: {outcome}", stream.slices);
    assert!(outcome.damaged == 0 && outcome.good_at_end, "{outcome:?}");
    outcome
}

#[test]
fn the_client_says_what_it_understands() {
    let caps = VideoCaps::HOST_TIMING.with(VideoCaps::PROBE_FILLER);
    assert_eq!(Streaming::for_client(caps), None);
    assert_eq!(Streaming::for_client(caps.with(VideoCaps::STREAMED)), Some(Streaming::Plain));
    let both = caps.with(VideoCaps::STREAMED).with(VideoCaps::SLICES);
    assert_eq!(Streaming::for_client(both), Some(Streaming::Slices));
}

#[test]
fn the_first_slices_arrive_before_the_last_exist() {
    let now = Instant::now();
    for (streaming, bytes) in [(Streaming::Slices, 160_000), (Streaming::Plain, 1_000_000)] {
        let ((mut host, mut client), picture) = (pair(), picture(bytes));
        let index = host.begin_unit(now, PTS, UnitKind::Idr, streaming).unwrap();
        let mut sent = Vec::new();
        for slice in picture.chunks(bytes / 4) {
            host.push_slice(slice).unwrap();
            sent.push(flush(&mut host, &mut client, now));
            assert!(client.poll_unit().is_none());
        }
        assert!(sent.iter().all(|datagrams| *datagrams > 0), "{streaming:?}: {sent:?}");
        assert!(host.poll_timeout().is_none(), "only the encoder can change anything");
        host.finish_unit(now).unwrap();
        flush(&mut host, &mut client, now);
        let unit = client.poll_unit().unwrap();
        assert_eq!((unit.frame_index, unit.bytes == picture), (index, true));
    }
}

#[test]
fn a_unit_that_is_complete_before_anything_left_leaves_whole() {
    let ((mut streamed, mut client), (mut whole, _), picture) = (pair(), pair(), picture(60_000));
    let now = Instant::now();
    streamed.begin_unit(now, PTS, UnitKind::Delta, Streaming::Slices).unwrap();
    streamed.push_slice(&picture).unwrap();
    streamed.finish_unit(now).unwrap();
    whole.submit(now, AccessUnit { bytes: &picture, pts: PTS, kind: UnitKind::Delta }).unwrap();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    while streamed.poll_transmit(now, &mut left).is_some() {}
    while whole.poll_transmit(now, &mut right).is_some() {}
    assert!(left == right && streamed.stats() == whole.stats());
    for datagram in left.chunks_mut(1_472) {
        client.handle_datagram(now, datagram).unwrap();
    }
    assert_eq!(client.poll_unit().unwrap().bytes, picture);
}

#[test]
fn a_picture_that_is_given_up_is_lost_and_the_next_one_arrives() {
    let ((mut host, mut client), picture) = (pair(), picture(100_000));
    let now = Instant::now();
    assert_eq!(host.push_slice(&picture), Err(MediaError::NoOpenUnit));
    assert_eq!(host.finish_unit(now), Err(MediaError::NoOpenUnit));
    host.begin_unit(now, PTS, UnitKind::Idr, Streaming::Slices).unwrap();
    host.push_slice(&picture).unwrap();
    flush(&mut host, &mut client, now);
    let next = AccessUnit { bytes: &picture, pts: HostTime::from_nanos(16_000_000), kind: UnitKind::Idr };
    assert_eq!(host.submit(now, next), Ok(1));
    flush(&mut host, &mut client, now);
    client.handle_timeout(now + SECOND);
    assert_eq!(client.poll_unit().unwrap().frame_index, 1);
    assert_eq!(host.finish_unit(now), Err(MediaError::NoOpenUnit));
}

#[test]
fn a_picture_that_grows_beyond_the_limit_is_given_up() {
    let ((mut host, mut client), picture) = (pair(), picture(700_000));
    let now = Instant::now();
    host.begin_unit(now, PTS, UnitKind::Idr, Streaming::Slices).unwrap();
    host.push_slice(&picture).unwrap();
    assert_eq!(host.push_slice(&picture), Err(MediaError::TooLarge { bytes: 1_400_000, limit: 1 << 20 }));
    assert_eq!(host.push_slice(&picture), Err(MediaError::NoOpenUnit));
    host.submit(now, AccessUnit { bytes: &picture, pts: PTS, kind: UnitKind::Idr }).unwrap();
    flush(&mut host, &mut client, now + SECOND);
    assert!(client.poll_unit().is_none(), "the one before may still be under way");
}

#[test]
fn filler_waits_for_the_picture_that_was_begun() {
    let ((mut host, mut client), picture) = (pair(), picture(100_000));
    let now = Instant::now();
    host.begin_unit(now, PTS, UnitKind::Idr, Streaming::Slices).unwrap();
    host.push_slice(&picture).unwrap();
    host.submit_filler(now, PTS, &[0; 16_384]).unwrap();
    flush(&mut host, &mut client, now);
    assert_eq!(client.take_filler().packets, 0);
    host.finish_unit(now).unwrap();
    flush(&mut host, &mut client, now);
    assert!(client.take_filler().packets > 0 && client.poll_unit().is_some());
}

/// Eight milliseconds in the encoder, then over a path at whose rate a frame takes nearly as long.
#[test]
fn slices_arrive_sooner_than_whole_pictures() {
    let bottleneck = Some(Bottleneck { rate: Bitrate::from_mbps(200), queue: Duration::from_millis(50) });
    let stream = Stream {
        bitrate: Bitrate::from_mbps(80),
        length: SECOND * 5,
        encode_time: Duration::from_millis(8),
        ..Stream::default()
    };
    let weather = Weather { bottleneck, ..Weather::default() };
    let whole = simulate(stream, weather);
    let slices = simulate(Stream { slices: Some((4, Streaming::Slices)), ..stream }, weather);
    let (whole, slices) = (whole.added_latency(50), slices.added_latency(50));
    println!("median beyond the link's own: {whole:?} whole, {slices:?} in slices");
    assert!(slices + Duration::from_millis(3) < whole, "{whole:?} whole, {slices:?} in slices");
}

#[test]
fn streamed_units_get_through_loss_and_reordering_as_whole_ones_do() {
    for (streaming, mbps) in [(Streaming::Slices, 40), (Streaming::Plain, 150)] {
        let stream = Stream {
            bitrate: Bitrate::from_mbps(mbps),
            length: SECOND * 10,
            encode_time: Duration::from_millis(8),
            slices: Some((4, streaming)),
            ..Stream::default()
        };
        let lossy = simulate(stream, Weather { loss: Loss::Random(5.0), ..Weather::default() });
        assert_eq!(lossy.lost_after(SECOND), 0, "{streaming:?} {:?}", lossy.lost_at);
        let reorder = Weather { reorder: (5.0, Duration::from_millis(20)), duplicate: 1.0, ..Weather::default() };
        assert!(simulate(stream, reorder).lost() <= 2, "only until the reordering is known");
    }
}
