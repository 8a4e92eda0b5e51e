//! Abuse cases 43 to 46: hostile, damaged and contradictory media packets. The session survives each of them.

use std::time::Instant;

use proptest::prelude::{ProptestConfig, any, proptest};
use punktfunk_proto::{
    crypto::{MediaKeys, OpenError},
    fec::FecScheme,
    session::{
        client_media::{ClientMedia, Refused},
        host_media::{AccessUnit, HostMedia},
        media::MediaParams,
    },
    units::HostTime,
    video::{
        UnitKind,
        header::{HEADER_BYTES, PacketHeader},
        reassembler::{MEMORY_LIMIT, PacketError, Reassembler, ReassemblerConfig},
    },
};

const MAX_FRAME: usize = 8 << 20;

fn params(encrypted: bool) -> MediaParams {
    MediaParams {
        fec_scheme: FecScheme::Gf16,
        fec_percent: 20,
        max_block_shards: 32,
        shard_payload: 512,
        keys: encrypted.then(|| MediaKeys::aes128_gcm([3; 16], [9; 4])),
        max_frame_bytes: MAX_FRAME,
    }
}

fn client(encrypted: bool) -> ClientMedia {
    ClientMedia::new(params(encrypted)).unwrap()
}

/// Frames of `sizes` bytes as datagrams, one list per frame.
fn frames(encrypted: bool, sizes: &[usize]) -> Vec<Vec<Vec<u8>>> {
    let (mut host, now, mut out) = (HostMedia::new(params(encrypted)).unwrap(), Instant::now(), Vec::new());
    let mut datagrams_of = |(index, size): (usize, &usize)| {
        let kind = if index == 0 { UnitKind::Idr } else { UnitKind::Delta };
        let pts = HostTime::from_nanos(index as u64 * 16_000_000);
        host.submit(now, AccessUnit { bytes: &vec![index as u8; *size], pts, kind }).unwrap();
        let mut datagrams = Vec::new();
        while let Some(batch) = host.poll_transmit(now, &mut out) {
            datagrams.extend(out.chunks(batch.segment).map(<[u8]>::to_vec));
            out.clear();
        }
        datagrams
    };
    sizes.iter().enumerate().map(&mut datagrams_of).collect()
}

fn feed(client: &mut ClientMedia, datagram: &[u8]) -> Result<(), Refused> {
    client.handle_datagram(Instant::now(), &mut datagram.to_vec())
}

fn units(client: &mut ClientMedia) -> Vec<u32> {
    std::iter::from_fn(|| client.poll_unit().map(|unit| unit.frame_index)).collect()
}

/// The session still works: a frame far enough ahead to be clear of everything before it is delivered.
fn assert_alive(client: &mut ClientMedia, index: u32) {
    let mut packet = frames(false, &[300]).remove(0).remove(0);
    let (mut header, _) = PacketHeader::decode(&packet).unwrap();
    header.frame_index = index;
    packet[..HEADER_BYTES].copy_from_slice(&header.encode());
    feed(client, &packet).unwrap();
    client.handle_timeout(Instant::now() + std::time::Duration::from_secs(1));
    assert_eq!(units(client).last(), Some(&index));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn case_43_random_bytes_are_dropped_and_counted(
        datagrams in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..200), 1..40),
        encrypted in any::<bool>(),
    ) {
        let mut client = client(encrypted);
        for datagram in &datagrams {
            feed(&mut client, datagram).unwrap_err();
        }
        let refused = client.stats().refused;
        let counted = refused.too_short + refused.replayed + refused.not_authentic + refused.header + refused.geometry;
        assert_eq!(counted, datagrams.len() as u64);
        assert_eq!((units(&mut client), client.stats().memory), (vec![], 0));
    }

    #[test]
    fn case_43_a_flipped_bit_costs_one_datagram(at in 0_usize..576 * 8) {
        let mut datagrams = frames(true, &[5_000]).remove(0);
        let mut client = client(true);
        datagrams[2][at / 8] ^= 1 << (at % 8);
        for (index, datagram) in datagrams.iter().enumerate() {
            let taken = feed(&mut client, datagram);
            assert_eq!(taken.is_err(), index == 2, "{taken:?}");
        }
        assert_eq!(units(&mut client), [0]);
    }

    /// Without encryption whatever a header says has to be lived with.
    #[test]
    fn case_43_any_header_field_may_hold_any_value(
        headers in proptest::collection::vec((any::<[u32; 4]>(), any::<[u16; 6]>(), any::<u16>()), 1..60),
    ) {
        let mut client = client(false);
        for (words, halves, bend) in headers {
            let edge = |value: u16, bit: u16| match bend >> (bit * 2) & 3 { 0 => value, 1 => 0, 2 => value % 64, _ => u16::MAX };
            let header = PacketHeader {
                pts: HostTime::from_nanos(u64::from(words[0]) << 8),
                frame_index: words[1] % 100,
                stream_seq: 0,
                frame_bytes: words[2] % (MAX_FRAME as u32 + 512),
                user_flags: words[3] & 0xA5,
                block_index: edge(halves[0], 0),
                block_count: edge(halves[1], 1),
                data_shards: edge(halves[2], 2) % 40,
                recovery_shards: edge(halves[3], 3) % 40,
                shard_index: edge(halves[4], 4) % 80,
                shard_bytes: if bend & 1 == 0 { 512 } else { halves[5] },
                fec_scheme: 1,
                packet_flags: 0,
            };
            let packet = [&header.encode()[..], &[7; 9_152]].concat();
            let _ = feed(&mut client, &packet);
            units(&mut client);
            assert!(client.stats().memory <= 4 * MAX_FRAME);
        }
        assert_alive(&mut client, 10_000);
    }
}

