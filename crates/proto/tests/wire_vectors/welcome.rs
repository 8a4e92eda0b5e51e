use punktfunk_proto::wire::{
    AudioCodec, AudioFormat, Chroma, Cipher, Codec, Colour, Compositor, FecScheme, GamepadKind, Grants, HostCaps,
    Start, Welcome, WireError, WireMode, frame,
};
use serde_json::Value;

use crate::{array, bytes, field, list, text, vectors};

/// The message that a vector's `decoded` object describes.
fn described(decoded: &Value) -> Welcome {
    let colour: [u8; 4] = std::array::from_fn(|at| decoded["colour"][at].as_u64().unwrap() as u8);
    Welcome {
        version: field(decoded, "version"),
        media_port: field(decoded, "udp_port"),
        mode: WireMode { width: field(decoded, "width"), height: field(decoded, "height"), hz: field(decoded, "hz") },
        fec_scheme: if decoded["fec_scheme"] == 0 { FecScheme::Gf8 } else { FecScheme::Gf16 },
        fec_percent: field(decoded, "fec_percent"),
        max_block_shards: field(decoded, "max_data_per_block"),
        shard_payload: field(decoded, "shard_payload"),
        encrypted: decoded["encrypted"].as_bool().unwrap(),
        aes_key: array(&decoded["aes_key"]).into(),
        salt: array(&decoded["salt"]),
        frames: field(decoded, "frames"),
        compositor: Compositor::from(field::<u8>(decoded, "compositor")),
        gamepad: GamepadKind::from(field::<u8>(decoded, "gamepad")),
        bitrate_kbps: field(decoded, "bitrate_kbps"),
        bit_depth: field(decoded, "bit_depth"),
        colour: Colour::from(colour),
        chroma: Chroma::from(field::<u8>(decoded, "chroma")),
        audio_channels: field(decoded, "audio_channels"),
        codec: Codec::from_bit(field(decoded, "codec")).unwrap(),
        host_caps: HostCaps::from_bits(field(decoded, "host_caps")),
        cipher: match &decoded["chacha_key"] {
            Value::Null => Cipher::Aes128Gcm,
            key => Cipher::ChaCha20Poly1305(array(key).into()),
        },
        mgmt_port: field(decoded, "mgmt_port"),
        grants: Grants::from_bits(field(decoded, "grants")),
        access_expires_s: field(decoded, "expires_in_secs"),
        audio: AudioFormat {
            codec: AudioCodec::from(field::<u8>(decoded, "audio_codec")),
            rate_hz: field(decoded, "audio_rate_hz"),
            bits: field(decoded, "audio_bits"),
            frame_us: field(decoded, "audio_frame_us"),
        },
    }
}

#[test]
fn every_welcome_reads_and_writes_as_recorded() {
    for vector in list(&vectors("welcome.json")["vectors"]) {
        let (name, payload) = (text(&vector["name"]), bytes(&vector["payload_hex"]));
        let expected = described(&vector["decoded"]);
        assert_eq!(Welcome::decode(&payload), Ok(expected.clone()), "{name}");
        assert_eq!(expected.encode(), payload, "{name}");
        assert_eq!(frame(&payload), bytes(&vector["framed_hex"]), "{name}");
        assert_eq!(expected.validate(), Ok(()), "{name}");
    }
}

/// The recorded normal form, 68 bytes, at the length and with the change that a truncation vector names.
fn altered(len: usize) -> Vec<u8> {
    let file = vectors("welcome.json");
    let mut payload = bytes(&file["vectors"][0]["payload_hex"]);
    if len == 69 {
        payload.push(7); // The vector's note: unknown cipher id 7.
    }
    payload.resize(len, 0);
    payload
}

#[test]
fn a_welcome_cut_or_padded_reads_as_recorded() {
    for cut in list(&vectors("welcome.json")["truncations_of_aes_68"]) {
        let len: usize = field(cut, "len");
        let expected = cut["ok"].as_bool().unwrap().then(|| described(&cut["decoded"]));
        assert_eq!(Welcome::decode(&altered(len)).ok(), expected, "{len} bytes");
    }
}

#[test]
fn a_welcome_is_refused_at_every_length_below_its_mandatory_part_and_read_above() {
    for len in 0..=68 {
        assert_eq!(Welcome::decode(&altered(len)).is_ok(), len >= 53, "{len} bytes");
    }
}

#[test]
fn a_chacha_key_cut_at_any_byte_is_refused() {
    let file = vectors("welcome.json");
    let chacha = list(&file["vectors"]).iter().find(|vector| vector["name"] == "chacha-101").unwrap();
    let payload = bytes(&chacha["payload_hex"]);
    for len in 69..payload.len() {
        let refused = Welcome::decode(&payload[..len]);
        assert_eq!(refused, Err(WireError::Truncated { message: "Welcome", field: "ChaCha key", len }));
    }
}

#[test]
fn start_reads_and_writes_as_recorded() {
    let vector = &vectors("welcome.json")["start"];
    let payload = bytes(&vector["payload_hex"]);
    let start = Start { media_port: field(&vector["fields"], "client_udp_port") };
    assert_eq!(Start::decode(&payload), Ok(start));
    assert_eq!(start.encode(), payload);
    for len in 0..payload.len() {
        assert!(Start::decode(&payload[..len]).is_err());
    }
}
