//! The command line of `punktfunk-host`.

use std::{
    io::{self, Write as _},
    path::PathBuf,
};

use clap::{CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::{
    config,
    directories::{RUNTIME_DIR, SESSION_SOCKET, STATE_DIR},
    error::StartError,
    exit::Exit,
    serve::{self, ServeOptions},
    supervisor::UpdatePlaces,
};

mod check_config;
mod ctl;
mod gate;
mod language;
pub mod reference;
mod run_session;
mod session_gamescope;
mod session_sound;
mod test_picture;
mod text;

pub(crate) use session_gamescope::NAME as SESSION_GAMESCOPE;

/// The punktfunk streaming host.
#[derive(Debug, Parser)]
#[command(name = "punktfunk-host", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  punktfunk-host check-config --config punktfunk.toml
  punktfunk-host serve --config punktfunk.toml
  punktfunk-host ctl pair arm
  punktfunk-host ctl status --json";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the host until SIGTERM or SIGINT.
    #[command(after_help = SERVE_EXAMPLES)]
    Serve(ServeArgs),
    /// Give orders to the running host.
    #[command(after_help = ctl::EXAMPLES)]
    Ctl(ctl::CtlArgs),
    /// Check from outside whether the running host streams; exit code 1 if not
    #[command(after_help = gate::EXAMPLES)]
    Gate(gate::GateArgs),
    /// Say whether a configuration is right; exit code 78 if not.
    #[command(after_help = CHECK_EXAMPLES)]
    CheckConfig(check_config::CheckConfigArgs),
    /// Run one session's processes for the host whose connection is the standard input (systemd starts this).
    #[command(hide = true)]
    RunSession(run_session::RunSessionArgs),
    /// Serve the sound of this session to the host whose connection is the standard input (the host starts this).
    #[command(hide = true)]
    SessionSound(session_sound::SessionSoundArgs),
    /// Look for gamescope, start it, carry its pictures and input, in a session (the host starts this).
    #[command(hide = true)]
    SessionGamescope(session_gamescope::SessionGamescopeArgs),
    /// Show the picture of the health check on the display of this session.
    #[command(hide = true)]
    TestPicture,
    /// Print the JSON Schema of the configuration file.
    ConfigSchema,
    /// Print a page of the reference documentation.
    #[command(hide = true)]
    Reference {
        /// Which.
        page: Page,
    },
}

const SERVE_EXAMPLES: &str = "\
A second SIGTERM or SIGINT ends the host at once. SIGHUP changes nothing: the configuration is read once.

Examples:
  punktfunk-host serve
  punktfunk-host serve --config ./punktfunk.toml --state-dir ./state --runtime-dir ./run";

const CHECK_EXAMPLES: &str = "\
Examples:
  punktfunk-host check-config
  punktfunk-host check-config --config ./punktfunk.toml --json";

#[derive(Debug, clap::Args)]
struct ServeArgs {
    /// Configuration file [default: /etc/punktfunk/punktfunk.toml if it exists]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where identity and database are kept; made with mode 0700 if absent
    #[arg(long, value_name = "DIR", default_value = STATE_DIR)]
    state_dir: PathBuf,
    /// Where the sockets are; made with mode 0700 if absent
    #[arg(long, value_name = "DIR", default_value = RUNTIME_DIR)]
    runtime_dir: PathBuf,
    /// Where the session service listens, for `session.launcher = "service"`
    #[arg(long, value_name = "FILE", default_value = SESSION_SOCKET)]
    session_socket: PathBuf,
    /// Where the update service listens, if this system has one
    #[arg(long, value_name = "FILE", default_value = punktfunk_update::places::SOCKET)]
    update_socket: PathBuf,
    /// Where the update service keeps what became of the last update
    #[arg(long, value_name = "DIR", default_value = punktfunk_update::places::STATE_DIR)]
    update_state_dir: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Page {
    Configuration,
    Cli,
}

/// Runs the program with the arguments of this process.
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _ = error.print();
            return exit;
        }
    };
    match cli.command {
        Command::Serve(args) => serve(args),
        Command::Ctl(args) => ctl::run(&args),
        Command::CheckConfig(args) => check_config::run(&args),
        Command::Gate(args) => gate::run(&args),
        Command::TestPicture => test_picture::run(),
        Command::SessionSound(args) => session_sound::run(&args),
        Command::RunSession(args) => run_session::run(&args),
        Command::SessionGamescope(args) => session_gamescope::run(&args),
        Command::ConfigSchema => print_line(&format!("{:#}", config::schema::schema())),
        Command::Reference { page: Page::Configuration } => print(&config::reference::page()),
        Command::Reference { page: Page::Cli } => print(&reference::page()),
    }
}

fn serve(args: ServeArgs) -> Exit {
    let ServeArgs { config, state_dir, runtime_dir, session_socket, update_socket, update_state_dir } = args;
    let updates = UpdatePlaces { socket: update_socket, state_dir: update_state_dir };
    match serve::serve(&ServeOptions { config, state_dir, runtime_dir, session_socket, updates }) {
        Ok(()) => Exit::Done,
        Err(StartError::Config(error)) => check_config::complain(&error),
        Err(error) => complain(&error, error.exit()),
    }
}

/// The whole command line, as clap knows it.
fn command() -> clap::Command {
    Cli::command()
}

fn complain(error: &dyn std::error::Error, exit: Exit) -> Exit {
    let _ = writeln!(io::stderr(), "punktfunk-host: {error}");
    exit
}

fn print_line(text: &str) -> Exit {
    print(&format!("{text}\n"))
}

/// Writes to standard output. A reader that had enough (`| head`) is no failure.
fn print(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => complain(&error, Exit::System),
        _ => Exit::Done,
    }
}
