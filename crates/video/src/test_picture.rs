//! An application that shows that a display works: a plain colour with a moving band, another colour with each key press.
//!
//! The health check of the host runs it as sessions run theirs, so that launcher, compositor, rendering and input are tried
//! with nothing of the owner's. It paints as often as the compositor asks for frames.

use std::{fs::File, io, os::fd::AsFd as _, os::unix::fs::FileExt as _};

use rustix::fs::{MemfdFlags, memfd_create};
use wayland_client::{
    Connection, Dispatch, QueueHandle, WEnum, delegate_noop,
    globals::{GlobalListContents, registry_queue_init},
    protocol::{
        wl_buffer::WlBuffer,
        wl_callback::{self, WlCallback},
        wl_compositor::WlCompositor,
        wl_keyboard::{self, KeyState, WlKeyboard},
        wl_registry::{self, WlRegistry},
        wl_seat::WlSeat,
        wl_shm::{self, WlShm},
        wl_shm_pool::WlShmPool,
        wl_surface::WlSurface,
    },
};
use wayland_protocols::xdg::shell::client::{
    xdg_surface::{self, XdgSurface},
    xdg_toplevel::{self, XdgToplevel},
    xdg_wm_base::{self, XdgWmBase},
};

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum TestPictureError {
    /// There is no display, or it lacks a protocol.
    #[error("no Wayland display can be used: {0}")]
    Display(String),
    /// No memory for pictures.
    #[error("no memory for pictures: {0}")]
    Memory(#[from] io::Error),
}

/// Shows the picture on the display that the environment names (`WAYLAND_DISPLAY`) until that ends.
///
/// # Errors
/// There is none.
pub fn run() -> Result<(), TestPictureError> {
    let failed = |error: &dyn std::fmt::Display| TestPictureError::Display(error.to_string());
    let connection = Connection::connect_to_env().map_err(|error| failed(&error))?;
    let (globals, mut queue) = registry_queue_init::<Window>(&connection).map_err(|error| failed(&error))?;
    let handle = queue.handle();
    let compositor: WlCompositor = globals.bind(&handle, 1..=4, ()).map_err(|error| failed(&error))?;
    let shell: XdgWmBase = globals.bind(&handle, 1..=1, ()).map_err(|error| failed(&error))?;
    let shm: WlShm = globals.bind(&handle, 1..=1, ()).map_err(|error| failed(&error))?;
    let seat: WlSeat = globals.bind(&handle, 1..=1, ()).map_err(|error| failed(&error))?;
    seat.get_keyboard(&handle, ());
    let surface = compositor.create_surface(&handle, ());
    let toplevel = shell.get_xdg_surface(&surface, &handle, ()).get_toplevel(&handle, ());
    toplevel.set_title("punktfunk test picture".into());
    surface.commit();
    let mut window = Window { surface, shm, size: (640, 360), canvas: None, presses: 0, number: 0, fault: None };
    while window.fault.is_none() && queue.blocking_dispatch(&mut window).is_ok() {}
    window.fault.map_or(Ok(()), Err)
}

struct Window {
    surface: WlSurface,
    shm: WlShm,
    size: (i32, i32),
    canvas: Option<Canvas>,
    presses: usize,
    number: usize,
    fault: Option<TestPictureError>,
}

/// Pictures in memory that is shared with the compositor: one shown, one on its way, one being painted.
struct Canvas {
    memory: File,
    size: (i32, i32),
    buffers: Vec<WlBuffer>,
}

const BUFFERS: i32 = 3;
/// Blue, green, red: dark and bright, so that every decoder sees the change.
const COLOURS: [[u8; 4]; 2] = [[96, 32, 16, 255], [64, 200, 240, 255]];
const BAND: [u8; 4] = [255, 255, 255, 255];
/// Rows of the moving band.
const BAND_ROWS: usize = 8;

impl Window {
    fn paint(&mut self, handle: &QueueHandle<Self>) {
        if let Err(error) = self.try_paint(handle) {
            self.fault = Some(error.into());
        }
    }

    fn try_paint(&mut self, handle: &QueueHandle<Self>) -> io::Result<()> {
        let canvas = match self.canvas.take() {
            Some(canvas) if canvas.size == self.size => canvas,
            _ => Canvas::new(&self.shm, self.size, handle)?,
        };
        let (width, height) = (self.size.0 as usize, self.size.1 as usize);
        let which = self.number % BUFFERS as usize;
        let band = self.number * 4 % height;
        let colour = COLOURS[self.presses % COLOURS.len()];
        let (row, white) = (colour.repeat(width), BAND.repeat(width));
        let mut picture = Vec::with_capacity(width * height * 4);
        for y in 0..height {
            picture.extend_from_slice(if (band..band + BAND_ROWS).contains(&y) { &white } else { &row });
        }
        canvas.memory.write_all_at(&picture, (which * width * height * 4) as u64)?;
        self.surface.frame(handle, ());
        self.surface.attach(Some(&canvas.buffers[which]), 0, 0);
        self.surface.damage(0, 0, i32::MAX, i32::MAX);
        self.surface.commit();
        self.canvas = Some(canvas);
        self.number += 1;
        Ok(())
    }
}

impl Canvas {
    fn new(shm: &WlShm, size: (i32, i32), handle: &QueueHandle<Window>) -> io::Result<Self> {
        let (width, height) = size;
        let memory = File::from(memfd_create("picture", MemfdFlags::CLOEXEC)?);
        memory.set_len((width * height * 4 * BUFFERS) as u64)?;
        let pool = shm.create_pool(memory.as_fd(), width * height * 4 * BUFFERS, handle, ());
        let buffer = |which| {
            pool.create_buffer(
                which * width * height * 4,
                width,
                height,
                width * 4,
                wl_shm::Format::Xrgb8888,
                handle,
                (),
            )
        };
        let buffers = (0..BUFFERS).map(buffer).collect();
        pool.destroy();
        Ok(Self { memory, size, buffers })
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        self.buffers.iter().for_each(WlBuffer::destroy);
    }
}

/// As large as a display may be: larger sizes are not asked for by anybody.
const LARGEST: std::ops::RangeInclusive<i32> = 1..=8_192;

impl Dispatch<XdgToplevel, ()> for Window {
    fn event(
        window: &mut Self,
        _: &XdgToplevel,
        event: xdg_toplevel::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_toplevel::Event::Configure { width, height, .. } = event
            && LARGEST.contains(&width)
            && LARGEST.contains(&height)
        {
            window.size = (width, height);
        }
    }
}

impl Dispatch<XdgSurface, ()> for Window {
    fn event(
        window: &mut Self,
        surface: &XdgSurface,
        event: xdg_surface::Event,
        (): &(),
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            surface.ack_configure(serial);
            if window.number == 0 {
                window.paint(handle);
            }
        }
    }
}

