//! A Moonlight of our own, written from the specification, against a real host: finds, pairs, lists, launches, resumes,
//! quits; and what becomes of those who do it wrongly.
#![allow(unreachable_pub, reason = "a module of a test")]

use std::{net::SocketAddr, path::Path, process::Command, sync::Arc, time::Duration};

use aws_lc_rs::{
    cipher::{AES_128, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey},
    rand::SystemRandom,
    signature::{RSA_PKCS1_SHA256, RsaKeyPair},
};
use punktfunk_gamestream::pairing::Certificate;
use punktfunk_transport::discovery::{Browser, Discovery, GAMESTREAM_TYPE, Reach};
use rand::Rng as _;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream, rustls};

use crate::fixture::{BASE, Host, PATIENCE, PROGRAM, SYNTHETIC, configure, serve};

/// A host that speaks with Moonlight, and the port of its first page.
pub struct Bench {
    dir: tempfile::TempDir,
    pub host: Host,
    pub port: u16,
}

impl Bench {
    pub fn start(extra: &str) -> Self {
        Self::start_with(BASE, extra)
    }

    fn start_with(base: &str, extra: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (host, port) = Self::run(dir.path(), base, extra);
        Self { dir, host, port }
    }

    /// The ports follow from one, so any that is free will not do: others are tried.
    fn run(dir: &Path, base: &str, extra: &str) -> (Host, u16) {
        for _ in 0..50 {
            let port = rand::rng().random_range(20_000..60_000_u16);
            let display = if extra.contains("[display]") { "" } else { SYNTHETIC };
            let text = format!("{base}\n{display}[gamestream]\nenable = true\nport = {port}\n{extra}");
            configure(dir, &text);
            match Host::try_run(dir, serve(Command::new(PROGRAM), dir)) {
                Ok(host) => return (host, port),
                Err(failure) if failure.said.contains("(GameStream) is in use") => {}
                Err(failure) => panic!("{failure:?}"),
            }
        }
        panic!("no ports are free")
    }

    fn http(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    async fn http_page(&self, request: &str) -> String {
        let stream = TcpStream::connect(self.http()).await.unwrap();
        page(stream, request).await
    }

    /// Waits until one Moonlight waits for its PIN.
    async fn one_waits(&self) {
        self.host.wait_for_count(&["pair", "moonlight"], "waiting", 1).await;
    }

    /// What `ctl pair moonlight` says to a PIN, and whether it was the right one.
    async fn type_pin(&self, pin: &str) -> (bool, String) {
        let (dir, pin) = (self.dir.path().join("run"), pin.to_owned());
        let run = move || {
            let mut ctl = Command::new(PROGRAM);
            ctl.args(["ctl", "--runtime-dir"]).arg(dir).args(["pair", "moonlight", &pin]);
            ctl.env("LC_ALL", "C").output().unwrap()
        };
        let output = tokio::task::spawn_blocking(run).await.unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8(said).unwrap())
    }
}

