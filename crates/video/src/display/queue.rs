//! Controls of a display whose thread waits for its events in `poll`: a queue, and a descriptor that wakes it.

use std::{
    io,
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender, TryRecvError, TrySendError},
    },
    thread::JoinHandle,
};

use punktfunk_proto::{input::SeatEvent, units::Mode};
use rustix::event::{EventfdFlags, eventfd};

use super::{Controls, DisplayError};

/// What the controls ask for.
pub(super) enum Command {
    Input(SeatEvent),
    SetMode(Mode),
    Repaint,
}

/// The thread's end of the queue.
pub(super) struct Inbox {
    commands: Receiver<Command>,
    /// Becomes readable when there is a command or the queue was closed.
    pub(super) wake: Arc<OwnedFd>,
}

impl Inbox {
    /// Call it before the queue is emptied: a command that comes later wakes the thread again.
    pub(super) fn reset(&self) {
        let _ = rustix::io::read(&*self.wake, &mut [0; 8]);
    }

    /// The next command; `Disconnected` when the display is to end.
    pub(super) fn next(&self) -> Result<Command, TryRecvError> {
        self.commands.try_recv()
    }
}

/// Commands that may wait for the display's thread: some seconds of the fastest mouse.
const COMMANDS: usize = 4_096;

/// The controls. Dropping them ends the display and waits for its thread.
pub(super) struct QueuedControls {
    commands: Option<SyncSender<Command>>,
    wake: Arc<OwnedFd>,
    lost: AtomicU64,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl QueuedControls {
    /// Runs `display` on a thread of its own and waits until it says whether it came up.
    pub(super) fn start(
        display: impl FnOnce(Inbox, &SyncSender<Result<(), DisplayError>>) + Send + 'static,
    ) -> Result<Self, DisplayError> {
        let failed = |error: io::Error| DisplayError::Failed(format!("no thread for the display: {error}"));
        let (queue, commands) = mpsc::sync_channel(COMMANDS);
        let (started, outcome) = mpsc::sync_channel(1);
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).map_err(|error| failed(error.into()))?;
        let wake = Arc::new(wake);
        let inbox = Inbox { commands, wake: Arc::clone(&wake) };
        let thread = std::thread::Builder::new()
            .name("display".into())
            .spawn(move || display(inbox, &started))
            .map_err(failed)?;
        let controls = Self { commands: Some(queue), wake, lost: AtomicU64::new(0), thread: Mutex::new(Some(thread)) };
        match outcome.recv() {
            Ok(outcome) => outcome.map(|()| controls),
            Err(mpsc::RecvError) => Err(DisplayError::Failed("the display's thread ended while starting".into())),
        }
    }

    /// Queues a command. A display that has ended takes none; one that hangs loses them, counted and told once.
    fn send(&self, command: Command) {
        let Some(queue) = &self.commands else { return };
        match queue.try_send(command) {
            Ok(()) => self.wake(),
            Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                if self.lost.fetch_add(1, Ordering::Relaxed) == 0 {
                    tracing::warn!("the display's thread does not take input: events are lost");
                }
            }
        }
    }

    fn wake(&self) {
        // It fails only when the counter is full, and then the thread is being woken already.
        let _ = rustix::io::write(&*self.wake, &1_u64.to_ne_bytes());
    }
}

impl Controls for QueuedControls {
    fn input(&self, event: SeatEvent) {
        self.send(Command::Input(event));
    }

    fn set_mode(&self, mode: Mode) {
        self.send(Command::SetMode(mode));
    }

    fn repaint(&self) {
        self.send(Command::Repaint);
    }
}

impl Drop for QueuedControls {
    fn drop(&mut self) {
        // A closed queue is what tells the thread to end.
        self.commands = None;
        self.wake();
        let thread = self.thread.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the display's thread panicked");
        }
    }
}
