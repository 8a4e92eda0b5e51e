//! Surfaces, buffers, the output: the protocols without a policy of their own.

use std::time::Instant;

use smithay::{
    backend::renderer::utils::on_commit_buffer_handler,
    reexports::wayland_server::{
        Client,
        protocol::{wl_buffer::WlBuffer, wl_surface::WlSurface},
    },
    wayland::{
        buffer::BufferHandler,
        compositor::{
            CompositorClientState, CompositorHandler, CompositorState, get_parent, send_surface_state, with_states,
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

    fn commit(&mut self, surface: &WlSurface) {
        on_commit_buffer_handler::<Self>(surface);
        self.popups.commit(surface);
        self.configure_new(&root_of(surface));
        self.cursor.committed(surface);
        self.pacer.committed(Instant::now());
    }
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
