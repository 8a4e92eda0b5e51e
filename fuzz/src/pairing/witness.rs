//! What must be true of everything that two sessions said, whatever was done to them.

use std::time::Instant;

use punktfunk_proto::session::client_control::ClientEvent;
use punktfunk_proto::session::client_pairing::PairingOutcome;
use punktfunk_proto::session::host_control::{HostEvent, PROBE_RATE_LIMIT, PROBE_TIME_LIMIT, fits};
use punktfunk_proto::units::Bitrate;
use punktfunk_proto::video::{
    UnitKind,
    order::Gap,
    protection::FecController,
    recovery::{HostRecovery, MAX_RFI_FRAMES, NextUnit},
};
use punktfunk_proto::wire::{ControlMessage, Hello, Opening, Start, Welcome};

use super::Milestone::{
    self, Admitted, Challenged, Decided, Greeted, Paired, Proven, Ready, Requested, Started, Welcomed,
};
use super::Reached;
use super::actors::admission;
use super::setup::Setup;

pub(super) struct Witness {
    setup: Setup,
    pub(super) reached: Reached,
    recovery: HostRecovery,
    /// Of the host's next unit.
    next_index: u32,
    fec: FecController,
}

impl Witness {
    pub(super) fn new(setup: Setup) -> Self {
        Self {
            setup,
            reached: Reached::new(),
            recovery: HostRecovery::new(true),
            next_index: 1_000,
            fec: FecController::new(10),
        }
    }

    fn has(&self, milestone: Milestone) -> bool {
        self.reached.contains(&milestone)
    }

    fn reach(&mut self, milestone: Milestone) {
        assert!(self.reached.insert(milestone), "{milestone:?} twice");
    }

    /// A payload the host sent.
    pub(super) fn host_payload(&mut self, payload: &[u8]) {
        if let Ok(welcome) = Welcome::decode(payload) {
            assert!(self.has(Greeted), "a Welcome nobody asked for");
            assert_eq!(welcome, admission().welcome);
            self.reach(Welcomed);
            return;
        }
        let message = ControlMessage::decode(payload).expect("a host sends messages");
        match message {
            ControlMessage::PairChallenge(_) => {
                assert!(self.has(Requested));
                self.reach(Challenged);
            }
            ControlMessage::PairResult { .. } => assert!(self.has(Challenged)),
            _ => assert!(self.has(Started), "{} before Start", message.name()),
        }
    }

    /// A payload the client sent.
    pub(super) fn client_payload(&self, payload: &[u8]) {
        match Opening::of(payload) {
            Some(Opening::Pairing) => assert!(self.setup.has(Setup::PAIRS)),
            Some(Opening::Session) => assert!(Hello::decode(payload).is_ok() || Start::decode(payload).is_ok()),
            None => assert!(ControlMessage::decode(payload).is_ok(), "a client sends messages"),
        }
    }

    pub(super) fn host_event(&mut self, now: Instant, event: &HostEvent) {
        match event {
            HostEvent::PairingRequested { .. } => {
                assert!(!self.has(Greeted) && !self.setup.has(Setup::ANONYMOUS));
                self.reach(Requested);
            }
            HostEvent::PairingAnswered => assert!(self.has(Requested) && !self.has(Challenged)),
            HostEvent::PairingMalformed => {
                assert!(self.has(Requested) && !self.has(Challenged));
                self.reach(Decided);
            }
            HostEvent::PairingProven { .. } => {
                assert!(self.setup.can_pair() && self.setup.has(Setup::PAIRS), "proven without the PIN");
                assert!(self.has(Challenged));
                self.reach(Decided);
                self.reach(Proven);
            }
            HostEvent::PairingFailed => {
                assert!(self.has(Challenged));
                self.reach(Decided);
            }
            HostEvent::Hello(_) => {
                assert!(!self.has(Requested));
                self.reach(Greeted);
            }
            HostEvent::Started { .. } => {
                assert!(self.has(Welcomed));
                self.reach(Started);
            }
            HostEvent::Closed(_) => {}
            event => {
                assert!(self.has(Started), "{event:?} before Start");
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
            HostEvent::Loss { ppm } => {
                self.fec.on_report(*ppm, 0.1);
                assert!((1..=50).contains(&self.fec.percent()));
            }
            HostEvent::KeyframeRequested => {
                self.fec.on_recovery_request();
                self.recovery.request_keyframe();
                self.encode(now);
            }
            HostEvent::FramesLost { first, last } => {
                self.fec.on_recovery_request();
                self.recovery.request_invalidation(now, Gap { first: *first, last: *last }, self.next_index);
                self.encode(now);
            }
            _ => {}
        }
    }

    /// The host's encoder makes the next unit of what it is asked for.
    fn encode(&mut self, now: Instant) {
        let kind = match self.recovery.next_unit(now) {
            NextUnit::Delta => UnitKind::Delta,
            NextUnit::Idr => UnitKind::Idr,
            NextUnit::Anchor(gap) => {
                assert!((1..=MAX_RFI_FRAMES).contains(&gap.frames()), "an encoder cannot forget {gap:?}");
                UnitKind::RecoveryAnchor
            }
        };
        self.recovery.on_submitted(now, self.next_index, kind);
        self.next_index = self.next_index.wrapping_add(1);
    }

    pub(super) fn pairing_outcome(&mut self, outcome: &PairingOutcome) {
        if *outcome == PairingOutcome::Paired {
            assert!(self.setup.can_pair() && self.has(Challenged), "paired with a host that lacks the PIN");
            self.reach(Paired);
        }
    }

    pub(super) fn client_event(&mut self, event: &ClientEvent) {
        match event {
            ClientEvent::Welcomed(welcome) => {
                assert!(welcome.validate().is_ok());
                self.reach(Admitted);
            }
            ClientEvent::Ready(_) => {
                assert!(self.has(Admitted));
                self.reach(Ready);
            }
            ClientEvent::ClockUpdated(_) => assert!(self.has(Ready)),
            ClientEvent::Closed(_) => {}
            event => assert!(self.has(Admitted), "{event:?} before Welcome"),
        }
    }
}
