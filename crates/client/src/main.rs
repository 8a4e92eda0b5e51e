//! `punktfunk`: parses the command line, runs the command, says how it ended.

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use punktfunk_client::{cli::Cli, command, error::Exit};
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt as _, util::SubscriberInitExt as _};

fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(cli.verbose);
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "punktfunk: cannot start: {error}");
            return ExitCode::from(Exit::Local as u8);
        }
    };
    ExitCode::from(runtime.block_on(command::run(cli)) as u8)
}

fn log_to_stderr(verbose: u8) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        _ => LevelFilter::DEBUG,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    tracing_subscriber::registry().with(level).with(lines).init();
}
