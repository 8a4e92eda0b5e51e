use punktfunk_proto::wire::{
    ClientCaps, CodecSet, Compositor, FrameReader, GamepadKind, HdrMetadata, Hello, VideoCaps, WireMode,
    datagram::HostDatagram, frame,
};
use serde_json::Value;

use crate::{array, bytes, field, list, text, vectors};

/// The message that a vector's `decoded` object describes.
fn described(decoded: &Value) -> Hello {
    let optional = |name: &str| decoded[name].as_str().map(str::to_owned);
    Hello {
        version: field(decoded, "version"),
        mode: WireMode { width: field(decoded, "width"), height: field(decoded, "height"), hz: field(decoded, "hz") },
        compositor: Compositor::from(field::<u8>(decoded, "compositor")),
        gamepad: GamepadKind::from(field::<u8>(decoded, "gamepad")),
        bitrate_kbps: field(decoded, "bitrate_kbps"),
        name: optional("name"),
        launch: optional("launch"),
        video_caps: VideoCaps::from_bits(field(decoded, "video_caps")),
        audio_channels: field(decoded, "audio_channels"),
        codecs: CodecSet::from_bits(field(decoded, "codecs")),
        preferred_codec: CodecSet::from_bits(field(decoded, "preferred_codec")),
        hdr: decoded["hdr"].as_str().map(|_| hdr_block(&array(&decoded["hdr"]))),
        client_caps: ClientCaps::from_bits(field(decoded, "client_caps")),
        max_shard_payload: field(decoded, "max_shard_payload"),
        audio_rate_hz: field(decoded, "audio_rate_hz"),
        audio_bits: field(decoded, "audio_bits"),
    }
}

/// Reads the block as the datagram that carries the same 28 bytes.
fn hdr_block(block: &[u8; HdrMetadata::LEN]) -> HdrMetadata {
    let datagram: Vec<u8> = [0xCE].iter().chain(block).copied().collect();
    match HostDatagram::decode(&datagram) {
        Ok(HostDatagram::Hdr(metadata)) => metadata,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_hello_reads_and_writes_as_recorded() {
    for vector in list(&vectors("hello.json")["vectors"]) {
        let (name, payload) = (text(&vector["name"]), bytes(&vector["payload_hex"]));
        let expected = described(&vector["decoded"]);
        assert_eq!(Hello::decode(&payload), Ok(expected.clone()), "{name}");
        assert_eq!(frame(&payload), bytes(&vector["framed_hex"]), "{name}");
        let mut reader = FrameReader::new();
        reader.push(&bytes(&vector["framed_hex"]));
        assert_eq!(reader.next_frame(), Some(&payload[..]), "{name}");
        // The shortest form is read, but encoders write the bitrate too.
        if name != "legacy-20" {
            assert_eq!(expected.encode(), payload, "{name}");
        }
    }
}

#[test]
fn a_hello_cut_at_any_byte_reads_as_recorded() {
    let file = vectors("hello.json");
    let full = list(&file["vectors"]).iter().find(|vector| vector["name"] == "full").unwrap();
    let full = bytes(&full["payload_hex"]);
    let truncations = list(&file["truncations_of_full"]);
    assert_eq!(truncations.len(), full.len() + 1);
    for cut in truncations {
        let len: usize = field(cut, "len");
        let expected = cut["ok"].as_bool().unwrap().then(|| described(&cut["decoded"]));
        assert_eq!(Hello::decode(&full[..len]).ok(), expected, "cut to {len}");
    }
}
