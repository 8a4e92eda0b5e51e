use punktfunk_proto::pairing::{ClientCeremony, HostCeremony, Outcome, PairingError, PairingSecret};
use punktfunk_proto::units::Fingerprint;
use punktfunk_proto::wire::{ControlMessage, Opening, PairChallenge, PairProof, PairRequest, frame};
use serde_json::Value;

use crate::{array, bytes, list, text, vectors};

/// The recorded ceremony's two sides, with the client's PIN as given.
struct Ceremony {
    file: Value,
    client: ClientCeremony,
    request: PairRequest,
    host: HostCeremony,
    host_pin: PairingSecret,
}

impl Ceremony {
    fn recorded(client_pin: &str) -> Self {
        let file = vectors("pairing.json");
        let print = |key: &str| Fingerprint::from_bytes(array(&file[key]));
        let (client_fp, host_fp) = (print("client_fp_hex"), print("host_fp_hex"));
        let pin: PairingSecret = client_pin.parse().unwrap();
        let name = Some("Test Client".to_owned());
        let entropy = array(&file["rng_client_hex"]);
        let (client, request) = ClientCeremony::start(name, &pin, (client_fp, host_fp), entropy);
        let host_pin = text(&file["pin"]).parse().unwrap();
        Self { client, request, host: HostCeremony::new(host_fp, client_fp), host_pin, file }
    }

    fn challenge(&mut self) -> PairChallenge {
        let entropy = array(&self.file["rng_host_hex"]);
        self.host.handle_request(&self.request, &self.host_pin, entropy).unwrap()
    }
}

#[test]
fn the_recorded_ceremony_is_repeated_byte_for_byte() {
    let mut ceremony = Ceremony::recorded("4321");
    let challenge = ceremony.challenge();
    let proof = ceremony.client.handle_challenge(&challenge).unwrap();
    assert_eq!(ceremony.host.handle_proof(&proof), Outcome::Paired { name: Some("Test Client".to_owned()) });
    assert_eq!(ceremony.client.handle_result(true), Ok(()));

    let file = &ceremony.file;
    assert_eq!(ceremony.request.spake[..], bytes(&file["spake_msg_client_hex"]));
    assert_eq!(challenge.spake[..], bytes(&file["spake_msg_host_hex"]));
    assert_eq!(challenge.confirmation[..], bytes(&file["host_confirm_hex"]));
    assert_eq!(proof.confirmation[..], bytes(&file["client_confirm_hex"]));

    let messages = [
        ControlMessage::PairRequest(ceremony.request),
        ControlMessage::PairChallenge(challenge),
        ControlMessage::PairProof(proof),
        ControlMessage::PairResult { paired: true },
    ];
    for (message, step) in messages.iter().zip(list(&file["transcript"])) {
        let framed = bytes(&step["framed_hex"]);
        assert_eq!(message.name(), text(&step["message"]));
        assert_eq!(frame(&message.encode()), framed);
        assert_eq!(ControlMessage::decode(&framed[2..]).as_ref(), Ok(message));
    }
    let refused = bytes(&file["pair_result_refused_framed_hex"]);
    assert_eq!(frame(&ControlMessage::PairResult { paired: false }.encode()), refused);
    assert_eq!(ControlMessage::decode(&refused[2..]), Ok(ControlMessage::PairResult { paired: false }));
}

#[test]
fn a_wrong_pin_is_seen_by_the_client_as_recorded() {
    let mut ceremony = Ceremony::recorded("0000");
    let challenge = ceremony.challenge();
    let recorded = &ceremony.file["wrong_pin"];
    assert_eq!(ceremony.request.spake[..], bytes(&recorded["spake_msg_client_hex"]));
    assert_eq!(challenge.spake[..], bytes(&recorded["spake_msg_host_hex"]));
    assert_eq!(challenge.confirmation[..], bytes(&recorded["host_confirm_sent_hex"]));
    assert_eq!(ceremony.client.handle_challenge(&challenge), Err(PairingError::WrongPin));
    // The confirmation the client waited for is refused too, as it is over.
    let expected = array(&recorded["client_expects_host_confirm_hex"]);
    let late = PairChallenge { confirmation: expected, ..challenge };
    assert_eq!(ceremony.client.handle_challenge(&late), Err(PairingError::OutOfOrder));

    let mut again = Ceremony::recorded("0000");
    let challenge = again.challenge();
    assert!(again.client.handle_challenge(&PairChallenge { confirmation: expected, ..challenge }).is_ok());
}

/// Abuse case 7; names of any form do not change it.
#[test]
fn a_pairing_message_cut_anywhere_lengthened_or_under_another_magic_is_refused() {
    for step in list(&vectors("pairing.json")["transcript"]) {
        let payload = bytes(&step["framed_hex"]).split_off(2);
        for len in 0..payload.len() {
            assert!(ControlMessage::decode(&payload[..len]).is_err(), "{} cut to {len}", step["message"]);
        }
        assert!(ControlMessage::decode(&[&payload[..], &[0]].concat()).is_err());
        for at in 0..4 {
            let mut other = payload.clone();
            other[at] ^= 0x20;
            assert!(ControlMessage::decode(&other).is_err());
            assert_eq!(Opening::of(&other), None);
        }
    }
}

