//! The host's control session: one QUIC connection from its first byte to its close code.
//!
//! The first message decides what the connection is (spec section 2.1): a pairing ceremony or a streaming session.
//! What needs an owner (a PIN, an approval, a display) leaves as a [`HostEvent`] and comes back as a
//! [`HostCommand`]; everything that can be answered from the protocol alone is answered here.

mod pairing;
mod streaming;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{ControlSession, Transmit};
use crate::{
    pairing::PairingSecret,
    units::{Bitrate, ClientTime, Fingerprint, HostClock, HostTime, Mode},
    wire::{
        CloseCode, ControlMessage, FrameReader, Grants, Hello, Opening, PairRequest, ProbeResult, Start, VERSION,
        VideoCaps, Welcome, cut_reason,
        datagram::{ClientDatagram, InputEvent},
        frame,
    },
};
use pairing::{Ceremony, Step};
use streaming::Streaming;

pub use streaming::fits;

/// What the control session tells its owner.
#[derive(Debug)]
pub enum HostEvent {
    /// A client wants to pair. Answer with [`HostCommand::BeginPairing`] or [`HostCommand::Refuse`].
    PairingRequested {
        /// The name it gives itself, unscrubbed.
        name: Option<String>,
    },
    /// The challenge is computed but not sent: sending it spends the PIN. Answer with
    /// [`HostCommand::SendChallenge`] or [`HostCommand::Refuse`].
    PairingAnswered,
    /// The client's SPAKE2 message was malformed: the PIN was not used and stays valid.
    PairingMalformed,
    /// The client proved that it knows the PIN. Store it, then answer with [`HostCommand::PairingStored`].
    PairingProven {
        /// The name it gives itself, unscrubbed.
        name: Option<String>,
    },
    /// The ceremony ended without proof: wrong PIN, or the client left. The PIN is spent.
    PairingFailed,
    /// A client wants to stream. Answer with [`HostCommand::Accept`] or [`HostCommand::Refuse`], at once or after
    /// an approval: the connection waits.
    Hello(Box<Hello>),
    /// The client is ready for media on this UDP port.
    Started {
        /// Its port, for when no punch arrives (spec section 4.1).
        media_port: u16,
    },
    /// The client asked for another mode and was told yes; [`HostCommand::ModeInForce`] corrects that.
    ModeChanged(Mode),
    /// The next frame must be an IDR.
    KeyframeRequested,
    /// These frames never arrived: predict from none of them, nor from what followed.
    FramesLost {
        /// First lost frame index.
        first: u32,
        /// Last lost frame index, inclusive, wrapping.
        last: u32,
    },
    /// The client's loss since its last report.
    Loss {
        /// Parts per million.
        ppm: u32,
    },
    /// Encode at this rate from now on; the client has been told.
    BitrateChanged(Bitrate),
    /// Burst filler at `rate` for `duration`, then answer with [`HostCommand::ProbeDone`].
    ProbeRequested {
        /// Target rate, at most [`PROBE_RATE_LIMIT`].
        rate: Bitrate,
        /// Length of the burst, at most [`PROBE_TIME_LIMIT`].
        duration: Duration,
    },
    /// Keyboard, pointer or gamepad input, as decoded; grants are the seat's to check.
    Input(InputEvent),
    /// The session is over. Always the last event, and sent exactly once.
    Closed(HostClosed),
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostClosed {
    /// The client closed, with its application code.
    ByClient {
        /// QUIC application error code.
        code: u32,
    },
    /// We closed.
    ByHost {
        /// The code the client was given.
        code: CloseCode,
        /// The text it was given.
        reason: String,
    },
    /// The connection was lost (idle timeout, network).
    Lost,
}

/// What the owner tells the control session. A command that does not fit the session's state is ignored: the
/// connection has moved on.
#[derive(Debug)]
pub enum HostCommand {
    /// Go on with the ceremony, using this PIN or token.
    BeginPairing {
        /// What the user was shown.
        secret: PairingSecret,
        /// Fresh random bytes for the SPAKE2 scalar.
        seed: [u8; 64],
    },
    /// The PIN is marked as spent: send the challenge.
    SendChallenge,
    /// The proven client was stored (or could not be): tell it.
    PairingStored {
        /// Whether the pairing is on disk.
        ok: bool,
    },
    /// Admit the client that said Hello.
    Accept(Box<Admission>),
    /// Close with this code.
    Refuse {
        /// Why, as a code.
        code: CloseCode,
        /// Why, in words the client shows to its user.
        reason: String,
    },
    /// The mode now in force, where it is not the one the client was told.
    ModeInForce(Mode),
    /// The rate now in force, changed by the host itself.
    BitrateInForce(Bitrate),
    /// Capture or encoder were rebuilt and the stream stood still for this long.
    PipelineGap(Duration),
    /// The answer to [`HostEvent::ProbeRequested`].
    ProbeDone(ProbeResult),
    /// The client's rights changed.
    AccessChanged {
        /// What it may do now.
        grants: Grants,
        /// Until when; `None` is for ever.
        remaining: Option<Duration>,
    },
    /// Tell the client which certificate the host will show from some later start on.
    AnnounceSuccessor(Fingerprint),
    /// Send this QUIC datagram (encoded by [`crate::wire`]).
    Datagram(Vec<u8>),
}

/// What the host offers a client it admits.
#[derive(Debug)]
pub struct Admission {
    /// The message to send.
    pub welcome: Welcome,
    /// The rate used when the client leaves the choice to the host.
    pub default_bitrate: Bitrate,
    /// The most the encoder is given.
    pub bitrate_ceiling: Bitrate,
    /// Whether the display keeps its mode: then every Reconfigure is refused.
    pub mode_is_fixed: bool,
}

/// The client's first message must be complete this long after the connection (spec section 2.1: 10 s to open the
/// stream, 10 s for the message).
pub const FIRST_MESSAGE_WITHIN: Duration = Duration::from_secs(20);
/// The rest of the handshake takes at most this long, counted from the Welcome.
pub const START_WITHIN: Duration = Duration::from_secs(10);
/// The fastest speed test (spec section 2.5).
pub const PROBE_RATE_LIMIT: Bitrate = Bitrate::from_mbps(10_000);
/// The longest speed test (spec section 2.5).
pub const PROBE_TIME_LIMIT: Duration = Duration::from_secs(5);

#[derive(Debug)]
enum State {
    AwaitingFirst { deadline: Instant },
    Pairing(Ceremony),
    AwaitingAdmission { video_caps: VideoCaps },
    AwaitingStart { deadline: Instant, video_caps: VideoCaps, admission: Box<Admission> },
    Streaming(Box<Streaming>),
    Closed,
}

/// The host's control session. See [`super`] for the contract.
#[derive(Debug)]
pub struct HostControl {
    state: State,
    client: Option<Fingerprint>,
    host: Fingerprint,
    reader: FrameReader,
    outbox: VecDeque<Outgoing>,
    events: VecDeque<HostEvent>,
}

/// What waits to be sent. An echo takes its send time when it is polled.
#[derive(Debug)]
enum Outgoing {
    Message(ControlMessage),
    Echo { t1: ClientTime, t2: HostTime },
    Ready(Transmit),
}

impl HostControl {
    /// A session for a connection just accepted from `client` (`None`: it showed no certificate) by the host whose
    /// certificate hashes to `host`.
    pub fn new(now: Instant, client: Option<Fingerprint>, host: Fingerprint) -> Self {
        Self {
            state: State::AwaitingFirst { deadline: now + FIRST_MESSAGE_WITHIN },
            client,
            host,
            reader: FrameReader::new(),
            outbox: VecDeque::new(),
            events: VecDeque::new(),
        }
    }

