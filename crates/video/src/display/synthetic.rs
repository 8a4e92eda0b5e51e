//! A display without a compositor: a moving test picture that counts its frames and shows the input it got.
//!
//! For tests of everything behind the display; it starts no application. Each frame carries its number as black and
//! white cells along the top edge ([`number_in`] reads them back, from a decoded picture too), a band that moves with
//! the number, a background whose colour changes with every key press, and a square under the pointer.

use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

use punktfunk_proto::{
    input::SeatEvent,
    units::{HostTime, Mode},
};

use super::{Application, Backend, Controls, DisplayError, Output};
use crate::frame::{self, FrameSender, Pixels};

/// The backend. It works everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Synthetic;

impl Backend for Synthetic {
    fn name(&self) -> &'static str {
        "synthetic"
    }

    fn probe(&self) -> Result<(), DisplayError> {
        Ok(())
    }

    fn has_companions(&self) -> bool {
        false
    }

    fn open(&self, mode: Mode, _application: &Application) -> Result<Output, DisplayError> {
        let (sender, frames) = frame::channel();
        let (commands, received) = mpsc::channel();
        thread::Builder::new()
            .name("synthetic".into())
            .spawn(move || run(mode, &sender, &received))
            .map_err(|error| DisplayError::Failed(format!("no thread for the test picture: {error}")))?;
        Ok(Output { frames, controls: Box::new(SyntheticControls(commands)) })
    }
}

enum Command {
    Input(SeatEvent),
    Mode(Mode),
    Repaint,
}

struct SyntheticControls(mpsc::Sender<Command>);

impl SyntheticControls {
    fn send(&self, command: Command) {
        // The thread ends only after this sender is gone.
        let _ = self.0.send(command);
    }
}

impl Controls for SyntheticControls {
    fn input(&self, event: SeatEvent) {
        self.send(Command::Input(event));
    }

    fn set_mode(&self, mode: Mode) {
        self.send(Command::Mode(mode));
    }

    fn repaint(&self) {
        self.send(Command::Repaint);
    }
}

/// Paints at the mode's rate until the controls are dropped.
fn run(mut mode: Mode, sender: &FrameSender, commands: &mpsc::Receiver<Command>) {
    let mut scene = Scene::default();
    let mut number = 0;
    let mut due = Instant::now();
    loop {
        match commands.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(Command::Input(event)) => scene.apply(event),
            Ok(Command::Mode(wanted)) => mode = wanted,
            Ok(Command::Repaint) => due = Instant::now(),
            Err(RecvTimeoutError::Disconnected) => return sender.end("the test picture was closed"),
            Err(RecvTimeoutError::Timeout) => {
                let mut slot = sender.slot();
                slot.resize(mode.width(), mode.height());
                scene.paint(number, &mut slot);
                sender.send(now(), mode, slot);
                number = number.wrapping_add(1);
                // A late thread goes on from now: it does not catch up with a burst.
                due = (due + mode.refresh().period()).max(Instant::now());
            }
        }
    }
}

fn now() -> HostTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    HostTime::from_nanos(since.as_nanos() as u64)
}

/// What the picture shows beside its number: the input so far.
#[derive(Clone, Debug, PartialEq)]
pub struct Scene {
    /// Where the pointer is, as a fraction of width and height.
    pub pointer: (f64, f64),
    /// How many buttons are down.
    pub buttons_down: u32,
    /// Keys pressed and characters typed so far; each changes the background.
    pub presses: u32,
    /// Wheel turned so far in 1/120 notch, vertical and horizontal; shifts the background.
    pub scrolled: (i32, i32),
}

impl Default for Scene {
    fn default() -> Self {
        Self { pointer: (0.5, 0.5), buttons_down: 0, presses: 0, scrolled: (0, 0) }
    }
}

