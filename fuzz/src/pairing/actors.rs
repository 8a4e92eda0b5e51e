//! The owners of the three kinds of session.

use std::time::Duration;

use punktfunk_proto::session::client_control::{ClientCommand, ClientControl, ClientEvent};
use punktfunk_proto::session::client_pairing::{ClientPairing, PairingOutcome};
use punktfunk_proto::session::host_control::{Admission, HostCommand, HostControl, HostEvent};
use punktfunk_proto::units::{Bitrate, Mode};
use punktfunk_proto::wire::datagram::InputEvent;
use punktfunk_proto::wire::{CloseCode, Grants, ProbeResult, Welcome};

use super::super::script::Step;
use super::setup::{HOST_ENTROPY, host_pin};
use super::side::Actor;

impl Actor for HostControl {
    fn answer(event: &HostEvent) -> Option<HostCommand> {
        Some(match event {
            HostEvent::PairingRequested { .. } => HostCommand::BeginPairing { secret: host_pin(), seed: HOST_ENTROPY },
            HostEvent::PairingAnswered => HostCommand::SendChallenge,
            HostEvent::PairingProven { .. } => HostCommand::PairingStored { ok: true },
            HostEvent::Hello(_) => HostCommand::Accept(Box::new(admission())),
            HostEvent::ProbeRequested { .. } => HostCommand::ProbeDone(ProbeResult::default()),
            _ => return None,
        })
    }

    fn command(step: &Step) -> Option<HostCommand> {
        let [one, two] = numbers(step);
        Some(match step.number % 12 {
            0 => HostCommand::BeginPairing { secret: host_pin(), seed: HOST_ENTROPY },
            1 => HostCommand::SendChallenge,
            2 => HostCommand::PairingStored { ok: one.is_multiple_of(2) },
            3 => HostCommand::Accept(Box::new(admission())),
            4 => {
                let reason = String::from_utf8_lossy(&step.bytes).into_owned();
                HostCommand::Refuse { code: CloseCode::try_from(one % 0x100).unwrap_or(CloseCode::Failed), reason }
            }
            5 => HostCommand::ModeInForce(mode(one, two)),
            6 => HostCommand::BitrateInForce(Bitrate::from_kbps(one)),
            7 => HostCommand::PipelineGap(Duration::from_secs(one.into())),
            8 => HostCommand::ProbeDone(ProbeResult { bytes: one.into(), units: two, ..ProbeResult::default() }),
            9 => HostCommand::AccessChanged { grants: Grants::from_bits(one), remaining: None },
            10 => HostCommand::AccessChanged { grants: Grants::ALL, remaining: Some(Duration::from_secs(one.into())) },
            _ => HostCommand::Datagram(step.bytes.clone()),
        })
    }

    fn is_last(event: &HostEvent) -> bool {
        matches!(event, HostEvent::Closed(_))
    }
}

impl Actor for ClientControl {
    fn answer(event: &ClientEvent) -> Option<ClientCommand> {
        matches!(event, ClientEvent::Welcomed(_)).then_some(ClientCommand::Start { media_port: 50_000 })
    }

    fn command(step: &Step) -> Option<ClientCommand> {
        let [one, two] = numbers(step);
        Some(match step.number % 9 {
            0 => ClientCommand::Start { media_port: one as u16 },
            1 => ClientCommand::Reconfigure(mode(one, two)),
            2 => ClientCommand::RequestKeyframe,
            3 => ClientCommand::FramesLost { first: one, last: two },
            4 => ClientCommand::ReportLoss { ppm: one },
            5 => ClientCommand::SetBitrate(Bitrate::from_kbps(one)),
            6 => ClientCommand::Probe { rate: Bitrate::from_mbps(one), duration: Duration::from_secs(two.into()) },
            7 => ClientCommand::Input(InputEvent::Key { vk: one as u8, pressed: two.is_multiple_of(2) }),
            _ => ClientCommand::Close { quit: one.is_multiple_of(2) },
        })
    }

    fn is_last(event: &ClientEvent) -> bool {
        matches!(event, ClientEvent::Closed(_))
    }
}

impl Actor for ClientPairing {
    fn answer(_: &PairingOutcome) -> Option<std::convert::Infallible> {
        None
    }

    fn command(_: &Step) -> Option<std::convert::Infallible> {
        None
    }

    fn is_last(_: &PairingOutcome) -> bool {
        true
    }
}

/// What the host offers everybody.
pub(super) fn admission() -> Admission {
    let mode = Mode::new(1_280, 720, 60).expect("a usual mode");
    Admission {
        welcome: Welcome { mode: mode.into(), aes_key: [7; 16].into(), bitrate_kbps: 20_000, ..Welcome::default() },
        default_bitrate: Bitrate::from_mbps(20),
        bitrate_ceiling: Bitrate::from_mbps(80),
        mode_is_fixed: false,
    }
}

/// Any mode that is one.
fn mode(sides: u32, hz: u32) -> Mode {
    let side = |bits: u32| Mode::MIN_SIDE + bits % (Mode::MAX_SIDE - Mode::MIN_SIDE) / 2 * 2;
    Mode::new(side(sides & 0xFFFF), side(sides >> 16), 1 + hz % 1_000).expect("sides and rate are in range")
}

/// The step's bytes as two numbers; what is missing is zero.
fn numbers(step: &Step) -> [u32; 2] {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(&step.bytes).for_each(|(to, from)| *to = *from);
    [0, 4].map(|at| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]))
}
