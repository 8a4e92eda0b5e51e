//! What `/launch` and `/resume` agree on: the border between the pages over HTTPS and the streams that follow.

use std::{fmt, net::IpAddr};

use punktfunk_proto::units::Fingerprint;

/// A session that a paired client has asked for (GameStream spec section 2.10). It is consumed by the RTSP handshake that
/// follows within ten seconds.
#[derive(Clone)]
pub struct Launch {
    /// Who asked: the SHA-256 of its certificate.
    pub device: Fingerprint,
    /// The address it asked from. RTSP, control and media come from there.
    pub peer: IpAddr,
    /// AES-128 key of RTSP, control, video and audio: new for every launch and resume.
    pub key: [u8; 16],
    /// The base of the audio's IV.
    pub key_id: u32,
    /// The application to start, or the one that runs.
    pub application: u32,
    /// Whether the application runs already.
    pub resume: bool,
    /// The display mode asked for, a hint: ANNOUNCE decides. Absent when a resuming client named none.
    pub mode: Option<LaunchMode>,
    /// The sound asked for.
    pub audio: AudioLayout,
    /// Whether the client can speak RTSP encrypted (`corever` of 1 and more).
    pub encrypted_rtsp: bool,
    /// Bit n: gamepad n is attached.
    pub gamepads: u16,
}

impl fmt::Debug for Launch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { device, peer, application, resume, mode, audio, encrypted_rtsp, gamepads, key: _, key_id: _ } = self;
        f.debug_struct("Launch")
            .field("device", device)
            .field("peer", peer)
            .field("application", application)
            .field("resume", resume)
            .field("mode", mode)
            .field("audio", audio)
            .field("encrypted_rtsp", encrypted_rtsp)
            .field("gamepads", gamepads)
            .finish_non_exhaustive()
    }
}

/// `mode=WxHxFPS`, unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaunchMode {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Frames a second. Older clients send 0 above 60.
    pub fps: u32,
}

/// `surroundAudioInfo`: how many channels the client plays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AudioLayout {
    /// Two channels.
    #[default]
    Stereo,
    /// 5.1: six channels.
    Surround51,
    /// 7.1: eight channels.
    Surround71,
}

impl AudioLayout {
    /// How many channels that is.
    pub const fn channels(self) -> u8 {
        match self {
            Self::Stereo => 2,
            Self::Surround51 => 6,
            Self::Surround71 => 8,
        }
    }

    /// Reads `mask << 16 | channels`; what is not known is stereo.
    pub const fn from_info(info: u32) -> Self {
        match info & 0xffff {
            6 => Self::Surround51,
            8 => Self::Surround71,
            _ => Self::Stereo,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AudioLayout;

    #[test]
    fn the_three_layouts_of_clients_are_told_apart() {
        // GameStream spec section 2.10.
        let known = [(196_610, 2), (4_128_774, 6), (104_792_072, 8), (0, 2)];
        for (info, channels) in known {
            assert_eq!(AudioLayout::from_info(info).channels(), channels, "{info}");
        }
    }
}
