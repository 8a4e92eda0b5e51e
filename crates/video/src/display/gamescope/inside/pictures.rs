//! gamescope's pictures from PipeWire.
//!
//! There need be no session manager: gamescope's node is found by its name and linked by us. One format is offered, so that
//! one is chosen for all of the session: BGRx of the mode's size in memory that can be mapped. All of it runs on the thread
//! that calls [`Pictures::act`]; callbacks only note what happened.

use std::{
    cell::{Cell, RefCell},
    io::Cursor,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    ptr,
    rc::Rc,
};

use pipewire::{
    context::ContextRc,
    core::CoreRc,
    link::Link,
    loop_::{LoopRc, Timeout},
    properties::properties,
    registry::{GlobalObject, RegistryRc},
    spa::{
        buffer::{ChunkFlags, Data, DataType},
        param::{
            ParamType,
            format::{FormatProperties, MediaSubtype, MediaType},
            video::{VideoFormat, VideoInfoRaw},
        },
        pod::{self, Object, Pod, Value, serialize::PodSerializer},
        utils::{Direction, Fraction, Rectangle, SpaTypes, dict::DictRef},
    },
    stream::{StreamFlags, StreamRc, StreamState},
    sys::pw_buffer,
    types::ObjectType,
};
use punktfunk_proto::units::Mode;

use super::canvas::Source;
use crate::display::gamescope::wire::Fault;

/// What the callbacks noted.
#[derive(Default)]
struct Notes {
    /// gamescope's node.
    source: Cell<Option<u32>>,
    ports: RefCell<Vec<Port>>,
    negotiated: Cell<bool>,
    fault: Cell<Option<Fault>>,
    /// The newest buffer, taken from the stream and not yet given back.
    newest: Cell<*mut pw_buffer>,
}

impl Notes {
    /// The first fault is the cause of the others.
    fn fail(&self, fault: Fault) {
        self.fault.set(self.fault.get().or(Some(fault)));
    }
}

struct Port {
    id: u32,
    node: u32,
    direction: Way,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    In,
    Out,
}

/// A connection to PipeWire that takes gamescope's pictures. The order of the fields is the order in which they end.
pub(super) struct Pictures {
    link: Option<Link>,
    _heard: (pipewire::core::Listener, pipewire::registry::Listener, pipewire::stream::StreamListener<()>),
    stream: StreamRc,
    _registry: RegistryRc,
    core: CoreRc,
    _context: ContextRc,
    main_loop: Entered,
    notes: Rc<Notes>,
    passed_over: u16,
}

/// A loop that belongs to this thread. PipeWire's own thread runs callbacks itself while a loop belongs to nobody, so it is
/// not entered for each iteration alone.
struct Entered(LoopRc);

impl Entered {
    fn new() -> Result<Self, pipewire::Error> {
        let main_loop = LoopRc::new(None)?;
        // SAFETY: it is left when this is dropped.
        unsafe { main_loop.enter() };
        Ok(Self(main_loop))
    }

    /// Dispatches what there is; never waits. Negative is an error.
    fn iterate(&self) -> i32 {
        // SAFETY: the loop was entered, by this thread: `LoopRc` goes to no other.
        unsafe { self.0.iterate_unguarded(Timeout::Finite(std::time::Duration::ZERO)) }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // SAFETY: it was entered once.
        unsafe { self.0.leave() };
    }
}

/// What gamescope calls its node, and the class it gives it.
const NODE: (&str, &str) = ("gamescope", "Video/Source");

impl Pictures {
    /// Waits for pictures of `mode` on this connection to PipeWire.
    pub(super) fn connect(socket: UnixStream, mode: Mode) -> Result<Self, pipewire::Error> {
        let main_loop = Entered::new()?;
        let context = ContextRc::new(&main_loop.0, None)?;
        let core = context.connect_fd_rc(socket.into(), None)?;
        let registry = core.get_registry_rc()?;
        let notes = Rc::new(Notes::default());
        let stream = StreamRc::new(
            core.clone(),
            "punktfunk-screen",
            properties! { "media.type" => "Video", "media.category" => "Capture", "media.role" => "Screen" },
        )?;
        let heard = (listen_core(&core, &notes), listen_registry(&registry, &notes), listen(&stream, &notes, mode)?);
        let format = bytes_of(format(mode));
        let mut params: Vec<&Pod> = Pod::from_bytes(&format).into_iter().collect();
        stream.connect(Direction::Input, None, StreamFlags::MAP_BUFFERS | StreamFlags::DONT_RECONNECT, &mut params)?;
        Ok(Self {
            link: None,
            _heard: heard,
            stream,
            _registry: registry,
            core,
            _context: context,
            main_loop,
            notes,
            passed_over: 0,
        })
    }

