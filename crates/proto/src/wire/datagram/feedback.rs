//! What a host tells a gamepad to do (spec section 5.5).

use crate::wire::WireError;
use crate::wire::bytes::Reader;

/// Vibration. Three forms of growing length exist; absent parts are `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rumble {
    /// Which pad.
    pub pad: u16,
    /// Strength of the low-frequency motor.
    pub low: u16,
    /// Strength of the high-frequency motor.
    pub high: u16,
    /// How long it holds.
    pub lease: Option<RumbleLease>,
}

/// How long a rumble holds and which is newer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RumbleLease {
    /// Newer by wrapping comparison; older ones are dropped.
    pub seq: u8,
    /// Stop after this many milliseconds without another.
    pub ttl_ms: u16,
    /// Trigger motors.
    pub triggers: Option<RumbleTriggers>,
}

/// Strengths of the trigger motors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RumbleTriggers {
    /// Left.
    pub left: u16,
    /// Right.
    pub right: u16,
}

impl Rumble {
    pub(super) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        let mut rumble =
            Self { pad: reader.u16("pad")?, low: reader.u16("low")?, high: reader.u16("high")?, lease: None };
        if !reader.is_empty() {
            let (seq, ttl_ms) = (reader.u8("sequence")?, reader.u16("time to live")?);
            let triggers = match reader.is_empty() {
                true => None,
                false => {
                    Some(RumbleTriggers { left: reader.u16("left trigger")?, right: reader.u16("right trigger")? })
                }
            };
            rumble.lease = Some(RumbleLease { seq, ttl_ms, triggers });
        }
        Ok(rumble)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_all(out, &[self.pad, self.low, self.high]);
        let Some(lease) = self.lease else { return };
        out.push(lease.seq);
        put_all(out, &[lease.ttl_ms]);
        if let Some(triggers) = lease.triggers {
            put_all(out, &[triggers.left, triggers.right]);
        }
    }
}

/// Which trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum TriggerSide {
    /// L2.
    Left = 0,
    /// R2.
    Right = 1,
}

/// Which kind of HID report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RawReportKind {
    /// An output report.
    Output = 0,
    /// A feature report.
    Feature = 1,
}

/// Everything else a gamepad can be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HidOutput<'a> {
    /// The light bar's colour.
    Led {
        /// Which pad.
        pad: u8,
        /// Red, green, blue.
        rgb: [u8; 3],
    },
    /// The player lights.
    PlayerLeds {
        /// Which pad.
        pad: u8,
        /// One bit per light.
        bits: u8,
    },
    /// An adaptive trigger's effect.
    Trigger {
        /// Which pad.
        pad: u8,
        /// Which trigger.
        side: TriggerSide,
        /// The effect as the pad takes it, at most 11 bytes.
        effect: &'a [u8],
    },
    /// A pulse train on a trackpad. v0.31 never sends it.
    TrackpadHaptic {
        /// Which pad.
        pad: u8,
        /// 0 left, 1 right.
        side: u8,
        /// Strength.
        amplitude: u16,
        /// Time between pulses.
        period: u16,
        /// How many pulses.
        count: u16,
    },
    /// A whole HID report.
    Raw {
        /// Which pad.
        pad: u8,
        /// Of which kind.
        kind: RawReportKind,
        /// The report, at most 64 bytes.
        report: &'a [u8],
    },
    /// Settings of the pad's audio.
    AudioControl {
        /// Which pad.
        pad: u16,
        /// Flags as the pad takes them.
        flags: u8,
        /// Values as the pad takes them.
        raw: [u8; 6],
    },
}

impl<'a> HidOutput<'a> {
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, WireError> {
        Ok(match reader.u8("kind")? {
            kind::LED => Self::Led { pad: reader.u8("pad")?, rgb: reader.array("colour")? },
            kind::PLAYER_LEDS => Self::PlayerLeds { pad: reader.u8("pad")?, bits: reader.u8("lights")? },
            kind::TRIGGER => Self::Trigger {
                pad: reader.u8("pad")?,
                side: match reader.u8("trigger")? {
                    0 => TriggerSide::Left,
                    1 => TriggerSide::Right,
                    other => return Err(reader.value("trigger", other)),
                },
                effect: read_rest(reader, "effect", MAX_EFFECT_LEN)?,
            },
            kind::TRACKPAD_HAPTIC => Self::TrackpadHaptic {
                pad: reader.u8("pad")?,
                side: reader.u8("side")?,
                amplitude: reader.u16("amplitude")?,
                period: reader.u16("period")?,
                count: reader.u16("count")?,
            },
            kind::RAW => Self::Raw {
                pad: reader.u8("pad")?,
                kind: match reader.u8("report kind")? {
                    0 => RawReportKind::Output,
                    1 => RawReportKind::Feature,
                    other => return Err(reader.value("report kind", other)),
                },
                report: read_rest(reader, "report", MAX_REPORT_LEN)?,
            },
            kind::AUDIO_CONTROL => {
                Self::AudioControl { pad: reader.u16("pad")?, flags: reader.u8("flags")?, raw: reader.array("values")? }
            }
            other => return Err(WireError::Unknown { what: "controller output kind", value: other }),
        })
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        match *self {
            Self::Led { pad, rgb } => {
                out.extend_from_slice(&[kind::LED, pad]);
                out.extend_from_slice(&rgb);
            }
            Self::PlayerLeds { pad, bits } => out.extend_from_slice(&[kind::PLAYER_LEDS, pad, bits]),
            Self::Trigger { pad, side, effect } => {
                out.extend_from_slice(&[kind::TRIGGER, pad, side as u8]);
                out.extend_from_slice(&effect[..effect.len().min(MAX_EFFECT_LEN)]);
            }
            Self::TrackpadHaptic { pad, side, amplitude, period, count } => {
                out.extend_from_slice(&[kind::TRACKPAD_HAPTIC, pad, side]);
                put_all(out, &[amplitude, period, count]);
            }
            Self::Raw { pad, kind, report } => {
                out.extend_from_slice(&[kind::RAW, pad, kind as u8]);
                out.extend_from_slice(&report[..report.len().min(MAX_REPORT_LEN)]);
            }
            Self::AudioControl { pad, flags, raw } => {
                out.push(kind::AUDIO_CONTROL);
                put_all(out, &[pad]);
                out.push(flags);
                out.extend_from_slice(&raw);
            }
        }
    }
}

fn read_rest<'a>(reader: &mut Reader<'a>, field: &'static str, max: usize) -> Result<&'a [u8], WireError> {
    let rest = reader.remaining();
    if rest.len() > max { Err(reader.value(field, rest.len() as u64)) } else { Ok(rest) }
}

fn put_all(out: &mut Vec<u8>, numbers: &[u16]) {
    for number in numbers {
        out.extend_from_slice(&number.to_le_bytes());
    }
}

const MAX_EFFECT_LEN: usize = 11;
/// The longest HID report either way, in bytes.
pub(super) const MAX_REPORT_LEN: usize = 64;

mod kind {
    pub(super) const LED: u8 = 1;
    pub(super) const PLAYER_LEDS: u8 = 2;
    pub(super) const TRIGGER: u8 = 3;
    pub(super) const TRACKPAD_HAPTIC: u8 = 4;
    pub(super) const RAW: u8 = 5;
    pub(super) const AUDIO_CONTROL: u8 = 6;
}
