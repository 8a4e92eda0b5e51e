//! Names on the wire (abuse case 13): cut between characters, absent when they are no text.

use punktfunk_proto::wire::{ControlMessage, Hello, MAX_NAME_LEN, PairRequest, WireMode};

const MODE: WireMode = WireMode { width: 1280, height: 720, hz: 60 };

fn sent(name: &str) -> (Option<String>, Option<String>) {
    let hello = Hello { name: Some(name.to_owned()), ..Hello::new(MODE) };
    let request = ControlMessage::PairRequest(PairRequest { name: Some(name.to_owned()), spake: [0; 33] });
    let Ok(ControlMessage::PairRequest(read)) = ControlMessage::decode(&request.encode()) else { panic!("not read") };
    (Hello::decode(&hello.encode()).unwrap().name, read.name)
}

#[test]
fn a_name_of_65_bytes_is_cut_between_characters() {
    // Byte 64 is the middle of the last character.
    let name = format!("x{}", "ü".repeat(32));
    assert_eq!(name.len(), MAX_NAME_LEN + 1);
    let cut = Some(format!("x{}", "ü".repeat(31)));
    assert_eq!(sent(&name), (cut.clone(), cut));
}

#[test]
fn a_name_of_64_bytes_arrives_whole() {
    let name = "ü".repeat(32);
    assert_eq!(sent(&name), (Some(name.clone()), Some(name)));
}

#[test]
fn control_characters_arrive_for_the_trust_store_to_scrub() {
    let name = "\u{1b}[31m\0\u{202e}\u{feff}";
    assert_eq!(sent(name), (Some(name.to_owned()), Some(name.to_owned())));
}

/// A Hello and a PairRequest whose name is these raw bytes.
fn received(name: &[u8]) -> (Hello, ControlMessage) {
    let mut hello = Hello::new(MODE).encode();
    hello.push(name.len() as u8);
    hello.extend_from_slice(name);
    hello.extend_from_slice(b"\x09steam:570");
    let request = [b"PKFc\x10", &[name.len() as u8][..], name, &[33, 0], &[b'A'; 33]].concat();
    (Hello::decode(&hello).unwrap(), ControlMessage::decode(&request).unwrap())
}

#[test]
fn a_name_that_is_too_long_or_no_utf8_is_absent_and_what_follows_it_is_read() {
    let too_long = [b'a'; 65];
    let half_a_character = "aü".as_bytes().split_last().unwrap().1;
    let names: [&[u8]; 4] = [&too_long, half_a_character, b"\xFF\xFE", b""];
    for name in names {
        let (hello, request) = received(name);
        assert_eq!((hello.name, hello.launch.as_deref()), (None, Some("steam:570")));
        assert_eq!(request, ControlMessage::PairRequest(PairRequest { name: None, spake: [b'A'; 33] }));
    }
}
