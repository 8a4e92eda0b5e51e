//! The control sessions of both sides against each other, on a virtual clock: the lines of the compatibility
//! checklist (wire specification, section 7) and of the observed behaviour (section 6.4) that live in control.

use std::time::{Duration, Instant};

use punktfunk_proto::{
    session::{
        ControlSession, Transmit,
        client_control::{ClientClosed, ClientCommand, ClientControl, ClientEvent},
        client_pairing::{ClientPairing, PairingOutcome},
        host_control::{Admission, HostClosed, HostCommand, HostControl, HostEvent},
    },
    units::{Bitrate, ClientTime, Fingerprint, HostTime, Mode},
    wire::{
        Chroma, Cipher, CloseCode, Codec, Colour, ControlMessage, FecScheme, FrameReader, Grants, Hello, HostCaps,
        ProbeResult, Secret, Start, VideoCaps, Welcome, WireMode,
        datagram::{ClientDatagram, InputEvent},
        frame,
    },
};

const CLIENT: Fingerprint = Fingerprint::from_bytes([1; 32]);
const HOST: Fingerprint = Fingerprint::from_bytes([2; 32]);
/// The host's clock is this far ahead of the client's.
const AHEAD: u64 = 5_000_000_000;

fn mode() -> Mode {
    Mode::new(1280, 720, 60).unwrap()
}

fn hello() -> Hello {
    Hello { video_caps: VideoCaps::HOST_TIMING.with(VideoCaps::PROBE_FILLER), ..Hello::new(mode().into()) }
}

fn welcome() -> Welcome {
    Welcome {
        version: 2,
        media_port: 40_000,
        mode: mode().into(),
        fec_scheme: FecScheme::Gf16,
        fec_percent: 10,
        max_block_shards: 4096,
        shard_payload: 1408,
        encrypted: true,
        aes_key: Secret::from([7; 16]),
        salt: [1; 4],
        frames: 0,
        compositor: Default::default(),
        gamepad: Default::default(),
        bitrate_kbps: 20_000,
        bit_depth: 8,
        colour: Colour::default(),
        chroma: Chroma::default(),
        audio_channels: 2,
        codec: Codec::H264,
        host_caps: HostCaps::default(),
        cipher: Cipher::Aes128Gcm,
        mgmt_port: 0,
        grants: Grants::ALL,
        access_expires_s: 0,
        audio: Default::default(),
    }
}

fn admission() -> Box<Admission> {
    Box::new(Admission {
        welcome: welcome(),
        default_bitrate: Bitrate::from_mbps(20),
        bitrate_ceiling: Bitrate::from_mbps(50),
        mode_is_fixed: false,
    })
}

/// A host alone, spoken to in bytes.
struct Host {
    now: Instant,
    began: Instant,
    session: HostControl,
    reader: FrameReader,
    /// Payloads the host sent on the control stream.
    sent: Vec<Vec<u8>>,
    closed_with: Option<(u32, String)>,
    events: Vec<HostEvent>,
}

impl Host {
    fn new(client: Option<Fingerprint>) -> Self {
        let now = Instant::now();
        Self {
            now,
            began: now,
            session: HostControl::new(now, client, HOST),
            reader: FrameReader::new(),
            sent: Vec::new(),
            closed_with: None,
            events: Vec::new(),
        }
    }

    /// Past Hello, Welcome and Start.
    fn started(hello: &Hello) -> Self {
        Self::admitted(hello, admission())
    }

    fn admitted(hello: &Hello, admission: Box<Admission>) -> Self {
        let mut host = Self::new(Some(CLIENT));
        host.receive(&hello.encode());
        host.command(HostCommand::Accept(admission));
        host.receive(&Start { media_port: 50_000 }.encode());
        host.sent.clear();
        host.events.clear();
        host
    }

    /// Past the clock rounds as well.
    fn streaming(hello: &Hello) -> Self {
        let mut host = Self::started(hello);
        for round in 0..8 {
            host.say(&ControlMessage::ClockProbe { t1: ClientTime::from_nanos(round) });
        }
        host.sent.clear();
        host
    }

    fn clock(&self) -> HostTime {
        HostTime::from_nanos(AHEAD).plus(self.now - self.began)
    }

    fn receive(&mut self, payload: &[u8]) {
        self.receive_raw(&frame(payload));
    }

    fn receive_raw(&mut self, bytes: &[u8]) {
        self.session.handle_stream(self.now, self.clock(), bytes);
        self.pump();
    }

