use punktfunk_proto::wire::datagram::{HostDatagram, HostTiming};
use punktfunk_proto::wire::{ControlMessage, Hello, Start, Welcome};
use serde_json::Value;

use crate::{bytes, list, text, vectors};

fn re_encoded(step: &Value) -> Vec<u8> {
    let payload = bytes(&step["payload_hex"]);
    match text(&step["what"]) {
        "Hello" => Hello::decode(&payload).unwrap().encode(),
        "Welcome" => {
            let welcome = Welcome::decode(&payload).unwrap();
            assert_eq!(welcome.validate(), Ok(()));
            welcome.encode()
        }
        "Start" => Start::decode(&payload).unwrap().encode(),
        _ => ControlMessage::decode(&payload).unwrap().encode(),
    }
}

#[test]
fn a_session_recorded_from_a_real_host_is_understood_word_for_word() {
    let file = vectors("session-capture.json");
    let on_stream = |step: &&Value| step["what"] != "punch";
    let steps: Vec<&Value> = list(&file["control"]).iter().filter(on_stream).collect();
    assert!(steps.len() >= 5);
    for step in steps {
        assert_eq!(re_encoded(step), bytes(&step["payload_hex"]), "{} at {} ms", step["what"], step["t_ms"]);
    }
    for packet in list(&file["quic_datagrams_first4"]) {
        let datagram = bytes(&packet["hex"]);
        let decoded = HostDatagram::decode(&datagram).unwrap();
        assert!(matches!(decoded, HostDatagram::HostTiming(HostTiming { stages: None, .. })));
        assert_eq!(decoded.encode(), datagram);
    }
}
