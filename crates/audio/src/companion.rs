//! What runs beside the application, as its user: the sound server, and the capture that speaks to the host.

use std::{
    cell::Cell,
    ffi::OsString,
    os::fd::{AsFd as _, OwnedFd},
    path::Path,
    rc::Rc,
    thread,
    time::{Duration, Instant},
};

use pipewire::{
    context::ContextRc, core::CoreRc, keys, main_loop::MainLoopRc, properties::properties,
    spa::support::system::IoFlags,
};
use rustix::net::{SendFlags, send};

use crate::{
    Layout,
    capture::{Capture, Hears},
    line::{Part, Said, SoundFault},
    server::Server,
};

/// From the start of the programs to the first sign of the output.
const OUTPUT_WITHIN: Duration = Duration::from_secs(30);
/// Between two tries to connect the capture.
const AGAIN: Duration = Duration::from_millis(100);
/// From a server's closed connection to its exit.
const EXIT_WITHIN: Duration = Duration::from_millis(100);

/// Serves the session whose host is behind `host`, in `runtime_dir`, the application's `XDG_RUNTIME_DIR`, until the host
/// closes or the sound server ends; the host is told which. `relay` is a program with its first words that calls
/// [`crate::server::serve_on`].
///
/// The calling thread must be the process's first: what is started ends with it.
pub fn run(host: &OwnedFd, runtime_dir: &Path, layout: Layout, relay: &[OsString]) -> Option<SoundFault> {
    let fault = serve(host, runtime_dir, layout, relay).err();
    if let Some(fault) = fault {
        tell(host, &Said::Fault(fault).encode());
    }
    fault
}

fn serve(host: &OwnedFd, runtime_dir: &Path, layout: Layout, relay: &[OsString]) -> Result<(), SoundFault> {
    let prepared = Server::prepare(runtime_dir, layout)?;
    tell(host, &Said::Listening.encode());
    let mut server = prepared.start(relay)?;
    let outcome = Rc::new(Cell::new(Outcome::Starting));
    listen(host, layout, &mut server, &outcome).map_err(|error| {
        tracing::warn!(%error, "the sound cannot be captured");
        SoundFault::NoOutput
    })?;
    match outcome.get() {
        Outcome::Closed => Ok(()),
        Outcome::Failed(fault @ (SoundFault::NoOutput | SoundFault::Ended(_))) => {
            // One that ends takes the others with it: the first of them is to be named, once all have had time to end.
            thread::sleep(EXIT_WITHIN);
            Err(server.ended().map_or(fault, SoundFault::Ended))
        }
        Outcome::Failed(fault) => Err(fault),
        Outcome::Starting | Outcome::Refused | Outcome::Connected | Outcome::Running => Err(SoundFault::NoOutput),
    }
}

/// How far it has come.
#[derive(Clone, Copy)]
enum Outcome {
    Starting,
    /// There was no output to connect the capture to, yet.
    Refused,
    /// The capture is connected.
    Connected,
    Running,
    /// The host closed.
    Closed,
    Failed(SoundFault),
}

/// Captures until something ends; `outcome` says what.
fn listen(host: &OwnedFd, layout: Layout, server: &mut Server, outcome: &Rc<Cell<Outcome>>) -> Result<(), Failure> {
    let (events, core) = connect(server)?;
    let ends = |end: Outcome| {
        let (events, outcome) = (events.clone(), Rc::clone(outcome));
        move || {
            outcome.set(end);
            events.quit();
        }
    };
    let closed = ends(Outcome::Closed);
    let _host = events.loop_().add_io(host.as_fd(), IoFlags::HUP | IoFlags::ERR, move |_| closed());
    let mut watched = Vec::new();
    let mut watch = |part: Part, exit: OwnedFd| {
        let ended = ends(Outcome::Failed(SoundFault::Ended(part)));
        watched.push(events.loop_().add_io(exit, IoFlags::IN, move |_| ended()));
    };
    server.watch()?.into_iter().for_each(|(part, exit)| watch(part, exit));
    let (late, starting) = (ends(Outcome::Failed(SoundFault::NoOutput)), Rc::clone(outcome));
    let timer = events.loop_().add_timer(move |_| {
        if matches!(starting.get(), Outcome::Starting) {
            late();
        }
    });
    timer.update_timer(Some(OUTPUT_WITHIN), None).into_result().map_err(|_| Failure::Timer)?;
    let voice = Rc::new(Voice { host: host.try_clone()?, outcome: Rc::clone(outcome), events: events.clone() });
    let capture = || Capture::start(core.clone(), layout, Rc::clone(&voice) as Rc<dyn Hears>);
    let deadline = Instant::now() + OUTPUT_WITHIN;
    let mut capturing = capture()?;
    loop {
        events.run();
        match outcome.get() {
            Outcome::Refused if Instant::now() < deadline => {
                drop(capturing);
                thread::sleep(AGAIN);
                outcome.set(Outcome::Starting);
                capturing = capture()?;
            }
            Outcome::Connected => match server.start_pulse() {
                // Only now: streams that come before there is an output are refused, but who connects can wait.
                Ok((part, exit)) => {
                    watch(part, exit);
                    outcome.set(Outcome::Running);
                    tell(host, &Said::Ready.encode());
                }
                Err(fault) => {
                    outcome.set(Outcome::Failed(fault));
                    return Ok(());
                }
            },
            _ => return Ok(()),
        }
    }
}

/// Connects to the server, whose socket is there already; what is asked waits until its program is.
fn connect(server: &Server) -> Result<(MainLoopRc, CoreRc), Failure> {
    pipewire::init();
    let events = MainLoopRc::new(None)?;
    let configuration = properties! {
        "config.prefix" => server.configuration().to_string_lossy().into_owned(),
        "config.name" => "client.conf",
    };
    let context = ContextRc::new(&events, Some(configuration))?;
    let remote = properties! { *keys::REMOTE_NAME => server.socket().to_string_lossy().into_owned() };
    let core = context.connect_rc(Some(remote))?;
    Ok((events, core))
}

/// Why nothing can be captured.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("PipeWire: {0}")]
    PipeWire(#[from] pipewire::Error),
    #[error(transparent)]
    System(#[from] std::io::Error),
    #[error("no timer")]
    Timer,
}

/// Hands on what the capture says.
struct Voice {
    host: OwnedFd,
    outcome: Rc<Cell<Outcome>>,
    events: MainLoopRc,
}

impl Hears for Voice {
    fn ready(&self) {
        if matches!(self.outcome.get(), Outcome::Starting) {
            self.outcome.set(Outcome::Connected);
            self.events.quit();
        }
    }

    fn packet(&self, packet: &[u8]) {
        tell(&self.host, packet);
    }

    fn failed(&self) {
        match self.outcome.get() {
            Outcome::Starting => self.outcome.set(Outcome::Refused),
            Outcome::Connected | Outcome::Running => self.outcome.set(Outcome::Failed(SoundFault::NoOutput)),
            Outcome::Refused | Outcome::Closed | Outcome::Failed(_) => {}
        }
        self.events.quit();
    }
}

/// Tells the host; never waits. What does not fit is dropped.
fn tell(host: &OwnedFd, packet: &[u8]) {
    let _ = send(host, packet, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
}
