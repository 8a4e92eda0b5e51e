//! Clipboard, primary selection and drag and drop between the applications of a display, X11 ones included.

use std::os::fd::OwnedFd;

use smithay::{
    input::Seat,
    reexports::wayland_server::protocol::{wl_data_source::WlDataSource, wl_surface::WlSurface},
    wayland::selection::{
        SelectionHandler, SelectionSource, SelectionTarget,
        data_device::{
            ClientDndGrabHandler, DataDeviceHandler, DataDeviceState, ServerDndGrabHandler,
            clear_data_device_selection, current_data_device_selection_userdata, request_data_device_client_selection,
            set_data_device_selection,
        },
        primary_selection::{
            PrimarySelectionHandler, PrimarySelectionState, clear_primary_selection,
            current_primary_selection_userdata, request_primary_client_selection, set_primary_selection,
        },
    },
};

use super::compositor::Compositor;

/// Marks a selection that an X11 application owns.
#[derive(Clone, Copy, Debug)]
pub(super) struct OwnedByX11;

impl SelectionHandler for Compositor {
    type SelectionUserData = OwnedByX11;

    fn new_selection(&mut self, target: SelectionTarget, source: Option<SelectionSource>, _seat: Seat<Self>) {
        if let Some(manager) = self.x11.manager_mut()
            && let Err(error) = manager.new_selection(target, source.map(|source| source.mime_types()))
        {
            tracing::warn!(%error, "X11 applications do not see the new selection");
        }
    }

    fn send_selection(
        &mut self,
        target: SelectionTarget,
        mime_type: String,
        fd: OwnedFd,
        _seat: Seat<Self>,
        _owner: &OwnedByX11,
    ) {
        let events = self.events.clone();
        if let Some(manager) = self.x11.manager_mut()
            && let Err(error) = manager.send_selection(target, mime_type, fd, events)
        {
            tracing::warn!(%error, "a selection of an X11 application could not be read");
        }
    }
}

impl Compositor {
    /// An X11 application reads a selection of a Wayland client.
    pub(super) fn send_selection_to_x11(&self, target: SelectionTarget, mime_type: String, fd: OwnedFd) {
        let sent = match target {
            SelectionTarget::Clipboard => {
                request_data_device_client_selection(&self.seat, mime_type, fd).map_err(|error| error.to_string())
            }
            SelectionTarget::Primary => {
                request_primary_client_selection(&self.seat, mime_type, fd).map_err(|error| error.to_string())
            }
        };
        if let Err(error) = sent {
            tracing::debug!(error, "an X11 application asked for a selection that is gone");
        }
    }

    /// An X11 application took a selection.
    pub(super) fn take_selection_for_x11(&self, target: SelectionTarget, mime_types: Vec<String>) {
        match target {
            SelectionTarget::Clipboard => {
                set_data_device_selection(&self.display, &self.seat, mime_types, OwnedByX11);
            }
            SelectionTarget::Primary => set_primary_selection(&self.display, &self.seat, mime_types, OwnedByX11),
        }
    }

    /// An X11 application gave a selection up.
    pub(super) fn clear_selection_of_x11(&self, target: SelectionTarget) {
        match target {
            SelectionTarget::Clipboard if current_data_device_selection_userdata(&self.seat).is_some() => {
                clear_data_device_selection(&self.display, &self.seat);
            }
            SelectionTarget::Primary if current_primary_selection_userdata(&self.seat).is_some() => {
                clear_primary_selection(&self.display, &self.seat);
            }
            SelectionTarget::Clipboard | SelectionTarget::Primary => {}
        }
    }
}

impl DataDeviceHandler for Compositor {
    fn data_device_state(&self) -> &DataDeviceState {
        &self.protocols.data_device
    }
}

impl PrimarySelectionHandler for Compositor {
    fn primary_selection_state(&self) -> &PrimarySelectionState {
        &self.protocols.primary_selection
    }
}

impl ClientDndGrabHandler for Compositor {
    fn started(&mut self, _source: Option<WlDataSource>, icon: Option<WlSurface>, _seat: Seat<Self>) {
        self.cursor.set_drag_icon(icon);
        self.pacer.changed();
    }

    fn dropped(&mut self, _target: Option<WlSurface>, _validated: bool, _seat: Seat<Self>) {
        self.cursor.set_drag_icon(None);
        self.pacer.changed();
    }
}

impl ServerDndGrabHandler for Compositor {}

smithay::delegate_data_device!(Compositor);
smithay::delegate_primary_selection!(Compositor);
