//! Pairing and the control sessions of both sides, played by two honest peers over a link that the fuzzer owns.

mod actors;
mod ceremony;
pub mod setup;
mod side;
mod witness;
mod world;

use std::collections::BTreeSet;

use setup::Setup;

/// What two peers got to with each other. None of these happens twice on one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Milestone {
    /// The host was asked to pair.
    Requested,
    /// The host sent its challenge: the PIN is spent.
    Challenged,
    /// The host knows how the ceremony went.
    Decided,
    /// It took the client's proof.
    Proven,
    /// The client took the host's word that they are paired.
    Paired,
    /// The host was asked for a stream.
    Greeted,
    /// It sent its Welcome.
    Welcomed,
    /// The client took the Welcome.
    Admitted,
    /// The host took the client's Start.
    Started,
    /// The client's clock rounds are over.
    Ready,
}

/// What was reached.
pub type Reached = BTreeSet<Milestone>;

/// Plays the script behind the first byte, which is the [`Setup`].
pub fn run(data: &[u8]) {
    play(data);
}

/// As [`run`], and tells how far it came.
pub fn play(data: &[u8]) -> Reached {
    let Some((setup, script)) = data.split_first() else { return Reached::new() };
    let setup = Setup(*setup);
    if setup.has(Setup::BARE_CEREMONY) {
        ceremony::play(setup, script)
    } else if setup.has(Setup::PAIRS) {
        world::World::pairing(setup).play(script)
    } else {
        world::World::streaming(setup).play(script)
    }
}
