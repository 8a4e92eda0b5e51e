//! The state of one display's compositor and the protocols it offers.

use std::{sync::Arc, time::Instant};

use punktfunk_proto::units::Mode;
use smithay::{
    desktop::PopupManager,
    input::{Seat, SeatState, keyboard::KeyboardHandle, pointer::PointerHandle},
    output::{self, Output, PhysicalProperties, Scale, Subpixel},
    reexports::{
        calloop::LoopHandle,
        wayland_server::{
            DisplayHandle,
            backend::{ClientData, ClientId, DisconnectReason},
        },
    },
    utils::{Clock, Logical, Monotonic, Size, Transform},
    wayland::{
        compositor::{CompositorClientState, CompositorState},
        cursor_shape::CursorShapeManagerState,
        fractional_scale::FractionalScaleManagerState,
        output::OutputManagerState,
        pointer_constraints::PointerConstraintsState,
        presentation::PresentationState,
        relative_pointer::RelativePointerManagerState,
        selection::{data_device::DataDeviceState, primary_selection::PrimarySelectionState},
        shell::xdg::{XdgShellState, decoration::XdgDecorationState},
        shm::ShmState,
        single_pixel_buffer::SinglePixelBufferState,
        viewporter::ViewporterState,
        xwayland_shell::XWaylandShellState,
    },
};

use super::{cursor::Cursor, keymap, keymap::TextKeys, pace::Pacer, seat::PointerState, stack::Stack, x11::X11};
use crate::display::{DisplayError, launch::Process};

/// Everything that clients' requests act on. Lives on the display's thread.
pub(super) struct Compositor {
    pub(super) display: DisplayHandle,
    pub(super) events: LoopHandle<'static, Self>,
    pub(super) protocols: Protocols,
    pub(super) seat: Seat<Self>,
    pub(super) keyboard: KeyboardHandle<Self>,
    pub(super) pointer: PointerHandle<Self>,
    pub(super) pointer_state: PointerState,
    pub(super) text_keys: TextKeys,
    pub(super) output: Output,
    pub(super) mode: Mode,
    pub(super) stack: Stack,
    pub(super) popups: PopupManager,
    pub(super) cursor: Cursor,
    pub(super) x11: X11,
    pub(super) pacer: Pacer,
    /// The next frame goes out even if nothing changed.
    pub(super) repaint: bool,
    pub(super) application: Option<Box<dyn Process>>,
    pub(super) phase: Phase,
    started: Instant,
}

/// The life of a display.
#[derive(Debug)]
pub(super) enum Phase {
    Running,
    /// The application was asked to end and is given until then.
    Ending {
        until: Instant,
    },
    /// Over, for this reason.
    Ended(String),
}

/// The states of the protocols, one for each kind of global.
pub(super) struct Protocols {
    pub(super) compositor: CompositorState,
    pub(super) shell: XdgShellState,
    pub(super) shm: ShmState,
    pub(super) seats: SeatState<Compositor>,
    pub(super) data_device: DataDeviceState,
    pub(super) primary_selection: PrimarySelectionState,
    pub(super) xwayland_shell: XWaylandShellState,
}

impl Protocols {
    /// Offers every protocol on `display`. The states that nothing asks for again live on in the display.
    fn offer(display: &DisplayHandle) -> Self {
        OutputManagerState::new_with_xdg_output::<Compositor>(display);
        XdgDecorationState::new::<Compositor>(display);
        ViewporterState::new::<Compositor>(display);
        PresentationState::new::<Compositor>(display, Clock::<Monotonic>::new().id() as u32);
        RelativePointerManagerState::new::<Compositor>(display);
        PointerConstraintsState::new::<Compositor>(display);
        CursorShapeManagerState::new::<Compositor>(display);
        FractionalScaleManagerState::new::<Compositor>(display);
        SinglePixelBufferState::new::<Compositor>(display);
        Self {
            compositor: CompositorState::new_v6::<Compositor>(display),
            shell: XdgShellState::new::<Compositor>(display),
            shm: ShmState::new::<Compositor>(display, []),
            seats: SeatState::new(),
            data_device: DataDeviceState::new::<Compositor>(display),
            primary_selection: PrimarySelectionState::new::<Compositor>(display),
            xwayland_shell: XWaylandShellState::new::<Compositor>(display),
        }
    }
}