    fn say(&mut self, message: &ControlMessage) {
        self.receive(&message.encode());
    }

    fn command(&mut self, command: HostCommand) {
        self.session.handle_command(self.now, command);
        self.pump();
    }

    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.session.poll_timeout().filter(|due| *due <= until) {
            self.now = due.max(self.now);
            self.session.handle_timeout(self.now);
            self.pump();
        }
        self.now = until;
    }

    fn pump(&mut self) {
        while let Some(transmit) = self.session.poll_transmit(self.now, self.clock()) {
            match transmit {
                Transmit::Stream(bytes) => {
                    self.reader.push(&bytes);
                    while let Some(payload) = self.reader.next_frame() {
                        self.sent.push(payload.to_vec());
                    }
                }
                Transmit::Close { code, reason } => self.closed_with = Some((code, reason)),
                Transmit::Datagram(_) | Transmit::Finish => {}
            }
        }
        self.events.extend(std::iter::from_fn(|| self.session.poll_event()));
    }

    fn messages(&self) -> Vec<ControlMessage> {
        self.sent.iter().map(|payload| ControlMessage::decode(payload).unwrap()).collect()
    }

    fn close_code(&self) -> Option<u32> {
        self.closed_with.as_ref().map(|(code, _)| *code)
    }
}

#[test]
fn hello_is_answered_by_a_welcome_of_87_bytes_or_less_and_start_begins_the_stream() {
    let mut host = Host::new(Some(CLIENT));
    host.receive(&hello().encode());
    assert!(matches!(host.events[..], [HostEvent::Hello(_)]));
    assert!(host.sent.is_empty(), "nothing is said before the owner decides");
    host.command(HostCommand::Accept(admission()));
    assert_eq!(Welcome::decode(&host.sent[0]).unwrap(), welcome());
    assert!(host.sent[0].len() <= 87);
    host.receive(&Start { media_port: 50_000 }.encode());
    assert!(matches!(host.events[1], HostEvent::Started { media_port: 50_000 }));
}

#[test]
fn a_parked_hello_waits_for_minutes_and_is_then_welcomed_on_the_same_connection() {
    let mut host = Host::new(Some(CLIENT));
    host.receive(&hello().encode());
    host.wait(Duration::from_secs(179));
    assert_eq!(host.closed_with, None);
    host.command(HostCommand::Accept(admission()));
    assert!(Welcome::decode(&host.sent[0]).is_ok());
}

#[test]
fn eight_clock_rounds_are_answered_before_anything_unsolicited_is_said() {
    let mut host = Host::started(&hello());
    host.command(HostCommand::BitrateInForce(Bitrate::from_mbps(10)));
    host.command(HostCommand::PipelineGap(Duration::from_millis(3)));
    for round in 0..8 {
        host.say(&ControlMessage::ClockProbe { t1: ClientTime::from_nanos(round) });
    }
    let messages = host.messages();
    assert_eq!(messages.len(), 10);
    for (round, message) in messages[..8].iter().enumerate() {
        assert!(matches!(message, ControlMessage::ClockEcho { t1, t2, t3 }
                if t1.nanos() == round as u64 && t2.nanos() >= AHEAD && t3 >= t2));
    }
    assert_eq!(messages[8], ControlMessage::BitrateChanged { kbps: 10_000 });
    assert_eq!(messages[9], ControlMessage::PipelineGap { ms: 3 });
}

#[test]
fn a_client_without_clock_rounds_is_told_after_two_seconds() {
    let mut host = Host::started(&hello());
    host.command(HostCommand::PipelineGap(Duration::from_millis(3)));
    host.wait(Duration::from_millis(1_999));
    assert!(host.sent.is_empty());
    host.wait(Duration::from_millis(2));
    assert_eq!(host.messages(), [ControlMessage::PipelineGap { ms: 3 }]);
}

#[test]
fn a_client_that_floods_during_its_clock_rounds_cannot_make_the_host_hoard_answers() {
    let mut host = Host::started(&hello());
    for kbps in 0..10_000 {
        host.say(&ControlMessage::SetBitrate { kbps });
    }
    host.wait(Duration::from_secs(3));
    assert!(host.sent.len() <= 32);
}

#[test]
fn set_bitrate_is_clamped_resolved_and_answered() {
    let mut host = Host::streaming(&hello());
    for (asked, given) in [(0, 20_000), (1, 500), (30_000, 30_000), (u32::MAX, 50_000)] {
        host.sent.clear();
        host.events.clear();
        host.say(&ControlMessage::SetBitrate { kbps: asked });
        assert_eq!(host.messages(), [ControlMessage::BitrateChanged { kbps: given }]);
        assert!(matches!(host.events[..], [HostEvent::BitrateChanged(rate)] if rate == Bitrate::from_kbps(given)));
    }
}

