//! `punktfunk-host run-session`: what `punktfunk-session@.service` runs, as the user of the applications.

use std::{io, os::fd::AsFd as _, path::PathBuf};

use punktfunk_video::display::launch::runner;
use rustix::process::{DumpableBehavior, set_dumpable_behavior};

use super::complain;
use crate::{config::LogConfig, exit::Exit, log, service::ServiceNotifier};

#[derive(Debug, clap::Args)]
pub(super) struct RunSessionArgs {
    /// The directory for the session's sockets, which nobody else can enter
    #[arg(long, value_name = "DIR")]
    runtime_dir: PathBuf,
}

pub(super) fn run(args: &RunSessionArgs) -> Exit {
    log::init(&LogConfig::default(), None);
    match serve(args) {
        Ok(()) => Exit::Done,
        Err(error) => complain(&error, Exit::System),
    }
}

fn serve(args: &RunSessionArgs) -> io::Result<()> {
    // Applications run as the same user: this keeps them from attaching to this process.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    let connection = io::stdin().as_fd().try_clone_to_owned()?;
    let notifier = ServiceNotifier::new();
    notifier.ready();
    runner::serve(&connection, &args.runtime_dir, || notifier.alive())
}
