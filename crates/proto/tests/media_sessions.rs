//! What both media sessions promise: loss rules of spec section 4.7, filler of 4.8, batches, and the reactions of
//! section 6.4.

use std::time::{Duration, Instant};

use punktfunk_proto::{
    fec::FecScheme,
    session::{
        client_media::{ClientMedia, ClientMediaEvent},
        host_media::{AccessUnit, HostMedia, MediaError},
        media::{MediaParams, ParamsError},
    },
    units::{Bitrate, HostTime},
    video::{
        UnitKind,
        header::{HEADER_BYTES, PacketHeader},
    },
};

fn params() -> MediaParams {
    MediaParams {
        fec_scheme: FecScheme::Gf16,
        fec_percent: 0,
        max_block_shards: 4_096,
        shard_payload: 1_000,
        keys: None,
        max_frame_bytes: 8 << 20,
    }
}

/// Host and client without a network. Frames are `FRAME` apart.
struct Rig {
    host: HostMedia,
    client: ClientMedia,
    start: Instant,
    now: Instant,
}

const FRAME: Duration = Duration::from_millis(10);

impl Rig {
    fn new(params: MediaParams) -> Self {
        let start = Instant::now();
        Self {
            host: HostMedia::new(params.clone()).unwrap(),
            client: ClientMedia::new(params).unwrap(),
            start,
            now: start,
        }
    }

    /// The next frame as datagrams, without encryption: header and shard.
    fn frame(&mut self, bytes: usize, kind: UnitKind) -> Vec<Vec<u8>> {
        self.now += FRAME;
        let pts = HostTime::from_nanos((self.now - self.start).as_nanos() as u64);
        self.host.submit(self.now, AccessUnit { bytes: &vec![1; bytes], pts, kind }).unwrap();
        take_all(&mut self.host, self.now)
    }

    fn deliver(&mut self, datagrams: &[Vec<u8>]) {
        for datagram in datagrams {
            self.client.handle_datagram(self.now, &mut datagram.clone()).unwrap();
        }
    }

    fn send(&mut self, bytes: usize, kind: UnitKind) {
        let datagrams = self.frame(bytes, kind);
        self.deliver(&datagrams);
    }

    fn units(&mut self) -> Vec<u32> {
        std::iter::from_fn(|| self.client.poll_unit().map(|unit| unit.frame_index)).collect()
    }

    /// Requests to the host; reports of loss left out.
    fn requests(&mut self) -> Vec<ClientMediaEvent> {
        let other = |event: &ClientMediaEvent| {
            matches!(event, ClientMediaEvent::RequestKeyframe | ClientMediaEvent::RequestRfi { .. })
        };
        std::iter::from_fn(|| self.client.poll_event()).filter(other).collect()
    }
}

fn take_all(host: &mut HostMedia, mut now: Instant) -> Vec<Vec<u8>> {
    let (mut out, mut datagrams) = (Vec::new(), Vec::new());
    loop {
        while let Some(batch) = host.poll_transmit(now, &mut out) {
            assert!(batch.datagrams <= 64 && batch.datagrams * batch.segment <= 65_507);
            datagrams.extend(out.chunks(batch.segment).map(<[u8]>::to_vec));
            out.clear();
        }
        match host.poll_timeout() {
            Some(at) => now = at,
            None => return datagrams,
        }
    }
}

fn edit(packet: &[u8], change: impl Fn(&mut PacketHeader)) -> Vec<u8> {
    let (mut header, shard) = PacketHeader::decode(packet).unwrap();
    change(&mut header);
    [&header.encode()[..], shard].concat()
}

