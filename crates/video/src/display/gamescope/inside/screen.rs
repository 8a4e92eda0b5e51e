//! The program that hands on gamescope's pictures to the host, and the host's input to gamescope: one loop, one thread.
//!
//! Once per picture: the newest buffer is copied into a free place of the host's memory and said to be there. While no
//! place is free the buffer is kept, and given back for a newer one. Nothing of ours is allocated for a picture.

use std::{
    fs::File,
    io::{self, Read as _},
    os::fd::OwnedFd,
    time::{Duration, Instant},
};

use punktfunk_proto::units::Mode;
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::{CWD, FileType, Mode as FileMode, OFlags, mknodat, open},
};

use super::{
    PIPE,
    canvas::Canvas,
    connect::{self, Daemon},
    pictures::Pictures,
    runtime_file,
    seat::Seat,
    start::Said,
};
use crate::display::{
    clock::monotonic,
    gamescope::wire::{self, Fault, FromSession, Received, ToSession},
};

/// Serves the host until it closes the connection. What fails it is told.
pub(super) fn run(host: &OwnedFd, mode: Mode) -> io::Result<()> {
    let memory = wire::receive_memory(host)?;
    let canvas = Canvas::new(&memory, mode)?;
    let served = Screen::start(host, canvas, mode).and_then(|mut screen| screen.run());
    match served {
        Ok(()) => Ok(()),
        Err(fault) => {
            eprintln!("the pictures end: {fault:?}");
            say(host, FromSession::Fault(fault)).map_err(|_| io::ErrorKind::BrokenPipe.into())
        }
    }
}

fn say(host: &OwnedFd, message: FromSession) -> Result<(), Fault> {
    wire::send(host, &message.encode()).map_err(system)
}

fn system(error: io::Error) -> Fault {
    Fault::System(error.raw_os_error().unwrap_or(libc::EIO))
}

/// How far gamescope is.
enum Stage {
    /// It has said nothing yet.
    Starting,
    /// It is up; its pictures and its input are looked for.
    Up { display: String, since: Instant },
    /// The host knows.
    Ready,
}

struct Screen<'a> {
    host: &'a OwnedFd,
    mode: Mode,
    canvas: Canvas,
    pictures: Pictures,
    pipe: Pipe,
    seat: Option<Seat>,
    stage: Stage,
    _daemon: Daemon,
}

/// How long after gamescope is up its pictures and its input may be missing.
const PATIENCE: Duration = Duration::from_secs(3);
/// Between two looks for gamescope's input.
const PAUSE: Duration = Duration::from_millis(20);

impl<'a> Screen<'a> {
    fn start(host: &'a OwnedFd, canvas: Canvas, mode: Mode) -> Result<Self, Fault> {
        let pipe = Pipe::make().map_err(system)?;
        let daemon = connect::pipewire()?;
        let pictures = Pictures::connect(connect::connection().map_err(system)?, mode).map_err(|error| {
            eprintln!("PipeWire: {error}");
            Fault::PipewireFailed
        })?;
        say(host, FromSession::Prepared)?;
        let (seat, stage) = (None, Stage::Starting);
        Ok(Self { host, mode, canvas, pictures, pipe, seat, stage, _daemon: daemon })
    }

    /// Works until the host closes the connection.
    fn run(&mut self) -> Result<(), Fault> {
        loop {
            self.pictures.act()?;
            self.advance()?;
            self.hand_on()?;
            self.seat.as_ref().map_or(Ok(()), Seat::flush).map_err(|_| Fault::InputLost)?;
            let ready = self.wait().map_err(system)?;
            if ready.pipe {
                self.read_pipe()?;
            }
            if ready.seat
                && let Some(seat) = &mut self.seat
            {
                seat.listen().map_err(|error| {
                    eprintln!("gamescope's input: {error}");
                    Fault::InputLost
                })?;
            }
            if ready.host && !self.obey()? {
                return Ok(());
            }
        }
    }

