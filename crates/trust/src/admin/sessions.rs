//! Who is logged in. Only in memory: a restart logs everybody out.

use std::{
    fmt,
    time::{Duration, Instant},
};

use rand::{CryptoRng, Rng};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// What the browser shows to be recognised: 256 random bits that are drawn from nothing else, so nothing about the
/// password can be computed from them. Wiped when dropped, never printed; the host keeps their SHA-256 only.
pub struct SessionToken(Zeroizing<[u8; 32]>);

impl SessionToken {
    fn draw(rng: &mut impl CryptoRng) -> Self {
        Self(Zeroizing::new(rng.random()))
    }

    /// 64 small hex digits, for the cookie.
    pub fn to_text(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(64));
        for nibble in self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]) {
            text.push(char::from_digit(nibble.into(), 16).expect("four bits"));
        }
        text
    }

    /// Exactly what [`SessionToken::to_text`] writes.
    fn parse(text: &str) -> Option<Self> {
        let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
        let mut bytes = Zeroizing::new([0; 32]);
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let nibble = |digit: u8| match digit {
                b'0'..=b'9' => Some(digit - b'0'),
                b'a'..=b'f' => Some(digit - b'a' + 10),
                _ => None,
            };
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        Some(Self(bytes))
    }

    fn digest(&self) -> [u8; 32] {
        Sha256::digest(*self.0).into()
    }
}

impl fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionToken(····)")
    }
}

/// One login, for logs. Never used twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(u64);

impl SessionId {
    /// The number.
    pub const fn number(self) -> u64 {
        self.0
    }
}

/// The logins.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    list: Vec<Session>,
    last: u64,
}

#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    digest: [u8; 32],
    opened: Instant,
    used: Instant,
    /// When the password was last proven.
    proven: Instant,
    /// Wrong passwords since then.
    wrong: u32,
}

impl Sessions {
    /// Logins at a time; the least recently used one makes room.
    pub(crate) const MAX: usize = 16;
    /// An unused login ends after this.
    pub(crate) const IDLE: Duration = Duration::from_secs(3_600);
    /// Every login ends after this.
    pub(crate) const LIFETIME: Duration = Duration::from_secs(12 * 3_600);
    /// How long a password counts for what is sensitive (design section 5).
    pub(crate) const PROOF: Duration = Duration::from_secs(15 * 60);
    /// Wrong passwords in one login end it: a stolen cookie buys few guesses.
    pub(crate) const MAX_WRONG: u32 = 5;

    /// Somebody proved the password.
    pub(crate) fn open(&mut self, now: Instant, rng: &mut impl CryptoRng) -> SessionToken {
        self.expire(now);
        if self.list.len() >= Self::MAX
            && let Some((oldest, _)) = self.list.iter().enumerate().min_by_key(|(_, session)| session.used)
        {
            self.list.swap_remove(oldest);
        }
        let token = SessionToken::draw(rng);
        self.last += 1;
        self.list.push(Session {
            id: SessionId(self.last),
            digest: token.digest(),
            opened: now,
            used: now,
            proven: now,
            wrong: 0,
        });
        token
    }

    /// The login of this token, which is used now.
    pub(crate) fn find(&mut self, now: Instant, token: &str) -> Option<&mut Session> {
        let session = self.look_up(now, token)?;
        session.used = session.used.max(now);
        Some(session)
    }

    /// The login of this token. Looks at every login, so that time tells nothing.
    pub(crate) fn look_up(&mut self, now: Instant, token: &str) -> Option<&mut Session> {
        self.expire(now);
        let digest = SessionToken::parse(token)?.digest();
        let mut found = None;
        for session in &mut self.list {
            if bool::from(session.digest.ct_eq(&digest)) {
                found = Some(session);
            }
        }
        found
    }

    /// The password was proven within this login: it goes on under a new token, and a copy of the old one is worth
    /// nothing.
    pub(crate) fn prove(&mut self, now: Instant, id: SessionId, rng: &mut impl CryptoRng) -> Option<SessionToken> {
        self.expire(now);
        let session = self.list.iter_mut().find(|session| session.id == id)?;
        let token = SessionToken::draw(rng);
        (session.digest, session.proven, session.used, session.wrong) = (token.digest(), now, now, 0);
        Some(token)
    }

