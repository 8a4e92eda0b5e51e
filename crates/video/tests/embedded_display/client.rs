//! A Wayland client made by hand, to say what no toolkit says. It shows plain colours.

use std::{
    io::Write as _,
    os::{fd::AsFd as _, unix::net::UnixStream},
    path::Path,
};

use wayland_client::{
    Connection, Dispatch, EventQueue, QueueHandle, delegate_noop,
    globals::{GlobalListContents, registry_queue_init},
    protocol::{
        wl_buffer::WlBuffer, wl_compositor::WlCompositor, wl_registry::WlRegistry, wl_shm, wl_shm::WlShm,
        wl_shm_pool::WlShmPool, wl_subcompositor::WlSubcompositor, wl_subsurface::WlSubsurface, wl_surface::WlSurface,
    },
};
use wayland_protocols::{
    wp::viewporter::client::{wp_viewport::WpViewport, wp_viewporter::WpViewporter},
    xdg::shell::client::{xdg_popup, xdg_positioner, xdg_surface, xdg_toplevel, xdg_wm_base},
};

pub(crate) struct Client {
    pub(crate) queue: EventQueue<State>,
    pub(crate) state: State,
    pub(crate) compositor: WlCompositor,
    pub(crate) subcompositor: WlSubcompositor,
    pub(crate) viewporter: WpViewporter,
    pub(crate) shm: WlShm,
    pub(crate) shell: xdg_wm_base::XdgWmBase,
}

/// What the compositor said.
#[derive(Default)]
pub(crate) struct State {
    /// The sizes of the toplevels' configures, newest last; zero leaves the size to the client.
    pub(crate) sizes: Vec<(i32, i32)>,
    /// Where popups were put, relative to their parents, and their sizes.
    pub(crate) popups: Vec<(i32, i32, i32, i32)>,
    configured: u32,
}

/// A surface with a role that was configured once.
pub(crate) struct Window {
    pub(crate) surface: WlSurface,
    pub(crate) xdg: xdg_surface::XdgSurface,
    pub(crate) toplevel: xdg_toplevel::XdgToplevel,
}

impl Client {
    /// Connects to the display whose runtime directory is somewhere in `directory`.
    pub(crate) fn connect(directory: &Path) -> Self {
        let connection = Connection::from_socket(socket(directory)).unwrap();
        let (globals, queue) = registry_queue_init::<State>(&connection).unwrap();
        let handle = queue.handle();
        Self {
            compositor: globals.bind(&handle, 1..=6, ()).unwrap(),
            subcompositor: globals.bind(&handle, 1..=1, ()).unwrap(),
            viewporter: globals.bind(&handle, 1..=1, ()).unwrap(),
            shm: globals.bind(&handle, 1..=1, ()).unwrap(),
            shell: globals.bind(&handle, 1..=5, ()).unwrap(),
            queue,
            state: State::default(),
        }
    }

    pub(crate) fn handle(&self) -> QueueHandle<State> {
        self.queue.handle()
    }

    /// Waits until the compositor has acted on everything said so far.
    pub(crate) fn roundtrip(&mut self) -> bool {
        self.queue.roundtrip(&mut self.state).is_ok()
    }

    /// Makes a toplevel and waits for its configure.
    pub(crate) fn window(&mut self, parent: Option<&Window>) -> Window {
        let handle = self.handle();
        let surface = self.compositor.create_surface(&handle, ());
        let xdg = self.shell.get_xdg_surface(&surface, &handle, ());
        let toplevel = xdg.get_toplevel(&handle, ());
        toplevel.set_parent(parent.map(|parent| &parent.toplevel));
        surface.commit();
        self.await_configure();
        Window { surface, xdg, toplevel }
    }

    /// Waits for the next configure and its acknowledgement.
    pub(crate) fn await_configure(&mut self) {
        let before = self.state.configured;
        while self.state.configured == before {
            self.queue.blocking_dispatch(&mut self.state).unwrap();
        }
    }

    /// Shows a plain colour on a surface.
    pub(crate) fn show(&mut self, surface: &WlSurface, size: (i32, i32), colour: [u8; 3]) {
        let buffer = self.buffer(size, colour);
        surface.attach(Some(&buffer), 0, 0);
        surface.damage_buffer(0, 0, i32::MAX, i32::MAX);
        surface.commit();
        assert!(self.roundtrip());
    }

    pub(crate) fn buffer(&self, (width, height): (i32, i32), [red, green, blue]: [u8; 3]) -> WlBuffer {
        let bytes = [blue, green, red, 255].repeat(usize::try_from(width * height).unwrap());
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let handle = self.handle();
        let pool = self.shm.create_pool(file.as_fd(), width * height * 4, &handle, ());
        pool.create_buffer(0, width, height, width * 4, wl_shm::Format::Argb8888, &handle, ())
    }
}

/// A connection to the display whose runtime directory is somewhere in `directory`.
pub(crate) fn socket(directory: &Path) -> UnixStream {
    let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path().join("wayland-0"));
    UnixStream::connect(entries.into_iter().find(|path| path.exists()).unwrap()).unwrap()
}

delegate_noop!(State: WlCompositor);
delegate_noop!(State: WlSubcompositor);
delegate_noop!(State: WlSubsurface);
delegate_noop!(State: WpViewporter);
delegate_noop!(State: WpViewport);
delegate_noop!(State: WlShmPool);
delegate_noop!(State: xdg_positioner::XdgPositioner);
delegate_noop!(State: ignore WlSurface);
delegate_noop!(State: ignore WlShm);
delegate_noop!(State: ignore WlBuffer);

impl Dispatch<WlRegistry, GlobalListContents> for State {
    fn event(
        _: &mut Self,
        _: &WlRegistry,
        _: <WlRegistry as wayland_client::Proxy>::Event,
        _: &GlobalListContents,
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
    }
}

impl Dispatch<xdg_wm_base::XdgWmBase, ()> for State {
    fn event(
        _: &mut Self,
        base: &xdg_wm_base::XdgWmBase,
        event: xdg_wm_base::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_wm_base::Event::Ping { serial } = event {
            base.pong(serial);
        }
    }
}

impl Dispatch<xdg_surface::XdgSurface, ()> for State {
    fn event(
        state: &mut Self,
        surface: &xdg_surface::XdgSurface,
        event: xdg_surface::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_surface::Event::Configure { serial } = event {
            surface.ack_configure(serial);
            state.configured += 1;
        }
    }
}

impl Dispatch<xdg_toplevel::XdgToplevel, ()> for State {
    fn event(
        state: &mut Self,
        _: &xdg_toplevel::XdgToplevel,
        event: xdg_toplevel::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_toplevel::Event::Configure { width, height, .. } = event {
            state.sizes.push((width, height));
        }
    }
}

impl Dispatch<xdg_popup::XdgPopup, ()> for State {
    fn event(
        state: &mut Self,
        _: &xdg_popup::XdgPopup,
        event: xdg_popup::Event,
        (): &(),
        _: &Connection,
        _: &QueueHandle<Self>,
    ) {
        if let xdg_popup::Event::Configure { x, y, width, height } = event {
            state.popups.push((x, y, width, height));
        }
    }
}
