//! Bytes of any kind: no decoder panics, and what is read is written so that it reads the same again.

use proptest::prelude::{Just, Strategy, any, prop, prop_oneof, proptest};
use punktfunk_proto::wire::datagram::{ClientDatagram, HostDatagram};
use punktfunk_proto::wire::{ControlMessage, Hello, Opening, Start, Welcome};

/// Feeds `bytes` to every decoder of the crate's wire module.
fn read_by_all(bytes: &[u8]) {
    let _ = (Opening::of(bytes), Start::decode(bytes));
    if let Ok(hello) = Hello::decode(bytes) {
        assert_eq!(Hello::decode(&hello.encode()), Ok(hello));
    }
    if let Ok(welcome) = Welcome::decode(bytes) {
        let _ = (welcome.validate(), welcome.max_frame_bytes());
        assert_eq!(Welcome::decode(&welcome.encode()), Ok(welcome));
    }
    if let Ok(message) = ControlMessage::decode(bytes) {
        assert_eq!(ControlMessage::decode(&message.encode()), Ok(message));
    }
    if let Ok(datagram) = ClientDatagram::decode(bytes) {
        assert_eq!(ClientDatagram::decode(&datagram.encode()), Ok(datagram.clone()));
    }
    if let Ok(datagram) = HostDatagram::decode(bytes) {
        assert_eq!(HostDatagram::decode(&datagram.encode()), Ok(datagram.clone()));
    }
}

/// A beginning that makes decoders look further.
fn beginning() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        Just(b"PKF1".to_vec()),
        any::<u8>().prop_map(|kind| [b"PKFc".as_slice(), &[kind]].concat()),
        (0xC8..=0xD3_u8, 0..17_u8).prop_map(|(tag, kind)| vec![tag, kind]),
        Just(Vec::new()),
    ]
}

/// Every recorded message and datagram.
fn recorded() -> Vec<Vec<u8>> {
    let mut found = Vec::new();
    for file in ["hello", "welcome", "control", "datagrams"] {
        let path = format!("{}/tests/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
        let vectors: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        for vector in vectors["vectors"].as_array().unwrap() {
            let hex = vector.get("payload_hex").or(vector.get("hex")).unwrap().as_str().unwrap();
            let digits: Vec<u8> = hex.chars().map(|digit| digit.to_digit(16).unwrap() as u8).collect();
            found.push(digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect());
        }
    }
    found
}

proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(4_096))]

    #[test]
    fn random_bytes_behind_a_plausible_beginning_are_survived(
        beginning in beginning(),
        body in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        read_by_all(&[beginning, body].concat());
    }

    #[test]
    fn recorded_messages_with_bytes_changed_cut_or_added_are_survived(
        message in prop::sample::select(recorded()),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        len in any::<prop::sample::Index>(),
        added in prop::collection::vec(any::<u8>(), 0..4),
    ) {
        let mut message = message;
        for (at, byte) in changes {
            let at = at.index(message.len());
            message[at] = byte;
        }
        read_by_all(&message);
        message.truncate(len.index(message.len() + 1));
        message.extend(added);
        read_by_all(&message);
    }
}

#[test]
fn every_field_at_its_extremes_is_survived() {
    for message in recorded() {
        for filler in [0x00, 0x7F, 0x80, 0xFF] {
            for keep in 0..message.len() {
                let mut extreme = message.clone();
                extreme[keep..].fill(filler);
                read_by_all(&extreme);
            }
        }
    }
}

#[test]
fn a_length_field_larger_than_the_message_allocates_nothing_for_it() {
    // PairRequest whose SPAKE2 length says 65,535; ClipOffer of 16 kinds of 128 bytes that are not there.
    let liars: [&[u8]; 3] = [b"PKFc\x10\0\xFF\xFF", b"PKFc\x42\0\0\0\0\x10\x80", b"PKFc\x42\0\0\0\0\xFF"];
    for liar in liars {
        let measured = allocation_counter::measure(|| assert!(ControlMessage::decode(liar).is_err()));
        assert!(measured.bytes_total < 1_024, "{}", measured.bytes_total);
    }
}
