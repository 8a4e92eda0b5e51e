//! X11 applications, through Xwayland.
//!
//! Xwayland starts with the display, beside the application: its sockets exist before the application does, so the
//! application waits for it only if it speaks X11. A display without Xwayland has no `DISPLAY`.

use std::{
    fs::Permissions,
    io,
    os::{
        fd::OwnedFd,
        unix::{fs::PermissionsExt as _, net::UnixStream},
    },
    process::Stdio,
    time::Instant,
};

use smithay::{
    reexports::{
        calloop::{LoopHandle, RegistrationToken},
        wayland_server::{Client, backend::ClientId, protocol::wl_surface::WlSurface},
    },
    utils::{IsAlive as _, Logical, Rectangle, Size},
    wayland::{
        selection::SelectionTarget,
        xwayland_shell::{XWaylandShellHandler, XWaylandShellState},
    },
    xwayland::{
        X11Surface, X11Wm, XWayland, XWaylandEvent, XwmHandler,
        xwm::{Reorder, ResizeEdge, XwmId},
    },
};

use super::{
    super::launch::Place,
    compositor::Compositor,
    stack::{Stack, Window, X11Window},
};

/// What there is of Xwayland.
#[derive(Debug, Default)]
pub(super) struct X11 {
    server: Option<RegistrationToken>,
    client: Option<Client>,
    /// Kept after its connection broke: see [`XwmHandler::xwm_state`].
    manager: Option<X11Wm>,
    /// The manager's connection stands, and with it its thread.
    connected: bool,
}

impl X11 {
    pub(super) fn manager_mut(&mut self) -> Option<&mut X11Wm> {
        self.manager.as_mut()
    }

    /// Cuts Xwayland off, upon which it ends; says which client it was.
    pub(super) fn stop(&mut self, events: &LoopHandle<'static, Compositor>) -> Option<ClientId> {
        events.remove(self.server.take()?);
        self.client.take().map(|client| client.id())
    }

    /// Whether the window manager still has a thread that watches its connection.
    pub(super) fn is_connected(&self) -> bool {
        self.connected
    }

    /// Gives every window that fills the display the display's new size.
    pub(super) fn resize_windows(&self, stack: &mut Stack, size: Size<i32, Logical>) {
        for window in stack.x11().filter(|window| !X11Window::floats(&window.window)) {
            configure(&window.window, Rectangle::from_size(size));
        }
    }
}

impl Compositor {
    /// Starts Xwayland in `place`, where it is installed.
    pub(super) fn start_xwayland(&mut self, place: &mut dyn Place) {
        if let Err(error) = make_socket_directory() {
            tracing::warn!(%error, "no directory for X11 sockets at {SOCKETS}");
        }
        let started = self.spawn_xwayland(place);
        let (xwayland, client) = match started {
            Ok(started) => started,
            Err(error) => {
                tracing::info!(%error, "no Xwayland: X11 programs will not find a display");
                return;
            }
        };
        let source = self.events.insert_source(xwayland, |event, (), state| match event {
            XWaylandEvent::Ready { x11_socket, .. } => state.manage_x11(x11_socket),
            XWaylandEvent::Error => tracing::warn!("Xwayland ended while it started"),
        });
        match source {
            Ok(server) => self.x11.server = Some(server),
            Err(error) => {
                tracing::warn!(%error, "Xwayland cannot be watched");
                return;
            }
        }
        self.x11.client = Some(client);
    }

    fn spawn_xwayland(&self, place: &mut dyn Place) -> io::Result<(XWayland, Client)> {
        let environment = place.prepare_xwayland()?;
        let spawned = XWayland::spawn(&self.display, None, environment, false, Stdio::null(), Stdio::null(), |_| ());
        let (xwayland, client) = spawned?;
        place.xwayland_started(xwayland.display_number())?;
        Ok((xwayland, client))
    }

    fn manage_x11(&mut self, socket: UnixStream) {
        let Some(client) = self.x11.client.clone() else { return };
        match X11Wm::start_wm(self.events.clone(), socket, client) {
            Ok(manager) => {
                self.x11.manager = Some(manager);
                self.x11.connected = true;
            }
            Err(error) => tracing::warn!(%error, "X11 programs have no window manager and stay invisible"),
        }
    }

    /// Finds the surfaces of X11 windows that Xwayland named by number. Those before 23.1 (Debian 12 has 22.1) lack
    /// `xwayland_shell`; the number arrives on the X connection, before or after the surface on the Wayland one.
    pub(super) fn match_x11_surfaces(&mut self) {
        let Some(client) = &self.x11.client else { return };
        for window in self.stack.x11() {
            #[expect(deprecated, reason = "the only way to match windows of Xwayland before 23.1")]
            let Some(number) = window.window.wl_surface_id() else { continue };
            let known = window.numbered.as_ref().is_some_and(|(known, surface)| *known == number && surface.alive());
            if !known {
                let found = client.object_from_protocol_id::<WlSurface>(&self.display, number);
                window.numbered = found.ok().map(|surface| (number, surface));
                self.pacer.committed(Instant::now());
            }
        }
    }

    fn add_x11(&mut self, window: X11Surface) {
        self.stack.remove_x11(&window);
        self.stack.push(Window::X11(Box::new(X11Window { window, numbered: None })));
        self.pacer.changed();
    }

