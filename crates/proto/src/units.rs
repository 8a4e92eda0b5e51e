//! Units and clocks: a kbit/s cannot be passed for a bit/s, nor a client's time for the host's.

use std::{fmt, marker::PhantomData, num::NonZeroU32, str::FromStr, time::Duration};

/// A data rate. Built by [`Bitrate::from_kbps`] or [`Bitrate::from_mbps`], never from a bare number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bitrate {
    bps: u64,
}

impl Bitrate {
    /// A rate of `kbps` · 1000 bit/s.
    pub const fn from_kbps(kbps: u32) -> Self {
        Self { bps: kbps as u64 * 1_000 }
    }

    /// A rate of `mbps` · 1,000,000 bit/s.
    pub const fn from_mbps(mbps: u32) -> Self {
        Self { bps: mbps as u64 * 1_000_000 }
    }

    /// The rate in bit/s.
    pub const fn bps(self) -> u64 {
        self.bps
    }

    /// The rate in whole kbit/s, saturating at `u32::MAX`.
    pub const fn kbps(self) -> u32 {
        let kbps = self.bps / 1_000;
        if kbps > u32::MAX as u64 { u32::MAX } else { kbps as u32 }
    }

    /// How long `bytes` take at this rate; [`Duration::MAX`] at rate zero.
    pub fn time_for(self, bytes: usize) -> Duration {
        match (bytes as u128 * 8 * 1_000_000_000).checked_div(u128::from(self.bps)) {
            Some(nanos) => Duration::from_nanos(nanos.min(u128::from(u64::MAX)) as u64),
            None => Duration::MAX,
        }
    }
}

impl fmt::Display for Bitrate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} kbit/s", self.kbps())
    }
}

/// A refresh rate in millihertz, the unit DRM and Wayland use (59.94 Hz is 59 940).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RefreshRate(NonZeroU32);

impl RefreshRate {
    /// `hz` whole hertz; `None` for 0 and for rates beyond [`RefreshRate::MAX_HZ`].
    pub fn from_hz(hz: u32) -> Option<Self> {
        if hz > Self::MAX_HZ {
            return None;
        }
        NonZeroU32::new(hz * 1_000).map(Self)
    }

    /// The fastest display anybody streams.
    pub const MAX_HZ: u32 = 1_000;

    /// Whole hertz, rounded to nearest, as the wire carries it.
    pub const fn hz(self) -> u32 {
        (self.0.get() + 500) / 1_000
    }

    /// Millihertz.
    pub const fn millihertz(self) -> u32 {
        self.0.get()
    }

    /// The time from one frame to the next.
    pub fn period(self) -> Duration {
        Duration::from_nanos(1_000_000_000_000 / u64::from(self.0.get()))
    }
}

/// A picture size and rate that has been checked: see [`Mode::new`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Mode {
    width: u32,
    height: u32,
    refresh: RefreshRate,
}

impl Mode {
    /// The smallest side a display is made with, in pixels.
    pub const MIN_SIDE: u32 = 64;
    /// The largest side any codec here takes, in pixels (spec section 6.2).
    pub const MAX_SIDE: u32 = 8_192;

    /// Checks a mode as it came from outside.
    ///
    /// # Errors
    /// Names the side or rate that is out of bounds (spec section 6.2; abuse case 53).
    pub fn new(width: u32, height: u32, hz: u32) -> Result<Self, ModeError> {
        for side in [width, height] {
            if !(Self::MIN_SIDE..=Self::MAX_SIDE).contains(&side) {
                return Err(ModeError::Side(side));
            }
            if side % 2 != 0 {
                return Err(ModeError::OddSide(side));
            }
        }
        let refresh = RefreshRate::from_hz(hz).ok_or(ModeError::Rate(hz))?;
        Ok(Self { width, height, refresh })
    }

    /// Pixels per row.
    pub const fn width(self) -> u32 {
        self.width
    }

    /// Rows.
    pub const fn height(self) -> u32 {
        self.height
    }

    /// Frames per second the display is made for.
    pub const fn refresh(self) -> RefreshRate {
        self.refresh
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}@{}", self.width, self.height, self.refresh.hz())
    }
}

impl FromStr for Mode {
    type Err = ModeError;

    /// Reads `1280x720@60`; the rate may be left out and is 60 then.
    fn from_str(text: &str) -> Result<Self, ModeError> {
        let (size, hz) = text.split_once('@').unwrap_or((text, "60"));
        let (width, height) = size.split_once(['x', 'X']).ok_or(ModeError::Syntax)?;
        let number = |s: &str| s.trim().parse::<u32>().map_err(|_| ModeError::Syntax);
        Self::new(number(width)?, number(height)?, number(hz)?)
    }
}

/// Why a mode was refused. The text is shown to the user as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ModeError {
    /// Not of the form `WIDTHxHEIGHT@HZ`.
    #[error("write a mode as WIDTHxHEIGHT@HZ, for example 1920x1080@60")]
    Syntax,
    /// A side that is too small or too large.
    #[error("a side of {0} pixels is outside {min} to {max}", min = Mode::MIN_SIDE, max = Mode::MAX_SIDE)]
    Side(u32),
    /// An odd side: video is subsampled by two.
    #[error("a side of {0} pixels is odd; sides must be even")]
    OddSide(u32),
    /// A rate of zero or beyond any display.
    #[error("a refresh rate of {0} Hz is outside 1 to {max}", max = RefreshRate::MAX_HZ)]
    Rate(u32),
}

