//! Sets of capability and grant bits. Unknown bits are kept: they are a newer peer's business.

macro_rules! bit_set {
    ($(#[$doc:meta])* $name:ident: $repr:ty { $($(#[$bit_doc:meta])* $bit:ident = $value:expr;)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub struct $name($repr);

        impl $name {
            $($(#[$bit_doc])* pub const $bit: Self = Self($value);)+

            /// No bit set.
            pub const NONE: Self = Self(0);

            /// The set with these bits, known or not.
            pub const fn from_bits(bits: $repr) -> Self {
                Self(bits)
            }

            /// The bits as the wire carries them.
            pub const fn bits(self) -> $repr {
                self.0
            }

            /// Whether every bit of `other` is set.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// This set and the bits of `other`.
            #[must_use]
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// This set without the bits of `other`.
            #[must_use]
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }

            /// The bits set in both.
            #[must_use]
            pub const fn shared(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }

            /// Whether no bit is set.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                let known = [$((stringify!($bit), Self::$bit.0)),+];
                let names: Vec<_> = known.iter().filter(|(_, bit)| bit.is_power_of_two() && self.0 & bit != 0).collect();
                let unknown = known.iter().fold(self.0, |bits, (_, bit)| bits & !bit);
                let mut list = f.debug_set();
                list.entries(names.iter().map(|(name, _)| format_args!("{name}").to_string()));
                if unknown != 0 {
                    list.entry(&format_args!("{unknown:#x}"));
                }
                list.finish()
            }
        }
    };
}

bit_set! {
    /// What video a client understands (`video_caps`, spec section 2.3).
    VideoCaps: u8 {
        /// 10-bit samples.
        TEN_BIT = 0x01;
        /// HDR10.
        HDR = 0x02;
        /// 4:4:4 chroma.
        YUV444 = 0x04;
        /// Wants host-timing datagrams.
        HOST_TIMING = 0x08;
        /// Understands probe filler in an index space of its own.
        PROBE_FILLER = 0x10;
        /// Understands streamed access units.
        STREAMED = 0x20;
        /// Opens ChaCha20-Poly1305.
        CHACHA20 = 0x40;
        /// Understands multi-slice and slice-stream access units.
        SLICES = 0x80;
    }
}

bit_set! {
    /// What else a client can do (`client_caps`, spec section 2.3).
    ClientCaps: u8 {
        /// Draws the cursor itself.
        CURSOR = 0x01;
        /// Sends phase reports.
        PHASE_LOCK = 0x02;
        /// Plays redundant audio.
        AUDIO_REDUNDANCY = 0x04;
        /// Plays pad audio.
        PAD_AUDIO = 0x08;
        /// Plays hi-res PCM audio.
        PCM = 0x10;
    }
}

bit_set! {
    /// What a host offers (`host_caps`, spec section 2.4).
    HostCaps: u8 {
        /// Accepts whole-pad state events.
        PAD_STATE = 0x01;
        /// The clipboard is available.
        CLIPBOARD = 0x02;
        /// Accepts text events.
        TEXT = 0x04;
        /// Sends cursor shape and state and does not composite the pointer.
        CURSOR = 0x08;
        /// Accepts a pen.
        PEN = 0x10;
        /// Will send redundant audio.
        AUDIO_REDUNDANCY = 0x20;
        /// Will send pad audio.
        PAD_AUDIO = 0x40;
        /// Hi-res PCM is available or selected.
        PCM = 0x80;
    }
}

bit_set! {
    /// What a device may do in a session (spec section 2.5). [`Grants::NONE`] is view only.
    Grants: u32 {
        /// Gamepads.
        GAMEPAD = 0x01;
        /// Pointer, touch and pen.
        POINTER = 0x02;
        /// Keys and text.
        KEYBOARD = 0x04;
        /// The clipboard, both ways.
        CLIPBOARD = 0x08;
        /// The microphone.
        MICROPHONE = 0x10;
        /// Starting an application by its launch id.
        LAUNCH = 0x20;
        /// Everything the wire knows.
        ALL = 0x3F;
    }
}

bit_set! {
    /// Video codecs, one bit each (spec section 2.3). An empty set in a Hello means HEVC only.
    CodecSet: u8 {
        /// H.264.
        H264 = 0x01;
        /// HEVC.
        HEVC = 0x02;
        /// AV1.
        AV1 = 0x04;
        /// PyroWave; chosen only if it is the explicit preference.
        PYROWAVE = 0x08;
    }
}

#[cfg(test)]
mod tests {
    use super::{Grants, VideoCaps};

    #[test]
    fn a_set_prints_the_names_of_its_bits_and_keeps_unknown_ones() {
        let caps = VideoCaps::HDR.with(VideoCaps::SLICES);
        assert_eq!(format!("{caps:?}"), r#"{"HDR", "SLICES"}"#);
        let grants = Grants::from_bits(0x1_0001);
        assert_eq!(format!("{grants:?}"), r#"{"GAMEPAD", 0x10000}"#);
        assert_eq!(grants.bits(), 0x1_0001);
        assert!(!grants.contains(Grants::ALL) && Grants::ALL.contains(Grants::LAUNCH));
        assert_eq!(Grants::ALL.without(Grants::LAUNCH).shared(Grants::LAUNCH), Grants::NONE);
    }
}
