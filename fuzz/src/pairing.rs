//! Pairing and the control sessions of both sides, played by two honest peers over a link that the fuzzer owns.

mod actors;
mod ceremony;
pub mod setup;
mod side;
mod witness;
mod world;

use setup::Setup;

/// How far two peers got with each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The host took the client's proof.
    pub proven: bool,
    /// The client took the host's word that they are paired.
    pub paired: bool,
    /// The host took the client's Start.
    pub started: bool,
    /// The client's clock rounds are over.
    pub ready: bool,
}

/// Plays the script behind the first byte, which is the [`Setup`].
pub fn run(data: &[u8]) {
    play(data);
}

/// As [`run`], and tells how far it came.
pub fn play(data: &[u8]) -> Reached {
    let Some((setup, script)) = data.split_first() else { return Reached::default() };
    let setup = Setup(*setup);
    if setup.has(Setup::BARE_CEREMONY) {
        ceremony::play(setup, script)
    } else if setup.has(Setup::PAIRS) {
        world::World::pairing(setup).play(script)
    } else {
        world::World::streaming(setup).play(script)
    }
}
