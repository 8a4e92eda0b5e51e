//! Windows, dialogs and popups of Wayland clients.
//!
//! A toplevel is full screen at the display's mode; one with a parent is a dialog and keeps its own size. A client
//! that takes another size than it was given is shown in the middle, or cut off.

use smithay::{
    desktop::{
        PopupKeyboardGrab, PopupKind, PopupPointerGrab, PopupUngrabStrategy, find_popup_root_surface,
        get_popup_toplevel_coords,
    },
    input::{Seat, pointer::Focus as GrabFocus},
    reexports::{
        wayland_protocols::xdg::{
            decoration::zv1::server::zxdg_toplevel_decoration_v1::Mode as DecorationMode,
            shell::server::{xdg_popup, xdg_toplevel::State},
        },
        wayland_server::Resource as _,
        wayland_server::protocol::{wl_output::WlOutput, wl_seat::WlSeat, wl_surface::WlSurface},
    },
    utils::{Rectangle, SERIAL_COUNTER, Serial},
    wayland::shell::xdg::{
        PopupSurface, PositionerState, ToplevelSurface, XdgShellHandler, XdgShellState,
        decoration::XdgDecorationHandler,
    },
};

use super::{
    compositor::Compositor,
    stack::{Window, has_picture},
    surfaces::DEEPEST,
};

impl Compositor {
    /// Sends the first configure to a window or popup that was just committed for the first time. A client that
    /// shows something before it has acknowledged one broke the protocol and is cut off.
    pub(super) fn configure_new(&mut self, surface: &WlSurface) {
        let shown = has_picture(surface);
        if let Some(toplevel) = self.stack.toplevel(surface) {
            if shown && !toplevel.ensure_configured() {
                return;
            }
            if !toplevel.is_initial_configure_sent() {
                self.propose(toplevel);
                toplevel.send_configure();
            }
        } else if let Some(PopupKind::Xdg(popup)) = self.popups.find_popup(surface) {
            if shown && !popup.ensure_configured() {
                return;
            }
            if !popup.is_initial_configure_sent() {
                // It fails only for a popup that was configured before.
                let _ = popup.send_configure();
            }
        }
    }

    /// Tells every Wayland window of the mode as it is now.
    pub(super) fn configure_all(&self) {
        for window in self.stack.iter() {
            if let Window::Wayland(toplevel) = window {
                self.propose(toplevel);
                if toplevel.is_initial_configure_sent() {
                    toplevel.send_pending_configure();
                }
            }
        }
    }

    /// Writes what this display wants of a window into its next configure.
    fn propose(&self, toplevel: &ToplevelSurface) {
        let dialog = toplevel.parent().is_some();
        let size = self.size();
        toplevel.with_pending_state(|state| {
            state.bounds = Some(size);
            state.decoration_mode = Some(DecorationMode::ServerSide);
            state.states.set(State::Activated);
            if dialog {
                state.states.unset(State::Fullscreen);
                state.size = None;
            } else {
                state.states.set(State::Fullscreen);
                state.size = Some(size);
            }
        });
    }

    /// How many popups a popup stands on.
    fn popup_depth(&self, popup: &PopupSurface) -> usize {
        let parent = |popup: &PopupSurface| match self.popups.find_popup(&popup.get_parent_surface()?)? {
            PopupKind::Xdg(parent) => Some(parent),
            PopupKind::InputMethod(_) => None,
        };
        std::iter::successors(parent(popup), parent).count()
    }

    /// Keeps a popup on the display.
    fn place_popup(&self, popup: &PopupSurface, positioner: PositionerState) {
        let kind = PopupKind::Xdg(popup.clone());
        let Ok(root) = find_popup_root_surface(&kind) else { return };
        let origin = self.stack.toplevel(&root).cloned().map(|root| Window::Wayland(root).origin(self.size()));
        let mut room = Rectangle::from_size(self.size());
        room.loc -= origin.unwrap_or_default() + get_popup_toplevel_coords(&kind);
        popup.with_pending_state(|state| state.geometry = positioner.get_unconstrained_geometry(room));
    }