#[test]
fn one_whole_frame_withheld_is_reported_once_as_an_invalidation() {
    let mut rig = Rig::new(params());
    rig.send(500, UnitKind::Idr);
    rig.frame(500, UnitKind::Delta);
    for _ in 0..5 {
        rig.send(500, UnitKind::Delta);
    }
    assert_eq!(rig.requests(), [ClientMediaEvent::RequestRfi { first: 1, last: 1 }]);
    assert_eq!(rig.client.stats().loss.frames_dropped, 0, "a frame of which nothing came is not counted as dropped");
    assert_eq!(rig.client.stats().frames_lost, 1);
}

#[test]
fn pictures_after_a_loss_are_not_to_be_shown_until_the_anchor() {
    let mut rig = Rig::new(params());
    rig.send(500, UnitKind::Idr);
    rig.frame(500, UnitKind::Delta);
    let kinds = [UnitKind::Delta, UnitKind::Delta, UnitKind::RecoveryAnchor, UnitKind::Delta];
    kinds.into_iter().for_each(|kind| rig.send(500, kind));
    let shown: Vec<bool> = std::iter::from_fn(|| rig.client.poll_unit().map(|unit| unit.shown)).collect();
    assert_eq!(shown, [true, false, false, true, true]);
}

#[test]
fn an_incomplete_frame_is_lost_once_it_is_120_ms_behind() {
    let mut rig = Rig::new(params());
    rig.send(500, UnitKind::Idr);
    let partial = rig.frame(2_500, UnitKind::Delta);
    rig.deliver(&partial[..2]);
    for _ in 0..11 {
        rig.send(500, UnitKind::Delta);
    }
    assert_eq!(rig.client.stats().loss.frames_dropped, 0);
    rig.send(500, UnitKind::Delta);
    assert_eq!(rig.client.stats().loss.frames_dropped, 1);
}

#[test]
fn an_incomplete_frame_is_lost_once_it_is_64_indices_behind() {
    let mut rig = Rig::new(params());
    rig.send(500, UnitKind::Idr);
    let pts = |packet: &[u8]| edit(packet, |header| header.pts = HostTime::from_nanos(0));
    let partial = rig.frame(2_500, UnitKind::Delta);
    rig.deliver(&[pts(&partial[0])]);
    for newer in 1..=64 {
        assert_eq!(rig.client.stats().loss.frames_dropped, 0, "{newer}");
        let frame = rig.frame(500, UnitKind::Delta);
        rig.now = rig.start;
        rig.deliver(&[pts(&frame[0])]);
    }
    assert_eq!(rig.client.stats().loss.frames_dropped, 1);
    let refused = rig.client.handle_datagram(rig.now, &mut pts(&partial[1])).unwrap_err();
    assert_eq!(refused.to_string(), "frame too old");
}

#[test]
fn a_lost_last_frame_before_a_still_picture_is_noticed_without_a_newer_one() {
    let mut rig = Rig::new(params());
    rig.send(500, UnitKind::Idr);
    let partial = rig.frame(2_500, UnitKind::Delta);
    rig.deliver(&partial[..2]);
    rig.client.handle_timeout(rig.now + Duration::from_millis(249));
    assert_eq!(rig.requests(), []);
    rig.client.handle_timeout(rig.now + Duration::from_millis(250));
    assert_eq!(rig.requests(), [ClientMediaEvent::RequestRfi { first: 1, last: 1 }]);
}

#[test]
fn packets_of_a_finished_frame_are_neither_used_nor_refused() {
    let mut rig = Rig::new(MediaParams { fec_percent: 50, ..params() });
    rig.send(500, UnitKind::Idr);
    let frame = rig.frame(3_500, UnitKind::Delta);
    rig.deliver(&frame[1..]);
    assert_eq!(rig.units(), [0, 1]);
    let before = rig.client.stats().loss;
    assert_eq!((before.recovered, before.late), (1, 0));
    rig.deliver(&frame[..1]);
    assert_eq!(rig.client.stats().loss.late, 1, "restored before it came");
    assert_eq!(rig.units(), Vec::<u32>::new());
}

