//! A captured frame and the way it goes from the display's thread to the encoder's.
//!
//! A display paints into one of a few slots made at session start; the encoder's thread takes the newest painted
//! slot and gives it back by dropping it. Nothing is copied and, once the slots have their size, nothing is
//! allocated. A frame that the encoder did not take in time is painted over and counted.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use punktfunk_proto::units::{HostTime, Mode};

/// The pixels of one frame: rows of `stride` bytes, four bytes a pixel in the order B, G, R, unused.
#[derive(Debug, Default)]
pub struct Pixels {
    /// `stride * height` bytes.
    pub bytes: Vec<u8>,
    /// Bytes from one row to the next.
    pub stride: usize,
    /// Pixels per row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Pixels {
    /// Gives the slot this size; allocates only when it grows.
    pub fn resize(&mut self, width: u32, height: u32) {
        self.width = width;
        self.height = height;
        self.stride = width as usize * 4;
        self.bytes.resize(self.stride * height as usize, 0);
    }
}

/// What is known of a frame beside its pixels.
#[derive(Clone, Copy, Debug)]
pub struct FrameInfo {
    /// When it was captured.
    pub captured_at: HostTime,
    /// The mode the display had then.
    pub mode: Mode,
    /// Counts the frames the display painted, from 0; a gap is a frame the encoder did not take.
    pub number: u64,
}

struct Shared {
    free: Vec<Pixels>,
    newest: Option<(FrameInfo, Pixels)>,
    dropped: u64,
    ended: Option<String>,
    painted: u64,
}

struct Channel {
    shared: Mutex<Shared>,
    changed: Condvar,
}

impl Channel {
    fn lock(&self) -> MutexGuard<'_, Shared> {
        // The lock only guards moves of whole values: a panic elsewhere cannot leave them half done.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Three slots: one being painted, one waiting, one being encoded.
const SLOTS: usize = 3;

/// Makes the way from a display to an encoder.
pub fn channel() -> (FrameSender, FrameReceiver) {
    let shared = Shared {
        free: (0..SLOTS).map(|_| Pixels::default()).collect(),
        newest: None,
        dropped: 0,
        ended: None,
        painted: 0,
    };
    let channel = Arc::new(Channel { shared: Mutex::new(shared), changed: Condvar::new() });
    (FrameSender(Arc::clone(&channel)), FrameReceiver(channel))
}

/// The display's end.
pub struct FrameSender(Arc<Channel>);

impl FrameSender {
    /// A slot to paint into: a free one, or the waiting frame that the encoder did not take (counted as dropped).
    pub fn slot(&self) -> Pixels {
        let mut shared = self.0.lock();
        if let Some(pixels) = shared.free.pop() {
            return pixels;
        }
        shared.dropped += 1;
        shared.newest.take().map(|(_, pixels)| pixels).unwrap_or_default()
    }

    /// Hands on a painted slot. A frame still waiting is dropped and counted.
    pub fn send(&self, captured_at: HostTime, mode: Mode, pixels: Pixels) {
        let mut shared = self.0.lock();
        let info = FrameInfo { captured_at, mode, number: shared.painted };
        shared.painted += 1;
        if let Some((_, stale)) = shared.newest.replace((info, pixels)) {
            shared.dropped += 1;
            shared.free.push(stale);
        }
        drop(shared);
        self.0.changed.notify_one();
    }

    /// Counts frames that were painted and, being stale, came into no slot.
    pub fn count_skipped(&self, count: u32) {
        if count > 0 {
            let mut shared = self.0.lock();
            shared.painted = shared.painted.saturating_add(count.into());
            shared.dropped = shared.dropped.saturating_add(count.into());
        }
    }

    /// Gives back a slot in which nothing was painted.
    pub fn give_back(&self, pixels: Pixels) {
        self.0.lock().free.push(pixels);
    }