#[test]
fn the_first_payload_tells_a_ceremony_from_a_session() {
    let request = bytes(&vectors("pairing.json")["transcript"][0]["framed_hex"]).split_off(2);
    let hello = bytes(&vectors("hello.json")["vectors"][0]["payload_hex"]);
    assert_eq!(Opening::of(&request), Some(Opening::Pairing));
    assert_eq!(Opening::of(&hello), Some(Opening::Session));
    let others: [&[u8]; 5] = [b"", b"PKF", b"PKFc", b"PKFc\x11", b"PKFs\x01"];
    for other in others {
        assert_eq!(Opening::of(other), None);
    }
}

/// Abuse case 6.
#[test]
fn a_captured_ceremony_cannot_be_replayed() {
    let mut ceremony = Ceremony::recorded("4321");
    let challenge = ceremony.challenge();
    let proof = ceremony.client.handle_challenge(&challenge).unwrap();
    let Ceremony { request, mut host, host_pin, file, .. } = ceremony;
    assert!(matches!(host.handle_proof(&proof), Outcome::Paired { .. }));
    assert_eq!(host.handle_proof(&proof), Outcome::Refused, "on the same connection");
    assert_eq!(host.handle_request(&request, &host_pin, [9; 64]), Err(PairingError::OutOfOrder));

    let print = |key: &str| Fingerprint::from_bytes(array(&file[key]));
    let mut fresh = HostCeremony::new(print("host_fp_hex"), print("client_fp_hex"));
    assert_eq!(fresh.handle_proof(&proof), Outcome::Refused, "before a request");
    let mut fresh = HostCeremony::new(print("host_fp_hex"), print("client_fp_hex"));
    fresh.handle_request(&request, &host_pin, [9; 64]).unwrap();
    assert_eq!(fresh.handle_proof(&proof), Outcome::Refused, "on another connection, with the same PIN");
}

/// Abuse case 5: whoever sits in between shows each side another certificate.
#[test]
fn somebody_in_between_with_own_certificates_is_noticed_even_with_the_right_pin() {
    let [client_fp, host_fp, middle] = [1, 2, 3].map(|byte| Fingerprint::from_bytes([byte; 32]));
    let pin: PairingSecret = "4321".parse().unwrap();
    let (mut client, request) = ClientCeremony::start(None, &pin, (client_fp, middle), [5; 64]);
    let mut host = HostCeremony::new(host_fp, middle);
    let challenge = host.handle_request(&request, &pin, [6; 64]).unwrap();
    assert_eq!(client.handle_challenge(&challenge), Err(PairingError::WrongPin));
    assert_eq!(host.handle_proof(&PairProof { confirmation: challenge.confirmation }), Outcome::Refused);
}

#[test]
fn a_malformed_key_exchange_is_told_from_a_wrong_pin() {
    let mut ceremony = Ceremony::recorded("4321");
    let entropy = [7; 64];
    let off_curve = {
        let mut spake = [2; 33];
        spake[0] = b'A';
        spake
    };
    let host_side = array::<33>(&ceremony.file["spake_msg_host_hex"]);
    for spake in [host_side, [0; 33], off_curve] {
        let request = PairRequest { spake, ..ceremony.request.clone() };
        let mut host = HostCeremony::new(Fingerprint::from_bytes([1; 32]), Fingerprint::from_bytes([2; 32]));
        assert_eq!(host.handle_request(&request, &ceremony.host_pin, entropy), Err(PairingError::Malformed));
    }
    let challenge = ceremony.challenge();
    let spake = ceremony.request.spake;
    let refused = ceremony.client.handle_challenge(&PairChallenge { spake, ..challenge });
    assert_eq!(refused, Err(PairingError::Malformed), "the client's own half comes back");
}

#[test]
fn a_client_believes_a_verdict_only_after_its_proof() {
    let mut early = Ceremony::recorded("4321");
    assert_eq!(early.client.handle_result(true), Err(PairingError::OutOfOrder));

    let mut refused = Ceremony::recorded("4321");
    let challenge = refused.challenge();
    refused.client.handle_challenge(&challenge).unwrap();
    assert_eq!(refused.client.handle_result(false), Err(PairingError::Refused));
    assert_eq!(refused.client.handle_result(true), Err(PairingError::OutOfOrder));
}

#[test]
fn a_fingerprint_is_the_sha256_of_the_certificate() {
    let file = vectors("identity.json");
    let der = base64(text(&file["cert_pem"]).lines().filter(|line| !line.starts_with('-')));
    assert_eq!(Fingerprint::of_certificate(&der).to_string(), text(&file["fingerprint_hex"]));
}

/// The bytes of a PEM body.
fn base64<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for digit in lines.flat_map(str::bytes).filter(|digit| *digit != b'=') {
        bits = bits << 6 | DIGITS.iter().position(|known| *known == digit).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}
