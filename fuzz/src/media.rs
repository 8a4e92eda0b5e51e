//! The media plane: datagrams from a host, from somebody who has its key, and from nobody, into a client.

mod sender;
pub mod setup;
mod witness;
mod world;

use punktfunk_proto::session::client_media::ClientMediaStats;
use setup::Setup;

/// Plays the script behind the first four bytes, which are the [`Setup`].
pub fn run(data: &[u8]) {
    play(data);
}

/// As [`run`], and tells what the client counted; `None` where there was nothing to play.
pub fn play(data: &[u8]) -> Option<ClientMediaStats> {
    let (setup, script) = data.split_first_chunk()?;
    world::play(&Setup::from_bytes(*setup), script)
}