    fn handle_message(&mut self, now: Instant, clock: HostTime, payload: &[u8]) {
        match &mut self.state {
            State::AwaitingFirst { .. } => self.handle_first(now, payload),
            State::Pairing(ceremony) => {
                let step = ControlMessage::decode(payload).map(|message| ceremony.handle_message(now, &message));
                // A message that is none is ignored, like any unknown typed message (spec section 2.1).
                if let Ok(step) = step {
                    self.take_pairing_step(step);
                }
            }
            State::AwaitingAdmission { .. } | State::Closed => {}
            State::AwaitingStart { .. } => self.handle_start(now, payload),
            State::Streaming(streaming) => {
                if let Ok(message) = ControlMessage::decode(payload) {
                    streaming.handle_message(now, clock, message, &mut self.outbox, &mut self.events);
                }
            }
        }
    }

    fn handle_first(&mut self, now: Instant, payload: &[u8]) {
        match Opening::of(payload) {
            Some(Opening::Session) => self.handle_hello(payload),
            Some(Opening::Pairing) => match ControlMessage::decode(payload) {
                Ok(ControlMessage::PairRequest(request)) => self.begin_ceremony(now, request),
                Ok(_) => self.misbehaved("the first message was neither Hello nor PairRequest"),
                Err(error) => self.misbehaved(&error.to_string()),
            },
            None => self.misbehaved("the first message was neither Hello nor PairRequest"),
        }
    }

