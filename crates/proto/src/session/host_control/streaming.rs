//! The typed-message phase of the host (spec section 2.5).

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use super::{Admission, HostCommand, HostEvent, Outgoing, PROBE_RATE_LIMIT, PROBE_TIME_LIMIT};
use crate::{
    units::{Bitrate, HostTime, Mode},
    wire::{ClipReason, ClipState, Codec, ControlMessage, ProbeResult, VideoCaps, WireMode},
};

/// The client runs this many clock rounds right after Start and takes any other message for an echo.
const CLOCK_ROUNDS: u8 = 8;
/// A client that has not finished its clock rounds by now has given up on them (spec section 2.5).
const CLOCK_ROUNDS_WITHIN: Duration = Duration::from_secs(2);
/// More answers than this are not held: only a client that asks without waiting gets there.
const HELD_LIMIT: usize = 32;
/// Between two accepted mode changes (spec section 6.2).
const MODE_CHANGE_INTERVAL: Duration = Duration::from_millis(500);
/// Between two speed tests (spec section 2.5).
const PROBE_INTERVAL: Duration = Duration::from_secs(10);
/// What a SetBitrate may ask for (spec section 2.5).
const BITRATE_FLOOR: Bitrate = Bitrate::from_kbps(500);
const BITRATE_LIMIT: Bitrate = Bitrate::from_kbps(8_000_000);
/// The host has no clipboard to share (spec section 5.8).
const NO_CLIPBOARD: ClipState = ClipState { enabled: false, policy: 0, reason: ClipReason::BackendUnavailable };
/// The largest side H.264 is offered at (spec section 6.2).
const H264_MAX_SIDE: u32 = 4_096;

#[derive(Debug)]
pub(super) struct Streaming {
    hold: Hold,
    mode: WireMode,
    mode_is_fixed: bool,
    codec: Codec,
    video_caps: VideoCaps,
    default_bitrate: Bitrate,
    bitrate_ceiling: Bitrate,
    mode_changed_at: Option<Instant>,
    probed_at: Option<Instant>,
}

/// Messages that are no echoes wait until the client's clock rounds are through: it would lose them and end its
/// rounds early (spec section 2.5, ordering hazard).
#[derive(Debug)]
enum Hold {
    Until { deadline: Instant, rounds_left: u8, held: Vec<ControlMessage> },
    Over,
}

