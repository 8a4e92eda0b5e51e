//! Frames by `zwlr_screencopy_manager_v1` through shared memory.
//!
//! The next frame's buffer is negotiated while the current one waits for damage, so that after a frame is ready the
//! next request goes out at once and no damage is missed. Two buffers take turns: sway paints one while the other is
//! read. Runs on the display's thread; buffers are made when the size changes, nothing is allocated per frame of ours.

use std::{
    fs::File,
    io,
    os::{fd::AsFd as _, unix::fs::FileExt as _},
    time::Duration,
};

use punktfunk_proto::units::Mode;
use rustix::fs::{MemfdFlags, memfd_create};
use wayland_client::{
    QueueHandle,
    protocol::{wl_buffer::WlBuffer, wl_output::WlOutput, wl_shm, wl_shm::WlShm},
};
use wayland_protocols_wlr::screencopy::v1::client::{
    zwlr_screencopy_frame_v1::ZwlrScreencopyFrameV1, zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1,
};

use super::client::Client;
use crate::{
    display::clock::on_host_clock,
    frame::{FrameSender, Pixels},
};

/// How a frame lies in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) format: wl_shm::Format,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) stride: u32,
}

impl Layout {
    fn len(self) -> Option<usize> {
        (self.stride as usize).checked_mul(self.height as usize).filter(|&len| i32::try_from(len).is_ok())
    }

    /// Whether it is one that the encoder reads as it is: four bytes a pixel, B, G, R and something.
    fn is_bgrx(self) -> bool {
        let format = matches!(self.format, wl_shm::Format::Xrgb8888 | wl_shm::Format::Argb8888);
        format && self.stride / 4 >= self.width && self.len().is_some()
    }
}

/// Which of two frames an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ShotId(u64);

/// A frame asked for.
struct Shot {
    frame: ZwlrScreencopyFrameV1,
    id: ShotId,
    layout: Option<Layout>,
    /// sway has named every kind of buffer it takes.
    negotiated: bool,
    upside_down: bool,
}

impl Drop for Shot {
    fn drop(&mut self) {
        self.frame.destroy();
    }
}

/// Memory shared with sway.
struct Buffer {
    memory: File,
    buffer: WlBuffer,
    layout: Layout,
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.buffer.destroy();
    }
}

/// The capture of one output.
pub(super) struct Capture {
    manager: ZwlrScreencopyManagerV1,
    output: WlOutput,
    shm: WlShm,
    queue: QueueHandle<Client>,
    sender: FrameSender,
    mode: Mode,
    /// Waits for damage; sway copies into `buffers[turn]`.
    current: Option<Shot>,
    /// The one after it: its buffer is being negotiated.
    next: Option<Shot>,
    buffers: [Option<Buffer>; 2],
    turn: usize,
    /// The next copy is wanted at once, damage or not.
    at_once: bool,
    shots: u64,
    failures: u32,
}

/// Why there are no more frames.
#[derive(Debug, thiserror::Error)]
pub(super) enum CaptureError {
    #[error("sway offers frames as {0:?}, which is not BGRX")]
    Format(Layout),
    #[error("no memory for a frame: {0}")]
    Memory(#[from] io::Error),
    #[error("sway failed to copy {FAILURES} frames one after the other")]
    Failing,
}

/// So many failures in a row are no accident. One or two happen when the mode changes under a copy.
const FAILURES: u32 = 50;

impl Capture {
    pub(super) fn new(
        manager: ZwlrScreencopyManagerV1,
        output: WlOutput,
        shm: WlShm,
        (queue, sender, mode): (QueueHandle<Client>, FrameSender, Mode),
    ) -> Self {
        let (current, next, buffers) = (None, None, [None, None]);
        let (turn, at_once, shots, failures) = (0, true, 0, 0);
        let mut capture =
            Self { manager, output, shm, queue, sender, mode, current, next, buffers, turn, at_once, shots, failures };
        capture.ask();
        capture
    }

    /// The mode has changed: what is under way is of the old one.
    pub(super) fn set_mode(&mut self, mode: Mode) {
        self.mode = mode;
        self.at_once = true;
        self.current = None;
        self.ask();
    }

    /// Copies the next frame at once, changed or not.
    pub(super) fn repaint(&mut self) -> Result<(), CaptureError> {
        self.at_once = true;
        self.current = None;
        self.arm()
    }

    /// Tells the receiver why there are no more frames.
    pub(super) fn end(&self, reason: &str) {
        self.sender.end(reason);
    }

    /// sway names a buffer that it takes for a frame.
    pub(super) fn offered(&mut self, id: ShotId, layout: Layout) -> Result<(), CaptureError> {
        if !layout.is_bgrx() {
            return Err(CaptureError::Format(layout));
        }
        if let Some(shot) = self.shot(id) {
            shot.layout = Some(layout);
        }
        Ok(())
    }

    /// sway has named all of them.
    pub(super) fn negotiated(&mut self, id: ShotId) -> Result<(), CaptureError> {
        if let Some(shot) = self.shot(id) {
            shot.negotiated = true;
        }
        if self.current.is_none() { self.arm() } else { Ok(()) }
    }

