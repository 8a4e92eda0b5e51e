//! Surfaces, buffers, the output: the protocols without a policy of their own.

use std::time::Instant;

use smithay::{
    backend::renderer::utils::on_commit_buffer_handler,
    reexports::wayland_server::{
        Client, Resource as _,
        protocol::{
            wl_buffer::WlBuffer,
            wl_surface::{self, WlSurface},
        },
    },
    wayland::{
        buffer::BufferHandler,
        compositor::{
            CompositorClientState, CompositorHandler, CompositorState, get_children, get_parent, send_surface_state,
            with_states,
        },
        fractional_scale::{FractionalScaleHandler, with_fractional_scale},
        output::OutputHandler,
        shm::{ShmHandler, ShmState},
    },
    xwayland::XWaylandClientData,
};

use super::compositor::{ClientState, Compositor};

impl CompositorHandler for Compositor {
    fn compositor_state(&mut self) -> &mut CompositorState {
        &mut self.protocols.compositor
    }

    fn client_compositor_state<'a>(&self, client: &'a Client) -> &'a CompositorClientState {
        if let Some(data) = client.get_data::<XWaylandClientData>() {
            return &data.compositor_state;
        }
        &client.get_data::<ClientState>().expect("clients are Xwayland or were inserted with a ClientState").compositor
    }

    fn new_surface(&mut self, surface: &WlSurface) {
        self.output.enter(surface);
        let transform = self.output.current_transform();
        with_states(surface, |states| send_surface_state(surface, states, 1, transform));
    }

    fn new_subsurface(&mut self, surface: &WlSurface, parent: &WlSurface) {
        if depth(parent) + height(surface) > DEEPEST {
            surface.post_error(wl_surface::Error::InvalidOffset, "too many subsurfaces on top of each other");
        }
    }

    fn commit(&mut self, surface: &WlSurface) {
        on_commit_buffer_handler::<Self>(surface);
        self.popups.commit(surface);
        self.configure_new(&root_of(surface));
        self.cursor.committed(surface);
        self.pacer.committed(Instant::now());
    }
}

/// How many subsurfaces or popups may stand on each other. Trees are walked by recursion, so without a limit a client
/// could use up the stack and end the host.
pub(super) const DEEPEST: usize = 64;

/// How many surfaces are below a surface, itself included.
fn depth(surface: &WlSurface) -> usize {
    std::iter::successors(Some(surface.clone()), get_parent).count()
}

/// How many surfaces stand on each other on top of a surface, itself included. No tree is higher than [`DEEPEST`].
fn height(surface: &WlSurface) -> usize {
    1 + get_children(surface).iter().filter(|child| *child != surface).map(height).max().unwrap_or(0)
}

/// The surface at the root of a tree of subsurfaces.
pub(super) fn root_of(surface: &WlSurface) -> WlSurface {
    let mut root = surface.clone();
    while let Some(parent) = get_parent(&root) {
        root = parent;
    }
    root
}

impl BufferHandler for Compositor {
    fn buffer_destroyed(&mut self, _buffer: &WlBuffer) {}
}

impl ShmHandler for Compositor {
    fn shm_state(&self) -> &ShmState {
        &self.protocols.shm
    }
}

impl OutputHandler for Compositor {}

impl FractionalScaleHandler for Compositor {
    fn new_fractional_scale(&mut self, surface: WlSurface) {
        with_states(&surface, |states| with_fractional_scale(states, |scale| scale.set_preferred_scale(1.0)));
    }
}

smithay::delegate_compositor!(Compositor);
smithay::delegate_shm!(Compositor);
smithay::delegate_output!(Compositor);
smithay::delegate_viewporter!(Compositor);
smithay::delegate_presentation!(Compositor);
smithay::delegate_fractional_scale!(Compositor);
smithay::delegate_single_pixel_buffer!(Compositor);