    fn handle_hello(&mut self, payload: &[u8]) {
        match Hello::decode(payload) {
            Ok(hello) if hello.version != VERSION => {
                let reason = format!("this host speaks version {VERSION}, not {}", hello.version);
                self.close(CloseCode::VersionMismatch, reason);
            }
            Ok(hello) => {
                self.state = State::AwaitingAdmission { video_caps: hello.video_caps };
                self.events.push_back(HostEvent::Hello(Box::new(hello)));
            }
            Err(error) => self.misbehaved(&error.to_string()),
        }
    }

    fn begin_ceremony(&mut self, now: Instant, request: PairRequest) {
        let Some(client) = self.client else {
            self.close(CloseCode::IdentityRequired, "pairing needs a client certificate".into());
            return;
        };
        self.events.push_back(HostEvent::PairingRequested { name: request.name.clone() });
        self.state = State::Pairing(Ceremony::new(now, client, self.host, request));
    }

    fn take_pairing_step(&mut self, step: Step) {
        match step {
            Step::Wait => {}
            Step::Send(message) => self.outbox.push_back(Outgoing::Message(message)),
            Step::SendAndTell(message, event) => {
                self.outbox.push_back(Outgoing::Message(message));
                self.events.push_back(event);
            }
            Step::Tell(event) => self.events.push_back(event),
            Step::TellAndClose(event, code, reason) => {
                self.events.push_back(event);
                self.close(code, reason.into());
            }
            Step::Close(code, reason) => self.close(code, reason.into()),
        }
    }

    fn handle_start(&mut self, now: Instant, payload: &[u8]) {
        let (State::AwaitingStart { video_caps, admission, .. }, Ok(start)) = (&self.state, Start::decode(payload))
        else {
            self.misbehaved("the message after Welcome was no Start");
            return;
        };
        self.state = State::Streaming(Box::new(Streaming::new(now, *video_caps, admission)));
        self.events.push_back(HostEvent::Started { media_port: start.media_port });
    }

    fn accept(&mut self, now: Instant, admission: Box<Admission>) {
        let State::AwaitingAdmission { video_caps } = self.state else { return };
        self.outbox.push_back(Outgoing::Ready(Transmit::Stream(frame(&admission.welcome.encode()))));
        self.state = State::AwaitingStart { deadline: now + START_WITHIN, video_caps, admission };
    }

    /// The peer broke the protocol: it is told so and the session is over.
    fn misbehaved(&mut self, what: &str) {
        self.close(CloseCode::SetupFailed, format!("protocol error: {what}"));
    }

    fn close(&mut self, code: CloseCode, reason: String) {
        if matches!(self.state, State::Closed) {
            return;
        }
        let reason = cut_reason(&reason).to_owned();
        self.outbox.push_back(Outgoing::Ready(Transmit::Close { code: code.code(), reason: reason.clone() }));
        self.end(HostClosed::ByHost { code, reason });
    }

    fn end(&mut self, how: HostClosed) {
        let before = std::mem::replace(&mut self.state, State::Closed);
        if let State::Pairing(ceremony) = before
            && ceremony.is_unproven()
        {
            self.events.push_back(HostEvent::PairingFailed);
        }
        self.events.push_back(HostEvent::Closed(how));
    }
}

impl ControlSession for HostControl {
    type Clock = HostClock;
    type Event = HostEvent;
    type Command = HostCommand;

