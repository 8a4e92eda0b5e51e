//! An embedded display with a real application on it, watched through the frames it paints.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use punktfunk_proto::{input::SeatEvent, units::Mode};
use punktfunk_video::{
    display::{Application, Backend as _, Controls, DisplayError, embedded::Embedded},
    frame::{CapturedFrame, FrameInfo, FrameReceiver, Pixels, Received},
};
use tempfile::TempDir;

/// Long enough for any program to start on a busy machine; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Screen {
    pub(crate) frames: FrameReceiver,
    pub(crate) controls: Box<dyn Controls>,
    pub(crate) directory: TempDir,
}

impl Screen {
    /// Opens a display of `mode` ("640x480@60") with a program on it that runs in a directory holding `files`.
    pub(crate) fn open_with(mode: &str, command: &[&str], files: &[(&str, &str)]) -> Result<Self, DisplayError> {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            write_script(&directory.path().join(name), text);
        }
        let backend = Embedded::new(directory.path());
        Self::open_on(&backend, mode, command, directory)
    }

    /// Opens a display of `backend`, with a program on it that runs in `directory`.
    pub(crate) fn open_on(
        backend: &Embedded,
        mode: &str,
        command: &[&str],
        directory: TempDir,
    ) -> Result<Self, DisplayError> {
        let application = Application {
            command: command.iter().map(OsString::from).collect(),
            environment: Vec::new(),
            directory: Some(directory.path().into()),
            companions: Vec::new(),
        };
        let mode: Mode = mode.parse().unwrap();
        backend.probe()?;
        let output = backend.open(mode, &application)?;
        Ok(Self { frames: output.frames, controls: output.controls, directory })
    }

    pub(crate) fn open(mode: &str, command: &[&str]) -> Self {
        Self::open_with(mode, command, &[]).unwrap()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().into()
    }

    /// Waits for a frame of which `found` holds, and says what is known of it.
    pub(crate) fn wait_for(&self, what: &str, found: impl FnMut(&Pixels) -> bool) -> FrameInfo {
        let frame = self.frame_of(what, found);
        save(frame.pixels(), what);
        frame.info()
    }

    /// Waits for a frame of which `found` holds.
    pub(crate) fn frame_of(&self, what: &str, mut found: impl FnMut(&Pixels) -> bool) -> CapturedFrame<'_> {
        let deadline = Instant::now() + PATIENCE;
        let mut last = None;
        while Instant::now() < deadline {
            match self.frames.recv(Duration::from_millis(100)) {
                Received::Frame(frame) if found(frame.pixels()) => return frame,
                Received::Frame(frame) => last = Some(copy(frame.pixels())),
                Received::Idle => {}
                Received::Ended(reason) => panic!("the display ended before {what}: {reason}"),
            }
        }
        let picture = last.map(|pixels| save(&pixels, what));
        panic!("never seen: {what}; the last frame is at {picture:?}");
    }

    /// Takes frames until `time` is over, each with how long it took from its capture to here. The display must stay
    /// up.
    pub(crate) fn watch(&self, time: Duration) -> Vec<(FrameInfo, Duration)> {
        let deadline = Instant::now() + time;
        let mut frames = Vec::new();
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.frames.recv(left) {
                Received::Frame(frame) => {
                    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
                    let captured = Duration::from_nanos(frame.info().captured_at.nanos());
                    frames.push((frame.info(), now.saturating_sub(captured)));
                }
                Received::Idle => return frames,
                Received::Ended(reason) => panic!("the display ended: {reason}"),
            }
        }
    }

    /// Waits until nothing has been painted for `time`.
    pub(crate) fn settle(&self, time: Duration) {
        let deadline = Instant::now() + PATIENCE;
        while !self.watch(time).is_empty() {
            assert!(Instant::now() < deadline, "the display never comes to rest");
        }
    }

    /// Waits for the end and returns its reason.
    pub(crate) fn end(&self) -> String {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Received::Ended(reason) = self.frames.recv(Duration::from_millis(100)) {
                return reason;
            }
        }
        panic!("the display never ended");
    }

    pub(crate) fn input(&self, event: SeatEvent) {
        self.controls.input(event);
    }

    /// Presses and releases the keys of `text` on a US keyboard.
    pub(crate) fn type_text(&self, text: &str) {
        for character in text.chars() {
            let code = key_of(character);
            self.input(SeatEvent::Key { code, pressed: true });
            self.input(SeatEvent::Key { code, pressed: false });
        }
    }

    pub(crate) fn click(&self) {
        self.input(SeatEvent::Button { code: 0x110, pressed: true });
        self.input(SeatEvent::Button { code: 0x110, pressed: false });
    }
}

/// evdev codes of the characters that tests type.
fn key_of(character: char) -> u32 {
    const ROWS: [(&str, u32); 4] = [("1234567890", 2), ("qwertyuiop", 16), ("asdfghjkl", 30), ("zxcvbnm,./", 44)];
    match character {
        '\n' => 28,
        ' ' => 57,
        _ => ROWS
            .iter()
            .find_map(|(row, first)| row.find(character).map(|at| first + u32::try_from(at).unwrap()))
            .unwrap_or_else(|| panic!("no key for {character:?}")),
    }
}

pub(crate) fn write_script(path: &Path, text: &str) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn copy(pixels: &Pixels) -> Pixels {
    Pixels { bytes: pixels.bytes.clone(), ..*pixels }
}

/// The pixel at a place, as red, green, blue.
pub(crate) fn pixel(pixels: &Pixels, x: u32, y: u32) -> [u8; 3] {
    let at = y as usize * pixels.stride + x as usize * 4;
    [pixels.bytes[at + 2], pixels.bytes[at + 1], pixels.bytes[at]]
}

/// Which part of the picture, from 0 to 1, has a colour of which `matches` holds.
pub(crate) fn share(pixels: &Pixels, matches: impl Fn([u8; 3]) -> bool) -> f64 {
    let all = pixels.width * pixels.height;
    let hits = (0..all).filter(|at| matches(pixel(pixels, at % pixels.width, at / pixels.width))).count();
    hits as f64 / f64::from(all)
}

/// Whether two colours look the same.
pub(crate) fn near(one: [u8; 3], other: [u8; 3]) -> bool {
    one.iter().zip(other).all(|(one, other)| one.abs_diff(other) <= 8)
}

/// Writes a picture where a person can look at it.
pub(crate) fn save(pixels: &Pixels, name: &str) -> PathBuf {
    let name: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("embedded-{name}.png"));
    let mut encoder = png::Encoder::new(std::fs::File::create(&path).unwrap(), pixels.width, pixels.height);
    encoder.set_color(png::ColorType::Rgb);
    let rgb: Vec<u8> = pixels
        .bytes
        .chunks_exact(pixels.stride)
        .flat_map(|row| row[..pixels.width as usize * 4].chunks_exact(4).flat_map(|p| [p[2], p[1], p[0]]))
        .collect();
    encoder.write_header().unwrap().write_image_data(&rgb).unwrap();
    path
}
