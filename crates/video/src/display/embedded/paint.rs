//! Paints the windows into the slots of the frame channel, only where they changed.
//!
//! Runs on the display's thread, once per frame. pixman draws straight into the slot's memory. A slot still holds the
//! frame that was painted into it some frames ago, so what changed since then is painted, not more.

use std::time::{SystemTime, UNIX_EPOCH};

use punktfunk_proto::units::{HostTime, Mode};
use smithay::{
    backend::renderer::{
        Bind as _, Color32F,
        damage::OutputDamageTracker,
        element::{memory::MemoryRenderBufferRenderElement, surface::WaylandSurfaceRenderElement},
        pixman::{PixmanError, PixmanRenderer},
    },
    output::Output,
    reexports::pixman::{FormatCode, Image},
};

use super::{compositor::Compositor, cursor::draw_surface};
use crate::{
    display::DisplayError,
    frame::{FrameSender, Pixels},
};

smithay::backend::renderer::element::render_elements! {
    /// A piece of a frame.
    pub(super) Element<=PixmanRenderer>;
    Surface = WaylandSurfaceRenderElement<PixmanRenderer>,
    Memory = MemoryRenderBufferRenderElement<PixmanRenderer>,
}

/// Paints frames and hands them to the encoder.
pub(super) struct Painter {
    renderer: PixmanRenderer,
    /// Knows what changed since the last frame: nothing is sent if nothing did.
    changes: OutputDamageTracker,
    /// Knows what changed since each slot was painted.
    repairs: OutputDamageTracker,
    ages: SlotAges,
    mode: Mode,
    frames: FrameSender,
    /// The last frame failed half-way; its changes are not on any picture.
    failed: bool,
    /// The pieces of the frame being painted, kept for their allocation.
    elements: Vec<Element>,
}

impl Painter {
    pub(super) fn new(frames: FrameSender, output: &Output, mode: Mode) -> Result<Self, DisplayError> {
        let renderer = PixmanRenderer::new().map_err(|error| DisplayError::Failed(format!("pixman: {error}")))?;
        Ok(Self {
            renderer,
            changes: OutputDamageTracker::from_output(output),
            repairs: OutputDamageTracker::from_output(output),
            ages: SlotAges::default(),
            mode,
            frames,
            failed: false,
            elements: Vec::new(),
        })
    }

    /// Paints and sends a frame if there is anything new on it; says whether there was.
    pub(super) fn paint(&mut self, compositor: &Compositor) -> bool {
        let mut elements = std::mem::take(&mut self.elements);
        self.collect(compositor, &mut elements);
        let sent = self.paint_elements(compositor, &elements);
        elements.clear();
        self.elements = elements;
        sent
    }

    fn paint_elements(&mut self, compositor: &Compositor, elements: &[Element]) -> bool {
        let changed = self.changes.damage_output(1, elements).is_ok_and(|(damage, _)| damage.is_some());
        if !(changed || compositor.repaint || self.failed) {
            return false;
        }
        if self.mode != compositor.mode {
            self.mode = compositor.mode;
            self.ages = SlotAges::default();
        }
        let captured_at = now();
        let mut slot = self.frames.slot();
        match self.paint_slot(&mut slot, elements) {
            Ok(()) => {
                self.ages.painted(&slot);
                self.frames.send(captured_at, self.mode, slot);
                self.failed = false;
                true
            }
            Err(error) => {
                tracing::warn!(error, "a frame was not painted");
                self.ages = SlotAges::default();
                self.frames.give_back(slot);
                self.failed = true;
                false
            }
        }
    }

    /// Everything to be seen, topmost first.
    fn collect(&mut self, compositor: &Compositor, elements: &mut Vec<Element>) {
        if compositor.pointer_state.present {
            compositor.cursor.draw(&mut self.renderer, compositor.pointer.current_location(), elements);
        }
        for (surface, at) in compositor.stack.trees(compositor.size()) {
            draw_surface(&mut self.renderer, &surface, at, elements);
        }
    }

    fn paint_slot(&mut self, slot: &mut Pixels, elements: &[Element]) -> Result<(), String> {
        let age = self.ages.age(slot);
        slot.resize(self.mode.width(), self.mode.height());
        let mut image = image_over(slot)?;
        let mut target = self.renderer.bind(&mut image).map_err(|error: PixmanError| error.to_string())?;
        self.repairs
            .render_output(&mut self.renderer, &mut target, age, elements, Color32F::BLACK)
            .map_err(|error| error.to_string())?;
        Ok(())
    }

    /// The way to the encoder, to say the last word on it.
    pub(super) fn frames(&self) -> &FrameSender {
        &self.frames
    }
}

/// A pixman image whose pixels are the slot's. It must not outlive the slot, nor may the slot be touched beside it.
fn image_over(slot: &mut Pixels) -> Result<Image<'static, 'static>, String> {
    let pixels = slot.bytes.as_mut_ptr().cast::<u32>();
    if !pixels.is_aligned() || slot.bytes.len() < slot.stride * slot.height as usize {
        return Err("the slot's memory does not fit its size".into());
    }
    let (width, height) = (slot.width as usize, slot.height as usize);
    // SAFETY: the memory is aligned, `stride * height` bytes long (both checked above) and initialised; the caller
    // keeps the slot borrowed while the image lives.
    unsafe { Image::from_raw_mut(FormatCode::X8R8G8B8, width, height, pixels, slot.stride, false) }
        .map_err(|_| "pixman took no image of this size".into())
}

/// Which frame each slot holds. Slots are told apart by the address of their pixels.
#[derive(Debug, Default)]
struct SlotAges {
    frames: u64,
    slots: Vec<(*const u8, u64)>,
}

impl SlotAges {
    /// How many frames ago the slot was painted: 1 is the last one, 0 is never.
    fn age(&self, slot: &Pixels) -> usize {
        let held = self.slots.iter().find(|(address, _)| *address == slot.bytes.as_ptr());
        held.map_or(0, |(_, frame)| usize::try_from(self.frames - frame).unwrap_or(0))
    }

    fn painted(&mut self, slot: &Pixels) {
        let address = slot.bytes.as_ptr();
        match self.slots.iter_mut().find(|(known, _)| *known == address) {
            Some((_, frame)) => *frame = self.frames,
            None => self.slots.push((address, self.frames)),
        }
        self.frames += 1;
    }
}

fn now() -> HostTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    HostTime::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::SlotAges;
    use crate::frame::Pixels;

    #[test]
    fn a_slot_is_as_old_as_the_frames_painted_since() {
        let mut slots = [Pixels::default(), Pixels::default()];
        slots.iter_mut().for_each(|slot| slot.resize(64, 64));
        let mut ages = SlotAges::default();
        assert_eq!(ages.age(&slots[0]), 0);
        ages.painted(&slots[0]);
        assert_eq!((ages.age(&slots[0]), ages.age(&slots[1])), (1, 0));
        ages.painted(&slots[1]);
        ages.painted(&slots[1]);
        assert_eq!((ages.age(&slots[0]), ages.age(&slots[1])), (3, 1));
    }
}
