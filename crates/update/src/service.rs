//! The update service: answers one request a connection, and stages in the background.
//!
//! It runs as root, started by systemd when somebody connects to its socket, which only the host's group and root can, and
//! ends when nothing is left to do. Whoever may connect can look for updates, have one staged that is signed and newer, and
//! start the machine anew; nothing else follows from any request.

use std::{
    io::{self, BufRead as _, BufReader, Read, Write as _},
    os::unix::net::{UnixListener, UnixStream},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    time::Duration,
};

mod desk;

pub use desk::Service;

use crate::client::Piece;
use crate::model::{Answer, REQUEST_LIMIT, Request, UpdateRefusal, UpdateRefusalCode as Code};

/// Serves until nothing was asked for a while and nothing is under way.
///
/// # Errors
/// The socket is none.
pub fn serve(listener: &UnixListener, service: &Arc<Service>, idle: Duration) -> io::Result<()> {
    let (accepted, connections) = mpsc::sync_channel(1);
    let incoming = listener.try_clone()?;
    std::thread::spawn(move || {
        for stream in incoming.incoming() {
            match stream.map(|stream| accepted.send(stream)) {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return,
                // Out of descriptors: others end soon.
                Err(_) => std::thread::sleep(Duration::from_millis(200)),
            }
        }
    });
    let open = Arc::new(AtomicUsize::new(0));
    loop {
        match connections.recv_timeout(idle) {
            Ok(stream) => take(stream, service, &open),
            Err(RecvTimeoutError::Timeout) if open.load(Ordering::Acquire) == 0 && !service.is_working() => {
                return Ok(());
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

/// Answers on a thread of its own; too many at once are told to come again.
fn take(stream: UnixStream, service: &Arc<Service>, open: &Arc<AtomicUsize>) {
    if open.fetch_add(1, Ordering::AcqRel) >= CONNECTIONS {
        answer(&stream, &Answer::Refused(UpdateRefusal::new(Code::Busy, "too many requests at once: try again")));
        open.fetch_sub(1, Ordering::AcqRel);
        return;
    }
    let (service, counted) = (Arc::clone(service), Arc::clone(open));
    let spawned = std::thread::Builder::new().name("request".into()).spawn(move || {
        let done = handle(&stream, &service).unwrap_or_else(Answer::Refused);
        answer(&stream, &done);
        counted.fetch_sub(1, Ordering::AcqRel);
    });
    if spawned.is_err() {
        open.fetch_sub(1, Ordering::AcqRel);
    }
}

fn handle(stream: &UnixStream, service: &Arc<Service>) -> Result<Answer, UpdateRefusal> {
    let bad = |what: String| UpdateRefusal::new(Code::BadRequest, what);
    stream.set_read_timeout(Some(PATIENCE)).map_err(|error| bad(error.to_string()))?;
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    let read = (&mut reader).take(REQUEST_LIMIT).read_until(b'\n', &mut line);
    read.map_err(|error| bad(format!("no request came: {error}")))?;
    if line.pop_if(|last| *last == b'\n').is_none() {
        return Err(bad(format!("a request is one line of at most {REQUEST_LIMIT} bytes")));
    }
    match serde_json::from_slice(&line).map_err(|error| bad(format!("not a request: {error}")))? {
        Request::Put { name, offset, bytes, last } => {
            service.put(Piece { name: &name, offset, bytes, last }, &mut reader)
        }
        request => service.answer(request),
    }
}

fn answer(mut stream: &UnixStream, answer: &Answer) {
    // Who has gone meanwhile needs no answer.
    let _ = stream.set_write_timeout(Some(PATIENCE));
    if let Ok(mut line) = serde_json::to_vec(answer) {
        line.push(b'\n');
        let _ = stream.write_all(&line);
    }
    let _ = stream.shutdown(std::net::Shutdown::Write);
    // Closing with unread bytes would throw the answer away before it is read.
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let _ = io::copy(&mut stream.take(64 << 20), &mut io::sink());
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whole values are put in and taken out: a panic elsewhere cannot leave one half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Requests at once.
const CONNECTIONS: usize = 8;
/// Between two pieces of a request.
const PATIENCE: Duration = Duration::from_secs(30);
