//! `punktfunk-host session-gamescope`: what the display `gamescope` runs in a session, as the user of the applications.

use std::ffi::OsString;

use punktfunk_video::display::gamescope::inside;

use super::complain;
use crate::exit::Exit;

/// The name of the command.
pub(crate) const NAME: &str = "session-gamescope";

#[derive(Debug, clap::Args)]
pub(super) struct SessionGamescopeArgs {
    /// What to do, in the host's words
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<OsString>,
}

pub(super) fn run(args: &SessionGamescopeArgs) -> Exit {
    match inside::run(&args.words) {
        Ok(()) => Exit::Done,
        Err(error) => complain(&error, Exit::System),
    }
}