/// Asks for a page and reads the whole answer.
async fn page(mut stream: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    let head = format!("GET {request} HTTP/1.1\r\nHost: den\r\nAccept: */*\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A host that closes without a word of farewell is not held to it.
    let _ = timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("the page is answered");
    let (head, document) = answer.split_once("\r\n\r\n").unwrap_or_default();
    assert!(head.starts_with("HTTP/1.1 200 OK"), "{answer}");
    assert!(head.contains(&format!("Content-Length: {}", document.len())), "{answer}");
    document.to_owned()
}

pub fn element<'a>(document: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = document.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

fn status(document: &str) -> &str {
    document.split('"').nth(5).unwrap_or_default()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

fn unhex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(Sha256::new(), |digest, part| digest.chain_update(part)).finalize().into()
}

/// A Moonlight with a certificate of its own.
pub struct Moonlight {
    pub certificate: Certificate,
    key: Vec<u8>,
}

/// What a Moonlight learned by pairing.
#[derive(Debug, PartialEq, Eq)]
enum Paired {
    Yes,
    WrongPin,
    Refused,
}

impl Moonlight {
    pub fn new() -> Self {
        let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
        let mut params = CertificateParams::default();
        params.distinguished_name.push(rcgen::DnType::CommonName, "NVIDIA GameStream Client");
        let certificate = Certificate::from_der(params.self_signed(&key).unwrap().der().to_vec()).unwrap();
        Self { certificate, key: key.serialize_der() }
    }

    /// Over HTTPS.
    pub async fn page(&self, bench: &Bench, request: &str) -> String {
        self.page_with(bench, request, &[&rustls::version::TLS13]).await
    }

    async fn page_with(
        &self,
        bench: &Bench,
        request: &str,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> String {
        let stream = secured(bench.port - 5, &self.certificate, self.key.clone(), versions).await;
        page(stream.unwrap(), request).await
    }

    /// The same with the certificate that some forks have: version 1, serial number 0, no extensions.
    fn of_version_1(self) -> Self {
        let (_, whole, _) = der_element(self.certificate.der());
        let (_, mut tbs, rest) = der_element(whole);
        let mut fields = Vec::new();
        while !tbs.is_empty() {
            let (tag, _, after) = der_element(tbs);
            match tag {
                // Version and extensions.
                0xa0 | 0xa3 => {}
                0x02 => fields.extend([0x02, 1, 0]),
                _ => fields.extend(&tbs[..tbs.len() - after.len()]),
            }
            tbs = after;
        }
        let tbs = der(0x30, &fields);
        let (_, _, after_algorithm) = der_element(rest);
        let algorithm = &rest[..rest.len() - after_algorithm.len()];
        let signature = der(0x03, &[&[0], &self.sign(&tbs)[..]].concat());
        let whole = der(0x30, &[&tbs, algorithm, &signature].concat());
        Self { certificate: Certificate::from_der(whole).unwrap(), ..self }
    }

    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let pair = RsaKeyPair::from_pkcs8(&self.key).unwrap();
        let mut signature = vec![0; pair.public_modulus_len()];
        pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
        signature
    }

    fn first_phase(&self, salt: &[u8]) -> String {
        let pem = hex(self.certificate.to_pem().as_bytes());
        format!("/pair?{COMMON}&phrase=getservercert&salt={}&clientcert={pem}", hex(salt))
    }

    /// The four phases over HTTP and the fifth over HTTPS, with `pin` on its screen.
    async fn pair(&self, bench: &Bench, pin: &str) -> Paired {
        let salt: [u8; 16] = rand::rng().random();
        let key = Key(sha256(&[&salt, pin.as_bytes()])[..16].try_into().unwrap());
        let first = bench.http_page(&self.first_phase(&salt)).await;
        let Some(host) = element(&first, "plaincert") else { return Paired::Refused };
        let host = Certificate::from_pem(&unhex(host)).unwrap();
        let challenge: [u8; 16] = rand::rng().random();
        let asked = format!("/pair?{COMMON}&clientchallenge={}", hex(&key.encrypt(&challenge)));
        let second = bench.http_page(&asked).await;
        let response = key.decrypt(&unhex(element(&second, "challengeresponse").unwrap()));
        let (host_hash, host_challenge) = (&response[..32], &response[32..]);
        let secret: [u8; 16] = rand::rng().random();
        let commitment = sha256(&[host_challenge, self.certificate.signature(), &secret]);
        let asked = format!("/pair?{COMMON}&serverchallengeresp={}", hex(&key.encrypt(&commitment)));
        let third = bench.http_page(&asked).await;
        let told = unhex(element(&third, "pairingsecret").unwrap());
        let hash_fits = sha256(&[&challenge, host.signature(), &told[..16]]) == host_hash;
        let proof = format!("/pair?{COMMON}&clientpairingsecret={}{}", hex(&secret), hex(&self.sign(&secret)));
        let fourth = bench.http_page(&proof).await;
        assert_eq!(status(&fourth), "200");
        if element(&fourth, "paired") == Some("0") {
            assert!(!hash_fits, "a client with the right PIN was turned away");
            return Paired::WrongPin;
        }
        assert!(hash_fits, "the host was paired without knowing the PIN");
        let fifth = self.page(bench, &format!("/pair?{COMMON}&phrase=pairchallenge")).await;
        assert_eq!(element(&fifth, "paired"), Some("1"), "{fifth}");
        Paired::Yes
    }

    /// Pairs with the right PIN.
    pub async fn pair_now(&self, bench: &Bench) {
        let typing = async {
            bench.one_waits().await;
            bench.type_pin("4711").await
        };
        let (paired, (right, said)) = tokio::join!(self.pair(bench, "4711"), typing);
        assert_eq!((paired, right), (Paired::Yes, true), "{said}\n{}", bench.host.log());
    }
}

/// Tag and content of the first element, and what follows it.
fn der_element(bytes: &[u8]) -> (u8, &[u8], &[u8]) {
    let (length, at) = match bytes[1] {
        0x81 => (usize::from(bytes[2]), 3),
        0x82 => (usize::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
        short => (usize::from(short), 2),
    };
    (bytes[0], &bytes[at..at + length], &bytes[at + length..])
}

fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let [high, low] = u16::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x82, high, low], content].concat()
}