    fn wait(&self) -> io::Result<Happened> {
        let limit = matches!(self.stage, Stage::Up { .. })
            .then(|| Timespec { tv_sec: PAUSE.as_secs().cast_signed(), tv_nsec: PAUSE.subsec_nanos().into() });
        let mut watched = [
            PollFd::new(self.host, PollFlags::IN),
            PollFd::new(&self.pipe.file, PollFlags::IN),
            PollFd::new(&self.pictures, PollFlags::IN),
            // Without a seat this one is watched twice.
            self.seat.as_ref().map_or(PollFd::new(self.host, PollFlags::IN), |seat| PollFd::new(seat, PollFlags::IN)),
        ];
        match poll(&mut watched, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let happened = |index: usize| !watched[index].revents().is_empty();
        Ok(Happened { host: happened(0), pipe: happened(1), seat: happened(3) })
    }

    /// Hears what gamescope and what runs in it say.
    fn read_pipe(&mut self) -> Result<(), Fault> {
        while let Some(line) = self.pipe.line().map_err(system)? {
            match Said::read(&line) {
                Some(Said::Exited(status)) => say(self.host, FromSession::Exited(status))?,
                Some(Said::NoApplication(errno)) => return Err(Fault::NoApplication(errno)),
                Some(Said::NoGamescope(libc::ENOENT)) => return Err(Fault::NoGamescope),
                Some(Said::NoGamescope(errno)) => return Err(Fault::System(errno)),
                None => self.gamescope_is_up(&line),
            }
        }
        Ok(())
    }

    /// gamescope says `:0 gamescope-0`: its X display and its Wayland socket.
    fn gamescope_is_up(&mut self, line: &str) {
        let display = line.split_whitespace().nth(1).filter(|name| !name.contains('/'));
        if let (Stage::Starting, Some(display)) = (&self.stage, display) {
            self.stage = Stage::Up { display: display.to_owned(), since: Instant::now() };
        }
    }

    /// Looks for what is still missing, and tells the host when nothing is.
    fn advance(&mut self) -> Result<(), Fault> {
        let Stage::Up { display, since } = &self.stage else { return Ok(()) };
        if self.seat.is_none() {
            // The socket may come later than the line.
            self.seat = Seat::connect(display, self.mode).ok();
        }
        let input = self.seat.as_ref().is_some_and(Seat::is_ready);
        if input && self.pictures.is_ready() {
            self.stage = Stage::Ready;
            self.pictures.passed_over();
            return say(self.host, FromSession::Ready);
        }
        if since.elapsed() < PATIENCE {
            return Ok(());
        }
        Err(match (input, self.pictures.is_linked()) {
            (false, _) => Fault::NoInput,
            (true, false) => Fault::NoPictures,
            (true, true) => Fault::Format,
        })
    }

    /// Copies the newest picture to where the host finds it, if there is room. Before the host was told that all is ready
    /// it expects none.
    fn hand_on(&mut self) -> Result<(), Fault> {
        if !matches!(self.stage, Stage::Ready) || !self.pictures.has_picture() {
            return Ok(());
        }
        let Some(slot) = self.canvas.claim() else { return Ok(()) };
        let at = monotonic();
        let canvas = &mut self.canvas;
        // SAFETY: libpipewire maps `len` bytes for as long as the buffer is dequeued.
        if !self.pictures.take(|source| unsafe { canvas.paint(slot, source) }) {
            self.canvas.release(slot);
            return Ok(());
        }
        let skipped = self.pictures.passed_over();
        say(self.host, FromSession::Picture { slot, skipped, at })
    }

    /// Does what the host asks; false when it has closed the connection.
    fn obey(&mut self) -> Result<bool, Fault> {
        loop {
            match wire::from_host(self.host).map_err(system)? {
                Received::Message(ToSession::Released(slot)) => self.canvas.release(slot),
                Received::Message(ToSession::Input(event)) => {
                    if let Some(seat) = &mut self.seat {
                        seat.input(event).map_err(|_| Fault::InputLost)?;
                    }
                }
                Received::Nothing => return Ok(true),
                Received::Closed => return Ok(false),
            }
        }
    }
}

/// What there was to wait for. PipeWire is looked after in any case.
struct Happened {
    host: bool,
    pipe: bool,
    seat: bool,
}

/// The session's pipe, and the beginning of a line in it.
struct Pipe {
    file: File,
    text: String,
}

/// gamescope's line is short, and so are ours.
const LONGEST_LINE: usize = 4_096;

impl Pipe {
    fn make() -> io::Result<Self> {
        let path = runtime_file(PIPE)?;
        mknodat(CWD, &path, FileType::Fifo, FileMode::RUSR | FileMode::WUSR, 0)?;
        // Open for writing too: without a writer of its own a pipe reads as ended before anybody has written.
        let file = open(path, OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC, FileMode::empty())?;
        Ok(Self { file: file.into(), text: String::new() })
    }

    /// The next whole line that is there.
    fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.text.find('\n') {
                return Ok(Some(self.text.drain(..=end).collect()));
            }
            if self.text.len() > LONGEST_LINE {
                self.text.clear();
            }
            let mut chunk = [0; 256];
            match self.file.read(&mut chunk) {
                Ok(len) => self.text.push_str(&String::from_utf8_lossy(&chunk[..len])),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}
