//! Pairing against `vectors/gamestream-pairing.json`, byte for byte, and what becomes of clients that do it wrongly.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

use punktfunk_gamestream::{
    HostKey,
    pairing::{Attempts, Certificate, Client, Outcome, Refused, Secrets, Step, TypeRefusal},
};
use serde_json::Value;

struct Vectors(Value);

impl Vectors {
    fn read() -> Self {
        Self(serde_json::from_str(include_str!("vectors/gamestream-pairing.json")).unwrap())
    }

    fn text(&self, path: &str) -> &str {
        self.0.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no {path}"))
    }

    fn bytes<const N: usize>(&self, path: &str) -> [u8; N] {
        let digits = self.text(path);
        let pairs = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
        pairs.collect::<Vec<_>>().try_into().unwrap()
    }

    fn host(&self) -> HostKey {
        let certificate = Certificate::from_pem(self.text("/host_cert_pem").as_bytes()).unwrap();
        let body: String = self.text("/host_key_pem").lines().filter(|line| !line.starts_with('-')).collect();
        let key = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body).unwrap();
        HostKey::new(certificate.der().to_vec(), key.into()).unwrap()
    }

    fn client(&self) -> Certificate {
        Certificate::from_pem(self.text("/client_cert_pem").as_bytes()).unwrap()
    }

    fn secrets(&self) -> Secrets {
        Secrets { secret: self.bytes("/phase2/server_secret"), challenge: self.bytes("/phase2/server_challenge") }
    }
}

fn from(last: u8) -> Client {
    Client { unique_id: "0123456789ABCDEF".into(), peer: IpAddr::V4(Ipv4Addr::new(192, 168, 1, last)) }
}

/// A desk with a client that waits.
struct Bench {
    vectors: Vectors,
    host: HostKey,
    attempts: Attempts,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let vectors = Vectors::read();
        Self { host: vectors.host(), vectors, attempts: Attempts::default(), now: Instant::now() }
    }

    fn begin(&mut self, client: &Client) -> Result<punktfunk_gamestream::pairing::AttemptId, Refused> {
        let (salt, certificate) = (self.vectors.bytes("/phase1/salt"), self.vectors.client());
        self.attempts.begin(self.now, client.clone(), salt, certificate)
    }

    fn type_pin(&mut self, pin: &str) -> Result<punktfunk_gamestream::pairing::AttemptId, TypeRefusal> {
        self.attempts.type_pin(self.now, None, &pin.parse().unwrap())
    }

    fn challenge(&mut self, client: &Client) -> Result<[u8; 48], Refused> {
        let challenge = self.vectors.bytes("/phase2/clientchallenge_param");
        self.attempts.challenge(self.now, client, challenge, (&self.host, self.vectors.secrets()))
    }

    fn respond(&mut self, client: &Client) -> Result<[u8; 272], Refused> {
        let response = self.vectors.bytes("/phase3/serverchallengeresp_param");
        self.attempts.respond(self.now, client, response, &self.host)
    }

    fn prove(&mut self, client: &Client) -> Result<Certificate, Refused> {
        let secret = self.vectors.bytes("/phase4/clientpairingsecret_param");
        self.attempts.prove(self.now, client, &secret).map(|proven| proven.certificate)
    }

    fn wait(&mut self, time: Duration) {
        self.now += time;
    }
}

#[test]
fn a_stock_client_is_answered_byte_for_byte_as_the_vectors_say() {
    let (mut bench, client) = (Bench::new(), from(7));
    let id = bench.begin(&client).unwrap();
    assert_eq!(bench.attempts.step(bench.now, id), Step::Waiting);
    let pin = bench.vectors.text("/pin").to_owned();
    assert_eq!(bench.type_pin(&pin), Ok(id));
    assert_eq!(bench.attempts.step(bench.now, id), Step::Typed);
    assert_eq!(bench.challenge(&client).unwrap(), bench.vectors.bytes("/phase2/challengeresponse"));
    assert_eq!(bench.respond(&client).unwrap(), bench.vectors.bytes("/phase3/pairingsecret"));
    assert_eq!(bench.prove(&client).unwrap(), bench.vectors.client());
    assert_eq!(bench.attempts.outcome(bench.now, id), None, "it is not stored yet");
    let paired = Outcome::Paired(bench.vectors.client().fingerprint());
    bench.attempts.conclude(id, paired);
    assert_eq!(bench.attempts.outcome(bench.now, id), Some(paired));
}

