//! Key exchanges that are no honest point: of small order, the identity, written in a way nobody writes them.

use anyhow::Result;
use punktfunk_proto::wire::{PairProof, PairRequest};

use super::{
    ceremony::{go_on, says},
    owner_pairs,
};
use crate::rogue::{Finding, Persona, Rogue, Victim, source};

/// Each of [`POINTS`] as the client's half, with the side byte right, and a proof that needs no PIN.
///
/// # Errors
/// The attack could not be carried out.
pub async fn hostile_points(victim: &mut Victim) -> Result<Finding> {
    let mut finding = Finding::new("hostile-points", &[5, 7]);
    let persona = Persona::fresh("Mallory")?;
    let (mut malformed, mut guesses) = (0, 0);
    for (n, (what, hex)) in POINTS.iter().enumerate() {
        victim.arm()?;
        let mut spake = [b'A'; 33];
        spake[1..].copy_from_slice(&bytes(hex));
        let line = Rogue::at(source(n as u16))?.call(victim.address, &persona).await?;
        let request = PairRequest { name: Some("Mallory".into()), spake };
        let reflect = |confirmation| PairProof { confirmation };
        let (challenge, answer) = go_on(line, &request, |challenge| reflect(challenge.confirmation)).await?;
        let armed = victim.is_armed()?;
        let counted = match challenge {
            None => answer.end.code() == Some(0x68) && armed,
            Some(_) => !armed,
        };
        *(if challenge.is_some() { &mut guesses } else { &mut malformed }) += 1;
        if !counted {
            let seen = format!("{what}: {}, armed: {armed}", answer.end);
            finding.check("a hostile point is malformed, or one guess like any other", false, seen);
        }
    }
    let seen = format!("{malformed} malformed, {guesses} counted as a wrong guess");
    finding.check("no hostile point pairs anybody", victim.devices()? == 0, seen);
    finding.check("the host lives", victim.is_alive(), "");
    let owner = owner_pairs(victim, &Persona::fresh("Owner's own")?, &victim.arm()?).await?;
    finding.check("the owner's device pairs afterwards", owner.is_ok(), says(&owner));
    Ok(finding)
}

/// Compressed Edwards points, least significant byte first.
const POINTS: [(&str, &str); 14] = [
    ("the identity", "0100000000000000000000000000000000000000000000000000000000000000"),
    ("order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("order 4", "0000000000000000000000000000000000000000000000000000000000000000"),
    ("order 4, other sign", "0000000000000000000000000000000000000000000000000000000000000080"),
    ("order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    ("order 8, other sign", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"),
    ("order 8, other y", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
    ("order 8, other y and sign", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"),
    ("the identity with a sign", "0100000000000000000000000000000000000000000000000000000000000080"),
    ("the identity as p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("order 2 with a sign", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
    ("order 4 as p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
    ("y beyond p, all ones", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
    ("no point of the curve", "0200000000000000000000000000000000000000000000000000000000000000"),
];

fn bytes(hex: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(hex.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).expect("hex digits");
        *byte = u8::from_str_radix(digits, 16).expect("hex digits");
    }
    bytes
}
