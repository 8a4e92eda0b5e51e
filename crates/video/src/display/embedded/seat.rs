//! Who has keyboard and pointer, and who may hold them fast.

use smithay::{
    input::{
        Seat, SeatHandler, SeatState,
        pointer::{CursorImageStatus, PointerHandle},
    },
    reexports::wayland_server::{Resource as _, protocol::wl_surface::WlSurface},
    utils::{Logical, Point},
    wayland::{
        pointer_constraints::{PointerConstraint, PointerConstraintsHandler, with_pointer_constraint},
        selection::{data_device::set_data_device_focus, primary_selection::set_primary_focus},
        tablet_manager::TabletSeatHandler,
    },
};

use super::{compositor::Compositor, focus::Focus};

/// What is known of the pointer beside its place.
#[derive(Debug, Default)]
pub(super) struct PointerState {
    /// The client has moved it: a display that nobody points at shows no pointer.
    pub(super) present: bool,
    /// Where the client said it was, for clients that say places while the pointer is locked.
    pub(super) said: Option<Point<f64, Logical>>,
}

/// How an application holds the pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    /// The pointer stands still; the application wants movements only.
    Locked,
    /// The pointer stays on the surface.
    Confined,
}

impl Compositor {
    /// Puts keyboard and pointer where they belong after windows came, went or moved.
    pub(super) fn settle_focus(&mut self) {
        if !self.keyboard.is_grabbed() {
            let wanted = self.stack.focus();
            if self.keyboard.current_focus() != wanted {
                self.keyboard.clone().set_focus(self, wanted, Self::serial());
            }
        }
        if self.pointer_state.present && !self.pointer.is_grabbed() {
            let at = self.pointer.current_location();
            let under = self.stack.under(self.size(), at).map(|(surface, _)| surface);
            if self.pointer.current_focus() != under {
                self.point_at(at);
            }
        }
    }

    /// How the surface under the pointer holds it now.
    pub(super) fn hold(&self) -> Option<Hold> {
        let surface = self.pointer.current_focus()?;
        with_pointer_constraint(&surface, &self.pointer, |constraint| {
            let constraint = constraint.filter(|constraint| constraint.is_active())?;
            Some(match &*constraint {
                PointerConstraint::Locked(_) => Hold::Locked,
                PointerConstraint::Confined(_) => Hold::Confined,
            })
        })
    }

    /// Gives `surface` the hold on the pointer that it asked for, if the pointer is on it and in the region named.
    pub(super) fn grant_hold(&self, surface: &WlSurface, origin: Point<f64, Logical>) {
        let within = (self.pointer.current_location() - origin).to_i32_round();
        with_pointer_constraint(surface, &self.pointer, |constraint| {
            let Some(constraint) = constraint.filter(|constraint| !constraint.is_active()) else { return };
            if constraint.region().is_none_or(|region| region.contains(within)) {
                constraint.activate();
            }
        });
    }
}

impl SeatHandler for Compositor {
    type KeyboardFocus = Focus;
    type PointerFocus = WlSurface;
    type TouchFocus = WlSurface;

    fn seat_state(&mut self) -> &mut SeatState<Self> {
        &mut self.protocols.seats
    }

    fn focus_changed(&mut self, seat: &Seat<Self>, focus: Option<&Focus>) {
        let client = focus.and_then(|focus| self.display.get_client(focus.surface.id()).ok());
        set_data_device_focus(&self.display, seat, client.clone());
        set_primary_focus(&self.display, seat, client);
    }

    fn cursor_image(&mut self, _seat: &Seat<Self>, image: CursorImageStatus) {
        self.cursor.set_image(image);
        self.pacer.changed();
    }
}

impl TabletSeatHandler for Compositor {}

impl PointerConstraintsHandler for Compositor {
    fn new_constraint(&mut self, surface: &WlSurface, pointer: &PointerHandle<Self>) {
        let under = self.stack.under(self.size(), pointer.current_location());
        if let Some((under, origin)) = under.filter(|(under, _)| under == surface) {
            self.grant_hold(&under, origin);
        }
    }

    fn cursor_position_hint(
        &mut self,
        surface: &WlSurface,
        pointer: &PointerHandle<Self>,
        location: Point<f64, Logical>,
    ) {
        let under = self.stack.under(self.size(), pointer.current_location());
        if let Some((_, origin)) = under.filter(|(under, _)| under == surface && self.hold() == Some(Hold::Locked)) {
            pointer.set_location(self.inside(origin + location));
            self.pacer.changed();
        }
    }
}

smithay::delegate_seat!(Compositor);
smithay::delegate_cursor_shape!(Compositor);
smithay::delegate_relative_pointer!(Compositor);
smithay::delegate_pointer_constraints!(Compositor);