#[test]
fn the_certificates_of_the_vectors_are_told_as_they_are() {
    let vectors = Vectors::read();
    let host = vectors.host();
    assert_eq!(host.certificate().to_pem(), vectors.text("/host_cert_pem"));
    assert_eq!(host.certificate().signature(), vectors.bytes::<256>("/host_cert_signature"));
    assert_eq!(vectors.client().signature(), vectors.bytes::<256>("/client_cert_signature"));
}

#[test]
fn a_wrong_pin_is_found_out_by_the_host_and_ends_the_attempt() {
    let (mut bench, client) = (Bench::new(), from(7));
    let id = bench.begin(&client).unwrap();
    let wrong = bench.vectors.text("/wrong_pin/host_pin").to_owned();
    bench.type_pin(&wrong).unwrap();
    bench.challenge(&client).unwrap();
    bench.respond(&client).unwrap();
    assert_eq!(bench.prove(&client), Err(Refused::WrongPin));
    assert_eq!(bench.attempts.outcome(bench.now, id), Some(Outcome::WrongPin));
    assert_eq!(bench.prove(&client), Err(Refused::OutOfOrder), "one wrong PIN ends the attempt");
}

#[test]
fn a_wrong_pin_makes_the_device_and_the_owner_wait() {
    let (mut bench, client) = (Bench::new(), from(7));
    for pause in [2, 4, 8] {
        bench.begin(&client).unwrap();
        bench.type_pin("9999").unwrap();
        bench.challenge(&client).unwrap();
        bench.respond(&client).unwrap();
        assert_eq!(bench.prove(&client), Err(Refused::WrongPin));
        assert_eq!(bench.type_pin("1234"), Err(TypeRefusal::TooFast));
        bench.wait(Duration::from_secs(pause) - Duration::from_millis(1));
        assert_eq!(bench.type_pin("1234"), Err(TypeRefusal::TooFast));
        bench.wait(Duration::from_secs(60));
    }
}

#[test]
fn phases_out_of_order_are_refused_and_end_the_attempt() {
    let (mut bench, client) = (Bench::new(), from(7));
    assert_eq!(bench.challenge(&client), Err(Refused::OutOfOrder), "nobody began");
    let id = bench.begin(&client).unwrap();
    assert_eq!(bench.challenge(&client), Err(Refused::OutOfOrder), "no PIN was typed");
    assert_eq!(bench.attempts.step(bench.now, id), Step::Gone);
    bench.wait(Duration::from_secs(10));
    bench.begin(&client).unwrap();
    bench.type_pin("1234").unwrap();
    assert_eq!(bench.prove(&client), Err(Refused::OutOfOrder));
    assert_eq!(bench.challenge(&client), Err(Refused::OutOfOrder));
}

#[test]
fn nonsense_from_a_stranger_does_not_keep_the_owner_from_typing() {
    let mut bench = Bench::new();
    let (owners, stranger) = (from(7), from(66));
    bench.begin(&owners).unwrap();
    bench.begin(&stranger).unwrap();
    assert_eq!(bench.challenge(&stranger), Err(Refused::OutOfOrder));
    assert_eq!(bench.prove(&stranger), Err(Refused::OutOfOrder));
    assert!(bench.type_pin("1234").is_ok());
}

