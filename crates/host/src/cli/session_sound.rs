//! `punktfunk-host session-sound`: what runs beside an application and captures what it plays, as its user.

use std::{ffi::OsString, io, os::fd::AsFd as _, path::PathBuf};

use punktfunk_audio::{Layout, companion, server};

use super::{complain, test_picture};
use crate::{config::LogConfig, exit::Exit, log};

#[derive(Debug, clap::Args)]
pub(super) struct SessionSoundArgs {
    /// How many channels: 2, 6 or 8
    #[arg(long, value_name = "N", default_value_t = 2)]
    channels: u8,
    /// Become this program, on the socket that is the standard input
    #[arg(long = "serve", value_name = "PROGRAM", num_args = 1.., allow_hyphen_values = true)]
    serve: Vec<OsString>,
    /// Only write five seconds of a tone to this file (.wav), to try the sound with
    #[arg(long, value_name = "FILE")]
    write_tone: Option<PathBuf>,
}

pub(super) fn run(args: &SessionSoundArgs) -> Exit {
    if !args.serve.is_empty() {
        return complain(&server::serve_on(&args.serve), Exit::System);
    }
    if let Some(path) = &args.write_tone {
        return test_picture::write_tone(path).map_or_else(|error| complain(&error, Exit::System), |()| Exit::Done);
    }
    log::init(&LogConfig::default(), None);
    match accompany(args) {
        Ok(()) => Exit::Done,
        Err(error) => complain(&*error, Exit::System),
    }
}

fn accompany(args: &SessionSoundArgs) -> Result<(), Box<dyn std::error::Error>> {
    let layout = Layout::of_channels(args.channels).ok_or("there are layouts of 2, 6 and 8 channels")?;
    let directory = std::env::var_os("XDG_RUNTIME_DIR").ok_or("XDG_RUNTIME_DIR is not set")?;
    let host = io::stdin().as_fd().try_clone_to_owned()?;
    let relay = [std::env::current_exe()?.into_os_string(), "session-sound".into(), "--serve".into()];
    companion::run(&host, &PathBuf::from(directory), layout, &relay).map_or(Ok(()), |fault| Err(fault.into()))
}
