//! Input into gamescope over EIS: its one virtual device takes keys, motion, buttons and the wheel.

use std::{
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
};

use punktfunk_proto::{input::SeatEvent, units::Mode};
use reis::{
    PendingRequestResult, ei,
    event::{Device, DeviceCapability, EiEvent, EiEventConverter},
    handshake::ei_handshake_blocking,
};

use super::runtime_file;
use crate::display::clock::monotonic;

/// A connection to gamescope's input server.
pub(super) struct Seat {
    context: ei::Context,
    converter: EiEventConverter,
    mode: Mode,
    device: Option<Device>,
    /// Counts the times that the device was taken up.
    sequence: u32,
}

/// What we want of a device. gamescope has one for all of it.
const WANTED: [DeviceCapability; 5] = [
    DeviceCapability::Keyboard,
    DeviceCapability::Pointer,
    DeviceCapability::PointerAbsolute,
    DeviceCapability::Button,
    DeviceCapability::Scroll,
];

/// The highest key code the kernel knows (`KEY_MAX`).
const LAST_CODE: u32 = 0x2ff;

impl Seat {
    /// Connects to the server of the gamescope that calls its Wayland socket `display`.
    pub(super) fn connect(display: &str, mode: Mode) -> io::Result<Self> {
        let context = ei::Context::new(UnixStream::connect(runtime_file(&format!("{display}-ei"))?)?)?;
        let greeting = ei_handshake_blocking(&context, "punktfunk", ei::handshake::ContextType::Sender);
        let converter = EiEventConverter::new(&context, greeting.map_err(io::Error::other)?);
        let mut seat = Self { context, converter, mode, device: None, sequence: 0 };
        // What came with the greeting makes the socket readable no more.
        seat.listen()?;
        Ok(seat)
    }

    /// Whether input arrives.
    pub(super) fn is_ready(&self) -> bool {
        self.device.is_some()
    }

    /// Hears what the server says.
    pub(super) fn listen(&mut self) -> io::Result<()> {
        self.context.read()?;
        while let Some(event) = self.context.pending_event() {
            let PendingRequestResult::Request(event) = event else { return Err(io::ErrorKind::InvalidData.into()) };
            self.converter.handle_event(event).map_err(io::Error::other)?;
        }
        while let Some(event) = self.converter.next_event() {
            self.hear(event)?;
        }
        self.flush()
    }

    fn hear(&mut self, event: EiEvent) -> io::Result<()> {
        match event {
            EiEvent::SeatAdded(added) => {
                added.seat.bind_capabilities(WANTED.into_iter().fold(Default::default(), |all, one| all | one));
            }
            EiEvent::DeviceResumed(resumed) if resumed.device.interface::<ei::Keyboard>().is_some() => {
                self.sequence += 1;
                resumed.device.device().start_emulating(resumed.serial, self.sequence);
                self.device = Some(resumed.device);
            }
            EiEvent::DevicePaused(paused) => {
                self.device.take_if(|device| *device == paused.device);
            }
            EiEvent::DeviceRemoved(removed) => {
                self.device.take_if(|device| *device == removed.device);
            }
            EiEvent::Disconnected(_) => return Err(io::ErrorKind::ConnectionReset.into()),
            _ => {}
        }
        Ok(())
    }

    /// Passes one event on, if there is a device.
    pub(super) fn input(&mut self, event: SeatEvent) -> io::Result<()> {
        let Some(device) = &self.device else { return Ok(()) };
        if self.act(device, event).is_none() {
            return Ok(());
        }
        let now = u64::try_from(monotonic().as_micros()).unwrap_or_default();
        device.device().frame(self.converter.connection().serial(), now);
        self.flush()
    }

    /// `None` if nothing was sent.
    fn act(&self, device: &Device, event: SeatEvent) -> Option<()> {
        match event {
            SeatEvent::Key { code, pressed } if code <= LAST_CODE => {
                let state = if pressed { ei::keyboard::KeyState::Press } else { ei::keyboard::KeyState::Released };
                device.interface::<ei::Keyboard>()?.key(code, state);
            }
            SeatEvent::Button { code, pressed } if code <= LAST_CODE => {
                let state = if pressed { ei::button::ButtonState::Press } else { ei::button::ButtonState::Released };
                device.interface::<ei::Button>()?.button(code, state);
            }
            SeatEvent::PointerBy { dx, dy } if dx.is_finite() && dy.is_finite() => {
                device.interface::<ei::Pointer>()?.motion_relative(dx as f32, dy as f32);
            }
            SeatEvent::PointerTo { x, y } if x.is_finite() && y.is_finite() => {
                let region = device.regions().first().map(|region| (region.width, region.height));
                let (width, height) = extent(self.mode, region);
                device.interface::<ei::PointerAbsolute>()?.motion_absolute(place(x, width), place(y, height));
            }
            SeatEvent::Scroll { vertical, horizontal } => {
                device.interface::<ei::Scroll>()?.scroll_discrete(horizontal, vertical);
            }
            _ => return None,
        }
        Some(())
    }

    /// Sends what is left. What there is no room for stays in the buffer: call it again.
    pub(super) fn flush(&self) -> io::Result<()> {
        match self.context.flush() {
            Ok(()) | Err(rustix::io::Errno::AGAIN) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Seat {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.context.as_fd()
    }
}

/// What a place is measured in. gamescope takes pixels of the display, though it calls its region as large as numbers go.
fn extent(mode: Mode, region: Option<(u32, u32)>) -> (u32, u32) {
    let (width, height) = region.filter(|&(width, height)| width > 0 && height > 0).unwrap_or((u32::MAX, u32::MAX));
    (mode.width().min(width), mode.height().min(height))
}

fn place(fraction: f64, extent: u32) -> f32 {
    (fraction.clamp(0.0, 1.0) * f64::from(extent)).min(f64::from(extent - 1)) as f32
}

#[cfg(test)]
mod tests {
    use super::{extent, place};

    #[test]
    fn places_are_pixels_of_the_display_however_large_the_region_is_said_to_be() {
        let mode = "1280x720@60".parse().unwrap();
        for region in [None, Some((0, 0)), Some((i32::MAX as u32, i32::MAX as u32)), Some((1280, 720))] {
            assert_eq!(extent(mode, region), (1280, 720), "{region:?}");
        }
        assert_eq!(extent(mode, Some((640, 360))), (640, 360));
        assert_eq!([0.0, 0.5, 1.0, 7.0, -1.0].map(|fraction| place(fraction, 1280)), [0.0, 640.0, 1279.0, 1279.0, 0.0]);
    }
}
