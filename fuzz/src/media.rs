//! The media plane: datagrams from a host, from somebody who has its key, and from nobody, into a client.

mod sender;
pub mod setup;
mod witness;
mod world;

use setup::Setup;

/// Plays the script behind the first four bytes, which are the [`Setup`].
pub fn run(data: &[u8]) {
    let Some((setup, script)) = data.split_first_chunk() else { return };
    world::play(&Setup::from_bytes(*setup), script);
}
