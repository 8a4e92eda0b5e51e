//! Plays what was decoded on this machine, through its PipeWire.
//!
//! A thread of its own; it takes 5 ms at a time from a queue that holds 120 ms at most. What comes faster than it is played
//! pushes out the oldest; when nothing is there, silence is played until 30 ms are.

use std::{
    collections::VecDeque,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc,
    },
    thread::{self, JoinHandle},
};

use pipewire::{
    channel,
    context::ContextRc,
    core::CoreRc,
    keys,
    main_loop::MainLoopRc,
    properties::properties,
    spa::{pod::Pod, utils::Direction},
    stream::{StreamFlags, StreamListener, StreamRc, StreamState},
};

use crate::{
    FRAME, Layout,
    graph::{self, LATENCY},
};

/// Packets that are waited for before anything is played.
const CUSHION: usize = 6;
/// Packets that may wait.
const MOST: usize = 24;

/// Which PipeWire to play on.
#[derive(Clone, Debug)]
pub enum Remote {
    /// That of the user's session.
    Session,
    /// The one that listens on this socket.
    At(PathBuf),
}

/// Why nothing is played.
#[derive(Debug, thiserror::Error)]
pub enum PlaybackError {
    /// PipeWire refused, or is not there.
    #[error("PipeWire does not play: {0}")]
    PipeWire(#[from] pipewire::Error),
    /// No thread.
    #[error("there is no thread for playing: {0}")]
    Thread(#[from] std::io::Error),
    /// The thread ended at once.
    #[error("the thread for playing has ended")]
    Ended,
}

/// A running player. Dropping it ends it.
pub struct Player {
    queue: Arc<Mutex<Queue>>,
    has_ended: Arc<AtomicBool>,
    end: Option<channel::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Player {
    /// Starts one for `layout`, called `name` where people see it.
    ///
    /// # Errors
    /// There is no PipeWire, or it refused.
    pub fn start(remote: &Remote, layout: Layout, name: &str) -> Result<Self, PlaybackError> {
        let queue = Arc::new(Mutex::new(Queue::new(layout)));
        let (end, is_over) = channel::channel();
        let (started, has_started) = mpsc::sync_channel(1);
        let (remote, name, theirs) = (remote.clone(), name.to_owned(), Arc::clone(&queue));
        let has_ended = Arc::new(AtomicBool::new(false));
        let ended = Arc::clone(&has_ended);
        let thread = thread::Builder::new().name("pf-playback".into()).spawn(move || {
            let failed = |error| {
                // Nobody waits any more if the starter is gone.
                let _ = started.send(Err(error));
            };
            match Playing::start(&remote, layout, &name, theirs) {
                Ok(playing) => {
                    let events = playing.events.clone();
                    let _over = is_over.attach(playing.events.loop_(), move |()| events.quit());
                    let _ = started.send(Ok(()));
                    playing.events.run();
                    ended.store(true, Relaxed);
                }
                Err(error) => failed(error),
            }
        })?;
        has_started.recv().map_err(|_| PlaybackError::Ended)??;
        Ok(Self { queue, has_ended, end: Some(end), thread: Some(thread) })
    }

    /// Plays this after what waits. Never blocks for longer than a copy takes.
    pub fn play(&self, pcm: &[f32]) {
        lock(&self.queue).push(pcm);
    }

    /// Whether it plays no more: the server has gone, or refused it for want of an output.
    pub fn has_ended(&self) -> bool {
        self.has_ended.load(Relaxed)
    }

    /// How many samples of each channel wait.
    pub fn waiting(&self) -> usize {
        let queue = lock(&self.queue);
        queue.samples.len() / queue.channels
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            let _ = end.send(());
        }
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so.
            let _ = thread.join();
        }
    }
}

struct Playing {
    events: MainLoopRc,
    _listener: StreamListener<Arc<Mutex<Queue>>>,
    _stream: StreamRc,
    _core: CoreRc,
}

impl Playing {
    fn start(remote: &Remote, layout: Layout, name: &str, queue: Arc<Mutex<Queue>>) -> Result<Self, PlaybackError> {
        pipewire::init();
        let events = MainLoopRc::new(None)?;
        let context = ContextRc::new(&events, None)?;
        let core = context.connect_rc(match remote {
            Remote::Session => None,
            Remote::At(socket) => Some(properties! { *keys::REMOTE_NAME => text(socket) }),
        })?;
        let properties = properties! {
            *keys::MEDIA_TYPE => "Audio",
            *keys::MEDIA_CATEGORY => "Playback",
            *keys::MEDIA_ROLE => "Game",
            *keys::NODE_NAME => name,
            *keys::NODE_LATENCY => LATENCY,
        };
        let stream = StreamRc::new(core.clone(), name, properties)?;
        let (channels, over) = (layout.channels(), events.clone());
        let listener = stream
            .add_local_listener_with_user_data(queue)
            .state_changed(move |_, _, _, state| {
                if matches!(state, StreamState::Error(_) | StreamState::Unconnected) {
                    over.quit();
                }
            })
            .process(move |stream, queue| {
                let Some(mut buffer) = stream.dequeue_buffer() else { return };
                let wanted = usize::try_from(buffer.requested()).unwrap_or(0);
                let Some(data) = buffer.datas_mut().first_mut() else { return };
                let Some(bytes) = data.data() else { return };
                let frame = channels * size_of::<f32>();
                let frames = if wanted == 0 { FRAME } else { wanted }.min(bytes.len() / frame);
                lock(queue).pop(&mut bytes[..frames * frame]);
                let chunk = data.chunk_mut();
                *chunk.offset_mut() = 0;
                *chunk.stride_mut() = frame as i32;
                *chunk.size_mut() = (frames * frame) as u32;
            })
            .register()?;
        let format = graph::format(layout);
        let pod = Pod::from_bytes(&format).expect("a format is a pod");
        let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS;
        stream.connect(Direction::Output, None, flags, &mut [pod])?;
        Ok(Self { events, _listener: listener, _stream: stream, _core: core })
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// What waits to be played.
#[derive(Debug)]
struct Queue {
    samples: VecDeque<f32>,
    channels: usize,
    /// It ran empty and fills up again.
    is_filling: bool,
}

impl Queue {
    fn new(layout: Layout) -> Self {
        let channels = layout.channels();
        Self { samples: VecDeque::with_capacity((MOST + 1) * FRAME * channels), channels, is_filling: true }
    }

    fn push(&mut self, pcm: &[f32]) {
        self.samples.extend(pcm);
        let most = MOST * FRAME * self.channels;
        let excess = self.samples.len().saturating_sub(most);
        self.samples.drain(..excess);
        self.is_filling &= self.samples.len() < CUSHION * FRAME * self.channels;
    }

    /// Fills `out` with little-endian samples, and with silence where there are none.
    fn pop(&mut self, out: &mut [u8]) {
        let there = if self.is_filling { 0 } else { self.samples.len() };
        let mut samples = self.samples.drain(..there.min(out.len() / size_of::<f32>()));
        for place in out.chunks_exact_mut(size_of::<f32>()) {
            place.copy_from_slice(&samples.next().unwrap_or(0.0).to_le_bytes());
        }
        drop(samples);
        self.is_filling |= self.samples.is_empty();
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::{CUSHION, MOST, Queue};
    use crate::{FRAME, Layout};

    fn pop(queue: &mut Queue) -> Vec<f32> {
        let mut out = vec![0xff; FRAME * 2 * 4];
        queue.pop(&mut out);
        out.chunks_exact(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect()
    }

    #[test]
    fn nothing_is_played_until_there_is_a_cushion_and_then_everything_in_order() {
        let mut queue = Queue::new(Layout::Stereo);
        for packet in 0..CUSHION {
            assert!(pop(&mut queue).iter().all(|sample| *sample == 0.0));
            queue.push(&vec![packet as f32 + 1.0; FRAME * 2]);
        }
        for packet in 0..CUSHION {
            assert!(pop(&mut queue).iter().all(|sample| *sample == packet as f32 + 1.0));
        }
        // Empty: it fills up again first.
        queue.push(&[9.0; FRAME * 2]);
        assert!(pop(&mut queue).iter().all(|sample| *sample == 0.0));
    }

    #[test]
    fn what_comes_too_fast_pushes_out_the_oldest() {
        let mut queue = Queue::new(Layout::Stereo);
        (0..MOST + 5).for_each(|packet| queue.push(&vec![packet as f32; FRAME * 2]));
        assert_eq!(pop(&mut queue)[0], 5.0);
        assert!(queue.samples.capacity() < (MOST + 8) * FRAME * 2);
    }
}
