//! The commands: what was typed becomes calls of the library, and its answers become text, JSON and an exit code.

mod connect;
mod discover;
mod hosts;
mod join;
mod pair;
mod probe;

use std::{
    io::{self, BufRead as _, Read as _, Write as _},
    path::PathBuf,
};

use punktfunk_transport::{TlsIdentity, discovery::Reach};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{
    cli::{Cli, Command, Mdns},
    error::{ClientError, Exit},
    identity::ClientIdentity,
    terminal::Output,
};

/// What every command needs to know.
struct Context {
    state_dir: PathBuf,
    output: Output,
    reach: Option<Reach>,
}

impl Context {
    fn new(cli: &Cli, output: Output) -> Result<Self, ClientError> {
        let state_dir = match &cli.state_dir {
            Some(dir) => dir.clone(),
            None => default_state_dir()?,
        };
        let reach = match cli.mdns {
            Mdns::Network => Some(Reach::Network),
            Mdns::Loopback => Some(Reach::Loopback),
            Mdns::Off => None,
        };
        Ok(Self { state_dir, output, reach })
    }

    fn identity(&self) -> Result<TlsIdentity, ClientError> {
        let identity = ClientIdentity::load_or_create(&self.state_dir)?;
        Ok(TlsIdentity::new(identity.certificate_der, identity.private_key_pkcs8_der))
    }
}

/// What a command found out.
struct Answer {
    /// For people.
    text: String,
    /// For programs.
    value: Value,
    /// What is wrong all the same.
    failure: Option<ClientError>,
}

impl Answer {
    fn good(text: impl Into<String>, value: Value) -> Self {
        Self { text: text.into(), value, failure: None }
    }
}

/// Does what was typed, and prints what came of it: the answer on standard output, what is wrong on standard error
/// (and, for programs, as `error` in the one object on standard output).
pub async fn run(cli: Cli) -> Exit {
    let output = if cli.json { Output::Json } else { Output::Text };
    let (answer, failure) = match dispatch(cli, output).await {
        Ok(Answer { text, value, failure }) => (Some((text, value)), failure),
        Err(error) => (None, Some(error)),
    };
    let (text, mut value) = answer.unwrap_or_else(|| (String::new(), json!({})));
    if let Some(error) = &failure {
        value["error"] = error_json(error);
        let _ = writeln!(io::stderr(), "punktfunk: {error}");
    }
    match (output.result(&text, &value), failure) {
        (_, Some(error)) => error.exit(),
        (Ok(()), None) => Exit::Done,
        (Err(error), None) => {
            let _ = writeln!(io::stderr(), "punktfunk: cannot write the result: {error}");
            Exit::Local
        }
    }
}

async fn dispatch(cli: Cli, output: Output) -> Result<Answer, ClientError> {
    let context = Context::new(&cli, output)?;
    match cli.command {
        Command::Discover(args) => discover::run(&context, &args).await,
        Command::Pair(args) => pair::run(&context, args).await,
        Command::Join(args) => join::run(&context, args).await,
        Command::Connect(args) => connect::run(&context, args).await,
        Command::Probe(args) => probe::run(&context, &args).await,
        Command::Hosts(args) => hosts::run(&context, args),
    }
}

fn error_json(error: &ClientError) -> Value {
    json!({ "exit": error.exit() as u8, "message": error.to_string(), "close_code": error.close_code() })
}

fn default_state_dir() -> Result<PathBuf, ClientError> {
    let home = std::env::home_dir().filter(|home| home.is_absolute());
    let dir = home.map(|home| home.join(".local/state/punktfunk"));
    dir.ok_or_else(|| ClientError::Usage("there is no home directory; name a folder with --state-dir".into()))
}

/// The most that is read of a line: more than a link, a PIN or an answer has.
const MAX_LINE: u64 = 4_096;

/// A line of standard input. It may be a secret, so it is wiped when dropped.
fn read_line() -> Result<Zeroizing<String>, ClientError> {
    // Reserved at once: a text that grows leaves copies behind.
    let mut line = Zeroizing::new(String::with_capacity(4_096));
    let read = io::stdin().lock().take(MAX_LINE).read_line(&mut line);
    read.map_err(|error| ClientError::Local(format!("standard input: {error}")))?;
    Ok(line)
}

/// This machine's name, for hosts to show.
fn device_name(given: Option<String>) -> String {
    let machine = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = given.or_else(machine).map(|name| crate::text::printable(name.trim(), 64));
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "punktfunk".to_owned())
}
