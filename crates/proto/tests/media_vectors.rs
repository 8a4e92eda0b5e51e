//! The media plane against `vectors/*.json`, byte for byte and both ways. Every vector comes from other code.

use std::time::Instant;

use punktfunk_proto::{
    crypto::{Direction, MediaKeys, Opener, Sealer},
    fec::{BlockShape, FecDecoder, FecEncoder, FecScheme, recovery_count},
    session::{
        client_media::ClientMedia,
        host_media::{AccessUnit, HostMedia, Protection},
        media::MediaParams,
    },
    units::HostTime,
    video::{
        Streaming, UnitKind,
        header::PacketHeader,
        loss::LossCounters,
        packetizer::{Outgoing, Packetizer, PacketizerConfig, UnitInfo},
        reassembler::{AssembledUnit, Reassembler, ReassemblerConfig},
    },
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

fn vectors(name: &str) -> Value {
    let path = format!("{}/tests/vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn unhex(value: &Value) -> Vec<u8> {
    let text = value.as_str().unwrap();
    text.as_bytes().chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn number(value: &Value, key: &str) -> u64 {
    value[key].as_u64().unwrap_or_else(|| panic!("{key} is no number"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("{key} is no list"))
}

fn scheme(id: u64) -> FecScheme {
    FecScheme::from_id(id as u8).unwrap()
}

fn header_of(fields: &Value) -> PacketHeader {
    let half = |key| number(fields, key) as u16;
    let word = |key| number(fields, key) as u32;
    PacketHeader {
        pts: HostTime::from_nanos(number(fields, "pts_ns")),
        frame_index: word("frame_index"),
        stream_seq: word("stream_seq"),
        frame_bytes: word("frame_bytes"),
        user_flags: word("user_flags"),
        block_index: half("block_index"),
        block_count: half("block_count"),
        data_shards: half("data_shards"),
        recovery_shards: half("recovery_shards"),
        shard_index: half("shard_index"),
        shard_bytes: half("shard_bytes"),
        fec_scheme: number(fields, "fec_scheme") as u8,
        packet_flags: number(fields, "flags") as u8,
    }
}

fn keys(set: &Value) -> MediaKeys {
    let (key, salt) = (unhex(&set["key_hex"]), unhex(&set["salt_hex"]).try_into().unwrap());
    match key.len() {
        16 => MediaKeys::aes128_gcm(key.try_into().unwrap(), salt),
        _ => MediaKeys::chacha20_poly1305(key.try_into().unwrap(), salt),
    }
}

fn params(set: &Value) -> MediaParams {
    MediaParams {
        fec_scheme: scheme(number(set, "fec_scheme")),
        fec_percent: number(set, "fec_percent") as u8,
        max_block_shards: number(set, "max_data_per_block") as u16,
        shard_payload: number(set, "shard_payload") as u16,
        keys: Some(keys(set)),
        max_frame_bytes: 8 << 20,
    }
}

fn kind(user_flags: u64) -> UnitKind {
    if user_flags == 5 { UnitKind::Idr } else { UnitKind::Delta }
}

fn submit_all(host: &mut HostMedia, unit: AccessUnit<'_>) -> Vec<Vec<u8>> {
    let (now, mut out, mut datagrams) = (Instant::now(), Vec::new(), Vec::new());
    host.submit(now, unit).unwrap();
    while let Some(batch) = host.poll_transmit(now, &mut out) {
        assert_eq!(out.len(), batch.segment * batch.datagrams);
        datagrams.extend(out.chunks(batch.segment).map(<[u8]>::to_vec));
        out.clear();
    }
    datagrams
}

#[test]
fn every_sealed_packet_is_sealed_and_opened_byte_for_byte() {
    for set in list(&vectors("media"), "sets") {
        let mut sealer = Sealer::new(&keys(set), Direction::HostToClient);
        let mut opener = Opener::new(&keys(set), Direction::HostToClient);
        for packet in list(set, "frames").iter().flat_map(|frame| list(frame, "packets")) {
            let (plaintext, wire) = (unhex(&packet["plaintext_hex"]), unhex(&packet["wire_hex"]));
            let mut sealed = [&[0; 8][..], &plaintext, &[0; 16]].concat();
            assert_eq!(sealer.seal(&mut sealed).unwrap(), number(packet, "seq"));
            assert_eq!(hex(&sealed), hex(&wire), "{}", set["name"]);
            assert_eq!(hex(opener.open(&mut wire.clone()).unwrap()), hex(&plaintext), "{}", set["name"]);
            let (header, shard) = PacketHeader::decode(&plaintext).unwrap();
            assert_eq!(header, header_of(&packet["header"]));
            assert_eq!([&header.encode()[..], shard].concat(), plaintext);
        }
    }
}

#[test]
fn our_host_sends_the_recorded_datagrams() {
    for set in list(&vectors("media"), "sets") {
        let mut host = HostMedia::new(params(set)).unwrap();
        host.set_protection(Protection::Uniform);
        for frame in list(set, "frames") {
            let unit = AccessUnit {
                bytes: &unhex(&frame["au_hex"]),
                pts: HostTime::from_nanos(number(frame, "pts_ns")),
                kind: kind(number(frame, "user_flags")),
            };
            let sent: Vec<String> = submit_all(&mut host, unit).iter().map(|datagram| hex(datagram)).collect();
            let recorded: Vec<&str> = list(frame, "packets").iter().map(|p| p["wire_hex"].as_str().unwrap()).collect();
            assert_eq!(sent, recorded, "{} frame {}", set["name"], frame["frame_index"]);
        }
    }
}

#[test]
fn our_client_accepts_the_recorded_datagrams_with_and_without_the_first() {
    for set in list(&vectors("media"), "sets") {
        for skipped in [None, Some(0)] {
            let mut client = ClientMedia::new(params(set)).unwrap();
            for frame in list(set, "frames") {
                let packets = list(frame, "packets").iter().enumerate().filter(|&(at, _)| Some(at) != skipped);
                for (_, packet) in packets {
                    client.handle_datagram(Instant::now(), &mut unhex(&packet["wire_hex"])).unwrap();
                }
                let unit = client.poll_unit().unwrap();
                assert_eq!(u64::from(unit.frame_index), number(frame, "frame_index"));
                assert_eq!(u64::from(unit.user_flags), number(frame, "user_flags"));
                assert_eq!(unit.pts.nanos(), number(frame, "pts_ns"));
                assert_eq!(hex(unit.bytes), frame["au_hex"].as_str().unwrap());
                assert!(unit.shown);
                assert_eq!(unit.recovered_shards, u32::from(skipped.is_some()));
            }
        }
    }
}

fn pattern(length: u64, seed: u64) -> Vec<u8> {
    (0..length).map(|i| (7 * i + seed) as u8).collect()
}

/// Feeds packets, in the order given, to a receiver set up as `shape` says.
fn reassemble<'a>(shape: &Value, packets: impl IntoIterator<Item = &'a Vec<u8>>) -> Option<Vec<u8>> {
    let mut receiver = Reassembler::new(ReassemblerConfig {
        scheme: FecScheme::Gf16,
        block_shards: number(shape, "max_data_per_block") as usize,
        min_shard_bytes: 512,
        max_frame_bytes: 8 << 20,
    });
    let complete: Vec<AssembledUnit> =
        packets.into_iter().filter_map(|packet| receiver.accept(Instant::now(), packet).unwrap()).collect();
    assert!(complete.len() <= 1);
    complete.first().map(|unit| unit.bytes().to_vec())
}

#[test]
fn a_frame_of_several_blocks_has_the_recorded_geometry() {
    let media = vectors("media");
    let shape = &media["multi_block_geometry"];
    let unit = pattern(number(shape, "au_len"), 1);
    let block_shards = number(shape, "max_data_per_block") as usize;
    let percent = number(shape, "fec_percent") as u8;
    let mut packetizer = Packetizer::new(PacketizerConfig {
        scheme: FecScheme::Gf16,
        block_shards,
        block_total: block_shards + recovery_count(block_shards, percent),
    });
    let first = header_of(&list(shape, "packets")[0]["fields"]);
    let info = UnitInfo {
        pts: first.pts,
        frame_index: first.frame_index,
        user_flags: first.user_flags,
        shard_bytes: 512,
        percent,
    };
    let mut outgoing = packetizer.begin(info, unit.clone());
    let mut packets = Vec::new();
    for recorded in list(shape, "packets") {
        let mut packet = Vec::new();
        packetizer.write_next(&mut outgoing, &mut packet);
        assert_eq!(hex(&packet[..40]), recorded["header_hex"].as_str().unwrap());
        assert_eq!(sha256(&packet[40..]), recorded["shard_sha256"].as_str().unwrap());
        packets.push(packet);
    }
    assert_eq!(outgoing.left(), 0);
    assert_eq!(reassemble(shape, &packets).as_deref(), Some(&unit[..]));
    let kept = packets.iter().enumerate().filter(|(at, _)| ![1, 5, 8].contains(at)).map(|(_, packet)| packet);
    assert_eq!(reassemble(shape, kept).as_deref(), Some(&unit[..]), "without wire positions 1, 5 and 8");
}

/// The packets of a streamed unit: headers from the vector, shards cut from the unit and coded by us.
fn streamed_packets(shape: &Value, unit: &[u8]) -> Vec<Vec<u8>> {
    let (mut encoder, mut parity, mut start) = (FecEncoder::new(FecScheme::Gf16), Vec::new(), 0);
    let mut padded = unit.to_vec();
    padded.resize(unit.len().next_multiple_of(512), 0);
    let mut packets = Vec::new();
    for recorded in list(shape, "packets") {
        let header = header_of(&recorded["fields"]);
        assert_eq!(hex(&header.encode()), recorded["header_hex"].as_str().unwrap());
        let (data, recovery) = (usize::from(header.data_shards), usize::from(header.recovery_shards));
        let (shard, block) = (usize::from(header.shard_index), &padded[start..][..data * 512]);
        if shard == data {
            encoder.encode(BlockShape { data, recovery, shard_bytes: 512 }, block, &mut parity).unwrap();
        }
        let bytes = if shard < data { &block[shard * 512..][..512] } else { &parity[(shard - data) * 512..][..512] };
        assert_eq!(sha256(bytes), recorded["shard_sha256"].as_str().unwrap());
        packets.push([&header.encode()[..], bytes].concat());
        if shard + 1 == data + recovery {
            start += data * 512;
        }
    }
    packets
}

#[test]
fn units_streamed_before_their_size_is_known_are_accepted() {
    let media = vectors("media");
    for name in ["streamed_au_full_k", "streamed_au_slice"] {
        let shape = &media[name];
        let unit = pattern(number(shape, "au_len"), 2);
        let packets = streamed_packets(shape, &unit);
        assert_eq!(reassemble(shape, &packets).as_deref(), Some(&unit[..]), "{name} in order");
        assert_eq!(reassemble(shape, packets.iter().rev()).as_deref(), Some(&unit[..]), "{name}, last block first");
        let lossy = packets.iter().enumerate().filter(|(at, _)| at % 10 != 3).map(|(_, packet)| packet);
        assert_eq!(reassemble(shape, lossy).as_deref(), Some(&unit[..]), "{name} with every tenth packet lost");
        let beheaded = packets.iter().skip(8);
        assert_eq!(reassemble(shape, beheaded), None, "{name} with more lost than parity restores");
    }
}

/// Slice units are cut otherwise than in the vector: no last block here is as short as its eleven shards.
#[test]
fn a_unit_that_grows_by_chunks_is_cut_into_full_blocks_byte_for_byte() {
    let media = vectors("media");
    let shape = &media["streamed_au_full_k"];
    let (unit, block_shards) = (pattern(number(shape, "au_len"), 2), number(shape, "max_data_per_block") as usize);
    let percent = number(shape, "fec_percent") as u8;
    let block_total = block_shards + recovery_count(block_shards, percent);
    let mut packetizer = Packetizer::new(PacketizerConfig { scheme: FecScheme::Gf16, block_shards, block_total });
    let first = header_of(&list(shape, "packets")[0]["fields"]);
    let PacketHeader { pts, frame_index, user_flags, .. } = first;
    let info = UnitInfo { pts, frame_index, user_flags, shard_bytes: 512, percent };
    let mut outgoing = packetizer.open(info, Streaming::Plain, Vec::new());
    let mut recorded = list(shape, "packets").iter();
    let mut check = |packetizer: &mut Packetizer, outgoing: &mut Outgoing| {
        while packetizer.next_block(outgoing).is_some() {
            packetizer.cut(outgoing, percent);
            while outgoing.left() > 0 {
                let (mut packet, recorded) = (Vec::new(), recorded.next().unwrap());
                packetizer.write_next(outgoing, &mut packet);
                assert_eq!(hex(&packet[..40]), recorded["header_hex"].as_str().unwrap());
                assert_eq!(sha256(&packet[40..]), recorded["shard_sha256"].as_str().unwrap());
            }
        }
    };
    for chunk in unit.chunks(number(shape, "chunk_len") as usize) {
        outgoing.push(chunk);
        check(&mut packetizer, &mut outgoing);
    }
    assert!(!outgoing.is_done());
    outgoing.finish();
    check(&mut packetizer, &mut outgoing);
    assert!(outgoing.is_done() && recorded.next().is_none());
}

#[test]
fn a_recorded_session_of_the_real_host_is_reproduced() {
    let capture = vectors("session-capture");
    let welcome = list(&capture, "control").iter().find(|message| message["what"] == "Welcome").unwrap();
    let welcome = unhex(&welcome["payload_hex"]);
    let params = MediaParams {
        fec_scheme: scheme(u64::from(welcome[22])),
        fec_percent: welcome[23],
        max_block_shards: u16::from_le_bytes([welcome[24], welcome[25]]),
        shard_payload: u16::from_le_bytes([welcome[26], welcome[27]]),
        keys: Some(MediaKeys::aes128_gcm(welcome[29..45].try_into().unwrap(), welcome[45..49].try_into().unwrap())),
        max_frame_bytes: 8 << 20,
    };
    let recorded = list(&capture, "media_packets");
    let mut host = HostMedia::new(params.clone()).unwrap();
    host.set_protection(Protection::Uniform);
    let mut client = ClientMedia::new(params.clone()).unwrap();
    let mut opener = Opener::new(params.keys.as_ref().unwrap(), Direction::HostToClient);
    let mut recorded_packets = recorded.iter();
    for index in 0..2_u32 {
        let unit: Vec<u8> = index.to_le_bytes().into_iter().chain((4..65_536).map(|i| (index + i) as u8)).collect();
        let pts = unhex(&recorded[index as usize * 52]["header_hex"])[..8].try_into().map(u64::from_le_bytes).unwrap();
        let unit = AccessUnit { bytes: &unit, pts: HostTime::from_nanos(pts), kind: UnitKind::Idr };
        for mut datagram in submit_all(&mut host, unit) {
            let packet = recorded_packets.next().unwrap();
            assert_eq!(datagram.len() as u64, number(packet, "wire_len"));
            if let Some(wire) = packet["wire_hex"].as_str() {
                assert_eq!(hex(&datagram), wire);
            }
            let plaintext = opener.open(&mut datagram.clone()).unwrap().to_vec();
            assert_eq!(hex(&plaintext[..40]), packet["header_hex"].as_str().unwrap());
            assert_eq!(sha256(&plaintext[40..]), packet["shard_sha256"].as_str().unwrap());
            client.handle_datagram(Instant::now(), &mut datagram).unwrap();
        }
        assert_eq!(client.poll_unit().unwrap().bytes, unit.bytes);
    }
    assert!(recorded_packets.next().is_none());
    let full = recorded.iter().filter(|packet| packet["wire_hex"].is_string());
    assert_eq!(full.count(), 2);
}

#[test]
fn every_erasure_code_block_is_encoded_and_restored() {
    for vector in list(&vectors("fec"), "vectors") {
        let scheme = if vector["scheme"] == "gf16" { FecScheme::Gf16 } else { FecScheme::Gf8 };
        let (data, recovery) = (number(vector, "k") as usize, number(vector, "m") as usize);
        let shape = BlockShape { data, recovery, shard_bytes: number(vector, "shard_bytes") as usize };
        let shard = |s: usize| (0..shape.shard_bytes).map(move |i| (7 * i + 31 * s + 5) as u8);
        let block: Vec<u8> = (0..data).flat_map(shard).collect();
        for (known, shard) in vector["data_hex"].as_array().into_iter().flatten().zip(block.chunks(shape.shard_bytes)) {
            assert_eq!(unhex(known), shard);
        }
        let mut parity = Vec::new();
        FecEncoder::new(scheme).encode(shape, &block, &mut parity).unwrap();
        let shards = || parity.chunks(shape.shard_bytes);
        let expected = list(vector, "parity_sha256").iter().map(|hash| hash.as_str().unwrap().to_owned());
        assert_eq!(shards().map(sha256).collect::<Vec<_>>(), expected.collect::<Vec<_>>(), "{scheme:?} {shape:?}");
        for (known, shard) in vector["parity_hex"].as_array().into_iter().flatten().zip(shards()) {
            assert_eq!(unhex(known), shard);
        }
        let (mut broken, lost) = (block.clone(), data.min(recovery));
        broken[..lost * shape.shard_bytes].fill(0);
        let parity = shards().enumerate();
        FecDecoder::new(scheme).reconstruct(shape, &mut broken, |shard| shard >= lost, parity).unwrap();
        assert_eq!(broken, block, "{scheme:?} {shape:?}");
    }
}

#[test]
fn recovery_counts_are_the_recorded_ones() {
    for vector in list(&vectors("fec"), "recovery_counts") {
        let count = recovery_count(number(vector, "k") as usize, number(vector, "pct") as u8);
        assert_eq!(count as u64, number(vector, "m"), "{vector}");
    }
}

#[test]
fn loss_reports_are_the_recorded_ones() {
    for vector in list(&vectors("control"), "loss_ppm") {
        let counters = LossCounters {
            received: number(vector, "received"),
            recovered: number(vector, "recovered"),
            late: number(vector, "late"),
            frames_dropped: number(vector, "frames_dropped"),
        };
        assert_eq!(u64::from(counters.ppm()), number(vector, "ppm"), "{vector}");
    }
}