#[test]
fn a_mode_change_is_answered_at_once_and_rate_limited() {
    let mut host = Host::streaming(&hello());
    let full_hd = WireMode { width: 1920, height: 1080, hz: 30 };
    host.say(&ControlMessage::Reconfigure(full_hd));
    host.say(&ControlMessage::Reconfigure(mode().into()));
    assert_eq!(
        host.messages(),
        [
            ControlMessage::Reconfigured { accepted: true, mode: full_hd },
            ControlMessage::Reconfigured { accepted: false, mode: full_hd },
        ]
    );
    assert!(matches!(host.events[..], [HostEvent::ModeChanged(new)] if WireMode::from(new) == full_hd));
}

#[test]
fn nonsense_modes_are_refused_and_the_mode_in_force_is_named() {
    let mut host = Host::streaming(&hello());
    let nonsense = [(0, 0, 0), (1280, 720, 0), (1281, 720, 60), (1, 1, 60), (16_384, 16_384, 60), (5_000, 720, 60)];
    for (width, height, hz) in nonsense {
        host.sent.clear();
        host.say(&ControlMessage::Reconfigure(WireMode { width, height, hz }));
        assert_eq!(host.messages(), [ControlMessage::Reconfigured { accepted: false, mode: mode().into() }]);
    }
    assert!(host.events.is_empty());
}

#[test]
fn a_display_that_keeps_its_mode_refuses_every_change() {
    let mut host = Host::admitted(&hello(), Box::new(Admission { mode_is_fixed: true, ..*admission() }));
    for round in 0..8 {
        host.say(&ControlMessage::ClockProbe { t1: ClientTime::from_nanos(round) });
    }
    host.sent.clear();
    for asked in [WireMode { width: 1920, height: 1080, hz: 30 }, mode().into()] {
        host.sent.clear();
        host.say(&ControlMessage::Reconfigure(asked));
        assert_eq!(host.messages(), [ControlMessage::Reconfigured { accepted: false, mode: mode().into() }]);
    }
    assert!(host.events.is_empty());
}

#[test]
fn a_failed_rebuild_is_told_by_a_second_answer_with_the_actual_mode() {
    let mut host = Host::streaming(&hello());
    host.say(&ControlMessage::Reconfigure(WireMode { width: 1920, height: 1080, hz: 30 }));
    host.sent.clear();
    host.command(HostCommand::ModeInForce(mode()));
    assert_eq!(host.messages(), [ControlMessage::Reconfigured { accepted: true, mode: mode().into() }]);
}

#[test]
fn a_speed_test_is_capped_answered_and_not_repeated_within_ten_seconds() {
    let mut host = Host::streaming(&hello());
    let ask = ControlMessage::ProbeRequest { target_kbps: u32::MAX, duration_ms: u32::MAX };
    host.say(&ask);
    host.say(&ask);
    assert!(matches!(host.events[..], [HostEvent::ProbeRequested { rate, duration }]
        if rate == Bitrate::from_mbps(10_000) && duration == Duration::from_secs(5)));
    host.command(HostCommand::ProbeDone(ProbeResult { bytes: 1, ..ProbeResult::default() }));
    assert!(matches!(host.messages()[..], [ControlMessage::ProbeResult(result)] if result.bytes == 1));
    host.wait(Duration::from_secs(10));
    host.say(&ask);
    assert_eq!(host.events.len(), 2);
}

#[test]
fn a_speed_test_of_a_client_that_cannot_tell_filler_is_answered_by_zeros() {
    let mut host = Host::streaming(&Hello::new(mode().into()));
    host.say(&ControlMessage::ProbeRequest { target_kbps: 2_000_000, duration_ms: 800 });
    assert_eq!(host.messages(), [ControlMessage::ProbeResult(ProbeResult::default())]);
    assert!(host.events.is_empty());
}

#[test]
fn keyframe_rfi_and_loss_requests_reach_the_owner() {
    let mut host = Host::streaming(&hello());
    host.say(&ControlMessage::RequestKeyframe);
    host.say(&ControlMessage::RfiRequest { first: 7, last: 9 });
    host.say(&ControlMessage::LossReport { ppm: 50_000 });
    assert!(matches!(
        host.events[..],
        [HostEvent::KeyframeRequested, HostEvent::FramesLost { first: 7, last: 9 }, HostEvent::Loss { ppm: 50_000 }]
    ));
}