    /// sway says that a frame's rows go from bottom to top.
    pub(super) fn flipped(&mut self, id: ShotId) {
        if let Some(shot) = self.shot(id) {
            shot.upside_down = true;
        }
    }

    /// A frame has been copied; `at` is when it was painted, on the monotonic clock.
    pub(super) fn ready(&mut self, id: ShotId, at: Duration) -> Result<(), CaptureError> {
        let Some(shot) = self.current.take_if(|shot| shot.id == id) else { return Ok(()) };
        self.failures = 0;
        let (painted, upside_down) = (self.turn, shot.upside_down);
        drop(shot);
        self.turn = 1 - self.turn;
        self.arm()?;
        self.hand_on(painted, at, upside_down)
    }

    /// A frame could not be copied.
    pub(super) fn failed(&mut self, id: ShotId) -> Result<(), CaptureError> {
        self.failures += 1;
        if self.failures >= FAILURES {
            return Err(CaptureError::Failing);
        }
        self.current.take_if(|shot| shot.id == id);
        // What was negotiated before the failure is as stale as what failed.
        self.ask();
        Ok(())
    }

    fn shot(&mut self, id: ShotId) -> Option<&mut Shot> {
        [&mut self.next, &mut self.current].into_iter().flatten().find(|shot| shot.id == id)
    }

    /// Starts the negotiation of a frame; one under way is forgotten.
    fn ask(&mut self) {
        let id = ShotId(self.shots);
        self.shots += 1;
        let frame = self.manager.capture_output(CURSOR_INCLUDED, &self.output, &self.queue, id);
        self.next = Some(Shot { frame, id, layout: None, negotiated: false, upside_down: false });
    }

    /// Has the next frame copied, if its buffer is known, and asks for the one after it.
    fn arm(&mut self) -> Result<(), CaptureError> {
        let Some(shot) = self.next.take_if(|shot| shot.negotiated) else { return Ok(()) };
        if let Some(layout) = shot.layout {
            let at_once = std::mem::take(&mut self.at_once);
            let buffer = self.buffer(layout)?;
            if at_once {
                shot.frame.copy(buffer)
            } else {
                shot.frame.copy_with_damage(buffer)
            }
            self.current = Some(shot);
        }
        self.ask();
        Ok(())
    }

    /// The buffer whose turn it is, made anew if it is of another layout.
    fn buffer(&mut self, layout: Layout) -> io::Result<&WlBuffer> {
        let slot = &mut self.buffers[self.turn];
        let kept = slot.take().filter(|buffer| buffer.layout == layout);
        let buffer = match kept {
            Some(buffer) => buffer,
            None => Buffer::new(&self.shm, &self.queue, layout)?,
        };
        Ok(&slot.insert(buffer).buffer)
    }

    /// Copies a painted buffer into a slot of the encoder's and hands it on.
    fn hand_on(&mut self, painted: usize, at: Duration, upside_down: bool) -> Result<(), CaptureError> {
        let Some(buffer) = &self.buffers[painted] else { return Ok(()) };
        let Layout { width, height, .. } = buffer.layout;
        // Between the request for a mode and its arrival frames still have the old size.
        let Ok(mode) = Mode::new(width, height, self.mode.refresh().hz()) else { return Ok(()) };
        let mut pixels = self.sender.slot();
        if let Err(error) = buffer.read(&mut pixels, upside_down) {
            self.sender.give_back(pixels);
            return Err(error.into());
        }
        self.sender.send(on_host_clock(at), mode, pixels);
        Ok(())
    }
}

/// The pointer is part of the picture.
const CURSOR_INCLUDED: i32 = 1;

impl Buffer {
    fn new(shm: &WlShm, queue: &QueueHandle<Client>, layout: Layout) -> io::Result<Self> {
        let len = layout.len().ok_or(io::ErrorKind::InvalidInput)?;
        let memory = File::from(memfd_create("frame", MemfdFlags::CLOEXEC)?);
        memory.set_len(len as u64)?;
        let pool = shm.create_pool(memory.as_fd(), len as i32, queue, ());
        let (width, height, stride) = (layout.width as i32, layout.height as i32, layout.stride as i32);
        let buffer = pool.create_buffer(0, width, height, stride, layout.format, queue, ());
        pool.destroy();
        Ok(Self { memory, buffer, layout })
    }

    /// Reads the frame into a slot. A read copies as fast as memory mapped into two processes does, and cannot
    /// crash us if the other one shrinks it.
    fn read(&self, pixels: &mut Pixels, upside_down: bool) -> io::Result<()> {
        let (stride, height) = (self.layout.stride as usize, self.layout.height as usize);
        pixels.resize(self.layout.width, self.layout.height);
        pixels.stride = stride;
        pixels.bytes.resize(stride * height, 0);
        if !upside_down {
            return self.memory.read_exact_at(&mut pixels.bytes, 0);
        }
        let rows = pixels.bytes.chunks_exact_mut(stride).rev();
        rows.zip((0..).step_by(stride)).try_for_each(|(row, at)| self.memory.read_exact_at(row, at))
    }
}