    /// Ends the stream of frames; the receiver learns `reason` after the last frame.
    pub fn end(&self, reason: impl Into<String>) {
        self.0.lock().ended.get_or_insert(reason.into());
        self.0.changed.notify_one();
    }
}

impl Drop for FrameSender {
    fn drop(&mut self) {
        self.end("the display has stopped");
    }
}

/// The encoder's end.
pub struct FrameReceiver(Arc<Channel>);

/// What [`FrameReceiver::recv`] found.
pub enum Received<'a> {
    /// The newest frame. Dropping it gives its slot back to the display.
    Frame(CapturedFrame<'a>),
    /// Nothing was painted in the time given: the picture has not changed.
    Idle,
    /// The display is gone, with the reason.
    Ended(String),
}

impl FrameReceiver {
    /// Waits up to `timeout` for a frame.
    pub fn recv(&self, timeout: Duration) -> Received<'_> {
        let deadline = Instant::now() + timeout;
        let mut shared = self.0.lock();
        loop {
            if let Some((info, pixels)) = shared.newest.take() {
                return Received::Frame(CapturedFrame { info, pixels, channel: &self.0 });
            }
            if let Some(reason) = &shared.ended {
                return Received::Ended(reason.clone());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Received::Idle;
            }
            shared = self.0.changed.wait_timeout(shared, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// How many frames were painted, and how many of them were dropped because the encoder was busy.
    pub fn counts(&self) -> FrameCounts {
        let shared = self.0.lock();
        FrameCounts { painted: shared.painted, dropped: shared.dropped }
    }
}

/// Frames over the life of a display.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// Painted by the display.
    pub painted: u64,
    /// Painted but replaced by a newer one before the encoder was ready.
    pub dropped: u64,
}

/// A frame in the encoder's hands.
pub struct CapturedFrame<'a> {
    info: FrameInfo,
    pixels: Pixels,
    channel: &'a Channel,
}

impl CapturedFrame<'_> {
    /// When and how it was captured.
    pub fn info(&self) -> FrameInfo {
        self.info
    }

    /// Its pixels.
    pub fn pixels(&self) -> &Pixels {
        &self.pixels
    }
}

impl Drop for CapturedFrame<'_> {
    fn drop(&mut self) {
        let pixels = std::mem::take(&mut self.pixels);
        self.channel.lock().free.push(pixels);
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameCounts, Received, channel};
    use punktfunk_proto::units::{HostTime, Mode};
    use std::time::Duration;

    fn mode() -> Mode {
        Mode::new(64, 64, 60).unwrap()
    }

    #[test]
    fn a_late_encoder_gets_the_newest_frame_and_the_rest_are_counted() {
        let (sender, receiver) = channel();
        for value in 0..5_u8 {
            let mut slot = sender.slot();
            slot.resize(64, 64);
            slot.bytes.fill(value);
            sender.send(HostTime::from_nanos(u64::from(value)), mode(), slot);
        }
        let Received::Frame(frame) = receiver.recv(Duration::ZERO) else { panic!("a frame was sent") };
        assert_eq!(frame.pixels().bytes[0], 4);
        assert_eq!(frame.info().number, 4);
        drop(frame);
        assert_eq!(receiver.counts(), FrameCounts { painted: 5, dropped: 4 });
        assert!(matches!(receiver.recv(Duration::ZERO), Received::Idle));
    }

    #[test]
    fn the_end_is_told_with_its_reason_after_the_last_frame() {
        let (sender, receiver) = channel();
        let mut slot = sender.slot();
        slot.resize(64, 64);
        sender.send(HostTime::from_nanos(1), mode(), slot);
        sender.end("the application exited");
        drop(sender);
        assert!(matches!(receiver.recv(Duration::ZERO), Received::Frame(_)));
        let Received::Ended(reason) = receiver.recv(Duration::ZERO) else { panic!("the display is gone") };
        assert_eq!(reason, "the application exited");
    }
}