#[test]
fn unknown_malformed_and_optional_messages_are_ignored() {
    let mut host = Host::streaming(&hello());
    host.receive(b"");
    host.receive(b"PKFc");
    host.receive(b"PKFc\xEE");
    host.receive(b"PKF1");
    host.receive(b"GARBAGE!");
    let mut long = ControlMessage::RequestKeyframe.encode();
    long.push(0);
    host.receive(&long);
    host.say(&ControlMessage::CursorRenderMode { client_draws: true });
    host.say(&ControlMessage::ShardPayloadAck { bytes: 1408 });
    assert!(host.sent.is_empty() && host.events.is_empty());
    assert_eq!(host.closed_with, None);
}

#[test]
fn a_hello_of_another_version_is_closed_with_0x67() {
    let mut host = Host::new(Some(CLIENT));
    host.receive(&Hello { version: 3, ..hello() }.encode());
    assert_eq!(host.close_code(), Some(0x67));
}

#[test]
fn a_first_message_that_is_none_closes_the_connection_with_words() {
    for payload in [&b"GET / HTTP/1.1"[..], b"", b"PKF1", b"PKFc\x03", b"PKFc\x10\xFF"] {
        let mut host = Host::new(Some(CLIENT));
        host.receive(payload);
        let (code, reason) = host.closed_with.clone().expect("closed");
        assert_eq!(code, 0x68, "{payload:?}");
        assert!(reason.starts_with("protocol error"), "{reason}");
        assert!(matches!(host.events[..], [HostEvent::Closed(HostClosed::ByHost { .. })]));
    }
}

#[test]
fn a_silent_client_and_one_that_never_starts_are_closed_in_time() {
    let mut silent = Host::new(Some(CLIENT));
    silent.wait(Duration::from_secs(21));
    assert_eq!(silent.close_code(), Some(1));
    let mut slow = Host::new(Some(CLIENT));
    slow.receive(&hello().encode());
    slow.command(HostCommand::Accept(admission()));
    slow.wait(Duration::from_secs(11));
    assert_eq!(slow.close_code(), Some(1));
}

#[test]
fn a_close_reason_is_cut_to_256_bytes_on_a_character() {
    let mut host = Host::new(Some(CLIENT));
    host.command(HostCommand::Refuse { code: CloseCode::SetupFailed, reason: "ü".repeat(300) });
    assert_eq!(host.closed_with.unwrap().1.len(), 256);
}

#[test]
fn input_is_heard_only_while_streaming() {
    let key = ClientDatagram::Input(InputEvent::Key { vk: 0x41, pressed: true }).encode();
    let mut host = Host::new(Some(CLIENT));
    host.session.handle_datagram(host.now, &key);
    host.pump();
    assert!(host.events.is_empty());
    let mut host = Host::streaming(&hello());
    host.session.handle_datagram(host.now, &key);
    host.session.handle_datagram(host.now, b"\xC8garbage");
    host.session.handle_datagram(host.now, b"");
    host.pump();
    assert!(matches!(host.events[..], [HostEvent::Input(InputEvent::Key { vk: 0x41, pressed: true })]));
}

#[test]
fn bytes_may_arrive_one_at_a_time_and_all_at_once() {
    let mut bytes = frame(&hello().encode());
    let mut host = Host::new(Some(CLIENT));
    for byte in &bytes {
        host.receive_raw(std::slice::from_ref(byte));
    }
    assert!(matches!(host.events[..], [HostEvent::Hello(_)]));
    host.command(HostCommand::Accept(admission()));
    bytes = frame(&Start { media_port: 1 }.encode());
    for round in 0..8 {
        bytes.extend(frame(&ControlMessage::ClockProbe { t1: ClientTime::from_nanos(round) }.encode()));
    }
    host.receive_raw(&bytes);
    assert_eq!(host.sent.len(), 9);
}

/// Both sides, with a latency of `latency` each way.
struct Pair {
    host: Host,
    client: ClientControl,
    events: Vec<ClientEvent>,
    latency: Duration,
}

impl Pair {
    fn new(latency: Duration) -> Self {
        let host = Host::new(Some(CLIENT));
        let client = ClientControl::new(host.now, &hello(), Duration::from_secs(185));
        Self { host, client, events: Vec::new(), latency }
    }

    fn client_clock(&self) -> ClientTime {
        ClientTime::from_nanos(0).plus(self.host.now - self.host.began)
    }

