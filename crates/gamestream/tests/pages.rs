//! The pages against `vectors/gamestream-nvhttp.json`, byte for byte, and what strangers get of them.

use std::{net::IpAddr, sync::Mutex, time::Instant};

use punktfunk_gamestream::{
    AudioLayout, HostKey, Launch, LaunchMode,
    pages::{self, Answer, Application, Caller, Codecs, Description, Desk, Host, Lane, Refusal},
    pairing::{Attempts, Certificate, Proven},
};
use punktfunk_proto::units::Fingerprint;
use serde_json::Value;

/// The host that the vectors were written by.
#[derive(Default)]
struct SpecCheck {
    running: Mutex<Option<u32>>,
    launched: Mutex<Vec<Launch>>,
}

impl Host for SpecCheck {
    fn describe(&self, _local: IpAddr) -> Description {
        Description {
            name: "spec-check".into(),
            unique_id: "00112233-4455-6677-8899-AABBCCDDEEFF".into(),
            port: 47_989,
            codecs: Codecs::H264.with(Codecs::HEVC).with(Codecs::HEVC_MAIN10).with(Codecs::AV1),
            mac: Some([0x00, 0x11, 0x22, 0x33, 0x44, 0x55]),
        }
    }

    fn is_paired(&self, device: Fingerprint) -> bool {
        device == paired()
    }

    fn applications(&self) -> Vec<Application> {
        let application = |id, title: &str| Application { id, title: title.into() };
        vec![application(1, "Desktop"), application(2, "Other & App")]
    }

    fn running(&self, _device: Fingerprint) -> Option<u32> {
        *self.running.lock().unwrap()
    }

    fn launch(&self, launch: Launch) -> Result<(), Refusal> {
        *self.running.lock().unwrap() = Some(launch.application);
        self.launched.lock().unwrap().push(launch);
        Ok(())
    }

    fn cancel(&self, _device: Fingerprint) {
        *self.running.lock().unwrap() = None;
    }

    fn pair(&self, _proven: &Proven) -> bool {
        true
    }
}

fn paired() -> Fingerprint {
    Fingerprint::of_certificate(b"paired")
}

fn stranger() -> Fingerprint {
    Fingerprint::of_certificate(b"stranger")
}

struct Bench {
    host: SpecCheck,
    key: HostKey,
    attempts: Mutex<Attempts>,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        let vectors: Value = serde_json::from_str(include_str!("vectors/gamestream-pairing.json")).unwrap();
        let certificate = Certificate::from_pem(vectors["host_cert_pem"].as_str().unwrap().as_bytes()).unwrap();
        let text = vectors["host_key_pem"].as_str().unwrap();
        let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
        let key = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body).unwrap();
        let key = HostKey::new(certificate.der().to_vec(), key.into()).unwrap();
        Self { host: SpecCheck::default(), key, attempts: Mutex::default(), now: Instant::now() }
    }

    fn ask(&mut self, lane: Lane, request: &str) -> Answer {
        let localhost = "127.0.0.1".parse().unwrap();
        let caller = Caller { peer: localhost, local: localhost, lane };
        let (path, query) = request.split_once('?').unwrap_or((request, ""));
        let Self { host, key, attempts, now } = &*self;
        pages::answer(&Desk { host, key, attempts, now: *now }, &caller, path, query)
    }

    fn document(&mut self, lane: Lane, request: &str) -> String {
        match self.ask(lane, request) {
            Answer::Document(text) => text,
            Answer::WhenTyped(_) => panic!("{request} waits for a PIN"),
        }
    }
}

fn status(document: &str) -> &str {
    document.split('"').nth(5).unwrap()
}

#[test]
fn a_stock_client_is_answered_byte_for_byte_as_the_vectors_say() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/gamestream-nvhttp.json")).unwrap();
    let mut bench = Bench::new();
    let text = |exchange: &Value, key: &str| exchange[key].as_str().unwrap().to_owned();
    for exchange in vectors["exchanges"].as_array().unwrap() {
        let (request, expected) = (text(exchange, "request"), text(exchange, "response_body"));
        let lane = match exchange["scheme"] == "https" {
            true => Lane::Secure(Some(paired())),
            false => Lane::Plain,
        };
        let answer = bench.document(lane, &request);
        if lane == Lane::Plain && expected.contains("_SERVER_BUSY") {
            // What runs is told to whoever runs it, and so not over HTTP.
            let free = expected.replace("BUSY", "FREE").replace("<currentgame>1", "<currentgame>0");
            assert_eq!(answer, free);
        } else {
            assert_eq!(answer, expected, "{request}");
        }
    }
    let launched = bench.host.launched.lock().unwrap();
    let [first, second] = &launched[..] else { panic!("{launched:?}") };
    assert_eq!((first.application, first.resume, first.key_id, first.key[15]), (1, false, 439_041_101, 15));
    assert_eq!(first.mode, Some(LaunchMode { width: 1280, height: 720, fps: 60 }));
    assert_eq!((second.resume, second.audio), (true, AudioLayout::Surround51));
}

#[test]
fn strangers_get_401_for_everything_over_https() {
    let mut bench = Bench::new();
    for lane in [Lane::Secure(None), Lane::Secure(Some(stranger()))] {
        for path in ["/serverinfo", "/pair", "/unpair", "/applist", "/appasset", "/launch", "/resume", "/cancel", "/x"]
        {
            let document = bench.document(lane, path);
            assert_eq!(status(&document), "401", "{path}: {document}");
        }
    }
    assert!(bench.host.launched.lock().unwrap().is_empty());
}

