//! Two sessions, the link between them, and time.

use std::time::{Duration, Instant};

use punktfunk_proto::session::client_control::{ClientControl, ClientEvent};
use punktfunk_proto::session::client_pairing::{ClientPairing, PairingOutcome};
use punktfunk_proto::session::host_control::HostControl;
use punktfunk_proto::units::Mode;
use punktfunk_proto::wire::{ClientCaps, Hello, VideoCaps, frame};

use super::super::script::{Step, steps};
use super::Reached;
use super::setup::{CLIENT, CLIENT_ENTROPY, HOST, Setup, action};
use super::side::{Actor, Carried, Now, Side};
use super::witness::Witness;

/// A client that a [`Witness`] knows.
pub(super) trait Client: Actor {
    fn tell(event: &Self::Event, witness: &mut Witness);
}

impl Client for ClientPairing {
    fn tell(event: &PairingOutcome, witness: &mut Witness) {
        witness.pairing_outcome(event);
    }
}

impl Client for ClientControl {
    fn tell(event: &ClientEvent, witness: &mut Witness) {
        witness.client_event(event);
    }
}

pub(super) struct World<C: Client> {
    setup: Setup,
    host: Side<HostControl>,
    client: Side<C>,
    now: Instant,
    /// The host's and the client's, in nanoseconds.
    clocks: [u64; 2],
    witness: Witness,
}

impl World<ClientPairing> {
    pub(super) fn pairing(setup: Setup) -> Self {
        let now = Instant::now();
        let name = Some("deck".to_owned());
        let client = ClientPairing::new(now, name, &setup.client_pin(), setup.seen_by_client(), CLIENT_ENTROPY);
        Self::new(setup, now, client)
    }
}

impl World<ClientControl> {
    pub(super) fn streaming(setup: Setup) -> Self {
        let now = Instant::now();
        let mode = Mode::new(1_280, 720, 60).expect("a usual mode");
        let probes = if setup.has(Setup::NO_PROBES) { VideoCaps::NONE } else { VideoCaps::PROBE_FILLER };
        let hello = Hello {
            name: Some("deck".to_owned()),
            video_caps: probes.with(VideoCaps::HOST_TIMING),
            client_caps: ClientCaps::from_bits(0xFF),
            ..Hello::new(mode.into())
        };
        Self::new(setup, now, ClientControl::new(now, &hello, Duration::from_secs(185)))
    }
}

impl<C: Client> World<C> {
    fn new(setup: Setup, now: Instant, client: C) -> Self {
        let shown = (!setup.has(Setup::ANONYMOUS)).then_some(CLIENT);
        Self {
            setup,
            host: Side::new(HostControl::new(now, shown, HOST)),
            client: Side::new(client),
            now,
            clocks: [1_700_000_000_000_000_000, 1_700_000_000_500_000_000],
            witness: Witness::new(setup),
        }
    }

    pub(super) fn play(mut self, script: &[u8]) -> Reached {
        self.settle();
        for step in steps(script).take(MAX_STEPS) {
            self.step(&step);
            self.settle();
        }
        // Whatever happened: when the connection is gone, both sides say so, once.
        self.host.inbox.clear();
        self.client.inbox.clear();
        self.cut(true);
        self.cut(false);
        self.settle();
        assert!(self.host.has_ended() && self.client.has_ended());
        self.witness.reached
    }

    fn step(&mut self, step: &Step) {
        let to_host = step.side.is_multiple_of(2);
        match step.action % action::COUNT {
            action::DELIVER => self.deliver(to_host, usize::from(step.number) + 1),
            action::LOSE => drop(if to_host { self.host.inbox.pop_front() } else { self.client.inbox.pop_front() }),
            action::SPOIL => self.spoil(to_host, step),
            action::STREAM => self.send(to_host, Carried::Stream(step.bytes.clone())),
            action::FRAME => self.send(to_host, Carried::Stream(frame(&step.bytes))),
            action::DATAGRAM => self.send(to_host, Carried::Datagram(step.bytes.clone())),
            action::END => self.send(to_host, Carried::End),
            action::CLOSE => {
                let reason = String::from_utf8_lossy(&step.bytes).into_owned();
                self.send(to_host, Carried::Close(step.number.into(), reason));
            }
            action::CUT => self.cut(to_host),
            action::WAIT => self.advance(Duration::from_millis(step.number.into())),
            action::EXPIRE => self.expire(to_host),
            action::CLOCK => {
                let mut nanos = [0; 8];
                nanos.iter_mut().zip(&step.bytes).for_each(|(to, from)| *to = *from);
                self.clocks[usize::from(!to_host)] = u64::from_le_bytes(nanos);
            }
            _ => self.command(to_host, step),
        }
    }

