//! Which channels there are, and how Opus carries them.

/// The channels of a stream, in the order FL FR FC LFE RL RR SL SR (spec section 5.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layout {
    /// Two.
    #[default]
    Stereo,
    /// Six: 5.1.
    Surround51,
    /// Eight: 7.1.
    Surround71,
}

impl Layout {
    /// The layout of so many channels, if there is one.
    pub const fn of_channels(channels: u8) -> Option<Self> {
        match channels {
            2 => Some(Self::Stereo),
            6 => Some(Self::Surround51),
            8 => Some(Self::Surround71),
            _ => None,
        }
    }

    /// How many channels.
    pub const fn channels(self) -> usize {
        match self {
            Self::Stereo => 2,
            Self::Surround51 => 6,
            Self::Surround71 => 8,
        }
    }

    /// The channels' names as PipeWire writes them.
    pub fn names(self) -> &'static [&'static str] {
        &["FL", "FR", "FC", "LFE", "RL", "RR", "SL", "SR"][..self.channels()]
    }

    /// Bitrates of the native protocol in kbit/s, the lowest first (spec section 5.1).
    pub const fn tiers(self) -> [u32; 3] {
        match self {
            Self::Stereo => [96, 128, 256],
            Self::Surround51 => [192, 256, 448],
            Self::Surround71 => [320, 450, 768],
        }
    }

    /// The rate in kbit/s beside video of `video_kbps`: the best tier within a twentieth of it, never under 96.
    pub fn kbps_beside(self, video_kbps: u32) -> u32 {
        let most = (video_kbps / 20).max(LEAST_KBPS);
        let tiers = self.tiers();
        tiers.into_iter().rev().find(|tier| *tier <= most).unwrap_or(most)
    }
}

/// The lowest rate of any stream, in kbit/s.
const LEAST_KBPS: u32 = 96;

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn sound_takes_a_twentieth_of_the_video_and_never_less_than_96() {
        assert_eq!(Layout::Stereo.kbps_beside(20_000), 256);
        assert_eq!(Layout::Stereo.kbps_beside(4_000), 128);
        assert_eq!(Layout::Stereo.kbps_beside(500), 96);
        assert_eq!(Layout::Surround51.kbps_beside(20_000), 448);
        assert_eq!(Layout::Surround51.kbps_beside(2_000), 100);
        assert_eq!(Layout::Surround71.kbps_beside(10_000), 450);
        assert_eq!(Layout::Surround71.kbps_beside(0), 96);
    }

    #[test]
    fn only_the_layouts_of_the_protocol_exist() {
        let known: Vec<u8> = (0..=255).filter(|channels| Layout::of_channels(*channels).is_some()).collect();
        assert_eq!(known, [2, 6, 8]);
        assert!(known.iter().all(|n| Layout::of_channels(*n).unwrap().channels() == usize::from(*n)));
    }
}
