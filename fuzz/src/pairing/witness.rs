//! What must be true of everything that two sessions said, whatever was done to them.

use std::time::Instant;

use punktfunk_proto::session::client_control::ClientEvent;
use punktfunk_proto::session::client_pairing::PairingOutcome;
use punktfunk_proto::session::host_control::{HostEvent, PROBE_RATE_LIMIT, PROBE_TIME_LIMIT, fits};
use punktfunk_proto::units::Bitrate;
use punktfunk_proto::video::{
    loss::FecController,
    order::Gap,
    recovery::{HostRecovery, MAX_RFI_FRAMES, NextUnit},
};
use punktfunk_proto::wire::{ControlMessage, Hello, Opening, Start, Welcome};

use super::Reached;
use super::actors::admission;
use super::setup::Setup;

pub(super) struct Witness {
    setup: Setup,
    heard: Heard,
    pub(super) reached: Reached,
    recovery: HostRecovery,
    fec: FecController,
}

/// What happened so far.
#[derive(Default)]
struct Heard {
    pairing: bool,
    challenges: usize,
    pairing_ended: bool,
    hello: bool,
    welcomed: bool,
    admitted: bool,
}

impl Witness {
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            setup,
            heard: Heard::default(),
            reached: Reached::default(),
            recovery: HostRecovery::new(true),
            fec: FecController::new(10),
        }
    }

    /// A payload the host sent.
    pub(super) fn host_payload(&mut self, payload: &[u8]) {
        if let Ok(welcome) = Welcome::decode(payload) {
            assert!(self.heard.hello && !self.heard.welcomed, "a Welcome nobody asked for");
            assert_eq!(welcome, admission().welcome);
            self.heard.welcomed = true;
            return;
        }
        let message = ControlMessage::decode(payload).expect("a host sends messages");
        match message {
            ControlMessage::PairChallenge(_) => {
                self.heard.challenges += 1;
                assert!(self.heard.pairing && self.heard.challenges == 1, "a PIN was tried twice");
            }
            ControlMessage::PairResult { .. } => assert_eq!(self.heard.challenges, 1),
            _ => assert!(self.reached.started, "{} before Start", message.name()),
        }
    }

    /// A payload the client sent.
    pub(super) fn client_payload(&mut self, payload: &[u8]) {
        match Opening::of(payload) {
            Some(Opening::Pairing) => assert!(self.setup.has(Setup::PAIRS)),
            Some(Opening::Session) => assert!(Hello::decode(payload).is_ok() || Start::decode(payload).is_ok()),
            None => assert!(ControlMessage::decode(payload).is_ok(), "a client sends messages"),
        }
    }

    pub(super) fn host_event(&mut self, now: Instant, event: &HostEvent) {
        let heard = &mut self.heard;
        match event {
            HostEvent::PairingRequested { .. } => {
                assert!(!heard.pairing && !heard.hello && !self.setup.has(Setup::ANONYMOUS));
                heard.pairing = true;
            }
            HostEvent::PairingAnswered => assert!(heard.pairing && heard.challenges == 0),
            HostEvent::PairingMalformed => {
                assert!(heard.pairing && heard.challenges == 0 && !heard.pairing_ended);
                heard.pairing_ended = true;
            }
            HostEvent::PairingProven { .. } => {
                assert!(self.setup.can_pair() && self.setup.has(Setup::PAIRS), "proven without the PIN");
                assert!(heard.challenges == 1 && !heard.pairing_ended);
                heard.pairing_ended = true;
                self.reached.proven = true;
            }
            HostEvent::PairingFailed => {
                assert!(heard.challenges == 1 && !heard.pairing_ended);
                heard.pairing_ended = true;
            }
            HostEvent::Hello(_) => {
                assert!(!heard.hello && !heard.pairing);
                heard.hello = true;
            }
            HostEvent::Started { .. } => {
                assert!(heard.hello && !self.reached.started);
                self.reached.started = true;
            }
            HostEvent::Closed(_) => {}
            event => {
                assert!(self.reached.started, "{event:?} before Start");
                self.streaming(now, event);
            }
        }
    }

    fn streaming(&mut self, now: Instant, event: &HostEvent) {
        match event {
            HostEvent::ModeChanged(mode) => assert!(fits(admission().welcome.codec, *mode)),
            HostEvent::BitrateChanged(rate) => {
                assert!((Bitrate::from_kbps(500)..=admission().bitrate_ceiling).contains(rate));
            }
            HostEvent::ProbeRequested { rate, duration } => {
                assert!(*rate <= PROBE_RATE_LIMIT && *duration <= PROBE_TIME_LIMIT);
            }
            HostEvent::Loss { ppm } => assert!((1..=50).contains(&self.fec.on_report(*ppm))),
            HostEvent::KeyframeRequested => {
                self.recovery.request_keyframe();
                self.next_unit(now);
            }
            HostEvent::FramesLost { first, last } => {
                self.recovery.request_invalidation(now, Gap { first: *first, last: *last }, 1_000);
                self.next_unit(now);
            }
            _ => {}
        }
    }

    fn next_unit(&self, now: Instant) {
        if let NextUnit::Anchor(gap) = self.recovery.next_unit(now) {
            assert!((1..=MAX_RFI_FRAMES).contains(&gap.frames()), "an encoder cannot forget {gap:?}");
        }
    }

    pub(super) fn pairing_outcome(&mut self, outcome: &PairingOutcome) {
        if *outcome == PairingOutcome::Paired {
            assert!(self.setup.can_pair() && self.heard.challenges == 1, "paired with a host that lacks the PIN");
            self.reached.paired = true;
        }
    }

    pub(super) fn client_event(&mut self, event: &ClientEvent) {
        let heard = &mut self.heard;
        match event {
            ClientEvent::Welcomed(welcome) => {
                assert!(!heard.admitted && welcome.validate().is_ok());
                heard.admitted = true;
            }
            ClientEvent::Ready(_) => {
                assert!(heard.admitted && !self.reached.ready);
                self.reached.ready = true;
            }
            ClientEvent::ClockUpdated(_) => assert!(self.reached.ready),
            ClientEvent::Closed(_) => {}
            event => assert!(heard.admitted, "{event:?} before Welcome"),
        }
    }
}