    /// Where a window goes: a dialog to the middle in its own size, everything else over the whole display.
    fn x11_place(&self, window: &X11Surface) -> Rectangle<i32, Logical> {
        let room = self.size();
        if !X11Window::floats(window) {
            return Rectangle::from_size(room);
        }
        let size = window.geometry().size;
        let corner = ((room.w - size.w).max(0) / 2, (room.h - size.h).max(0) / 2);
        Rectangle::new(corner.into(), size)
    }
}

/// Where X11 sockets are, by X11's own convention.
const SOCKETS: &str = "/tmp/.X11-unix";

/// Makes the directory of X11 sockets on a machine where no X server has run since it started.
fn make_socket_directory() -> io::Result<()> {
    match std::fs::create_dir(SOCKETS) {
        // Everybody may put a socket there, nobody may take away another's.
        Ok(()) => std::fs::set_permissions(SOCKETS, Permissions::from_mode(0o1777)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Asks a window to take this place. An X connection that is gone takes its windows with it.
fn configure(window: &X11Surface, place: Rectangle<i32, Logical>) {
    if let Err(error) = window.configure(place) {
        tracing::debug!(%error, "an X11 window was not configured");
    }
}

impl XwmHandler for Compositor {
    fn xwm_state(&mut self, _xwm: XwmId) -> &mut X11Wm {
        self.x11.manager.as_mut().expect("a window manager's events come after it was started, and it is kept")
    }

    fn new_window(&mut self, _xwm: XwmId, _window: X11Surface) {}

    fn new_override_redirect_window(&mut self, _xwm: XwmId, _window: X11Surface) {}

    fn map_window_request(&mut self, _xwm: XwmId, window: X11Surface) {
        let full = !X11Window::floats(&window);
        let shown = window.set_mapped(true).map_err(|error| error.to_string());
        let stated = window.set_fullscreen(full).and_then(|()| window.set_activated(true));
        if let Err(error) = shown.and(stated.map_err(|error| error.to_string())) {
            tracing::debug!(error, "an X11 window was not mapped");
        }
        configure(&window, self.x11_place(&window));
        self.add_x11(window);
    }

    fn mapped_override_redirect_window(&mut self, _xwm: XwmId, window: X11Surface) {
        self.add_x11(window);
    }

    fn unmapped_window(&mut self, _xwm: XwmId, window: X11Surface) {
        self.stack.remove_x11(&window);
        self.pacer.changed();
        if !window.is_override_redirect() {
            // Best effort: the window is no longer shown either way.
            let _ = window.set_mapped(false);
        }
    }

    fn destroyed_window(&mut self, _xwm: XwmId, window: X11Surface) {
        self.stack.remove_x11(&window);
        self.pacer.changed();
    }

    fn configure_request(
        &mut self,
        _xwm: XwmId,
        window: X11Surface,
        x: Option<i32>,
        y: Option<i32>,
        width: Option<u32>,
        height: Option<u32>,
        _reorder: Option<Reorder>,
    ) {
        let shown = self.stack.x11().any(|known| known.window == window);
        if shown && !X11Window::floats(&window) {
            // Smithay answers with the place as it stays.
            return;
        }
        let mut place = window.geometry();
        let side = |asked: Option<u32>, now: i32| asked.map_or(now, |side| side.clamp(1, MAX_X11_SIDE) as i32);
        place.loc = (x.unwrap_or(place.loc.x), y.unwrap_or(place.loc.y)).into();
        place.size = (side(width, place.size.w), side(height, place.size.h)).into();
        configure(&window, place);
    }

    fn configure_notify(
        &mut self,
        _xwm: XwmId,
        _window: X11Surface,
        _geometry: Rectangle<i32, Logical>,
        _above: Option<u32>,
    ) {
        self.pacer.changed();
    }

    fn fullscreen_request(&mut self, _xwm: XwmId, window: X11Surface) {
        if window.set_fullscreen(true).is_ok() {
            configure(&window, Rectangle::from_size(self.size()));
        }
    }

    fn unfullscreen_request(&mut self, _xwm: XwmId, window: X11Surface) {
        // It keeps its size unless it asks for another; there is no desktop to go back to.
        let _ = window.set_fullscreen(false);
    }

    fn resize_request(&mut self, _xwm: XwmId, _window: X11Surface, _button: u32, _edge: ResizeEdge) {}

    fn move_request(&mut self, _xwm: XwmId, _window: X11Surface, _button: u32) {}

    fn allow_selection_access(&mut self, _xwm: XwmId, _selection: SelectionTarget) -> bool {
        true
    }

    fn send_selection(&mut self, _xwm: XwmId, selection: SelectionTarget, mime_type: String, fd: OwnedFd) {
        self.send_selection_to_x11(selection, mime_type, fd);
    }

    fn new_selection(&mut self, _xwm: XwmId, selection: SelectionTarget, mime_types: Vec<String>) {
        self.take_selection_for_x11(selection, mime_types);
    }

    fn cleared_selection(&mut self, _xwm: XwmId, selection: SelectionTarget) {
        self.clear_selection_of_x11(selection);
    }

    fn disconnected(&mut self, _xwm: XwmId) {
        self.x11.connected = false;
    }
}

/// X11's own limit for a side of a window.
const MAX_X11_SIDE: u32 = 32_767;

impl XWaylandShellHandler for Compositor {
    fn xwayland_shell_state(&mut self) -> &mut XWaylandShellState {
        &mut self.protocols.xwayland_shell
    }

    fn surface_associated(&mut self, _xwm: XwmId, _surface: WlSurface, _window: X11Surface) {
        self.pacer.committed(Instant::now());
    }
}

smithay::delegate_xwayland_shell!(Compositor);