#[test]
fn case_44_a_replayed_packet_is_dropped_once_and_for_all() {
    let datagrams = frames(true, &[2_000]).remove(0);
    let mut client = client(true);
    for datagram in &datagrams {
        feed(&mut client, datagram).unwrap();
        assert_eq!(feed(&mut client, datagram), Err(Refused::Open(OpenError::Replayed)));
    }
    assert_eq!(units(&mut client), [0]);
    assert_eq!(client.stats().refused.replayed, datagrams.len() as u64);
}

#[test]
fn case_44_a_forged_last_sequence_number_does_not_move_the_window() {
    let datagrams = frames(true, &[2_000]).remove(0);
    let mut client = client(true);
    let mut forged = datagrams[0].clone();
    forged[..8].copy_from_slice(&u64::MAX.to_be_bytes());
    assert_eq!(feed(&mut client, &forged), Err(Refused::Open(OpenError::NotAuthentic)));
    for datagram in datagrams.iter().rev() {
        feed(&mut client, datagram).unwrap();
    }
    assert_eq!(units(&mut client), [0]);
}

#[test]
fn case_45_a_thousand_declared_giants_stay_within_the_budget() {
    let mut client = client(false);
    let giant = |frame_index: u32, block_index: u16| {
        let blocks = (MAX_FRAME / 512_usize).div_ceil(32) as u16;
        let header = PacketHeader {
            pts: HostTime::from_nanos(0),
            frame_index,
            stream_seq: 0,
            frame_bytes: MAX_FRAME as u32,
            user_flags: 1,
            block_index,
            block_count: blocks,
            data_shards: 32,
            recovery_shards: 28,
            shard_index: 59,
            shard_bytes: 512,
            fec_scheme: 1,
            packet_flags: 1,
        };
        [&header.encode()[..], &[7; 512]].concat()
    };
    let mut refused = 0;
    for frame in 0..1_000 {
        for block in 0..8 {
            refused += u32::from(feed(&mut client, &giant(frame, block * 60)) == Err(PacketError::Memory.into()));
            assert!(client.stats().memory <= 4 * MAX_FRAME);
        }
    }
    assert!(refused > 4_000, "{refused}");
    assert_eq!(u64::from(refused), client.stats().refused.memory);
    assert_alive(&mut client, 5_000);
}

#[test]
fn case_45_declared_giants_never_take_more_than_64_mib() {
    const GIANT: u32 = 64 << 20;
    let config = ReassemblerConfig {
        scheme: FecScheme::Gf16,
        block_shards: 4_096,
        min_shard_bytes: 512,
        max_frame_bytes: GIANT as usize,
    };
    let mut receiver = Reassembler::new(config);
    let mut refused = 0;
    for (frame_index, frame_bytes) in [(0, 20 << 20), (1, GIANT), (2, 30 << 20), (3, 30 << 20)] {
        let total = frame_bytes.div_ceil(1_408);
        let header = PacketHeader {
            pts: HostTime::from_nanos(0),
            frame_index,
            stream_seq: 0,
            frame_bytes,
            user_flags: 1,
            block_index: 0,
            block_count: total.div_ceil(4_096) as u16,
            data_shards: 4_096,
            recovery_shards: 410,
            shard_index: 0,
            shard_bytes: 1_408,
            fec_scheme: 1,
            packet_flags: 1,
        };
        let packet = [&header.encode()[..], &[7; 1_408]].concat();
        refused += u32::from(receiver.accept(Instant::now(), &packet).is_err());
        assert!(receiver.memory() <= MEMORY_LIMIT, "{}", receiver.memory());
    }
    assert_eq!(refused, 2, "the 64 MiB frame and what no longer fits beside two others");
}

