//! `ctl update`: asks the update service itself, so that it works while the host does not.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use clap::{Args, Subcommand};
use punktfunk_update::{
    client::{self, ClientError},
    model::{Answer, OfferedBy, Request, UpdateOffer, UpdateRefusal, UpdateRefusalCode, UpdateStatus},
    places::SOCKET,
    sums,
};
use serde_json::json;

use super::{CtlError, Done, Words};
use crate::exit::Exit;

#[derive(Debug, Args)]
pub(in crate::cli) struct UpdateArgs {
    /// Where the update service listens
    #[arg(long, value_name = "FILE", default_value = SOCKET)]
    socket: PathBuf,
    #[command(subcommand)]
    order: Option<UpdateOrder>,
}

#[derive(Debug, Subcommand)]
enum UpdateOrder {
    /// Show what runs, what is staged, and how the last update ended (the default)
    Status,
    /// Look for an update, and show in which packages it differs
    Check(From),
    /// Put the update that is offered into the slot that does not run; it is tried when the machine starts next
    Stage(From),
    /// Start the machine anew with what is staged
    Apply,
    /// Say that you have read that an update was taken back
    Dismiss,
}

#[derive(Debug, Args)]
struct From {
    /// Take it from this folder, in place of the configured source
    #[arg(long = "from", value_name = "DIR")]
    folder: Option<PathBuf>,
}

/// Why a folder's files could not be brought.
#[derive(Debug, thiserror::Error)]
#[error("{}: {source}", path.display())]
pub(in crate::cli) struct Unread {
    path: PathBuf,
    source: std::io::Error,
}

pub(super) fn run(args: &UpdateArgs) -> Result<Done, CtlError> {
    let at = args.socket.as_path();
    match args.order.as_ref().unwrap_or(&UpdateOrder::Status) {
        UpdateOrder::Status => ask(at, &Request::Status).map(done),
        UpdateOrder::Check(from) => offered(at, from).map(|offer| done(Answer::Offer(Box::new(offer)))),
        UpdateOrder::Stage(from) => stage(at, from).map(done),
        UpdateOrder::Apply => ask(at, &Request::Apply).map(done),
        UpdateOrder::Dismiss => ask(at, &Request::Dismiss).map(done),
    }
}

fn done(answer: Answer) -> Done {
    Done { value: json!(answer), words: Words::Update(Box::new(answer)), exit: Exit::Done }
}

/// What the source or the folder offers.
fn offered(at: &Path, from: &From) -> Result<UpdateOffer, CtlError> {
    let from = match &from.folder {
        Some(folder) => {
            bring(at, folder)?;
            OfferedBy::Files
        }
        None => OfferedBy::Source,
    };
    match ask(at, &Request::Check { from })? {
        Answer::Offer(offer) => Ok(*offer),
        _ => Err(ClientError::Protocol("no offer".into()).into()),
    }
}

/// Hands over the files of the newest update in `folder`.
fn bring(at: &Path, folder: &Path) -> Result<(), CtlError> {
    let image = status(at)?.image;
    let read = |path: &Path| fs::read_to_string(path).map_err(|source| Unread { path: path.to_owned(), source });
    let list = read(&folder.join(sums::SUMS))?;
    // What is wrong with the list is the service's to say.
    let newest = sums::parse(&list).ok().and_then(|listed| sums::newest(&listed, &image));
    let files = newest.map(|newest| newest.parts.into_iter().chain(newest.packages)).into_iter().flatten();
    let names = [sums::SUMS.to_owned(), sums::SIGNATURE.to_owned()].into_iter().chain(files.map(|file| file.name));
    ask(at, &Request::Begin)?;
    for name in names {
        let path = folder.join(&name);
        // A file that is missing is missed by the service, which says so better.
        let Ok(file) = File::open(&path) else { continue };
        let bytes = file.metadata().map_err(|source| Unread { path: path.clone(), source })?.len();
        client::put(at, (&name, bytes), file)?;
    }
    Ok(())
}

/// Checks, says in what it differs, stages, and waits until that has ended.
fn stage(at: &Path, from: &From) -> Result<Answer, CtlError> {
    let offer = offered(at, from)?;
    let Some(version) = offer.version.clone() else { return Ok(Answer::Offer(Box::new(offer))) };
    ask(at, &Request::Stage { version })?;
    loop {
        let status = status(at)?;
        match (&status.work, &status.refused) {
            (Some(_), _) => thread::sleep(Duration::from_millis(500)),
            (None, Some(refusal)) => return Err(ClientError::Refused(refusal.clone()).into()),
            (None, None) => return Ok(Answer::Status(Box::new(status))),
        }
    }
}

fn status(at: &Path) -> Result<UpdateStatus, CtlError> {
    match ask(at, &Request::Status)? {
        Answer::Status(status) => Ok(*status),
        _ => Err(ClientError::Protocol("no status".into()).into()),
    }
}

fn ask(at: &Path, request: &Request) -> Result<Answer, CtlError> {
    Ok(client::ask(at, request, PATIENCE)?)
}

/// A source may be slow, and files of a gigabyte are looked at byte by byte.
const PATIENCE: Duration = Duration::from_secs(300);

/// The exit code of a failure.
pub(super) fn exit(fault: &ClientError) -> Exit {
    match fault {
        ClientError::Absent { .. } => Exit::NotRunning,
        ClientError::Permission { .. } => Exit::Permission,
        ClientError::Io(_) => Exit::Busy,
        ClientError::Protocol(_) => Exit::Protocol,
        ClientError::Refused(UpdateRefusal { code, .. }) => match code {
            UpdateRefusalCode::Busy | UpdateRefusalCode::Unreachable => Exit::Busy,
            UpdateRefusalCode::Unsigned
            | UpdateRefusalCode::Damaged
            | UpdateRefusalCode::WrongImage
            | UpdateRefusalCode::Older => Exit::DamagedData,
            UpdateRefusalCode::NoSource | UpdateRefusalCode::NotReady => Exit::NoSuchThing,
            UpdateRefusalCode::NoSpace => Exit::CannotCreate,
            UpdateRefusalCode::BadRequest => Exit::Protocol,
            UpdateRefusalCode::Machine => Exit::System,
        },
    }
}