impl Scene {
    /// Takes one input event in.
    pub fn apply(&mut self, event: SeatEvent) {
        match event {
            SeatEvent::Key { pressed: true, .. } | SeatEvent::Text(_) => self.presses = self.presses.wrapping_add(1),
            SeatEvent::Key { pressed: false, .. } => {}
            SeatEvent::PointerTo { x, y } => self.pointer = (fraction(x), fraction(y)),
            SeatEvent::PointerBy { dx, dy } => {
                let (x, y) = self.pointer;
                self.pointer = (fraction(x + dx / NOMINAL_SIDE), fraction(y + dy / NOMINAL_SIDE));
            }
            SeatEvent::Button { pressed: true, .. } => self.buttons_down = self.buttons_down.saturating_add(1),
            SeatEvent::Button { pressed: false, .. } => self.buttons_down = self.buttons_down.saturating_sub(1),
            SeatEvent::Scroll { vertical, horizontal } => {
                let (v, h) = self.scrolled;
                self.scrolled = (v.wrapping_add(vertical), h.wrapping_add(horizontal));
            }
        }
    }

    /// Paints frame `number` into a slot that has its size.
    pub fn paint(&self, number: u32, pixels: &mut Pixels) {
        self.paint_background(number, pixels);
        self.paint_pointer(pixels);
        paint_number(number, pixels);
    }

    fn paint_background(&self, number: u32, pixels: &mut Pixels) {
        let [blue, green, red] = BACKGROUNDS[self.presses as usize % BACKGROUNDS.len()];
        let (vertical, horizontal) = self.scrolled;
        let band = number as usize * 4 % pixels.height.max(1) as usize;
        let stride = pixels.stride.max(1);
        for (y, row) in pixels.bytes.chunks_exact_mut(stride).enumerate() {
            let shade = (y as i32).wrapping_add(vertical) as u8 / 4;
            let colour =
                if y.abs_diff(band) < BAND { [255, 255, 255] } else { [blue, green.saturating_add(shade), red] };
            for (x, pixel) in row.chunks_exact_mut(4).enumerate() {
                let shade = (x as i32).wrapping_add(horizontal) as u8 / 4;
                pixel.copy_from_slice(&[colour[0].saturating_add(shade), colour[1], colour[2], 0]);
            }
        }
    }

    fn paint_pointer(&self, pixels: &mut Pixels) {
        let colour = if self.buttons_down > 0 { [0, 255, 255] } else { [255, 0, 255] };
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        let side = (width.min(height) / 16).max(4);
        let left = ((self.pointer.0 * width as f64) as usize).min(width - side);
        let top = ((self.pointer.1 * height as f64) as usize).min(height - side);
        fill(pixels, (left, top), (side, side), colour);
    }
}

/// What a nudge of the pointer is measured against, in pixels: the scene knows no mode.
const NOMINAL_SIDE: f64 = 1_000.0;

/// Half the height of the moving band, in rows.
const BAND: usize = 8;

/// Blue, green and red of the background, one after the other with each key press.
const BACKGROUNDS: [[u8; 3]; 4] = [[96, 32, 16], [16, 32, 128], [32, 112, 16], [16, 96, 128]];

/// Cells along the top edge: one that is always white, one that is always black, the number, most significant bit
/// first, and its parity.
const CELLS: usize = 2 + 32 + 1;

fn fraction(value: f64) -> f64 {
    // `clamp` keeps a NaN; nothing that draws may see one.
    if value.is_nan() { 0.0 } else { value.clamp(0.0, 1.0) }
}

fn cell_height(height: usize) -> usize {
    (height / 24).max(4)
}

fn paint_number(number: u32, pixels: &mut Pixels) {
    let (width, height) = (pixels.width as usize, cell_height(pixels.height as usize));
    let bits = (0..32).rev().map(|bit| number >> bit & 1 == 1);
    let parity = number.count_ones() % 2 == 1;
    for (cell, white) in [true, false].into_iter().chain(bits).chain([parity]).enumerate() {
        let (left, right) = (cell * width / CELLS, (cell + 1) * width / CELLS);
        fill(pixels, (left, 0), (right - left, height), [if white { 255 } else { 0 }; 3]);
    }
}