    /// Carries what is to be carried until nobody has anything to say.
    fn run(&mut self) {
        loop {
            self.events.extend(std::iter::from_fn(|| self.client.poll_event()));
            if let Some(Transmit::Stream(bytes)) = self.client.poll_transmit(self.host.now, self.client_clock()) {
                self.host.now += self.latency;
                self.host.receive_raw(&bytes);
            } else if !self.host.sent.is_empty() {
                let payload = self.host.sent.remove(0);
                self.host.now += self.latency;
                let clock = self.client_clock();
                self.client.handle_stream(self.host.now, clock, &frame(&payload));
            } else {
                return;
            }
        }
    }
}

#[test]
fn both_sides_shake_hands_and_the_client_knows_the_clock() {
    let mut pair = Pair::new(Duration::from_millis(5));
    pair.run();
    pair.host.command(HostCommand::Accept(admission()));
    pair.run();
    assert!(matches!(&pair.events[..], [ClientEvent::Welcomed(got)] if **got == welcome()));
    pair.client.handle_command(pair.host.now, ClientCommand::Start { media_port: 50_000 });
    pair.run();
    let Some(ClientEvent::Ready(Some(estimate))) = pair.events.last() else { panic!("{:?}", pair.events) };
    assert_eq!(estimate.offset.nanos(), AHEAD as i64);
    assert_eq!(estimate.rtt, Duration::from_millis(10));
}

#[test]
fn a_host_that_never_echoes_costs_two_seconds_and_no_more() {
    let now = Instant::now();
    let mut client = ClientControl::new(now, &hello(), Duration::from_secs(185));
    let clock = ClientTime::from_nanos(0);
    client.handle_stream(now, clock, &frame(&welcome().encode()));
    client.handle_command(now, ClientCommand::Start { media_port: 1 });
    while client.poll_transmit(now, clock).is_some() {}
    let due = client.poll_timeout().unwrap();
    assert_eq!(due - now, Duration::from_secs(2));
    client.handle_timeout(due);
    let events: Vec<_> = std::iter::from_fn(|| client.poll_event()).collect();
    assert!(matches!(events[..], [ClientEvent::Welcomed(_), ClientEvent::Ready(None)]));
}

#[test]
fn welcomes_of_every_shape_seen_in_the_wild_are_taken() {
    let bytes = welcome().encode();
    let chacha = Welcome { cipher: Cipher::ChaCha20Poly1305(Secret::from([3; 32])), ..welcome() }.encode();
    let mut version_1 = welcome();
    version_1.version = 1;
    let open = Welcome { encrypted: false, ..welcome() };
    let gf8 = Welcome { fec_scheme: FecScheme::Gf8, max_block_shards: 128, ..welcome() };
    for payload in [bytes[..53].to_vec(), bytes[..68].to_vec(), chacha, version_1.encode(), open.encode(), gf8.encode()]
    {
        let now = Instant::now();
        let mut client = ClientControl::new(now, &hello(), Duration::from_secs(1));
        client.handle_stream(now, ClientTime::from_nanos(0), &frame(&payload));
        assert!(matches!(client.poll_event(), Some(ClientEvent::Welcomed(_))), "{} bytes", payload.len());
    }
}

#[test]
fn a_welcome_with_impossible_parameters_ends_the_session_with_a_word() {
    let now = Instant::now();
    let mut client = ClientControl::new(now, &hello(), Duration::from_secs(1));
    let odd = Welcome { shard_payload: 1407, ..welcome() };
    client.handle_stream(now, ClientTime::from_nanos(0), &frame(&odd.encode()));
    assert!(matches!(client.poll_event(), Some(ClientEvent::Closed(ClientClosed::Misbehaved(_)))));
}

#[test]
fn close_codes_instead_of_a_welcome_reach_the_user_with_their_words() {
    for code in [0x42, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6A] {
        let now = Instant::now();
        let mut client = ClientControl::new(now, &hello(), Duration::from_secs(1));
        client.handle_closed(now, Some((code, "because".into())));
        let Some(ClientEvent::Closed(closed)) = client.poll_event() else { panic!("no end") };
        assert_eq!(closed.code().map(CloseCode::code), Some(code));
        assert_eq!(closed, ClientClosed::ByHost { code, reason: "because".into() });
    }
}