    /// Lets a popup take pointer and keyboard until the user clicks elsewhere.
    fn grab_for_popup(&mut self, popup: PopupSurface, serial: Serial) {
        let kind = PopupKind::Xdg(popup);
        let Some(root) = find_popup_root_surface(&kind).ok().and_then(|root| self.stack.focus_for(&root)) else {
            return;
        };
        let Ok(mut grab) = self.popups.grab_popup(root, kind, &self.seat, serial) else { return };
        let (keyboard, pointer) = (self.keyboard.clone(), self.pointer.clone());
        let previous = grab.previous_serial().unwrap_or(serial);
        let held_by_other = |held: bool, mine: &dyn Fn(Serial) -> bool| held && !mine(serial) && !mine(previous);
        if held_by_other(keyboard.is_grabbed(), &|serial| keyboard.has_grab(serial))
            || held_by_other(pointer.is_grabbed(), &|serial| pointer.has_grab(serial))
        {
            grab.ungrab(PopupUngrabStrategy::All);
            return;
        }
        keyboard.set_focus(self, grab.current_grab(), serial);
        keyboard.set_grab(self, PopupKeyboardGrab::new(&grab), serial);
        pointer.set_grab(self, PopupPointerGrab::new(&grab), serial, GrabFocus::Keep);
    }
}

impl XdgShellHandler for Compositor {
    fn xdg_shell_state(&mut self) -> &mut XdgShellState {
        &mut self.protocols.shell
    }

    fn new_toplevel(&mut self, toplevel: ToplevelSurface) {
        self.stack.push(Window::Wayland(toplevel));
    }

    fn toplevel_destroyed(&mut self, toplevel: ToplevelSurface) {
        self.stack.remove_toplevel(&toplevel);
        self.pacer.changed();
    }

    fn parent_changed(&mut self, toplevel: ToplevelSurface) {
        self.propose(&toplevel);
        if toplevel.is_initial_configure_sent() {
            toplevel.send_pending_configure();
        }
    }

    fn new_popup(&mut self, popup: PopupSurface, positioner: PositionerState) {
        if self.popup_depth(&popup) > DEEPEST {
            popup.xdg_popup().post_error(xdg_popup::Error::InvalidGrab, "too many popups on top of each other");
            return;
        }
        self.place_popup(&popup, positioner);
        if let Err(error) = self.popups.track_popup(PopupKind::Xdg(popup)) {
            tracing::debug!(%error, "a popup without a living parent");
        }
    }

    fn reposition_request(&mut self, popup: PopupSurface, positioner: PositionerState, token: u32) {
        self.place_popup(&popup, positioner);
        popup.with_pending_state(|state| state.positioner = positioner);
        popup.send_repositioned(token);
    }

    fn popup_destroyed(&mut self, _popup: PopupSurface) {
        self.pacer.changed();
    }

    fn grab(&mut self, popup: PopupSurface, seat: WlSeat, serial: Serial) {
        if Seat::from_resource(&seat).is_some_and(|seat: Seat<Self>| seat == self.seat) {
            self.grab_for_popup(popup, serial);
        }
    }

    // Windows cannot leave full screen: each of these is answered with the state as it stays.

    fn unfullscreen_request(&mut self, toplevel: ToplevelSurface) {
        toplevel.send_configure();
    }

    fn unmaximize_request(&mut self, toplevel: ToplevelSurface) {
        toplevel.send_configure();
    }

    fn fullscreen_request(&mut self, toplevel: ToplevelSurface, _output: Option<WlOutput>) {
        if toplevel.is_initial_configure_sent() {
            toplevel.send_configure();
        }
    }

    fn maximize_request(&mut self, toplevel: ToplevelSurface) {
        if toplevel.is_initial_configure_sent() {
            toplevel.send_configure();
        }
    }
}

impl XdgDecorationHandler for Compositor {
    fn new_decoration(&mut self, toplevel: ToplevelSurface) {
        self.refuse_decoration(&toplevel);
    }

    fn request_mode(&mut self, toplevel: ToplevelSurface, _mode: DecorationMode) {
        self.refuse_decoration(&toplevel);
    }

    fn unset_mode(&mut self, toplevel: ToplevelSurface) {
        self.refuse_decoration(&toplevel);
    }
}

impl Compositor {
    /// Decorations are the server's, and the server draws none.
    fn refuse_decoration(&self, toplevel: &ToplevelSurface) {
        toplevel.with_pending_state(|state| state.decoration_mode = Some(DecorationMode::ServerSide));
        if toplevel.is_initial_configure_sent() {
            toplevel.send_configure();
        }
    }

    /// A serial for an event of our own making.
    pub(super) fn serial() -> Serial {
        SERIAL_COUNTER.next_serial()
    }
}

smithay::delegate_xdg_shell!(Compositor);
smithay::delegate_xdg_decoration!(Compositor);
