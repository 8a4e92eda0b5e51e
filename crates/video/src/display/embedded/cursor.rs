//! The pointer's picture, drawn into the frame: what the application asks for, or an arrow.

use smithay::{
    backend::{
        allocator::Fourcc,
        renderer::{
            element::{
                Kind,
                memory::{MemoryRenderBuffer, MemoryRenderBufferRenderElement},
                surface::render_elements_from_surface_tree,
            },
            pixman::PixmanRenderer,
        },
    },
    input::pointer::{CursorImageStatus, CursorImageSurfaceData},
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{IsAlive as _, Logical, Physical, Point, Transform},
    wayland::compositor::{SurfaceAttributes, with_states},
};

use super::paint::Element;

/// The pointer's picture.
#[derive(Debug)]
pub(super) struct Cursor {
    image: CursorImageStatus,
    drag_icon: Option<WlSurface>,
    arrow: MemoryRenderBuffer,
}

impl Default for Cursor {
    fn default() -> Self {
        let size = (ARROW[0].len() as i32, ARROW.len() as i32);
        let arrow = MemoryRenderBuffer::from_slice(&arrow_pixels(), Fourcc::Argb8888, size, 1, Transform::Normal, None);
        Self { image: CursorImageStatus::default_named(), drag_icon: None, arrow }
    }
}

impl Cursor {
    pub(super) fn set_image(&mut self, image: CursorImageStatus) {
        self.image = image;
    }

    pub(super) fn set_drag_icon(&mut self, icon: Option<WlSurface>) {
        self.drag_icon = icon;
    }

    /// The surfaces the application draws here: its pointer and what it drags.
    pub(super) fn surfaces(&self) -> impl Iterator<Item = &WlSurface> {
        let image = match &self.image {
            CursorImageStatus::Surface(surface) => Some(surface),
            CursorImageStatus::Hidden | CursorImageStatus::Named(_) => None,
        };
        image.into_iter().chain(&self.drag_icon).filter(|surface| surface.alive())
    }

    /// Moves the hotspot along when the application attached its new picture at an offset.
    pub(super) fn committed(&self, surface: &WlSurface) {
        if !matches!(&self.image, CursorImageStatus::Surface(image) if image == surface) {
            return;
        }
        with_states(surface, |states| {
            let delta = states.cached_state.get::<SurfaceAttributes>().current().buffer_delta.take();
            let attributes = states.data_map.get::<CursorImageSurfaceData>();
            if let (Some(delta), Some(mut attributes)) = (delta, attributes.and_then(|data| data.lock().ok())) {
                attributes.hotspot -= delta;
            }
        });
    }

    /// Adds the picture at `at` to a frame, topmost first.
    pub(super) fn draw(&self, renderer: &mut PixmanRenderer, at: Point<f64, Logical>, frame: &mut Vec<Element>) {
        let at = at.to_i32_round();
        match &self.image {
            CursorImageStatus::Hidden => {}
            CursorImageStatus::Surface(surface) if surface.alive() => {
                draw_surface(renderer, surface, at - hotspot(surface), frame);
            }
            CursorImageStatus::Surface(_) | CursorImageStatus::Named(_) => self.draw_arrow(renderer, at, frame),
        }
        if let Some(icon) = self.drag_icon.as_ref().filter(|icon| icon.alive()) {
            draw_surface(renderer, icon, at, frame);
        }
    }

    fn draw_arrow(&self, renderer: &mut PixmanRenderer, at: Point<i32, Logical>, frame: &mut Vec<Element>) {
        let at = at.to_physical(1).to_f64();
        let arrow = &self.arrow;
        match MemoryRenderBufferRenderElement::from_buffer(renderer, at, arrow, None, None, None, Kind::Cursor) {
            Ok(element) => frame.push(element.into()),
            Err(error) => tracing::debug!(%error, "no arrow"),
        }
    }
}

/// Adds a tree of surfaces to a frame, topmost first.
pub(super) fn draw_surface(
    renderer: &mut PixmanRenderer,
    surface: &WlSurface,
    at: Point<i32, Logical>,
    frame: &mut Vec<Element>,
) {
    let at: Point<i32, Physical> = at.to_physical(1);
    frame.extend(render_elements_from_surface_tree::<_, Element>(renderer, surface, at, 1.0, 1.0, Kind::Unspecified));
}

fn hotspot(surface: &WlSurface) -> Point<i32, Logical> {
    with_states(surface, |states| {
        let attributes = states.data_map.get::<CursorImageSurfaceData>().and_then(|data| data.lock().ok());
        attributes.map(|attributes| attributes.hotspot).unwrap_or_default()
    })
}

/// The arrow: `#` is black, `+` white, its hotspot the top left corner.
const ARROW: [&[u8; 12]; 18] = [
    b"#           ",
    b"##          ",
    b"#+#         ",
    b"#++#        ",
    b"#+++#       ",
    b"#++++#      ",
    b"#+++++#     ",
    b"#++++++#    ",
    b"#+++++++#   ",
    b"#++++++++#  ",
    b"#+++++++++# ",
    b"#++++++#####",
    b"#+++#++#    ",
    b"#++##++#    ",
    b"#+#  #++#   ",
    b"##   #++#   ",
    b"#     #++#  ",
    b"      ####  ",
];

fn arrow_pixels() -> Vec<u8> {
    let pixel = |dot: &u8| match dot {
        b'#' => [0, 0, 0, 255],
        b'+' => [255; 4],
        _ => [0; 4],
    };
    ARROW.iter().flat_map(|row| row.iter().flat_map(pixel)).collect()
}
