//! What the messages say (GameStream spec sections 4.3 and 4.4).

/// A message of the client's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ClientMessage<'a> {
    /// Send an IDR frame. The first one begins the session.
    RequestIdr,
    /// The second message of a session.
    Begin,
    /// The client is there.
    KeepAlive,
    /// An input event, for [`ClientInput::parse`](crate::input::ClientInput::parse).
    Input(&'a [u8]),
    /// These frames are lost: refer to none of them.
    FramesLost {
        /// The first, counted from 1.
        first: u32,
        /// The last.
        last: u32,
    },
    /// A long-term reference arrived.
    ReferenceArrived(u32),
    /// A block of a frame was repaired or lost.
    Fec(FecReport),
    /// A type that is not known.
    Unknown(u16),
}

/// How a block of a frame arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FecReport {
    /// The frame, counted from 1.
    pub frame: u32,
    /// Data shards of the block.
    pub data: u16,
    /// Parity shards of the block.
    pub parity: u16,
    /// Data shards that arrived.
    pub data_received: u16,
    /// Parity shards that arrived.
    pub parity_received: u16,
}

impl FecReport {
    /// Data shards that did not arrive. Parity that arrives after the block was repaired is not counted by clients.
    pub const fn lost(&self) -> u16 {
        self.data.saturating_sub(self.data_received)
    }
}

/// Why an opened message is none. The client's fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a control message is cut off")]
pub struct MessageError;

impl<'a> ClientMessage<'a> {
    /// Reads type, length and payload.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn parse(message: &'a [u8]) -> Result<Self, MessageError> {
        let (head, rest) = message.split_first_chunk::<4>().ok_or(MessageError)?;
        let [kind, length] = [[head[0], head[1]], [head[2], head[3]]].map(u16::from_le_bytes);
        let payload = rest.get(..usize::from(length)).ok_or(MessageError)?;
        let word = |at: usize| {
            let bytes = payload.get(at..).and_then(|rest| rest.first_chunk()).ok_or(MessageError)?;
            Ok(u32::from_le_bytes(*bytes))
        };
        Ok(match kind {
            0x0302 => Self::RequestIdr,
            0x0307 => Self::Begin,
            0x0200 => Self::KeepAlive,
            0x0206 => Self::Input(payload),
            0x0301 => Self::FramesLost { first: word(0)?, last: word(8)? },
            0x0350 => Self::ReferenceArrived(word(0)?),
            0x5502 => Self::Fec(FecReport::parse(payload).ok_or(MessageError)?),
            other => Self::Unknown(other),
        })
    }
}

impl FecReport {
    fn parse(payload: &[u8]) -> Option<Self> {
        let short = |at: usize| Some(u16::from_be_bytes(*payload.get(at..)?.first_chunk()?));
        Some(Self {
            frame: u32::from_be_bytes(*payload.first_chunk()?),
            data: short(10)?,
            parity: short(12)?,
            data_received: short(14)?,
            parity_received: short(16)?,
        })
    }
}

/// Why the host ends a session, as clients show it (spec section 8.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// The application ended, or somebody ended the session: back to the list, without a word.
    Graceful,
    /// The picture may not be recorded.
    Protected,
    /// Encoder or display failed for good.
    EncodingFailed,
    /// Any other; shown as a number.
    Other(u32),
}

impl EndReason {
    /// Its number.
    pub const fn code(self) -> u32 {
        match self {
            Self::Graceful => 0x8003_0023,
            Self::Protected => 0x800E_9302,
            Self::EncodingFailed => 0x800E_9403,
            Self::Other(code) => code,
        }
    }
}

/// A message of the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostMessage {
    /// The session ends.
    End(EndReason),
    /// A gamepad's motors, from 0 to 65,535; until the next message.
    Rumble {
        /// Which gamepad.
        pad: u16,
        /// The heavy one.
        low: u16,
        /// The light one.
        high: u16,
    },
    /// The motors of a gamepad's triggers.
    TriggerRumble {
        /// Which gamepad.
        pad: u16,
        /// Left.
        left: u16,
        /// Right.
        right: u16,
    },
    /// Report motion.
    WantMotion {
        /// Which gamepad.
        pad: u16,
        /// How often a second; 0 stops.
        hz: u16,
        /// Turning, or acceleration.
        gyroscope: bool,
    },
    /// A gamepad's light.
    Light {
        /// Which gamepad.
        pad: u16,
        /// Its colour.
        rgb: [u8; 3],
    },
}

impl HostMessage {
    /// Type, length and payload.
    pub fn encode(&self) -> Vec<u8> {
        let shorts = |shorts: &[u16]| shorts.iter().flat_map(|short| short.to_le_bytes()).collect::<Vec<u8>>();
        let (kind, payload): (u16, Vec<u8>) = match *self {
            Self::End(reason) => (0x0109, reason.code().to_be_bytes().into()),
            Self::Rumble { pad, low, high } => (0x010B, shorts(&[0, 0, pad, low, high])),
            Self::TriggerRumble { pad, left, right } => (0x5500, shorts(&[pad, left, right])),
            Self::WantMotion { pad, hz, gyroscope } => {
                (0x5501, [shorts(&[pad, hz]), vec![1 + u8::from(gyroscope)]].concat())
            }
            Self::Light { pad, rgb } => (0x5502, [shorts(&[pad]), rgb.into()].concat()),
        };
        [shorts(&[kind, payload.len() as u16]), payload].concat()
    }
}