    /// A wrong password was tried within this login.
    pub(crate) fn disprove(&mut self, id: SessionId) {
        for session in self.list.iter_mut().filter(|session| session.id == id) {
            session.wrong += 1;
        }
        self.list.retain(|session| session.wrong < Self::MAX_WRONG);
    }

    pub(crate) fn end(&mut self, id: SessionId) {
        self.list.retain(|session| session.id != id);
    }

    pub(crate) fn end_all(&mut self) {
        self.list.clear();
    }

    pub(crate) fn count(&mut self, now: Instant) -> usize {
        self.expire(now);
        self.list.len()
    }

    fn expire(&mut self, now: Instant) {
        self.list.retain(|session| now < session.used + Self::IDLE && now < session.opened + Self::LIFETIME);
    }
}

impl Session {
    /// Whether the password was proven lately enough for what is sensitive.
    pub(crate) fn is_proven(&self, now: Instant) -> bool {
        now < self.proven + Sessions::PROOF
    }
}

#[cfg(test)]
mod tests {
    use super::{SessionToken, Sessions};
    use rand::{SeedableRng, rngs::StdRng};
    use std::time::{Duration, Instant};

    fn start() -> (Sessions, Instant, StdRng) {
        (Sessions::default(), Instant::now(), StdRng::seed_from_u64(1))
    }

    fn minutes(n: u64) -> Duration {
        Duration::from_secs(60 * n)
    }

    #[test]
    fn a_login_ends_when_it_is_not_used_for_an_hour_and_after_twelve_in_any_case() {
        let (mut sessions, start, mut rng) = start();
        let token = sessions.open(start, &mut rng).to_text();
        assert!(sessions.find(start + minutes(59), &token).is_some());
        assert!(sessions.find(start + minutes(118), &token).is_some());
        assert!(sessions.find(start + minutes(178), &token).is_none());
        let token = sessions.open(start, &mut rng).to_text();
        assert!((0..24).all(|n| sessions.find(start + minutes(30 * n), &token).is_some()));
        assert!(sessions.find(start + minutes(720), &token).is_none());
        assert_eq!(sessions.count(start), 0);
    }

    #[test]
    fn a_page_that_only_listens_does_not_keep_its_login() {
        let (mut sessions, start, mut rng) = start();
        let token = sessions.open(start, &mut rng).to_text();
        for minute in 0..60 {
            assert!(sessions.look_up(start + minutes(minute), &token).is_some());
        }
        assert!(sessions.look_up(start + minutes(60), &token).is_none());
    }

    #[test]
    fn the_least_recently_used_login_makes_room_for_the_seventeenth() {
        let (mut sessions, start, mut rng) = start();
        let tokens: Vec<_> = (0..16).map(|n| sessions.open(start + minutes(n), &mut rng).to_text()).collect();
        assert!(sessions.find(start + minutes(20), &tokens[0]).is_some());
        sessions.open(start + minutes(21), &mut rng);
        let alive = |sessions: &mut Sessions, n: usize| sessions.find(start + minutes(22), &tokens[n]).is_some();
        assert_eq!((alive(&mut sessions, 0), alive(&mut sessions, 1), alive(&mut sessions, 2)), (true, false, true));
        assert_eq!(sessions.count(start + minutes(22)), Sessions::MAX);
    }

    #[test]
    fn the_host_keeps_no_token_and_prints_none() {
        let (mut sessions, start, mut rng) = start();
        let token = sessions.open(start, &mut rng);
        let text = token.to_text();
        assert_eq!(text.len(), 64);
        assert_ne!(sessions.list[0].digest, *token.0);
        assert_eq!(format!("{token:?}"), "SessionToken(····)");
        assert_eq!(*SessionToken::parse(&text).unwrap().to_text(), *text);
    }

    #[test]
    fn what_is_not_exactly_a_token_is_nobody() {
        let (mut sessions, start, mut rng) = start();
        let token = sessions.open(start, &mut rng).to_text();
        let megabyte = "a".repeat(1 << 20);
        for wrong in
            ["", &token[..63], &token.to_uppercase(), &format!(" {}", &token[1..]), &format!("{}0", *token), &megabyte]
        {
            assert!(sessions.find(start, wrong).is_none());
        }
        assert!(sessions.find(start, &token).is_some());
    }
}