#[test]
fn attempts_of_two_devices_with_the_same_unique_id_are_apart() {
    let mut bench = Bench::new();
    let (first, second) = (from(7), from(8));
    bench.begin(&first).unwrap();
    bench.begin(&second).unwrap();
    assert_eq!(bench.type_pin("1234"), Err(TypeRefusal::SeveralWait));
    let pin = "1234".parse().unwrap();
    bench.attempts.type_pin(bench.now, Some(first.peer), &pin).unwrap();
    assert_eq!(bench.challenge(&second), Err(Refused::OutOfOrder), "its PIN was not typed");
    assert!(bench.challenge(&first).is_ok());
}

#[test]
fn a_device_that_tries_again_takes_the_place_of_its_own_attempt_only() {
    let (mut bench, client) = (Bench::new(), from(7));
    let first = bench.begin(&client).unwrap();
    let other = bench.begin(&from(8)).unwrap();
    assert_eq!(bench.begin(&client), Err(Refused::TooFast));
    bench.wait(Duration::from_secs(5));
    bench.begin(&client).unwrap();
    assert_eq!(bench.attempts.step(bench.now, first), Step::Gone);
    assert_eq!(bench.attempts.step(bench.now, other), Step::Waiting);
    assert_eq!(bench.attempts.waiting(bench.now).len(), 2);
}

#[test]
fn a_crowd_that_waits_is_bounded_and_is_gone_after_five_minutes() {
    let mut bench = Bench::new();
    let admitted = (0..200).filter(|last| bench.begin(&from(*last)).is_ok()).count();
    assert_eq!(admitted, Attempts::MOST);
    bench.wait(Attempts::PIN_WITHIN);
    assert_eq!(bench.attempts.waiting(bench.now), []);
    assert_eq!(bench.type_pin("1234"), Err(TypeRefusal::NobodyWaits));
    assert!(bench.begin(&from(7)).is_ok());
}

#[test]
fn nobody_pairs_from_the_internet() {
    let mut bench = Bench::new();
    for outside in ["203.0.113.9", "2001:db8::9", "100.64.0.1"] {
        let client = Client { peer: outside.parse().unwrap(), ..from(7) };
        assert_eq!(bench.begin(&client), Err(Refused::Outside), "{outside}");
    }
    let inside = Client { peer: "fe80::9".parse().unwrap(), ..from(7) };
    assert!(bench.begin(&inside).is_ok());
}

#[test]
fn a_device_that_goes_silent_after_the_pin_is_told_of_as_such() {
    let (mut bench, client) = (Bench::new(), from(7));
    let id = bench.begin(&client).unwrap();
    bench.type_pin("1234").unwrap();
    bench.challenge(&client).unwrap();
    bench.wait(Attempts::PROOF_WITHIN);
    assert_eq!(bench.attempts.outcome(bench.now, id), Some(Outcome::Lapsed));
    assert_eq!(bench.respond(&client), Err(Refused::OutOfOrder));
}

#[test]
fn a_client_that_notices_the_wrong_pin_by_itself_used_its_guess_up() {
    let (mut bench, client) = (Bench::new(), from(7));
    let id = bench.begin(&client).unwrap();
    bench.type_pin("9999").unwrap();
    bench.challenge(&client).unwrap();
    bench.respond(&client).unwrap();
    bench.attempts.abandon(bench.now, &client);
    assert_eq!(bench.attempts.outcome(bench.now, id), Some(Outcome::GaveUp));
    assert_eq!(bench.type_pin("1234"), Err(TypeRefusal::TooFast));
}

#[test]
fn a_copied_certificate_without_its_key_is_not_paired() {
    let (mut bench, client) = (Bench::new(), from(7));
    bench.begin(&client).unwrap();
    let pin = bench.vectors.text("/pin").to_owned();
    bench.type_pin(&pin).unwrap();
    bench.challenge(&client).unwrap();
    bench.respond(&client).unwrap();
    let mut secret: [u8; 272] = bench.vectors.bytes("/phase4/clientpairingsecret_param");
    secret[271] ^= 1;
    assert!(matches!(bench.attempts.prove(bench.now, &client, &secret), Err(Refused::WrongPin)));
}
