//! `punktfunk-update`: the update service, and the verdict on a trial.

use std::{io, os::fd::AsFd as _, os::unix::net::UnixListener, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Parser, Subcommand};
use punktfunk_update::{gate, places::Places, service};

/// Updates of the system image. systemd starts this; `punktfunk-host ctl update` asks it. On NixOS it follows generations.
#[derive(Debug, Parser)]
#[command(name = "punktfunk-update", version, arg_required_else_help = true)]
struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Answer at the socket that is the standard input, until nothing is left to do
    Serve {
        /// Seconds without a request after which it ends
        #[arg(long, value_name = "SECONDS", default_value_t = 900)]
        idle: u64,
    },
    /// Note what the health check found; where a trial failed, start the machine anew
    Verdict {
        /// What the check left
        #[arg(long, value_name = "FILE")]
        report: PathBuf,
        /// How the check's process ended
        #[arg(long, value_name = "RESULT", default_value = "no result")]
        result: String,
    },
    /// Note what is started next, and what became of the last update, for where no service does
    Observe,
    /// Start the machine anew if an update waits to be tried
    Apply,
    /// Say that you have read that an update was taken back
    Dismiss,
}

fn main() -> ExitCode {
    let Cli { places, command } = Cli::parse();
    let done = match command {
        Command::Serve { idle } => serve(places, Duration::from_secs(idle)).map_err(|error| error.to_string()),
        Command::Verdict { report, result } => {
            gate::judge(&places, &report, &result).map(drop).map_err(|error| error.to_string())
        }
        Command::Observe => gate::observe(&places).map(drop).map_err(|error| error.to_string()),
        Command::Apply => gate::apply(&places).map(drop).map_err(|error| error.to_string()),
        Command::Dismiss => gate::change(&places, |state| state.dismiss()).map(drop).map_err(|error| error.to_string()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("punktfunk-update: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn serve(places: Places, idle: Duration) -> io::Result<()> {
    let listener = UnixListener::from(io::stdin().as_fd().try_clone_to_owned()?);
    listener.local_addr()?;
    service::serve(&listener, &service::Service::new(places), idle)
}