    /// Puts something before what waits for a side, so that the fuzzer can speak first.
    fn send(&mut self, to_host: bool, sent: Carried) {
        let inbox = if to_host { &mut self.host.inbox } else { &mut self.client.inbox };
        inbox.push_front(sent);
    }

    fn deliver(&mut self, to_host: bool, cut: usize) {
        let (host, client) = (self.at(0), self.at(1));
        if to_host { self.host.receive(host, cut) } else { self.client.receive(client, cut) }
    }

    fn spoil(&mut self, to_host: bool, step: &Step) {
        let inbox = if to_host { &mut self.host.inbox } else { &mut self.client.inbox };
        let bytes = inbox.front_mut().and_then(Carried::bytes).filter(|bytes| !bytes.is_empty());
        if let (Some(bytes), Some(mask)) = (bytes, step.bytes.first()) {
            let at = usize::from(step.number) % bytes.len();
            bytes[at] ^= mask;
        }
    }

    fn cut(&mut self, to_host: bool) {
        use punktfunk_proto::session::ControlSession as _;
        if to_host {
            self.host.session.handle_closed(self.now, None);
        } else {
            self.client.session.handle_closed(self.now, None);
        }
    }

    fn command(&mut self, to_host: bool, step: &Step) {
        if to_host {
            self.host.command(self.now, HostControl::command(step));
        } else {
            self.client.command(self.now, C::command(step));
        }
    }

    /// Time passes, and both sides' timeouts come when they are due.
    fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        for _ in 0..MAX_TIMEOUTS {
            let dues = [self.host.due(), self.client.due()];
            let Some(due) = dues.into_iter().flatten().min().filter(|due| *due <= end) else { break };
            self.move_to(due);
            self.expire(dues[0].is_some_and(|at| at <= self.now));
            self.settle();
        }
        self.move_to(end);
    }

    fn expire(&mut self, to_host: bool) {
        let due = if to_host { self.host.expire(self.now) } else { self.client.expire(self.now) };
        let Some(due) = due else { return };
        self.move_to(due);
        self.settle();
        let next = if to_host { self.host.due() } else { self.client.due() };
        assert!(next.is_none_or(|next| next > self.now), "a timeout that does not pass");
    }

    fn move_to(&mut self, at: Instant) {
        let passed = at.saturating_duration_since(self.now).as_nanos() as u64;
        self.now = self.now.max(at);
        self.clocks = self.clocks.map(|clock| clock.saturating_add(passed));
    }

    fn at(&self, side: usize) -> Now {
        Now { at: self.now, clock_nanos: self.clocks[side] }
    }

    /// Lets both sides say what they have to say, and their owners answer.
    fn settle(&mut self) {
        for _ in 0..MAX_ANSWERS {
            let host = self.settle_host();
            let client = self.settle_client();
            if !host && !client {
                return;
            }
        }
        panic!("owners and sessions never stop talking");
    }

    fn settle_host(&mut self) -> bool {
        let said = self.host.drain(self.at(0), &mut self.client.inbox);
        // Events come first: a payload may answer what an event of the same call told.
        said.events.iter().for_each(|event| self.witness.host_event(self.now, event));
        said.payloads.iter().for_each(|payload| self.witness.host_payload(payload));
        let answers = self.setup.has(Setup::OWNER_ANSWERS);
        let commands: Vec<_> = said.events.iter().filter(|_| answers).filter_map(HostControl::answer).collect();
        let answered = !commands.is_empty();
        commands.into_iter().for_each(|command| self.host.command(self.now, Some(command)));
        answered
    }

    fn settle_client(&mut self) -> bool {
        let said = self.client.drain(self.at(1), &mut self.host.inbox);
        said.events.iter().for_each(|event| C::tell(event, &mut self.witness));
        said.payloads.iter().for_each(|payload| self.witness.client_payload(payload));
        let answers = self.setup.has(Setup::USER_ANSWERS);
        let commands: Vec<_> = said.events.iter().filter(|_| answers).filter_map(C::answer).collect();
        let answered = !commands.is_empty();
        commands.into_iter().for_each(|command| self.client.command(self.now, Some(command)));
        answered
    }
}

const MAX_STEPS: usize = 200;
/// Timeouts of both sides within one wait of at most 65 s.
const MAX_TIMEOUTS: usize = 200;
const MAX_ANSWERS: usize = 8;
