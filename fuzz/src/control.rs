//! The control stream: framing, and every message of it in both directions.

use std::fmt::Debug;

use punktfunk_proto::session::media::MediaParams;
use punktfunk_proto::units::Mode;
use punktfunk_proto::wire::{ControlMessage, FrameReader, Hello, Opening, Start, Welcome, WireError, frame};

/// Reads `data` as one payload, and behind its first byte as a stream of frames that arrives in pieces of that size.
pub fn run(data: &[u8]) {
    read_payload(data);
    let Some((cut, stream)) = data.split_first() else { return };
    let payloads = frames(stream, usize::from(*cut) + 1);
    assert_eq!(payloads, frames(stream, stream.len().max(1)), "how a stream is cut changes its frames");
    payloads.iter().for_each(|payload| read_payload(payload));
}

fn frames(stream: &[u8], cut: usize) -> Vec<Vec<u8>> {
    let mut reader = FrameReader::new();
    let mut payloads = Vec::new();
    for piece in stream.chunks(cut) {
        reader.push(piece);
        while let Some(payload) = reader.next_frame() {
            payloads.push(payload.to_vec());
        }
    }
    let used: usize = payloads.iter().map(|payload| payload.len() + 2).sum();
    assert_eq!(reader.is_at_boundary(), used == stream.len());
    payloads
}

fn read_payload(payload: &[u8]) {
    let opening = Opening::of(payload);
    if let Some(hello) = survives(payload, Hello::decode, Hello::encode) {
        assert_eq!(opening, Some(Opening::Session));
        let _ = Mode::try_from(hello.mode);
    }
    if let Some(welcome) = survives(payload, Welcome::decode, Welcome::encode) {
        check_welcome(&welcome);
    }
    survives(payload, Start::decode, |start| start.encode());
    if let Some(message) = survives(payload, ControlMessage::decode, ControlMessage::encode) {
        let opens = matches!(message, ControlMessage::PairRequest(_));
        assert_eq!(opening == Some(Opening::Pairing), opens);
        assert_ne!(message.name(), "unknown control message");
    }
}

/// What a client goes on with, it can set its media up with.
fn check_welcome(welcome: &Welcome) {
    match welcome.validate() {
        Ok(()) => MediaParams::from_welcome(welcome).validate().expect("a Welcome that is valid names valid media"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// Reads a message. What was read is written to bytes that read the same and are written the same again.
fn survives<T: PartialEq + Debug>(
    payload: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, WireError>,
    encode: impl Fn(&T) -> Vec<u8>,
) -> Option<T> {
    let message = decode(payload).map_err(|error| assert!(!error.to_string().is_empty())).ok()?;
    let written = encode(&message);
    let again = decode(&written).expect("what is written can be read");
    assert_eq!(again, message);
    assert_eq!(encode(&again), written);
    assert_eq!(frame(&written).len(), written.len() + 2);
    Some(message)
}
