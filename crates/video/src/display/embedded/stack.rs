//! The windows of a display, from bottom to top, and where each stands.

use smithay::{
    backend::renderer::utils::with_renderer_surface_state,
    desktop::{
        PopupManager, WindowSurfaceType,
        utils::{bbox_from_surface_tree, under_from_surface_tree},
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{IsAlive, Logical, Point, Rectangle, Size},
    wayland::{
        compositor::with_states,
        shell::xdg::{SurfaceCachedState, ToplevelSurface},
    },
    xwayland::{X11Surface, xwm::WmWindowType},
};

use super::focus::Focus;

/// A window of either kind.
#[derive(Clone, Debug)]
pub(super) enum Window {
    Wayland(ToplevelSurface),
    X11(Box<X11Window>),
}

/// An X11 window and the Wayland surface that Xwayland paints it on.
#[derive(Clone, Debug)]
pub(super) struct X11Window {
    pub(super) window: X11Surface,
    /// The surface found by its protocol number, with that number: how Xwayland before 23.1 names it.
    pub(super) numbered: Option<(u32, WlSurface)>,
}

impl X11Window {
    fn wl_surface(&self) -> Option<WlSurface> {
        let numbered = || self.numbered.as_ref().map(|(_, surface)| surface.clone()).filter(IsAlive::alive);
        self.window.wl_surface().or_else(numbered)
    }

    /// Whether it keeps the size it asked for: menus, dialogs and windows that cannot be resized.
    pub(super) fn floats(window: &X11Surface) -> bool {
        let fixed = window.max_size().is_some_and(|max| Some(max) == window.min_size() && max.w > 1 && max.h > 1);
        let kind = window.window_type().unwrap_or(WmWindowType::Normal);
        fixed
            || window.is_override_redirect()
            || window.is_popup()
            || window.is_transient_for().is_some()
            || !matches!(kind, WmWindowType::Normal)
    }
}

impl Window {
    pub(super) fn wl_surface(&self) -> Option<WlSurface> {
        match self {
            Self::Wayland(toplevel) => Some(toplevel.wl_surface().clone()),
            Self::X11(window) => window.wl_surface(),
        }
    }

    fn alive(&self) -> bool {
        match self {
            Self::Wayland(toplevel) => toplevel.alive(),
            Self::X11(window) => window.window.alive(),
        }
    }

    /// Its surface, if there is a picture on it.
    pub(super) fn visible(&self) -> Option<WlSurface> {
        self.wl_surface()
            .filter(|surface| with_renderer_surface_state(surface, |state| state.buffer().is_some()).unwrap_or(false))
    }

    /// What the keyboard is on when this window has it; `None` while it shows nothing or if it never takes keys.
    fn focus(&self) -> Option<Focus> {
        let surface = self.visible()?;
        match self {
            Self::Wayland(_) => Some(Focus { surface, x11: None }),
            Self::X11(window) if window.window.is_override_redirect() => None,
            Self::X11(window) => Some(Focus { surface, x11: Some(window.window.clone()) }),
        }
    }

    /// Where the window's own origin stands: in the middle of an output of this size if it is smaller, in the corner
    /// otherwise. X11 windows know where they are.
    pub(super) fn origin(&self, output: Size<i32, Logical>) -> Point<i32, Logical> {
        match self {
            Self::Wayland(toplevel) => {
                let size = geometry(toplevel.wl_surface()).size;
                Point::from((margin(output.w, size.w), margin(output.h, size.h)))
            }
            Self::X11(window) => window.window.geometry().loc,
        }
    }

    /// The trees of surfaces it is made of, topmost first, each with its place: its popups, then itself.
    pub(super) fn trees(&self, output: Size<i32, Logical>) -> Vec<(WlSurface, Point<i32, Logical>)> {
        let Some(surface) = self.visible() else { return Vec::new() };
        let origin = self.origin(output);
        let mut trees: Vec<_> = PopupManager::popups_for_surface(&surface)
            .map(|(popup, offset)| (popup.wl_surface().clone(), origin + offset - popup.geometry().loc))
            .collect();
        let inset = match self {
            Self::Wayland(toplevel) => geometry(toplevel.wl_surface()).loc,
            Self::X11(_) => Point::default(),
        };
        trees.push((surface, origin - inset));
        trees
    }
}

/// Whether there is a picture on a surface.
pub(super) fn has_picture(surface: &WlSurface) -> bool {
    with_renderer_surface_state(surface, |state| state.buffer().is_some()).unwrap_or(false)
}

/// The part of a toplevel's surface that is the window, without shadows.
fn geometry(surface: &WlSurface) -> Rectangle<i32, Logical> {
    let set = with_states(surface, |states| states.cached_state.get::<SurfaceCachedState>().current().geometry);
    set.unwrap_or_else(|| bbox_from_surface_tree(surface, (0, 0)))
}

fn margin(room: i32, side: i32) -> i32 {
    (room.saturating_sub(side) / 2).max(0)
}

/// All windows, from bottom to top.
#[derive(Debug, Default)]
pub(super) struct Stack {
    windows: Vec<Window>,
}

impl Stack {
    /// Puts a window on top.
    pub(super) fn push(&mut self, window: Window) {
        self.windows.push(window);
    }

    /// Windows from bottom to top.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Window> {
        self.windows.iter()
    }

    /// X11 windows from bottom to top.
    pub(super) fn x11(&mut self) -> impl Iterator<Item = &mut X11Window> {
        self.windows.iter_mut().filter_map(|window| match window {
            Window::X11(window) => Some(&mut **window),
            Window::Wayland(_) => None,
        })
    }

    pub(super) fn toplevel(&self, surface: &WlSurface) -> Option<&ToplevelSurface> {
        self.windows.iter().find_map(|window| match window {
            Window::Wayland(toplevel) if toplevel.wl_surface() == surface => Some(toplevel),
            _ => None,
        })
    }

    pub(super) fn remove_toplevel(&mut self, gone: &ToplevelSurface) {
        self.windows.retain(|window| !matches!(window, Window::Wayland(toplevel) if toplevel == gone));
    }

    pub(super) fn remove_x11(&mut self, gone: &X11Surface) {
        let id = gone.window_id();
        self.windows.retain(|window| !matches!(window, Window::X11(window) if window.window.window_id() == id));
    }

    /// Lets go of windows whose clients are gone.
    pub(super) fn drop_dead(&mut self) {
        self.windows.retain(Window::alive);
    }

    /// Brings the window with this surface to the top, but leaves windows without a picture where they are.
    pub(super) fn raise(&mut self, surface: &WlSurface) {
        let Some(at) = self.windows.iter().position(|window| window.wl_surface().as_ref() == Some(surface)) else {
            return;
        };
        let window = self.windows.remove(at);
        self.windows.push(window);
    }

    /// What the keyboard belongs on: the topmost window that takes keys.
    pub(super) fn focus(&self) -> Option<Focus> {
        self.windows.iter().rev().find_map(Window::focus)
    }

    /// The focus for the window that has this surface.
    pub(super) fn focus_for(&self, surface: &WlSurface) -> Option<Focus> {
        self.windows.iter().find(|window| window.wl_surface().as_ref() == Some(surface)).and_then(Window::focus)
    }

    /// All visible trees of surfaces, topmost first.
    pub(super) fn trees(&self, output: Size<i32, Logical>) -> Vec<(WlSurface, Point<i32, Logical>)> {
        self.windows.iter().rev().flat_map(|window| window.trees(output)).collect()
    }

    /// The surface that takes input at `point`, and the place of its origin.
    pub(super) fn under(
        &self,
        output: Size<i32, Logical>,
        point: Point<f64, Logical>,
    ) -> Option<(WlSurface, Point<f64, Logical>)> {
        self.trees(output).into_iter().find_map(|(surface, at)| {
            let (surface, origin) = under_from_surface_tree(&surface, point, at, WindowSurfaceType::ALL)?;
            Some((surface, origin.to_f64()))
        })
    }
}