struct Key([u8; 16]);

impl Key {
    fn encrypt(&self, blocks: &[u8]) -> Vec<u8> {
        let mut blocks = blocks.to_vec();
        let key = EncryptingKey::ecb(UnboundCipherKey::new(&AES_128, &self.0).unwrap()).unwrap();
        key.encrypt(&mut blocks).unwrap();
        blocks
    }

    fn decrypt(&self, blocks: &[u8]) -> Vec<u8> {
        let mut blocks = blocks.to_vec();
        let key = DecryptingKey::ecb(UnboundCipherKey::new(&AES_128, &self.0).unwrap()).unwrap();
        key.decrypt(&mut blocks, DecryptionContext::None).unwrap();
        blocks
    }
}

mod tls {
    use tokio_rustls::rustls::{
        DigitallySignedStruct, Error, SignatureScheme,
        client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
        pki_types::{CertificateDer, ServerName, UnixTime},
    };

    /// Takes any host: what is tested is the host's side.
    #[derive(Debug)]
    pub(super) struct Anything;

    impl ServerCertVerifier for Anything {
        fn verify_server_cert(
            &self,
            _: &CertificateDer<'_>,
            chain: &[CertificateDer<'_>],
            _: &ServerName<'_>,
            _: &[u8],
            _: UnixTime,
        ) -> Result<ServerCertVerified, Error> {
            assert!(chain.is_empty(), "the host shows exactly one certificate");
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn verify_tls13_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Ok(HandshakeSignatureValid::assertion())
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            vec![SignatureScheme::RSA_PSS_SHA256, SignatureScheme::RSA_PSS_SHA384, SignatureScheme::RSA_PSS_SHA512]
        }
    }
}

pub const COMMON: &str = "uniqueid=0123456789ABCDEF&uuid=1&devicename=roth&updateState=1";
const LAUNCH: &str = "appid=1&mode=1280x720x60&additionalStates=1&sops=0&rikey=000102030405060708090a0b0c0d0e0f&\
                      rikeyid=439041101&localAudioPlayMode=0&surroundAudioInfo=196610&corever=1";

#[tokio::test(flavor = "multi_thread")]
async fn a_moonlight_pairs_lists_launches_and_quits() {
    let bench = Bench::start("");
    let moonlight = Moonlight::new();
    assert_eq!(status(&moonlight.page(&bench, "/serverinfo").await), "401");
    moonlight.pair_now(&bench).await;
    let info = moonlight.page(&bench, "/serverinfo").await;
    assert_eq!((element(&info, "PairStatus"), element(&info, "state")), (Some("1"), Some("SUNSHINE_SERVER_FREE")));
    assert_eq!(element(&info, "HttpsPort"), Some((bench.port - 5).to_string().as_str()));
    let apps = moonlight.page(&bench, "/applist").await;
    assert_eq!((element(&apps, "AppTitle"), element(&apps, "ID")), (Some("Desktop"), Some("1")));
    let launch = moonlight.page(&bench, &format!("/launch?{COMMON}&{LAUNCH}")).await;
    let url = format!("rtspenc://127.0.0.1:{}", bench.port + 21);
    assert_eq!((element(&launch, "sessionUrl0"), element(&launch, "gamesession")), (Some(&*url), Some("1")));
    let cancel = moonlight.page(&bench, &format!("/cancel?{COMMON}")).await;
    assert_eq!(element(&cancel, "cancel"), Some("1"));
    let resume = moonlight.page(&bench, &format!("/resume?{COMMON}&{LAUNCH}")).await;
    assert_eq!((status(&resume), element(&resume, "resume")), ("503", Some("0")), "nothing runs");
    let devices = bench.host.ctl_json(&["devices"]);
    assert_eq!(devices["devices"][0]["name"], "Moonlight on 127.0.0.1");
    assert_eq!(devices["devices"][0]["fingerprint"], moonlight.certificate.fingerprint().to_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_1_2_is_as_good_and_a_certificate_without_its_key_is_not() {
    let bench = Bench::start("");
    let moonlight = Moonlight::new();
    moonlight.pair_now(&bench).await;
    let info = moonlight.page_with(&bench, "/serverinfo", &[&rustls::version::TLS12]).await;
    assert_eq!(element(&info, "PairStatus"), Some("1"));
    // The certificate of another, shown by who has another key: the handshake fails.
    let other = Moonlight::new().key;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let own = tls_answer(bench.port - 5, &moonlight.certificate, moonlight.key.clone(), &[version]).await;
        assert!(own.contains("<PairStatus>1<"), "{own}");
        assert_eq!(tls_answer(bench.port - 5, &moonlight.certificate, other.clone(), &[version]).await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_version_1_pairs_and_is_let_in() {
    let bench = Bench::start("");
    let moonlight = Moonlight::new().of_version_1();
    moonlight.pair_now(&bench).await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let own = tls_answer(bench.port - 5, &moonlight.certificate, moonlight.key.clone(), &[version]).await;
        assert!(own.contains("<PairStatus>1<"), "{own}");
    }
}

/// A connection over TLS of a client that shows `certificate` and signs with `key`, whether they belong together or not.
async fn secured(
    port: u16,
    certificate: &Certificate,
    key: Vec<u8>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> std::io::Result<TlsStream<TcpStream>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let key = provider.key_provider.load_private_key(key).unwrap();
    let chain = vec![CertificateDer::from(certificate.der().to_vec())];
    let pair = rustls::sign::CertifiedKey::new(chain, key);
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(tls::Anything))
        .with_client_cert_resolver(Arc::new(rustls::sign::SingleCertAndKey::from(pair)));
    let stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    let name = ServerName::try_from("den").unwrap();
    timeout(PATIENCE, TlsConnector::from(Arc::new(config)).connect(name, stream)).await.expect("the host answers")
}

/// What the host answers on a connection whose client key is `key`, whatever the certificate says.
async fn tls_answer(
    port: u16,
    certificate: &Certificate,
    key: Vec<u8>,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> String {
    let mut answer = String::new();
    if let Ok(mut stream) = secured(port, certificate, key, versions).await {
        let _ = stream.write_all(b"GET /serverinfo HTTP/1.1\r\n\r\n").await;
        let _ = timeout(PATIENCE, stream.read_to_string(&mut answer)).await.expect("the host closes");
    }
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wrong_pin_ends_the_attempt_and_says_so_on_both_sides() {
    let bench = Bench::start("");
    let moonlight = Moonlight::new();
    let typing = async {
        bench.one_waits().await;
        bench.type_pin("1234").await
    };
    let (paired, (right, said)) = tokio::join!(moonlight.pair(&bench, "4321"), typing);
    assert_eq!((paired, right), (Paired::WrongPin, false));
    assert!(said.contains("shows another PIN"), "{said}");
    let (_, said) = bench.type_pin("4321").await;
    assert!(said.contains("a moment ago"), "the owner is made to wait: {said}");
    assert_eq!(status(&moonlight.page(&bench, "/applist").await), "401");
    assert_eq!(bench.host.ctl_json(&["devices"])["devices"].as_array().unwrap().len(), 0);
    let audit = bench.host.ctl_json(&["audit"])["rows"].to_string();
    assert!(audit.contains("pin-guessed") && !audit.contains("1234"), "{audit}");
}

#[tokio::test(flavor = "multi_thread")]
async fn steps_out_of_order_are_refused_and_a_device_that_leaves_waits_no_longer() {
    let bench = Bench::start("");
    let moonlight = Moonlight::new();
    for wrong in ["clientchallenge=00112233445566778899aabbccddeeff", "serverchallengeresp=00", "phrase=pairchallenge"]
    {
        let document = bench.http_page(&format!("/pair?{COMMON}&{wrong}")).await;
        assert_eq!((status(&document), element(&document, "paired")), ("400", Some("0")), "{document}");
    }
    let (right, said) = bench.type_pin("1234").await;
    assert!(!right && said.contains("no Moonlight waits"), "{said}");
    let mut waiting = TcpStream::connect(bench.http()).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\n\r\n", moonlight.first_phase(&[0; 16]));
    waiting.write_all(request.as_bytes()).await.unwrap();
    bench.one_waits().await;
    drop(waiting);
    bench.host.wait_for_count(&["pair", "moonlight"], "waiting", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_removed_gets_401_at_once_and_what_it_launched_is_gone() {
    let bench = Bench::start("");
    let moonlight = Moonlight::new();
    moonlight.pair_now(&bench).await;
    moonlight.page(&bench, &format!("/launch?{COMMON}&{LAUNCH}")).await;
    let fingerprint = moonlight.certificate.fingerprint().to_string();
    assert!(bench.host.ctl(&["revoke", &fingerprint[..12]]).status.success());
    for path in ["/serverinfo", "/applist", "/launch", "/resume", "/cancel"] {
        let document = moonlight.page(&bench, &format!("{path}?{COMMON}&{LAUNCH}")).await;
        assert_eq!(status(&document), "401", "{path}: {document}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_host_lets_no_stranger_of_moonlight_in() {
    let bench = Bench::start("[pairing]\npolicy = \"open\"\n");
    let stranger = Moonlight::new();
    for path in ["/serverinfo", "/applist", "/launch"] {
        assert_eq!(status(&stranger.page(&bench, &format!("{path}?{COMMON}&{LAUNCH}")).await), "401");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_host_keeps_its_certificate_and_its_moonlights_over_a_restart() {
    let bench = Bench::start("");
    let moonlight = Moonlight::new();
    moonlight.pair_now(&bench).await;
    let info = moonlight.page(&bench, "/serverinfo").await;
    let pem = |bench: &Bench| std::fs::read(bench.dir.path().join("state/gamestream/certificate.pem")).unwrap();
    let before = pem(&bench);
    let Bench { dir, mut host, .. } = bench;
    host.stop();
    let (host, port) = Bench::run(dir.path(), BASE, "");
    let bench = Bench { dir, host, port };
    let again = moonlight.page(&bench, "/serverinfo").await;
    assert_eq!(element(&again, "PairStatus"), Some("1"));
    assert_eq!((element(&again, "uniqueid"), pem(&bench)), (element(&info, "uniqueid"), before));
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_and_nonsense_do_not_keep_a_moonlight_out() {
    let bench = Bench::start("");
    let moonlight = Moonlight::new();
    moonlight.pair_now(&bench).await;
    let mut idle = Vec::new();
    for _ in 0..100 {
        idle.push(TcpStream::connect(bench.http()).await.unwrap());
        idle.push(TcpStream::connect((bench.http().ip(), bench.port - 5)).await.unwrap());
    }
    assert_eq!(element(&moonlight.page(&bench, "/serverinfo").await, "PairStatus"), Some("1"));
    let mut endless = TcpStream::connect(bench.http()).await.unwrap();
    let long = vec![b'x'; 64 << 10];
    let _ = endless.write_all(&[b"GET /", &long[..]].concat()).await;
    let mut answer = Vec::new();
    let _ = timeout(Duration::from_secs(20), endless.read_to_end(&mut answer)).await.expect("it is cut off");
    assert!(answer.is_empty());
    let document = bench.http_page("/../../etc/passwd").await;
    assert_eq!(status(&document), "404");
}

#[test]
fn while_it_is_off_nothing_of_it_listens_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let host = Host::start_in(dir.path(), SYNTHETIC);
    assert!(!dir.path().join("state/gamestream").exists());
    assert!(!host.log().contains("GameStream"));
    let said = host.ctl(&["pair", "moonlight", "1234"]);
    assert!(String::from_utf8_lossy(&said.stderr).contains("gamestream.enable"), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn moonlight_finds_the_host_by_mdns() {
    let base = BASE.replace("enable = false", "enable = true\ninterfaces = [\"lo\"]");
    let bench = Bench::start_with(&base, "[host]\nname = \"Tom's den\"\n");
    let mut browser = Browser::start_for(GAMESTREAM_TYPE, Reach::Loopback).unwrap();
    let found = async {
        loop {
            match browser.next().await.expect("mDNS runs") {
                Discovery::Found(found) if found.port == bench.port => return found,
                _ => {}
            }
        }
    };
    let found = timeout(PATIENCE, found).await.expect("the host is announced");
    assert_eq!(found.name, "Tom-s-den");
    assert_eq!(found.addresses, [bench.http().ip()]);
}