/// Sends two frames, the second one overtaking the first by `lateness`; returns the units handed on.
fn overtake(rig: &mut Rig, lateness: Duration) -> Vec<u32> {
    let [slow, fast] = [(); 2].map(|()| rig.frame(500, UnitKind::Delta));
    rig.deliver(&fast);
    let mut units = rig.units();
    rig.now += lateness;
    rig.deliver(&slow);
    units.extend(rig.units());
    units
}

#[test]
fn a_link_known_to_reorder_is_given_time() {
    let mut rig = Rig::new(params());
    rig.send(500, UnitKind::Idr);
    rig.units();
    let late = Duration::from_millis(8);
    assert_eq!(overtake(&mut rig, late), [2], "a gap is believed at once");
    assert_eq!(rig.requests(), [ClientMediaEvent::RequestRfi { first: 1, last: 1 }]);
    assert_eq!(rig.client.stats().late_units, 1);
    assert_eq!(overtake(&mut rig, late), [3, 4], "now it is waited for");
    assert_eq!(rig.requests(), []);
    let withheld = rig.frame(500, UnitKind::Delta);
    rig.send(500, UnitKind::Delta);
    assert_eq!(rig.units(), Vec::<u32>::new());
    rig.client.handle_timeout(rig.now + late * 2);
    assert_eq!(rig.units(), [6], "not for longer than lateness was seen to last");
    rig.now += Duration::from_secs(11);
    rig.deliver(&withheld);
    rig.send(500, UnitKind::Delta);
    assert_eq!(rig.units(), [7]);
}

#[test]
fn reordering_is_forgotten_in_time() {
    let mut rig = Rig::new(params());
    rig.send(500, UnitKind::Idr);
    overtake(&mut rig, Duration::from_millis(8));
    rig.now += Duration::from_secs(11);
    rig.requests();
    rig.frame(500, UnitKind::Delta);
    rig.send(500, UnitKind::RecoveryAnchor);
    assert_eq!(rig.units().last(), Some(&4), "a gap is believed at once again");
}

#[test]
fn frame_indices_wrap() {
    let mut rig = Rig::new(params());
    for _ in 0..6 {
        let datagrams = rig.frame(500, UnitKind::Idr);
        let wrapping = |header: &mut PacketHeader| header.frame_index = header.frame_index.wrapping_sub(3);
        rig.deliver(&[edit(&datagrams[0], wrapping)]);
    }
    rig.client.handle_timeout(rig.now + Duration::from_secs(1));
    let tail = [0, 1, 2];
    assert!(rig.units().ends_with(&tail));
}

#[test]
fn the_shard_size_may_change_between_frames() {
    let mut rig = Rig::new(params());
    rig.send(5_000, UnitKind::Idr);
    rig.host.set_shard_payload(512).unwrap();
    rig.send(5_000, UnitKind::Delta);
    rig.host.set_shard_payload(9_152).unwrap();
    rig.send(50_000, UnitKind::Delta);
    assert_eq!(rig.units(), [0, 1, 2]);
    assert_eq!(rig.host.set_shard_payload(511), Err(ParamsError::ShardPayload(511)));
}

#[test]
fn filler_is_counted_apart_and_disturbs_no_frame() {
    let mut rig = Rig::new(params());
    rig.send(500, UnitKind::Idr);
    for index in 0..3 {
        let submitted = rig.host.submit_filler(rig.now, HostTime::from_nanos(0), &[0; 2_500]);
        assert_eq!(submitted, Ok(index), "an index space of its own");
        let datagrams = take_all(&mut rig.host, rig.now);
        assert!(datagrams.iter().all(|datagram| PacketHeader::decode(datagram).unwrap().0.user_flags == 8));
        rig.deliver(&datagrams);
    }
    rig.send(500, UnitKind::Delta);
    assert_eq!((rig.units(), rig.requests()), (vec![0, 1], vec![]));
    let filler = rig.client.take_filler();
    assert_eq!((filler.packets, filler.payload_bytes, filler.datagram_bytes), (9, 7_500, 9 * 1_040));
    assert_eq!(filler.first_at, Some(rig.now - FRAME));
    assert_eq!(rig.client.take_filler().packets, 0);
    assert_eq!((rig.host.stats().filler_units, rig.host.stats().filler_bytes), (3, 7_500));
}