/// A whole ceremony between our two sides.
fn ceremony(client_pin: &str, stored: bool) -> (PairingOutcome, Vec<HostEvent>) {
    let mut host = Host::new(Some(CLIENT));
    let pin = client_pin.parse().unwrap();
    let mut client = ClientPairing::new(host.now, Some("TV".into()), &pin, (CLIENT, HOST), [9; 64]);
    let clock = ClientTime::from_nanos(0);
    loop {
        match client.poll_transmit(host.now, clock) {
            Some(Transmit::Stream(bytes)) => host.receive_raw(&bytes),
            Some(Transmit::Finish) => {
                host.session.handle_stream_end(host.now);
                host.pump();
            }
            Some(Transmit::Close { code, reason }) => {
                host.session.handle_closed(host.now, Some((code, reason)));
                host.pump();
            }
            Some(Transmit::Datagram(_)) => panic!("pairing sends no datagrams"),
            None => {
                if let Some(outcome) = client.poll_event() {
                    return (outcome, host.events);
                }
                match host.events.last() {
                    Some(HostEvent::PairingRequested { .. }) => {
                        let secret = "4321".parse().unwrap();
                        host.command(HostCommand::BeginPairing { secret, seed: [8; 64] });
                    }
                    Some(HostEvent::PairingAnswered) if host.sent.is_empty() => {
                        host.command(HostCommand::SendChallenge);
                    }
                    Some(HostEvent::PairingProven { .. }) => host.command(HostCommand::PairingStored { ok: stored }),
                    _ => {}
                }
                for payload in std::mem::take(&mut host.sent) {
                    client.handle_stream(host.now, clock, &frame(&payload));
                }
            }
        }
    }
}

#[test]
fn the_right_pin_pairs_both_sides() {
    let (outcome, events) = ceremony("4321", true);
    assert_eq!(outcome, PairingOutcome::Paired);
    assert!(
        events.iter().any(|event| matches!(event, HostEvent::PairingProven { name } if name.as_deref() == Some("TV")))
    );
}

#[test]
fn a_wrong_pin_is_reported_as_such_and_the_host_says_code_0() {
    let (outcome, events) = ceremony("0000", true);
    assert_eq!(outcome, PairingOutcome::WrongPin);
    assert!(events.iter().any(|event| matches!(event, HostEvent::PairingFailed)));
    let Some(HostEvent::Closed(HostClosed::ByHost { code, .. })) = events.last() else { panic!("{events:?}") };
    assert_eq!(*code, CloseCode::Ended);
}

#[test]
fn a_pairing_that_could_not_be_stored_is_not_called_paired() {
    assert_eq!(ceremony("4321", false).0, PairingOutcome::NotStored);
}

#[test]
fn nothing_of_the_challenge_leaves_before_the_pin_is_spent() {
    let mut host = Host::new(Some(CLIENT));
    let pin = "4321".parse().unwrap();
    let mut client = ClientPairing::new(host.now, None, &pin, (CLIENT, HOST), [9; 64]);
    let Some(Transmit::Stream(request)) = client.poll_transmit(host.now, ClientTime::from_nanos(0)) else { panic!() };
    host.receive_raw(&request);
    host.command(HostCommand::BeginPairing { secret: pin, seed: [8; 64] });
    assert!(matches!(host.events[..], [HostEvent::PairingRequested { .. }, HostEvent::PairingAnswered]));
    assert!(host.sent.is_empty());
    host.command(HostCommand::Refuse { code: CloseCode::PairingNotArmed, reason: String::new() });
    assert!(host.sent.is_empty());
    assert_eq!(host.close_code(), Some(0x60));
}

#[test]
fn a_malformed_pair_request_leaves_the_pin_unspent() {
    let mut host = Host::new(Some(CLIENT));
    let mut request = b"PKFc\x10\x00\x21\x00".to_vec();
    request.extend([0x42; 33]);
    host.receive(&request);
    host.command(HostCommand::BeginPairing { secret: "4321".parse().unwrap(), seed: [8; 64] });
    assert!(matches!(
        host.events[..],
        [HostEvent::PairingRequested { .. }, HostEvent::PairingMalformed, HostEvent::Closed(_)]
    ));
}

#[test]
fn pairing_without_a_certificate_is_closed_with_0x63() {
    let mut host = Host::new(None);
    let pin = "4321".parse().unwrap();
    let mut client = ClientPairing::new(host.now, None, &pin, (CLIENT, HOST), [9; 64]);
    let Some(Transmit::Stream(request)) = client.poll_transmit(host.now, ClientTime::from_nanos(0)) else { panic!() };
    host.receive_raw(&request);
    assert_eq!(host.close_code(), Some(0x63));
}