    fn handle_stream(&mut self, now: Instant, clock: HostTime, bytes: &[u8]) {
        let mut reader = std::mem::take(&mut self.reader);
        reader.push(bytes);
        while let Some(payload) = reader.next_frame() {
            self.handle_message(now, clock, payload);
        }
        self.reader = reader;
    }

    fn handle_stream_end(&mut self, _now: Instant) {
        match &mut self.state {
            State::Pairing(ceremony) => {
                let step = ceremony.handle_stream_end();
                self.take_pairing_step(step);
            }
            State::Closed => {}
            _ => self.close(CloseCode::Ended, "the client ended the session".into()),
        }
    }

    fn handle_datagram(&mut self, _now: Instant, datagram: &[u8]) {
        if matches!(self.state, State::Streaming(_))
            && let Ok(ClientDatagram::Input(event)) = ClientDatagram::decode(datagram)
        {
            self.events.push_back(HostEvent::Input(event));
        }
    }

    fn handle_closed(&mut self, _now: Instant, close: Option<(u32, String)>) {
        if matches!(self.state, State::Closed) {
            return;
        }
        self.end(match close {
            Some((code, _)) => HostClosed::ByClient { code },
            None => HostClosed::Lost,
        });
    }

    fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::AwaitingFirst { deadline } if now >= *deadline => {
                self.close(CloseCode::Failed, "no first message in time".into());
            }
            State::AwaitingStart { deadline, .. } if now >= *deadline => {
                self.close(CloseCode::Failed, "no Start in time".into());
            }
            State::Pairing(ceremony) => {
                let step = ceremony.handle_timeout(now);
                self.take_pairing_step(step);
            }
            State::Streaming(streaming) => streaming.handle_timeout(now, &mut self.outbox),
            State::AwaitingFirst { .. }
            | State::AwaitingStart { .. }
            | State::AwaitingAdmission { .. }
            | State::Closed => {}
        }
    }

    fn handle_command(&mut self, now: Instant, command: HostCommand) {
        match (command, &mut self.state) {
            (HostCommand::BeginPairing { secret, seed }, State::Pairing(ceremony)) => {
                let step = ceremony.begin(now, &secret, seed);
                self.take_pairing_step(step);
            }
            (HostCommand::SendChallenge, State::Pairing(ceremony)) => {
                let step = ceremony.send_challenge(now);
                self.take_pairing_step(step);
            }
            (HostCommand::PairingStored { ok }, State::Pairing(ceremony)) => {
                let step = ceremony.stored(now, ok);
                self.take_pairing_step(step);
            }
            (HostCommand::Accept(admission), _) => self.accept(now, admission),
            (HostCommand::Refuse { code, reason }, _) => self.close(code, reason),
            (HostCommand::Datagram(bytes), State::Streaming(_)) => {
                self.outbox.push_back(Outgoing::Ready(Transmit::Datagram(bytes)));
            }
            (command, State::Streaming(streaming)) => streaming.handle_command(now, command, &mut self.outbox),
            (_, _) => {}
        }
    }

    fn poll_transmit(&mut self, _now: Instant, clock: HostTime) -> Option<Transmit> {
        Some(match self.outbox.pop_front()? {
            Outgoing::Message(message) => Transmit::Stream(frame(&message.encode())),
            Outgoing::Echo { t1, t2 } => {
                let echo = ControlMessage::ClockEcho { t1, t2, t3: clock };
                Transmit::Stream(frame(&echo.encode()))
            }
            Outgoing::Ready(transmit) => transmit,
        })
    }

    fn poll_event(&mut self) -> Option<HostEvent> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::AwaitingFirst { deadline } | State::AwaitingStart { deadline, .. } => Some(*deadline),
            State::Pairing(ceremony) => Some(ceremony.deadline()),
            State::Streaming(streaming) => streaming.deadline(),
            State::AwaitingAdmission { .. } | State::Closed => None,
        }
    }
}