impl Dispatch<WlCallback, ()> for Window {
    fn event(
        window: &mut Self,
        _: &WlCallback,
        event: wl_callback::Event,
        (): &(),
        _: &Connection,
        handle: &QueueHandle<Self>,
    ) {
        if let wl_callback::Event::Done { .. } = event {
            window.paint(handle);
        }
    }
}

impl Dispatch<WlKeyboard, ()> for Window {
    fn event(
        window: &mut Self,
        _: &WlKeyboard,
        event: wl_keyboard::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let wl_keyboard::Event::Key { state: WEnum::Value(KeyState::Pressed), .. } = event {
            window.presses += 1;
        }
    }
}

impl Dispatch<XdgWmBase, ()> for Window {
    fn event(
        _: &mut Self,
        shell: &XdgWmBase,
        event: xdg_wm_base::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            shell.pong(serial);
        }
    }
}

impl Dispatch<WlRegistry, GlobalListContents> for Window {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: wl_registry::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        // Everything that is used is there from the start and stays.
    }
}

delegate_noop!(Window: WlCompositor);
delegate_noop!(Window: WlShmPool);
delegate_noop!(Window: ignore WlSurface);
delegate_noop!(Window: ignore WlShm);
delegate_noop!(Window: ignore WlBuffer);
delegate_noop!(Window: ignore WlSeat);
