//! Pairing and the control sessions of both sides, played by two honest peers over a link that the fuzzer owns.

mod actors;
mod ceremony;
pub mod setup;
mod side;
mod witness;
mod world;

use setup::Setup;

/// Plays the script behind the first byte, which is the [`Setup`].
pub fn run(data: &[u8]) {
    let Some((setup, script)) = data.split_first() else { return };
    let setup = Setup(*setup);
    if setup.has(Setup::BARE_CEREMONY) {
        ceremony::play(setup, script);
    } else if setup.has(Setup::PAIRS) {
        world::World::pairing(setup).play(script);
    } else {
        world::World::streaming(setup).play(script);
    }
}