    /// Acts on all that has happened; never waits.
    pub(super) fn act(&mut self) -> Result<(), Fault> {
        if self.main_loop.iterate() < 0 {
            return Err(Fault::PipewireLost);
        }
        self.connect_to_gamescope();
        self.collect();
        self.notes.fault.get().map_or(Ok(()), Err)
    }

    /// Whether the format is agreed on: pictures come as gamescope paints them.
    pub(super) fn is_ready(&self) -> bool {
        self.notes.negotiated.get()
    }

    /// Whether gamescope was found.
    pub(super) fn is_linked(&self) -> bool {
        self.link.is_some()
    }

    fn connect_to_gamescope(&mut self) {
        let (Some(source), None) = (self.notes.source.get(), &self.link) else { return };
        let (sink, ports) = (self.stream.node_id(), self.notes.ports.borrow());
        let port = |node, way| ports.iter().find(|port| port.node == node && port.direction == way).map(|port| port.id);
        let (Some(from), Some(to)) = (port(source, Way::Out), port(sink, Way::In)) else { return };
        let link = self.core.create_object::<Link>(
            "link-factory",
            &properties! {
                "link.output.node" => source.to_string(),
                "link.output.port" => from.to_string(),
                "link.input.node" => sink.to_string(),
                "link.input.port" => to.to_string(),
            },
        );
        match link {
            Ok(link) => self.link = Some(link),
            Err(_) => self.notes.fail(Fault::NoPictures),
        }
    }

    /// Takes what buffers there are, and gives back all but the newest.
    fn collect(&mut self) {
        loop {
            // SAFETY: the pointer is null or a buffer of this stream, which it stays until it is queued or removed; of
            // its removal `Notes::newest` hears.
            let buffer = unsafe { self.stream.dequeue_raw_buffer() };
            if buffer.is_null() {
                return;
            }
            let stale = self.notes.newest.replace(buffer);
            if !stale.is_null() {
                self.passed_over = self.passed_over.saturating_add(1);
                self.give_back(stale);
            }
        }
    }

    fn give_back(&self, buffer: *mut pw_buffer) {
        if !buffer.is_null() {
            // SAFETY: it was dequeued from this stream and not queued since: whoever queues it takes it out of `newest`.
            unsafe { self.stream.queue_raw_buffer(buffer) };
        }
    }

    /// How many pictures gave way to newer ones since the last call.
    pub(super) fn passed_over(&mut self) -> u16 {
        std::mem::take(&mut self.passed_over)
    }

    /// Whether there is a picture to be copied.
    pub(super) fn has_picture(&self) -> bool {
        !self.notes.newest.get().is_null()
    }

    /// Lets `copy` read the newest picture and gives its buffer back. `false` when it held none.
    pub(super) fn take(&self, copy: impl FnOnce(Source) -> bool) -> bool {
        let buffer = self.notes.newest.replace(ptr::null_mut());
        if buffer.is_null() {
            return false;
        }
        // SAFETY: a dequeued buffer is ours until it is queued again; no callback runs meanwhile.
        let copied = unsafe { first_block(buffer) }.is_some_and(|data| with_source(data, copy));
        self.give_back(buffer);
        copied
    }
}

impl AsFd for Pictures {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.main_loop.0.fd()
    }
}

/// # Safety
/// `buffer` is a buffer of a stream, dequeued.
unsafe fn first_block<'a>(buffer: *mut pw_buffer) -> Option<&'a Data> {
    // SAFETY: libpipewire keeps both structures while the buffer is dequeued; `datas` has `n_datas` elements, and `Data`
    // is the transparent form of one.
    unsafe {
        let spa = (*buffer).buffer.as_ref()?;
        if spa.n_datas == 0 { None } else { spa.datas.cast::<Data>().as_ref() }
    }
}