#[test]
fn over_http_there_is_nothing_but_serverinfo_and_pairing() {
    let mut bench = Bench::new();
    for path in ["/applist", "/appasset?appid=1", "/launch?appid=1", "/resume", "/cancel", "/", "/../x"] {
        assert_eq!(status(&bench.document(Lane::Plain, path)), "404", "{path}");
    }
    assert_eq!(status(&bench.document(Lane::Plain, "/unpair?uniqueid=1")), "200");
    assert!(bench.document(Lane::Plain, "/serverinfo").contains("<PairStatus>0</PairStatus>"));
}

const KEY: &str = "rikey=000102030405060708090A0B0C0D0E0F&rikeyid=-1";

#[test]
fn a_launch_that_lacks_something_is_refused_and_starts_nothing() {
    let mut bench = Bench::new();
    let whole = format!("appid=1&localAudioPlayMode=0&corever=1&{KEY}");
    for (without, code) in [("appid=1", "400"), ("localAudioPlayMode=0", "400"), ("corever=1", "403"), (KEY, "400")] {
        let request = format!("/launch?{}", whole.replace(without, "other=1"));
        let document = bench.document(Lane::Secure(Some(paired())), &request);
        assert_eq!(status(&document), code, "{request}");
        assert!(document.contains("<gamesession>0</gamesession>"), "{document}");
    }
    let short = format!("/launch?{}", whole.replace("0E0F", "0E"));
    assert_eq!(status(&bench.document(Lane::Secure(Some(paired())), &short)), "400");
    let unknown = format!("/launch?{}", whole.replace("appid=1", "appid=77"));
    assert_eq!(status(&bench.document(Lane::Secure(Some(paired())), &unknown)), "404");
    assert!(bench.host.launched.lock().unwrap().is_empty());
    assert_eq!(status(&bench.document(Lane::Secure(Some(paired())), &format!("/launch?{whole}"))), "200");
}

#[test]
fn a_resume_needs_only_keys_and_something_that_runs() {
    let mut bench = Bench::new();
    let request = format!("/resume?{KEY}&corever=1");
    let document = bench.document(Lane::Secure(Some(paired())), &request);
    assert!(status(&document) == "503" && document.contains("<resume>0</resume>"), "{document}");
    *bench.host.running.lock().unwrap() = Some(2);
    let document = bench.document(Lane::Secure(Some(paired())), &request);
    assert!(document.contains("<resume>1</resume>"), "{document}");
    let launched = bench.host.launched.lock().unwrap();
    assert_eq!((launched[0].application, launched[0].key_id, launched[0].mode), (2, u32::MAX, None));
    assert!(!format!("{launched:?}").contains("4294967295"), "the audio key is not for logs");
}

#[test]
fn an_address_of_ipv6_is_bracketed_and_not_told_as_the_local_ip() {
    let bench = Bench::new();
    let caller = Caller {
        peer: "fd00::2".parse().unwrap(),
        local: "fd00::1".parse().unwrap(),
        lane: Lane::Secure(Some(paired())),
    };
    let ask = |path: &str, query: &str| {
        let Bench { host, key, attempts, now } = &bench;
        pages::answer(&Desk { host, key, attempts, now: *now }, &caller, path, query)
    };
    let Answer::Document(info) = ask("/serverinfo", "") else { panic!() };
    assert!(info.contains("<LocalIP>127.0.0.1</LocalIP>"), "{info}");
    let query = format!("appid=1&localAudioPlayMode=0&corever=1&{KEY}");
    let Answer::Document(launch) = ask("/launch", &query) else { panic!() };
    assert!(launch.contains("<sessionUrl0>rtspenc://[fd00::1]:48010</sessionUrl0>"), "{launch}");
}

#[test]
fn a_first_phase_waits_for_a_pin_and_the_fifth_device_is_told_that_others_pair() {
    let bench = Bench::new();
    let vectors: Value = serde_json::from_str(include_str!("vectors/gamestream-pairing.json")).unwrap();
    let pem: String = vectors["client_cert_pem"].as_str().unwrap().bytes().map(|b| format!("{b:02X}")).collect();
    let request = format!("uniqueid=1&phrase=getservercert&salt={}&clientcert={pem}", "00".repeat(16));
    let from = |last: u8, query: &str| {
        let peer = IpAddr::from([192, 168, 1, last]);
        let caller = Caller { peer, local: peer, lane: Lane::Plain };
        let Bench { host, key, attempts, now } = &bench;
        pages::answer(&Desk { host, key, attempts, now: *now }, &caller, "/pair", query)
    };
    for last in 0..4 {
        assert!(matches!(from(last, &request), Answer::WhenTyped(_)));
    }
    let Answer::Document(busy) = from(4, &request) else { panic!() };
    assert!(busy.contains("<paired>1</paired>") && !busy.contains("plaincert"), "{busy}");
    let Answer::Document(hasty) = from(0, &request) else { panic!() };
    assert_eq!(status(&hasty), "503");
    for wrong in [
        "",
        "uniqueid=1",
        "uniqueid=1&phrase=pairchallenge",
        "uniqueid=1&phrase=getservercert&salt=00&clientcert=00",
        "uniqueid=1&clientchallenge=0011",
        "uniqueid=1&clientchallenge=00112233445566778899aabbccddeeff",
        "uniqueid=1&serverchallengeresp=zz",
        "uniqueid=1&clientpairingsecret=00",
    ] {
        let Answer::Document(document) = from(9, wrong) else { panic!("{wrong}") };
        assert!(status(&document) == "400" && document.contains("<paired>0</paired>"), "{wrong}: {document}");
    }
}