impl Compositor {
    pub(super) fn new(
        display: &DisplayHandle,
        events: LoopHandle<'static, Self>,
        mode: Mode,
    ) -> Result<Self, DisplayError> {
        let mut protocols = Protocols::offer(display);
        let mut seat = protocols.seats.new_wl_seat(display, "seat0");
        let keyboard =
            seat.add_keyboard(keymap::US, REPEAT_DELAY_MS, REPEAT_PER_SECOND).map_err(|_| keymap::missing_layout())?;
        let pointer = seat.add_pointer();
        let output = new_output(mode);
        output.create_global::<Self>(display);
        Ok(Self {
            display: display.clone(),
            events,
            protocols,
            seat,
            keyboard,
            pointer,
            pointer_state: PointerState::default(),
            text_keys: TextKeys::new()?,
            output,
            mode,
            stack: Stack::default(),
            popups: PopupManager::default(),
            cursor: Cursor::default(),
            x11: X11::default(),
            pacer: Pacer::new(mode.refresh().period(), Instant::now()),
            repaint: true,
            application: None,
            phase: Phase::Running,
            started: Instant::now(),
        })
    }

    /// The size of the output. Its scale is 1: logical and physical pixels are the same.
    pub(super) fn size(&self) -> Size<i32, Logical> {
        size_of(self.mode)
    }

    /// Milliseconds since the display was opened: the time of input events and callbacks.
    pub(super) fn millis(&self) -> u32 {
        self.started.elapsed().as_millis() as u32
    }

    /// Changes the output's mode and tells every window.
    pub(super) fn set_mode(&mut self, mode: Mode) {
        if mode == self.mode {
            return;
        }
        self.output.delete_mode(output_mode(self.mode));
        self.mode = mode;
        self.output.change_current_state(Some(output_mode(mode)), None, None, None);
        self.output.set_preferred(output_mode(mode));
        self.configure_all();
        self.x11.resize_windows(&mut self.stack, size_of(mode));
        self.keep_pointer_inside();
        self.pacer.set_period(mode.refresh().period(), Instant::now());
        self.repaint = true;
    }

    /// Brings everything that follows from clients' requests up to date. Call it after each batch of events.
    pub(super) fn settle(&mut self) {
        self.stack.drop_dead();
        self.match_x11_surfaces();
        self.popups.cleanup();
        self.settle_focus();
    }
}

pub(super) fn size_of(mode: Mode) -> Size<i32, Logical> {
    // Sides are bounded by `Mode::MAX_SIDE`.
    Size::from((mode.width() as i32, mode.height() as i32))
}

fn output_mode(mode: Mode) -> output::Mode {
    output::Mode {
        size: (mode.width() as i32, mode.height() as i32).into(),
        refresh: i32::try_from(mode.refresh().millihertz()).unwrap_or(i32::MAX),
    }
}

fn new_output(mode: Mode) -> Output {
    // At 96 pixels per inch toolkits settle on scale 1.
    let millimetres = |pixels: u32| (f64::from(pixels) * 25.4 / 96.0) as i32;
    let size = (millimetres(mode.width()), millimetres(mode.height())).into();
    let properties =
        PhysicalProperties { size, subpixel: Subpixel::None, make: "punktfunk".into(), model: "embedded".into() };
    let output = Output::new("STREAM-1".into(), properties);
    output.change_current_state(
        Some(output_mode(mode)),
        Some(Transform::Normal),
        Some(Scale::Integer(1)),
        Some((0, 0).into()),
    );
    output.set_preferred(output_mode(mode));
    output
}

/// How long a key is held before it repeats, and how fast it does: what desktops ship with. Clients repeat by
/// themselves.
const REPEAT_DELAY_MS: i32 = 600;
const REPEAT_PER_SECOND: i32 = 25;

/// What the compositor keeps of each Wayland client.
#[derive(Debug, Default)]
pub(super) struct ClientState {
    pub(super) compositor: CompositorClientState,
}

impl ClientState {
    pub(super) fn shared() -> Arc<dyn ClientData> {
        Arc::new(Self::default())
    }
}

impl ClientData for ClientState {
    fn initialized(&self, _client: ClientId) {}

    fn disconnected(&self, _client: ClientId, reason: DisconnectReason) {
        if let DisconnectReason::ProtocolError(error) = reason {
            tracing::warn!(%error, "a Wayland client broke the protocol and was cut off");
        }
    }
}
