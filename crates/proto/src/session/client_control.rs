//! The client's control session for streaming: Hello to close code.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{ControlSession, Transmit};
use crate::{
    clock::{ClockEstimate, ClockRound, ClockSync},
    units::{Bitrate, ClientClock, ClientTime, Fingerprint, Mode},
    wire::{
        CloseCode, ControlMessage, FrameReader, Grants, Hello, MAX_SHARD_PAYLOAD, ProbeResult, Start, Welcome,
        WireMode,
        datagram::{ClientDatagram, HostDatagram, HostTiming, InputEvent},
        frame,
    },
};

/// What the control session tells its owner.
#[derive(Debug)]
pub enum ClientEvent {
    /// The host admitted us. Bind nothing yet; answer with [`ClientCommand::Start`].
    Welcomed(Box<Welcome>),
    /// The clock rounds are over: bind the media socket and punch. `None` when the host never answered.
    Ready(Option<ClockEstimate>),
    /// A later round of clock synchronisation gave a better idea of the host's clock.
    ClockUpdated(ClockEstimate),
    /// The answer to a mode change, or the mode the host had to fall back to.
    Reconfigured {
        /// Whether `mode` is what is streamed from now on; if not, nothing changed.
        accepted: bool,
        /// The mode in force.
        mode: WireMode,
    },
    /// The rate now in force.
    BitrateChanged(Bitrate),
    /// The result of a speed test.
    ProbeResult(ProbeResult),
    /// The stream stood still for this long while the host rebuilt it: measurements of that time mean nothing.
    PipelineGap(Duration),
    /// Our rights changed.
    AccessChanged {
        /// What we may do now.
        grants: Grants,
        /// Until when; `None` is for ever.
        remaining: Option<Duration>,
    },
    /// The host will show this certificate from some later start on: what is pinned may follow.
    SuccessorAnnounced(Fingerprint),
    /// How long a frame took in the host.
    HostTiming(HostTiming),
    /// The session is over. Always the last event, and sent exactly once.
    Closed(ClientClosed),
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClientClosed {
    /// The host closed.
    ByHost {
        /// The application code; unknown ones are kept as they came.
        code: u32,
        /// The host's words.
        reason: String,
    },
    /// We closed.
    ByUs,
    /// The connection was lost.
    Lost,
    /// The host broke the protocol.
    Misbehaved(String),
}

impl ClientClosed {
    /// The code as a known one, where the host closed with one.
    pub fn code(&self) -> Option<CloseCode> {
        match self {
            Self::ByHost { code, .. } => CloseCode::try_from(*code).ok(),
            Self::ByUs | Self::Lost | Self::Misbehaved(_) => None,
        }
    }
}

/// What the owner tells the control session.
#[derive(Debug)]
pub enum ClientCommand {
    /// Go on to streaming; media is expected on this UDP port.
    Start {
        /// Our port.
        media_port: u16,
    },
    /// Ask for another mode.
    Reconfigure(Mode),
    /// Ask for an IDR.
    RequestKeyframe,
    /// Tell which frames never came.
    FramesLost {
        /// First lost frame index.
        first: u32,
        /// Last lost frame index, inclusive.
        last: u32,
    },
    /// Tell how much was lost.
    ReportLoss {
        /// Parts per million.
        ppm: u32,
    },
    /// Ask for another rate; zero lets the host choose.
    SetBitrate(Bitrate),
    /// Ask for a speed test.
    Probe {
        /// Target rate.
        rate: Bitrate,
        /// Length of the burst.
        duration: Duration,
    },
    /// Send keyboard, pointer or gamepad input.
    Input(InputEvent),
    /// End the session. `quit` is the user's word: the host need not keep the display for a reconnect.
    Close {
        /// The user quit, rather than the program going away.
        quit: bool,
    },
}

#[derive(Debug)]
enum State {
    AwaitingWelcome { deadline: Instant },
    Welcomed,
    Syncing(ClockSync),
    Streaming { sync: Option<ClockSync>, next_sync: Instant },
    Closed,
}

/// The client's control session. See [`super`] for the contract.
#[derive(Debug)]
pub struct ClientControl {
    state: State,
    reader: FrameReader,
    outbox: VecDeque<Transmit>,
    events: VecDeque<ClientEvent>,
}

impl ClientControl {
    /// Says `hello` and waits up to `patience` for the answer (185 s where an approval may be needed, spec 1.2).
    pub fn new(now: Instant, hello: &Hello, patience: Duration) -> Self {
        Self {
            state: State::AwaitingWelcome { deadline: now + patience },
            reader: FrameReader::new(),
            outbox: VecDeque::from([Transmit::Stream(frame(&hello.encode()))]),
            events: VecDeque::new(),
        }
    }