#[test]
fn loss_is_reported_every_750_ms() {
    let mut rig = Rig::new(params());
    let mut reports = Vec::new();
    for frame in 0..300 {
        let datagrams = rig.frame(2_500, if frame == 0 { UnitKind::Idr } else { UnitKind::Delta });
        rig.deliver(if frame == 100 { &datagrams[..2] } else { &datagrams });
        let events = std::iter::from_fn(|| rig.client.poll_event());
        reports.extend(events.filter_map(|event| match event {
            ClientMediaEvent::LossReport { ppm } => Some(ppm),
            _ => None,
        }));
        rig.units();
    }
    assert_eq!(reports, [0, 50_000, 0], "one dropped frame without FEC is reported as 5 %");
}

#[test]
fn three_units_without_a_picture_ask_for_a_keyframe() {
    let mut rig = Rig::new(params());
    rig.send(500, UnitKind::Idr);
    rig.client.decoder_stalled(rig.now);
    rig.client.decoder_stalled(rig.now + FRAME);
    assert_eq!(rig.requests(), [ClientMediaEvent::RequestKeyframe]);
}

#[test]
fn a_frame_that_the_client_would_refuse_is_not_sent() {
    let mut host = HostMedia::new(MediaParams { max_frame_bytes: 10_000, ..params() }).unwrap();
    let unit = AccessUnit { bytes: &[0; 10_001], pts: HostTime::from_nanos(0), kind: UnitKind::Idr };
    assert_eq!(host.submit(Instant::now(), unit), Err(MediaError::TooLarge { bytes: 10_001, limit: 10_000 }));
    assert_eq!(host.submit(Instant::now(), AccessUnit { bytes: &[0; 10_000], ..unit }), Ok(0), "the index is unused");
}

#[test]
fn a_host_that_is_not_drained_says_so() {
    let mut host = HostMedia::new(params()).unwrap();
    let unit = AccessUnit { bytes: &[0; 10], pts: HostTime::from_nanos(0), kind: UnitKind::Idr };
    for index in 0..8 {
        assert_eq!(host.submit(Instant::now(), unit), Ok(index));
    }
    assert_eq!(host.submit(Instant::now(), unit), Err(MediaError::Backlog(8)));
    assert_eq!(take_all(&mut host, Instant::now()).len(), 8);
    assert_eq!(host.submit(Instant::now(), unit), Ok(8));
}

#[test]
fn a_paced_frame_makes_way_for_the_next_one_in_order() {
    let mut host = HostMedia::new(params()).unwrap();
    host.set_bitrate(Bitrate::from_mbps(10));
    let (now, mut out) = (Instant::now(), Vec::new());
    let unit = AccessUnit { bytes: &vec![0; 400_000], pts: HostTime::from_nanos(0), kind: UnitKind::Delta };
    host.submit(now, unit).unwrap();
    while host.poll_transmit(now, &mut out).is_some() {}
    let burst = out.len();
    assert!((128 * 1024..200_000).contains(&burst), "{burst}");
    assert!(host.poll_timeout().unwrap() > now);
    host.submit(now, AccessUnit { bytes: &[1; 10], ..unit }).unwrap();
    while host.poll_transmit(now, &mut out).is_some() {}
    let indices: Vec<u32> =
        out.chunks(1_000 + HEADER_BYTES).map(|packet| PacketHeader::decode(packet).unwrap().0.frame_index).collect();
    assert_eq!((indices.len(), indices.is_sorted()), (401, true), "the first frame whole, then the second");
}