fn fill(pixels: &mut Pixels, (left, top): (usize, usize), (width, height): (usize, usize), [b, g, r]: [u8; 3]) {
    for row in pixels.bytes.chunks_exact_mut(pixels.stride).skip(top).take(height) {
        for pixel in row[left * 4..(left + width) * 4].chunks_exact_mut(4) {
            pixel.copy_from_slice(&[b, g, r, 0]);
        }
    }
}

/// Reads the frame's number from a picture of `width` times `height` pixels, given the brightness (0 to 255) at a
/// place: of a captured frame, or the luma of a decoded one. `None` when there is no number in the picture.
pub fn number_in(width: u32, height: u32, brightness: impl Fn(usize, usize) -> u8) -> Option<u32> {
    let (width, row) = (width as usize, cell_height(height as usize) / 2);
    let mut cells = (0..CELLS).map(|cell| brightness((2 * cell + 1) * width / (2 * CELLS), row) > 127);
    if (cells.next(), cells.next()) != (Some(true), Some(false)) {
        return None;
    }
    let number = cells.by_ref().take(32).fold(0, |number, white| number << 1 | u32::from(white));
    let parity = number.count_ones() % 2 == 1;
    (cells.next() == Some(parity)).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::{Scene, number_in};
    use crate::frame::Pixels;
    use punktfunk_proto::input::SeatEvent;

    fn paint(scene: &Scene, number: u32, (width, height): (u32, u32)) -> Pixels {
        let mut pixels = Pixels::default();
        pixels.resize(width, height);
        scene.paint(number, &mut pixels);
        pixels
    }

    fn number_of(pixels: &Pixels) -> Option<u32> {
        number_in(pixels.width, pixels.height, |x, y| pixels.bytes[y * pixels.stride + x * 4])
    }

    #[test]
    fn the_number_is_read_back_at_every_size() {
        for size in [(64, 64), (66, 130), (1356, 614), (1920, 1080)] {
            for number in [0, 1, 77, u32::MAX, 0x8000_0001] {
                assert_eq!(number_of(&paint(&Scene::default(), number, size)), Some(number), "{size:?}");
            }
        }
    }

    #[test]
    fn a_picture_without_a_number_has_none() {
        let mut pixels = Pixels::default();
        pixels.resize(640, 360);
        assert_eq!(number_of(&pixels), None);
    }

    #[test]
    fn every_kind_of_input_changes_the_picture() {
        let before = paint(&Scene::default(), 3, (640, 360));
        let events = [
            SeatEvent::Key { code: 30, pressed: true },
            SeatEvent::Text('ß'),
            SeatEvent::PointerTo { x: 0.1, y: 0.9 },
            SeatEvent::PointerBy { dx: 50.0, dy: -20.0 },
            SeatEvent::Button { code: 0x110, pressed: true },
            SeatEvent::Scroll { vertical: 120, horizontal: 0 },
            SeatEvent::Scroll { vertical: 0, horizontal: -120 },
        ];
        for event in events {
            let mut scene = Scene::default();
            scene.apply(event);
            assert_ne!(paint(&scene, 3, (640, 360)).bytes, before.bytes, "{event:?}");
        }
    }

    #[test]
    fn nonsense_input_is_painted_too() {
        let mut scene = Scene::default();
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1e300] {
            scene.apply(SeatEvent::PointerTo { x: value, y: value });
            scene.apply(SeatEvent::PointerBy { dx: value, dy: value });
            scene.apply(SeatEvent::Scroll { vertical: i32::MIN, horizontal: i32::MAX });
            scene.apply(SeatEvent::Button { code: 0, pressed: false });
            paint(&scene, 0, (64, 64));
        }
    }
}