    fn handle_message(&mut self, now: Instant, clock: ClientTime, payload: &[u8]) {
        match &mut self.state {
            State::AwaitingWelcome { .. } => self.handle_welcome(payload),
            State::Syncing(_) | State::Streaming { .. } => {
                if let Ok(message) = ControlMessage::decode(payload) {
                    self.handle_typed(clock, message);
                    self.step_sync(now);
                }
            }
            State::Welcomed | State::Closed => {}
        }
    }

    fn handle_welcome(&mut self, payload: &[u8]) {
        let welcome = Welcome::decode(payload)
            .map_err(|error| error.to_string())
            .and_then(|welcome| welcome.validate().map(|()| welcome).map_err(|error| error.to_string()));
        match welcome {
            Ok(welcome) => {
                self.state = State::Welcomed;
                self.events.push_back(ClientEvent::Welcomed(Box::new(welcome)));
            }
            Err(error) => self.misbehaved(format!("its Welcome cannot be used: {error}")),
        }
    }

    fn handle_typed(&mut self, clock: ClientTime, message: ControlMessage) {
        let event = match message {
            ControlMessage::ClockEcho { t1, t2, t3 } => {
                if let State::Syncing(sync) | State::Streaming { sync: Some(sync), .. } = &mut self.state {
                    sync.handle_echo(ClockRound { t1, t2, t3, t4: clock });
                }
                return;
            }
            ControlMessage::ShardPayloadChanged { bytes } => {
                // Sizes that cannot be received are answered with silence (spec section 2.5).
                if bytes % 2 == 0 && (512..=MAX_SHARD_PAYLOAD).contains(&bytes) {
                    self.send(&ControlMessage::ShardPayloadAck { bytes });
                }
                return;
            }
            ControlMessage::Reconfigured { accepted, mode } => ClientEvent::Reconfigured { accepted, mode },
            ControlMessage::BitrateChanged { kbps } => ClientEvent::BitrateChanged(Bitrate::from_kbps(kbps)),
            ControlMessage::ProbeResult(result) => ClientEvent::ProbeResult(result),
            ControlMessage::PipelineGap { ms } => ClientEvent::PipelineGap(Duration::from_millis(u64::from(ms))),
            ControlMessage::AccessUpdate { grants, remaining_s } => ClientEvent::AccessChanged {
                grants,
                remaining: (remaining_s > 0).then(|| Duration::from_secs(u64::from(remaining_s))),
            },
            ControlMessage::HostSuccessor { fingerprint } => ClientEvent::SuccessorAnnounced(fingerprint),
            _ => return,
        };
        self.events.push_back(event);
    }

    /// Goes on to streaming when the clock rounds are over.
    fn step_sync(&mut self, now: Instant) {
        let (State::Syncing(sync) | State::Streaming { sync: Some(sync), .. }) = &mut self.state else { return };
        if !sync.is_finished() {
            return;
        }
        let estimate = sync.estimate();
        let was_first = matches!(self.state, State::Syncing(_));
        self.state = State::Streaming { sync: None, next_sync: now + ClockSync::INTERVAL };
        match (was_first, estimate) {
            (true, estimate) => self.events.push_back(ClientEvent::Ready(estimate)),
            (false, Some(estimate)) => self.events.push_back(ClientEvent::ClockUpdated(estimate)),
            (false, None) => {}
        }
    }

    fn send(&mut self, message: &ControlMessage) {
        self.outbox.push_back(Transmit::Stream(frame(&message.encode())));
    }

    fn misbehaved(&mut self, what: String) {
        let reason = "protocol error".into();
        self.outbox.push_back(Transmit::Close { code: CloseCode::Failed.code(), reason });
        self.end(ClientClosed::Misbehaved(what));
    }

    fn end(&mut self, how: ClientClosed) {
        if !matches!(self.state, State::Closed) {
            self.state = State::Closed;
            self.events.push_back(ClientEvent::Closed(how));
        }
    }

    fn close(&mut self, code: CloseCode) {
        if !matches!(self.state, State::Closed) {
            self.outbox.push_back(Transmit::Close { code: code.code(), reason: String::new() });
            self.end(ClientClosed::ByUs);
        }
    }

