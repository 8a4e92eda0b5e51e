//! The administrator's password and what is stored of it.

use std::fmt;

use argon2::{
    Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version,
    password_hash::phc::PasswordHash as Phc,
};
use zeroize::Zeroizing;

/// A password of a length that is worth hashing. Wiped when dropped, never printed.
pub struct Password(Zeroizing<String>);

impl Password {
    /// The shortest, in characters.
    pub const MIN_CHARS: usize = 10;
    /// The longest, in bytes of UTF-8. Longer ones are refused before anything is computed (abuse case 8).
    pub const MAX_BYTES: usize = 256;

    /// `text`, if it can be a password here.
    ///
    /// # Errors
    /// It is too short or too long.
    pub fn new(text: Zeroizing<String>) -> Result<Self, PasswordRefusal> {
        if text.len() > Self::MAX_BYTES {
            return Err(PasswordRefusal::TooLong);
        }
        if text.chars().count() < Self::MIN_CHARS {
            return Err(PasswordRefusal::TooShort);
        }
        Ok(Self(text))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(····)")
    }
}

/// Why a text is no password here. Says nothing about the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    /// Shorter than [`Password::MIN_CHARS`].
    #[error("the password is too short: it needs 10 characters or more")]
    TooShort,
    /// Longer than [`Password::MAX_BYTES`].
    #[error("the password is too long: it may have 256 bytes at most")]
    TooLong,
    /// A declared password that is not UTF-8.
    #[error("the password file is not UTF-8 text")]
    NotText,
    /// A declared hash that cannot be used.
    #[error(
        "the password file begins like a hash but is none that can be used: it needs argon2id, version 19, \
         at most 256 MiB, 16 passes and 4 lanes"
    )]
    UnusableHash,
}