#[test]
fn case_45_sixty_five_thousand_shards_are_refused_by_geometry() {
    let mut client = client(false);
    for (data_shards, recovery_shards) in [(65_535, 0), (32, 65_503), (32, 30), (0, 1)] {
        let mut packet = frames(false, &[600]).remove(0).remove(0);
        let (header, _) = PacketHeader::decode(&packet).unwrap();
        let header = PacketHeader { data_shards, recovery_shards, block_count: 1, ..header };
        packet[..HEADER_BYTES].copy_from_slice(&header.encode());
        assert_eq!(feed(&mut client, &packet), Err(PacketError::Geometry.into()));
    }
    assert_eq!(client.stats().memory, 0);
}

#[test]
fn case_46_a_final_block_before_the_first_completes_its_frame() {
    let mut datagrams = frames(false, &[40_000]).remove(0);
    datagrams.reverse();
    let mut client = client(false);
    for datagram in &datagrams {
        feed(&mut client, datagram).unwrap();
    }
    assert_eq!(units(&mut client), [0]);
}

#[test]
fn case_46_a_second_final_block_with_other_totals_costs_its_frame_only() {
    let [idr, spoilt, next] = <[_; 3]>::try_from(frames(false, &[600, 40_000, 600])).unwrap();
    let mut client = client(false);
    idr.iter().for_each(|datagram| feed(&mut client, datagram).unwrap());
    feed(&mut client, &spoilt[0]).unwrap();
    let mut other = spoilt[1].clone();
    let (header, _) = PacketHeader::decode(&other).unwrap();
    other[..HEADER_BYTES].copy_from_slice(&PacketHeader { frame_bytes: 40_100, ..header }.encode());
    assert_eq!(feed(&mut client, &other), Err(PacketError::Disagreement.into()));
    assert_eq!(client.stats().loss.frames_dropped, 1);
    for datagram in spoilt.iter().chain(&next) {
        feed(&mut client, datagram).unwrap();
    }
    assert_eq!(units(&mut client), [0, 2]);
    assert_eq!(client.stats().frames_lost, 1);
}

#[test]
fn case_46_blocks_that_do_not_join_cost_their_frame_only() {
    // A unit sent slice by slice whose second block leaves a hole after the first.
    let mut client = client(false);
    let mut block = |block_index: u16, block_count: u16, frame_bytes: u32, data_shards: u16| {
        (0..data_shards).try_for_each(|shard_index| {
            let header = PacketHeader {
                pts: HostTime::from_nanos(0),
                frame_index: 0,
                stream_seq: 0,
                frame_bytes,
                user_flags: 0x85,
                block_index,
                block_count,
                data_shards,
                recovery_shards: 0,
                shard_index,
                shard_bytes: 512,
                fec_scheme: 1,
                packet_flags: 1,
            };
            feed(&mut client, &[&header.encode()[..], &[7; 512]].concat())
        })
    };
    block(0, 0, 0, 16).unwrap();
    assert_eq!(block(1, 2, 18 * 512, 1), Err(PacketError::Disagreement.into()));
    assert_eq!(units(&mut client), Vec::<u32>::new());
    assert_eq!(client.stats().loss.frames_dropped, 1);
    assert_alive(&mut client, 100);
}

#[test]
fn case_46_another_shape_of_the_same_block_costs_its_frame_only() {
    let datagrams = frames(false, &[5_000]).remove(0);
    let mut client = client(false);
    feed(&mut client, &datagrams[0]).unwrap();
    let mut other = datagrams[1].clone();
    let (header, _) = PacketHeader::decode(&other).unwrap();
    let more_parity = PacketHeader { recovery_shards: header.recovery_shards + 1, ..header };
    other[..HEADER_BYTES].copy_from_slice(&more_parity.encode());
    assert_eq!(feed(&mut client, &other), Err(PacketError::Disagreement.into()));
    assert_alive(&mut client, 100);
}