/// The host's real-time clock (`CLOCK_REALTIME` of the host).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HostClock {}

/// The client's real-time clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClientClock {}

/// Nanoseconds since the Unix epoch on the clock `C`. [`ClockOffset`] converts between clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp<C>(u64, PhantomData<C>);

/// A time on the host's clock: what `pts_ns` carries.
pub type HostTime = Timestamp<HostClock>;
/// A time on the client's clock.
pub type ClientTime = Timestamp<ClientClock>;

impl<C> Timestamp<C> {
    /// `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos, PhantomData)
    }

    /// Nanoseconds after the epoch.
    pub const fn nanos(&self) -> u64 {
        self.0
    }

    /// Time from `earlier` to this one, zero if `earlier` is later.
    pub fn since(&self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }

    /// This time moved on by `by`.
    pub fn plus(&self, by: Duration) -> Self {
        Self::from_nanos(self.0.saturating_add(by.as_nanos().min(u128::from(u64::MAX)) as u64))
    }
}

/// Host clock minus client clock, in nanoseconds (spec section 8: `((t2−t1)+(t3−t4))/2`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct ClockOffset(i64);

impl ClockOffset {
    /// An offset of `nanos`; positive when the host's clock is ahead.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The offset in nanoseconds.
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// A client time on the host's clock.
    pub fn to_host(self, time: ClientTime) -> HostTime {
        Timestamp::from_nanos(time.nanos().saturating_add_signed(self.0))
    }

    /// A host time on the client's clock.
    pub fn to_client(self, time: HostTime) -> ClientTime {
        Timestamp::from_nanos(time.nanos().saturating_add_signed(self.0.saturating_neg()))
    }
}

/// SHA-256 over a leaf certificate's DER (spec section 1.1). Printed and parsed as 64 lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint with these raw bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes, as the pairing ceremony uses them.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The fingerprint of a leaf certificate in DER form.
    pub fn of_certificate(der: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(sha2::Sha256::digest(der).into())
    }

    /// The first eight hex digits, for lists and logs where the whole would drown the line.
    pub fn short(&self) -> String {
        self.0[..4].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Upper-case hex in groups of four, for two people to compare aloud.
    pub fn grouped(&self) -> String {
        let pairs: Vec<String> = self.0.chunks(2).map(|two| format!("{:02X}{:02X}", two[0], two[1])).collect();
        pairs.join(" ")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// A text that is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a fingerprint is 64 hexadecimal digits (SHA-256 of the certificate)")]
pub struct FingerprintSyntax;

impl FromStr for Fingerprint {
    type Err = FingerprintSyntax;

    /// Reads 64 hex digits of either case; blanks and colons between them are allowed.
    fn from_str(text: &str) -> Result<Self, FingerprintSyntax> {
        let digits: Vec<u8> = text
            .bytes()
            .filter(|byte| !matches!(byte, b' ' | b':'))
            .map(|byte| (byte as char).to_digit(16).map(|d| d as u8).ok_or(FingerprintSyntax))
            .collect::<Result<_, _>>()?;
        let mut bytes = [0; 32];
        if digits.len() != 64 {
            return Err(FingerprintSyntax);
        }
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
            *byte = pair[0] << 4 | pair[1];
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::{Bitrate, ClockOffset, Fingerprint, Mode, ModeError, Timestamp};
    use std::time::Duration;

    #[test]
    fn a_mode_is_read_and_printed_the_same() {
        let mode: Mode = "1280x720@60".parse().unwrap();
        assert_eq!((mode.width(), mode.height(), mode.refresh().hz()), (1280, 720, 60));
        assert_eq!(mode.to_string(), "1280x720@60");
        assert_eq!(mode.refresh().period(), Duration::from_nanos(16_666_666));
    }

    #[test]
    fn nonsense_modes_are_refused_by_name() {
        assert_eq!(Mode::new(1280, 720, 0), Err(ModeError::Rate(0)));
        assert_eq!(Mode::new(1280, 720, 1_000_000_000), Err(ModeError::Rate(1_000_000_000)));
        assert_eq!(Mode::new(1, 1, 60), Err(ModeError::Side(1)));
        assert_eq!(Mode::new(16_384, 16_384, 60), Err(ModeError::Side(16_384)));
        assert_eq!(Mode::new(1281, 720, 60), Err(ModeError::OddSide(1281)));
        assert_eq!("12".parse::<Mode>(), Err(ModeError::Syntax));
    }

    #[test]
    fn a_fingerprint_survives_print_and_parse_in_any_grouping() {
        let print = Fingerprint::of_certificate(b"certificate");
        assert_eq!(print.to_string().parse(), Ok(print));
        assert_eq!(print.grouped().parse(), Ok(print));
        assert!("00".parse::<Fingerprint>().is_err());
        assert!("g".repeat(64).parse::<Fingerprint>().is_err());
    }

    #[test]
    fn an_offset_carries_times_both_ways() {
        let offset = ClockOffset::from_nanos(-500);
        let host = offset.to_host(Timestamp::from_nanos(2_000));
        assert_eq!(host.nanos(), 1_500);
        assert_eq!(offset.to_client(host).nanos(), 2_000);
    }

    #[test]
    fn a_rate_says_how_long_bytes_take() {
        assert_eq!(Bitrate::from_mbps(8).time_for(1_000), Duration::from_millis(1));
        assert_eq!(Bitrate::default().time_for(1), Duration::MAX);
    }
}