/// How much work one guess is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for PasswordCost {
    /// What OWASP's password storage cheat sheet asks for: 19 MiB, two passes, one lane.
    fn default() -> Self {
        Self { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

/// What is stored of a password: argon2id in the PHC string format. Not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl PasswordHash {
    /// Reads a PHC string.
    ///
    /// # Errors
    /// It is none, not argon2id of version 19, or asks for more work than this host does for a stranger.
    pub fn parse(text: &str) -> Result<Self, PasswordRefusal> {
        let usable = text.len() <= LONGEST_PHC && Phc::new(text).is_ok_and(|hash| is_usable(&hash));
        if usable { Ok(Self(text.to_owned())) } else { Err(PasswordRefusal::UnusableHash) }
    }

    /// The PHC string, as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Hashes `password`: `cost.memory_kib` of memory and, by default, some 30 ms. `salt` is fresh and random.
    ///
    /// # Panics
    /// `cost` is none that argon2 knows. It is a constant of the caller's.
    pub fn of(password: &Password, cost: PasswordCost, salt: [u8; 16]) -> Self {
        let params =
            Params::new(cost.memory_kib, cost.passes, cost.lanes, None).expect("the cost is a usable constant");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let hash = argon2.hash_password_with_salt(password.0.as_bytes(), &salt);
        Self(hash.expect("salt and output have the sizes that PHC strings take").to_string())
    }

    /// Whether this is the hash of `password`. As much work as making it; the comparison takes constant time.
    pub(crate) fn verify(&self, password: &Password) -> bool {
        // What cannot be computed proves nothing.
        Phc::new(&self.0).is_ok_and(|hash| Argon2::default().verify_password(password.0.as_bytes(), &hash).is_ok())
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(····)")
    }
}

fn is_usable(hash: &Phc) -> bool {
    let bounded = Params::try_from(hash).is_ok_and(|params| {
        params.m_cost() <= MAX_MEMORY_KIB && params.t_cost() <= MAX_PASSES && params.p_cost() <= MAX_LANES
    });
    let complete = hash.salt.is_some() && hash.hash.as_ref().is_some_and(|output| output.as_bytes().len() >= 16);
    bounded && complete && hash.algorithm == argon2::ARGON2ID_IDENT && hash.version == Some(Version::V0x13.into())
}

/// A password that the configuration declares (`console.password_file`): there is no claim then.
#[derive(Debug)]
pub enum DeclaredPassword {
    /// The password itself.
    Plain(Password),
    /// Its hash, for configurations that are public to the machine's users.
    Hashed(PasswordHash),
}

impl DeclaredPassword {
    /// What a password file says: a PHC string, or the password itself; one line end after it does not count.
    ///
    /// # Errors
    /// It is neither.
    pub fn parse(file: &[u8]) -> Result<Self, PasswordRefusal> {
        // A line end beyond the longest of both.
        if file.len() > LONGEST_PHC + 2 {
            return Err(PasswordRefusal::TooLong);
        }
        let text = std::str::from_utf8(file).map_err(|_| PasswordRefusal::NotText)?;
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.starts_with("$argon2") {
            return PasswordHash::parse(line).map(Self::Hashed);
        }
        Password::new(Zeroizing::new(line.to_owned())).map(Self::Plain)
    }

    /// The hash, computed if need be ([`PasswordHash::of`]).
    pub fn into_hash(self, cost: PasswordCost, salt: [u8; 16]) -> PasswordHash {
        match self {
            Self::Plain(password) => PasswordHash::of(&password, cost, salt),
            Self::Hashed(hash) => hash,
        }
    }
}

/// Ours have about 100 bytes.
const LONGEST_PHC: usize = 256;
/// The most work that a declared hash may ask of the host at each login.
const MAX_MEMORY_KIB: u32 = 256 << 10;
const MAX_PASSES: u32 = 16;
const MAX_LANES: u32 = 4;

#[cfg(test)]
mod tests {
    use super::{DeclaredPassword, Password, PasswordCost, PasswordHash, PasswordRefusal};
    use zeroize::Zeroizing;

    const CHEAP: PasswordCost = PasswordCost { memory_kib: 16, passes: 1, lanes: 1 };

    fn password(text: &str) -> Result<Password, PasswordRefusal> {
        Password::new(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn a_password_of_a_megabyte_is_refused_before_it_is_hashed_and_a_short_one_too() {
        assert_eq!(password(&"x".repeat(1 << 20)).unwrap_err(), PasswordRefusal::TooLong);
        assert_eq!(password(&"x".repeat(257)).unwrap_err(), PasswordRefusal::TooLong);
        assert_eq!(password("").unwrap_err(), PasswordRefusal::TooShort);
        assert_eq!(password("äöüäöüäöü").unwrap_err(), PasswordRefusal::TooShort, "characters count, not bytes");
        assert!(password("äöüäöüäöüß").is_ok());
        assert!(password(&"x".repeat(256)).is_ok());
    }

    #[test]
    fn a_hash_knows_its_password_and_no_other() {
        let hash = PasswordHash::of(&password("correct horse").unwrap(), CHEAP, [7; 16]);
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=16,t=1,p=1$"));
        assert_eq!(PasswordHash::parse(hash.as_str()).unwrap(), hash);
        assert!(hash.verify(&password("correct horse").unwrap()));
        assert!(!hash.verify(&password("correct horsf").unwrap()));
        assert_ne!(hash, PasswordHash::of(&password("correct horse").unwrap(), CHEAP, [8; 16]), "salted");
    }

    #[test]
    fn the_default_cost_is_what_owasp_asks_for() {
        let hash = PasswordHash::of(&password("correct horse").unwrap(), PasswordCost::default(), [7; 16]);
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hash.verify(&password("correct horse").unwrap()));
    }

    #[test]
    fn a_hash_of_another_kind_or_price_is_refused() {
        let good = PasswordHash::of(&password("correct horse").unwrap(), CHEAP, [7; 16]);
        let swap = |from: &str, to: &str| good.as_str().replacen(from, to, 1);
        let salt = good.as_str().rsplit_once('$').unwrap().0;
        for bad in [
            swap("argon2id", "argon2i"),
            swap("argon2id", "argon2d"),
            swap("v=19", "v=16"),
            swap("$v=19", ""),
            swap("m=16", "m=1048576"),
            swap("t=1", "t=99"),
            swap("p=1", "p=9"),
            salt.to_owned(),
            format!("{salt}$AAAA"),
            String::new(),
            "x".repeat(1 << 20),
        ] {
            assert_eq!(PasswordHash::parse(&bad), Err(PasswordRefusal::UnusableHash), "{:.60}", bad);
        }
    }

    #[test]
    fn a_password_file_holds_a_password_or_its_hash() {
        let hash = PasswordHash::of(&password("correct horse").unwrap(), CHEAP, [7; 16]);
        for file in ["correct horse", "correct horse\n", "correct horse\r\n", &format!("{}\n", hash.as_str())] {
            let declared = DeclaredPassword::parse(file.as_bytes()).unwrap().into_hash(CHEAP, [9; 16]);
            assert!(declared.verify(&password("correct horse").unwrap()), "{file:?}");
        }
        let refused = |file: &[u8]| DeclaredPassword::parse(file).unwrap_err();
        assert_eq!(refused(b"short\n"), PasswordRefusal::TooShort);
        assert_eq!(refused(b"\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"), PasswordRefusal::NotText);
        assert_eq!(refused(b"$argon2id$nonsense"), PasswordRefusal::UnusableHash);
        assert_eq!(refused(&[b'x'; 1 << 20]), PasswordRefusal::TooLong);
    }

    #[test]
    fn neither_is_printed() {
        let secret = password("correct horse").unwrap();
        let hash = PasswordHash::of(&secret, CHEAP, [7; 16]);
        assert_eq!(format!("{secret:?} {hash:?}"), "Password(····) PasswordHash(····)");
    }
}
