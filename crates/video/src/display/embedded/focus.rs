//! What the keyboard can be on: a Wayland surface, and with an X11 window also that window.

use std::borrow::Cow;

use smithay::{
    backend::input::KeyState,
    desktop::PopupKind,
    input::{
        Seat,
        keyboard::{KeyboardTarget, KeysymHandle, ModifiersState},
    },
    reexports::wayland_server::protocol::wl_surface::WlSurface,
    utils::{IsAlive, Serial},
    wayland::seat::WaylandFocus,
    xwayland::X11Surface,
};

use super::compositor::Compositor;

/// The keyboard's focus.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Focus {
    pub(super) surface: WlSurface,
    /// The X11 window behind `surface`: X needs to be told of its own focus.
    pub(super) x11: Option<X11Surface>,
}

impl Focus {
    /// Whether smithay tells the Wayland surface by itself when the X11 window is told. It does so only if Xwayland
    /// matched the two by `xwayland_shell`, which those before 23.1 do not.
    fn x11_tells_surface(&self) -> bool {
        self.x11.as_ref().and_then(X11Surface::wl_surface).is_some_and(|surface| surface == self.surface)
    }
}

impl KeyboardTarget<Compositor> for Focus {
    fn enter(&self, seat: &Seat<Compositor>, state: &mut Compositor, keys: Vec<KeysymHandle<'_>>, serial: Serial) {
        let told = self.x11_tells_surface();
        match &self.x11 {
            Some(window) if told => KeyboardTarget::enter(window, seat, state, keys, serial),
            Some(window) => {
                KeyboardTarget::enter(window, seat, state, Vec::new(), serial);
                KeyboardTarget::enter(&self.surface, seat, state, keys, serial);
            }
            None => KeyboardTarget::enter(&self.surface, seat, state, keys, serial),
        }
    }

    fn leave(&self, seat: &Seat<Compositor>, state: &mut Compositor, serial: Serial) {
        let told = self.x11_tells_surface();
        if let Some(window) = &self.x11 {
            KeyboardTarget::leave(window, seat, state, serial);
        }
        if !told {
            KeyboardTarget::leave(&self.surface, seat, state, serial);
        }
    }

    fn key(
        &self,
        seat: &Seat<Compositor>,
        state: &mut Compositor,
        key: KeysymHandle<'_>,
        pressed: KeyState,
        serial: Serial,
        time: u32,
    ) {
        KeyboardTarget::key(&self.surface, seat, state, key, pressed, serial, time);
    }

    fn modifiers(&self, seat: &Seat<Compositor>, state: &mut Compositor, modifiers: ModifiersState, serial: Serial) {
        KeyboardTarget::modifiers(&self.surface, seat, state, modifiers, serial);
    }
}

impl IsAlive for Focus {
    fn alive(&self) -> bool {
        self.surface.alive()
    }
}

impl WaylandFocus for Focus {
    fn wl_surface(&self) -> Option<Cow<'_, WlSurface>> {
        Some(Cow::Borrowed(&self.surface))
    }
}

impl From<WlSurface> for Focus {
    fn from(surface: WlSurface) -> Self {
        Self { surface, x11: None }
    }
}

impl From<PopupKind> for Focus {
    fn from(popup: PopupKind) -> Self {
        popup.wl_surface().clone().into()
    }
}

impl From<Focus> for WlSurface {
    fn from(focus: Focus) -> Self {
        focus.surface
    }
}