    fn message_for(command: &ClientCommand) -> Option<ControlMessage> {
        Some(match *command {
            ClientCommand::Reconfigure(mode) => ControlMessage::Reconfigure(mode.into()),
            ClientCommand::RequestKeyframe => ControlMessage::RequestKeyframe,
            ClientCommand::FramesLost { first, last } => ControlMessage::RfiRequest { first, last },
            ClientCommand::ReportLoss { ppm } => ControlMessage::LossReport { ppm },
            ClientCommand::SetBitrate(bitrate) => ControlMessage::SetBitrate { kbps: bitrate.kbps() },
            ClientCommand::Probe { rate, duration } => ControlMessage::ProbeRequest {
                target_kbps: rate.kbps(),
                duration_ms: u32::try_from(duration.as_millis()).unwrap_or(u32::MAX),
            },
            ClientCommand::Start { .. } | ClientCommand::Input(_) | ClientCommand::Close { .. } => return None,
        })
    }
}

impl ControlSession for ClientControl {
    type Clock = ClientClock;
    type Event = ClientEvent;
    type Command = ClientCommand;

    fn handle_stream(&mut self, now: Instant, clock: ClientTime, bytes: &[u8]) {
        let mut reader = std::mem::take(&mut self.reader);
        reader.push(bytes);
        while let Some(payload) = reader.next_frame() {
            self.handle_message(now, clock, payload);
        }
        self.reader = reader;
    }

    fn handle_stream_end(&mut self, _now: Instant) {
        // The close code that follows says why; see `handle_closed`.
    }

    fn handle_datagram(&mut self, _now: Instant, datagram: &[u8]) {
        if matches!(self.state, State::Syncing(_) | State::Streaming { .. })
            && let Ok(HostDatagram::HostTiming(timing)) = HostDatagram::decode(datagram)
        {
            self.events.push_back(ClientEvent::HostTiming(timing));
        }
    }

    fn handle_closed(&mut self, _now: Instant, close: Option<(u32, String)>) {
        self.end(match close {
            Some((code, reason)) => ClientClosed::ByHost { code, reason },
            None => ClientClosed::Lost,
        });
    }

    fn handle_timeout(&mut self, now: Instant) {
        match &mut self.state {
            State::AwaitingWelcome { deadline } if now >= *deadline => self.close(CloseCode::Ended),
            State::Syncing(sync) => {
                sync.handle_timeout(now);
                self.step_sync(now);
            }
            State::Streaming { sync: Some(sync), .. } => {
                sync.handle_timeout(now);
                self.step_sync(now);
            }
            State::Streaming { sync: sync @ None, next_sync } if now >= *next_sync => {
                *sync = Some(ClockSync::new());
                self.step_sync(now);
            }
            State::AwaitingWelcome { .. } | State::Welcomed | State::Streaming { .. } | State::Closed => {}
        }
    }

    fn handle_command(&mut self, now: Instant, command: ClientCommand) {
        match (&self.state, command) {
            (State::Welcomed, ClientCommand::Start { media_port }) => {
                self.outbox.push_back(Transmit::Stream(frame(&Start { media_port }.encode())));
                self.state = State::Syncing(ClockSync::new());
                self.step_sync(now);
            }
            (_, ClientCommand::Close { quit }) => {
                self.close(if quit { CloseCode::UserQuit } else { CloseCode::Ended });
            }
            (State::Streaming { .. }, ClientCommand::Input(event)) => {
                self.outbox.push_back(Transmit::Datagram(ClientDatagram::Input(event).encode()));
            }
            (State::Streaming { .. }, command) => {
                if let Some(message) = Self::message_for(&command) {
                    self.send(&message);
                }
            }
            // Too early or too late for what the owner wanted.
            (_, _) => {}
        }
    }

    fn poll_transmit(&mut self, now: Instant, clock: ClientTime) -> Option<Transmit> {
        if let Some(transmit) = self.outbox.pop_front() {
            return Some(transmit);
        }
        let (State::Syncing(sync) | State::Streaming { sync: Some(sync), .. }) = &mut self.state else { return None };
        sync.poll_probe(now, clock).map(|probe| Transmit::Stream(frame(&probe.encode())))
    }

    fn poll_event(&mut self) -> Option<ClientEvent> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        match &self.state {
            State::AwaitingWelcome { deadline } => Some(*deadline),
            State::Syncing(sync) | State::Streaming { sync: Some(sync), .. } => sync.poll_timeout(),
            State::Streaming { sync: None, next_sync } => Some(*next_sync),
            State::Welcomed | State::Closed => None,
        }
    }
}