/// Says where the picture lies, if the block holds one that can be read.
fn with_source(data: &Data, copy: impl FnOnce(Source) -> bool) -> bool {
    let raw = data.as_raw();
    if raw.data.is_null() || raw.chunk.is_null() {
        return false;
    }
    let chunk = data.chunk();
    let Ok(stride) = usize::try_from(chunk.stride()) else { return false };
    if chunk.flags().contains(ChunkFlags::CORRUPTED) || chunk.size() == 0 || data.type_() == DataType::DmaBuf {
        return false;
    }
    let source = Source { base: raw.data.cast(), len: raw.maxsize as usize, offset: chunk.offset() as usize, stride };
    copy(source)
}

fn listen_core(core: &CoreRc, notes: &Rc<Notes>) -> pipewire::core::Listener {
    let notes = Rc::clone(notes);
    let errors = core.add_listener_local().error(move |id, _, code, text| {
        eprintln!("PipeWire: object {id}: {text} ({code})");
        // The core itself is object 0: its errors are of the connection. What else fails here is our link, for want of a
        // format that both sides have.
        notes.fail(if id == 0 && code == -libc::EPIPE { Fault::PipewireLost } else { Fault::Format });
    });
    errors.register()
}

fn listen_registry(registry: &RegistryRc, notes: &Rc<Notes>) -> pipewire::registry::Listener {
    let notes = Rc::clone(notes);
    registry.add_listener_local().global(move |object| note_object(object, &notes)).register()
}

fn note_object(object: &GlobalObject<&DictRef>, notes: &Notes) {
    let Some(properties) = object.props else { return };
    match object.type_ {
        ObjectType::Node
            if (properties.get("node.name"), properties.get("media.class")) == (Some(NODE.0), Some(NODE.1)) =>
        {
            // The first one stays: an application may make another of this name.
            notes.source.set(notes.source.get().or(Some(object.id)));
        }
        ObjectType::Port => {
            let direction = match properties.get("port.direction") {
                Some("in") => Way::In,
                Some("out") => Way::Out,
                _ => return,
            };
            let Some(node) = properties.get("node.id").and_then(|node| node.parse().ok()) else { return };
            notes.ports.borrow_mut().push(Port { id: object.id, node, direction });
        }
        _ => {}
    }
}

fn listen(
    stream: &StreamRc,
    notes: &Rc<Notes>,
    mode: Mode,
) -> Result<pipewire::stream::StreamListener<()>, pipewire::Error> {
    let (failed, agreed, removed) = (Rc::clone(notes), Rc::clone(notes), Rc::clone(notes));
    let listener = stream.add_local_listener::<()>();
    listener
        .state_changed(move |_, (), _, state| {
            if let StreamState::Error(text) = state {
                eprintln!("PipeWire: gamescope's pictures: {text}");
                failed.fail(Fault::Format);
            }
        })
        .param_changed(move |_, (), id, param| {
            let Some(param) = param.filter(|_| id == ParamType::Format.as_raw()) else { return };
            let mut info = VideoInfoRaw::new();
            let size = |info: &VideoInfoRaw| (info.size().width, info.size().height);
            let fits = info.parse(param).is_ok()
                && (info.format(), size(&info)) == (VideoFormat::BGRx, (mode.width(), mode.height()));
            if fits {
                agreed.negotiated.set(true);
            } else {
                agreed.fail(Fault::Format);
            }
        })
        .remove_buffer(move |_, (), buffer| {
            if removed.newest.get() == buffer {
                removed.newest.set(ptr::null_mut());
            }
        })
        .register()
}

/// The only format that is offered: gamescope's frames come as it paints them, which is the rate 0/1.
fn format(mode: Mode) -> Object {
    let anything = Fraction { num: 1_000, denom: 1 };
    let none = Fraction { num: 0, denom: 1 };
    pod::object!(
        SpaTypes::ObjectParamFormat,
        ParamType::EnumFormat,
        pod::property!(FormatProperties::MediaType, Id, MediaType::Video),
        pod::property!(FormatProperties::MediaSubtype, Id, MediaSubtype::Raw),
        pod::property!(FormatProperties::VideoFormat, Id, VideoFormat::BGRx),
        pod::property!(
            FormatProperties::VideoSize,
            Rectangle,
            Rectangle { width: mode.width(), height: mode.height() }
        ),
        pod::property!(FormatProperties::VideoFramerate, Choice, Range, Fraction, none, none, anything),
    )
}

fn bytes_of(object: Object) -> Vec<u8> {
    let written = PodSerializer::serialize(Cursor::new(Vec::new()), &Value::Object(object));
    written.map(|(cursor, _)| cursor.into_inner()).unwrap_or_default()
}