impl Streaming {
    pub(super) fn new(now: Instant, video_caps: VideoCaps, admission: &Admission) -> Self {
        Self {
            hold: Hold::Until { deadline: now + CLOCK_ROUNDS_WITHIN, rounds_left: CLOCK_ROUNDS, held: Vec::new() },
            mode: admission.welcome.mode,
            mode_is_fixed: admission.mode_is_fixed,
            codec: admission.welcome.codec,
            video_caps,
            default_bitrate: admission.default_bitrate,
            bitrate_ceiling: admission.bitrate_ceiling,
            mode_changed_at: None,
            probed_at: None,
        }
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match &self.hold {
            Hold::Until { deadline, .. } => Some(*deadline),
            Hold::Over => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Instant, outbox: &mut VecDeque<Outgoing>) {
        if self.deadline().is_some_and(|deadline| now >= deadline) {
            self.release(outbox);
        }
    }

    pub(super) fn handle_message(
        &mut self,
        now: Instant,
        clock: HostTime,
        message: ControlMessage,
        outbox: &mut VecDeque<Outgoing>,
        events: &mut VecDeque<HostEvent>,
    ) {
        match message {
            ControlMessage::ClockProbe { t1 } => {
                outbox.push_back(Outgoing::Echo { t1, t2: clock });
                self.count_round(outbox);
            }
            ControlMessage::Reconfigure(mode) => self.reconfigure(now, mode, outbox, events),
            ControlMessage::RequestKeyframe => events.push_back(HostEvent::KeyframeRequested),
            ControlMessage::LossReport { ppm } => events.push_back(HostEvent::Loss { ppm }),
            ControlMessage::RfiRequest { first, last } => events.push_back(HostEvent::FramesLost { first, last }),
            ControlMessage::SetBitrate { kbps } => {
                let bitrate = self.resolve_bitrate(kbps);
                self.send(ControlMessage::BitrateChanged { kbps: bitrate.kbps() }, outbox);
                events.push_back(HostEvent::BitrateChanged(bitrate));
            }
            ControlMessage::ProbeRequest { target_kbps, duration_ms } => {
                self.probe(now, target_kbps, duration_ms, outbox, events);
            }
            ControlMessage::ClipControl { .. } => {
                self.send(ControlMessage::ClipState(NO_CLIPBOARD), outbox);
            }
            // Nothing of these is offered in our Welcome, or they flow the other way: ignored (spec section 7).
            _ => {}
        }
    }

    pub(super) fn handle_command(&mut self, now: Instant, command: HostCommand, outbox: &mut VecDeque<Outgoing>) {
        match command {
            HostCommand::ModeInForce(mode) => {
                self.mode = mode.into();
                self.mode_changed_at = Some(now);
                self.send(ControlMessage::Reconfigured { accepted: true, mode: self.mode }, outbox);
            }
            HostCommand::BitrateInForce(bitrate) => {
                self.send(ControlMessage::BitrateChanged { kbps: bitrate.kbps() }, outbox);
            }
            HostCommand::PipelineGap(gap) => {
                let ms = u32::try_from(gap.as_millis()).unwrap_or(u32::MAX);
                self.send(ControlMessage::PipelineGap { ms }, outbox);
            }
            HostCommand::ProbeDone(result) => self.send(ControlMessage::ProbeResult(result), outbox),
            HostCommand::AccessChanged { grants, remaining } => {
                let remaining_s = remaining.map_or(0, |left| u32::try_from(left.as_secs()).unwrap_or(u32::MAX).max(1));
                self.send(ControlMessage::AccessUpdate { grants, remaining_s }, outbox);
            }
            HostCommand::AnnounceSuccessor(fingerprint) => {
                self.send(ControlMessage::HostSuccessor { fingerprint }, outbox);
            }
            // These belong to other states; see `HostControl::handle_command`.
            HostCommand::BeginPairing { .. }
            | HostCommand::SendChallenge
            | HostCommand::PairingStored { .. }
            | HostCommand::Accept(_)
            | HostCommand::Refuse { .. }
            | HostCommand::Datagram(_) => {}
        }
    }

    /// Sends now, or once the clock rounds are through.
    fn send(&mut self, message: ControlMessage, outbox: &mut VecDeque<Outgoing>) {
        match &mut self.hold {
            Hold::Until { held, .. } if held.len() < HELD_LIMIT => held.push(message),
            Hold::Until { .. } => {}
            Hold::Over => outbox.push_back(Outgoing::Message(message)),
        }
    }

    fn count_round(&mut self, outbox: &mut VecDeque<Outgoing>) {
        if let Hold::Until { rounds_left, .. } = &mut self.hold {
            *rounds_left = rounds_left.saturating_sub(1);
            if *rounds_left == 0 {
                self.release(outbox);
            }
        }
    }

    fn release(&mut self, outbox: &mut VecDeque<Outgoing>) {
        if let Hold::Until { held, .. } = std::mem::replace(&mut self.hold, Hold::Over) {
            outbox.extend(held.into_iter().map(Outgoing::Message));
        }
    }

    fn reconfigure(
        &mut self,
        now: Instant,
        asked: WireMode,
        outbox: &mut VecDeque<Outgoing>,
        events: &mut VecDeque<HostEvent>,
    ) {
        let too_soon = self.mode_changed_at.is_some_and(|at| now.saturating_duration_since(at) < MODE_CHANGE_INTERVAL);
        match Mode::try_from(asked) {
            Ok(mode) if !too_soon && !self.mode_is_fixed && fits(self.codec, mode) => {
                self.mode = asked;
                self.mode_changed_at = Some(now);
                self.send(ControlMessage::Reconfigured { accepted: true, mode: asked }, outbox);
                events.push_back(HostEvent::ModeChanged(mode));
            }
            _ => self.send(ControlMessage::Reconfigured { accepted: false, mode: self.mode }, outbox),
        }
    }

    fn resolve_bitrate(&self, kbps: u32) -> Bitrate {
        let asked = if kbps == 0 { self.default_bitrate } else { Bitrate::from_kbps(kbps) };
        asked.clamp(BITRATE_FLOOR, BITRATE_LIMIT).min(self.bitrate_ceiling)
    }

    fn probe(
        &mut self,
        now: Instant,
        target_kbps: u32,
        duration_ms: u32,
        outbox: &mut VecDeque<Outgoing>,
        events: &mut VecDeque<HostEvent>,
    ) {
        if !self.video_caps.contains(VideoCaps::PROBE_FILLER) {
            self.send(ControlMessage::ProbeResult(ProbeResult::default()), outbox);
            return;
        }
        if self.probed_at.is_some_and(|at| now.saturating_duration_since(at) < PROBE_INTERVAL) {
            return;
        }
        self.probed_at = Some(now);
        events.push_back(HostEvent::ProbeRequested {
            rate: Bitrate::from_kbps(target_kbps).min(PROBE_RATE_LIMIT),
            duration: Duration::from_millis(u64::from(duration_ms)).min(PROBE_TIME_LIMIT),
        });
    }
}

/// Whether the codec in use can carry this mode (spec section 6.2).
pub fn fits(codec: Codec, mode: Mode) -> bool {
    let limit = if codec == Codec::H264 { H264_MAX_SIDE } else { Mode::MAX_SIDE };
    mode.width() <= limit && mode.height() <= limit
}
