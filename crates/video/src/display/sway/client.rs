//! Our end of the Wayland connection: what we need of sway, and where its events go.

use std::{os::unix::net::UnixStream, time::Duration};

use punktfunk_proto::units::Mode;
use wayland_client::{
    Connection, Dispatch, EventQueue, Proxy, QueueHandle, WEnum, delegate_noop,
    globals::{BindError, GlobalListContents, registry_queue_init},
    protocol::{
        wl_buffer::WlBuffer, wl_output::WlOutput, wl_registry, wl_registry::WlRegistry, wl_seat::WlSeat, wl_shm::WlShm,
        wl_shm_pool::WlShmPool,
    },
};
use wayland_protocols_misc::zwp_virtual_keyboard_v1::client::{
    zwp_virtual_keyboard_manager_v1::ZwpVirtualKeyboardManagerV1, zwp_virtual_keyboard_v1::ZwpVirtualKeyboardV1,
};
use wayland_protocols_wlr::{
    screencopy::v1::client::{
        zwlr_screencopy_frame_v1::{self, ZwlrScreencopyFrameV1},
        zwlr_screencopy_manager_v1::ZwlrScreencopyManagerV1,
    },
    virtual_pointer::v1::client::{
        zwlr_virtual_pointer_manager_v1::ZwlrVirtualPointerManagerV1, zwlr_virtual_pointer_v1::ZwlrVirtualPointerV1,
    },
};

use super::{
    capture::{Capture, CaptureError, Layout, ShotId},
    seat::Seat,
};
use crate::{display::DisplayError, frame::FrameSender};

/// What Wayland's events act on.
pub(super) struct Client {
    pub(super) capture: Capture,
    pub(super) seat: Seat,
    /// Set when an event could not be acted on: there are no more frames.
    pub(super) broken: Option<CaptureError>,
}

impl Client {
    /// Connects, makes the virtual devices and asks for the first frame.
    pub(super) fn connect(
        stream: UnixStream,
        frames: FrameSender,
        mode: Mode,
    ) -> Result<(Self, EventQueue<Self>), DisplayError> {
        let failed = |error: &dyn std::fmt::Display| DisplayError::Failed(format!("sway refuses us: {error}"));
        let connection = Connection::from_socket(stream).map_err(|error| failed(&error))?;
        let (globals, queue) = registry_queue_init::<Self>(&connection).map_err(|error| failed(&error))?;
        let handle = queue.handle();
        let output: WlOutput = globals.bind(&handle, 1..=1, ()).map_err(missing::<WlOutput>)?;
        let wl_seat: WlSeat = globals.bind(&handle, 1..=1, ()).map_err(missing::<WlSeat>)?;
        let shm: WlShm = globals.bind(&handle, 1..=1, ()).map_err(missing::<WlShm>)?;
        let screencopy = globals.bind(&handle, 3..=3, ()).map_err(missing::<ZwlrScreencopyManagerV1>)?;
        let pointers: ZwlrVirtualPointerManagerV1 =
            globals.bind(&handle, 2..=2, ()).map_err(missing::<ZwlrVirtualPointerManagerV1>)?;
        let keyboards: ZwpVirtualKeyboardManagerV1 =
            globals.bind(&handle, 1..=1, ()).map_err(missing::<ZwpVirtualKeyboardManagerV1>)?;
        let pointer = pointers.create_virtual_pointer_with_output(Some(&wl_seat), Some(&output), &handle, ());
        let keyboard = keyboards.create_virtual_keyboard(&wl_seat, &handle, ());
        let text = keyboards.create_virtual_keyboard(&wl_seat, &handle, ());
        let seat = Seat::new(pointer, keyboard, text)?;
        let capture = Capture::new(screencopy, output, shm, (handle, frames, mode));
        Ok((Self { capture, seat, broken: None }, queue))
    }

    /// Has a frame copied although nothing changed.
    pub(super) fn repaint(&mut self) {
        let result = self.capture.repaint();
        self.note(result);
    }

    fn note(&mut self, result: Result<(), CaptureError>) {
        if let Err(error) = result {
            self.broken.get_or_insert(error);
        }
    }
}

fn missing<I: Proxy>(error: BindError) -> DisplayError {
    DisplayError::Missing {
        what: format!("the protocol {} in sway ({error})", I::interface().name),
        remedy: "install sway 1.7 or newer".into(),
    }
}

impl Dispatch<ZwlrScreencopyFrameV1, ShotId> for Client {
    fn event(
        client: &mut Self,
        _: &ZwlrScreencopyFrameV1,
        event: zwlr_screencopy_frame_v1::Event,
        &id: &ShotId,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        use zwlr_screencopy_frame_v1::{Event, Flags};
        let result = match event {
            Event::Buffer { format: WEnum::Value(format), width, height, stride } => {
                client.capture.offered(id, Layout { format, width, height, stride })
            }
            Event::BufferDone => client.capture.negotiated(id),
            Event::Flags { flags: WEnum::Value(flags) } => {
                if flags.contains(Flags::YInvert) {
                    client.capture.flipped(id);
                }
                Ok(())
            }
            Event::Ready { tv_sec_hi, tv_sec_lo, tv_nsec } => {
                let seconds = u64::from(tv_sec_hi) << 32 | u64::from(tv_sec_lo);
                client.capture.ready(id, Duration::from_secs(seconds) + Duration::from_nanos(tv_nsec.into()))
            }
            Event::Failed => client.capture.failed(id),
            // Where the damage was, and buffers of kinds we do not use.
            _ => Ok(()),
        };
        client.note(result);
    }
}

impl Dispatch<WlRegistry, GlobalListContents> for Client {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        // The output is there from the start and stays: outputs that come or go later are not ours.
    }
}

delegate_noop!(Client: ignore WlBuffer);
delegate_noop!(Client: ignore WlOutput);
delegate_noop!(Client: ignore WlSeat);
delegate_noop!(Client: ignore WlShm);
delegate_noop!(Client: WlShmPool);
delegate_noop!(Client: ZwlrScreencopyManagerV1);
delegate_noop!(Client: ZwlrVirtualPointerManagerV1);
delegate_noop!(Client: ZwlrVirtualPointerV1);
delegate_noop!(Client: ZwpVirtualKeyboardManagerV1);
delegate_noop!(Client: ZwpVirtualKeyboardV1);
