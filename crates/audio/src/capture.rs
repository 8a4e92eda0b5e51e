//! Captures what is played on the session's output.
//!
//! Runs on the thread of its event loop, 200 times a second while something is played; while nothing is, the output stands
//! still and so does this. Allocates nothing after its start.

use std::rc::Rc;

use pipewire::{
    core::CoreRc,
    keys,
    properties::properties,
    registry::{self, RegistryRc},
    spa::{pod::Pod, utils::Direction},
    stream::{StreamFlags, StreamListener, StreamRc, StreamState},
    types::ObjectType,
};

use crate::{
    Layout,
    graph::{self, LATENCY, SINK},
    line::SoundPacket,
};

/// A running capture. Dropping it ends it.
pub struct Capture {
    _listener: StreamListener<SoundPacket>,
    _links: registry::Listener,
    _registry: RegistryRc,
    _stream: StreamRc,
}

/// What a capture says: on the thread of the loop.
pub trait Hears {
    /// It is connected to the output.
    fn ready(&self);
    /// A full packet ([`crate::line`]).
    fn packet(&self, packet: &[u8]);
    /// It has ended.
    fn failed(&self);
}

impl Capture {
    /// Starts one of the output of the server behind `core`.
    ///
    /// # Errors
    /// PipeWire refused.
    pub fn start(core: CoreRc, layout: Layout, hears: Rc<dyn Hears>) -> Result<Self, pipewire::Error> {
        let properties = properties! {
            *keys::MEDIA_TYPE => "Audio",
            *keys::MEDIA_CATEGORY => "Capture",
            *keys::NODE_NAME => "punktfunk-capture",
            *keys::NODE_LATENCY => LATENCY,
            "target.object" => SINK,
            // What is played, not a microphone.
            "stream.capture.sink" => "true",
            "stream.dont-remix" => "true",
            // It does not keep the output running: silence costs nothing.
            "node.passive" => "true",
        };
        let registry = core.get_registry_rc()?;
        let stream = StreamRc::new(core, "punktfunk-capture", properties)?;
        let (states, packets) = (Rc::clone(&hears), Rc::clone(&hears));
        let listener = stream
            .add_local_listener_with_user_data(SoundPacket::new(layout))
            .state_changed(move |_, _, _, state| {
                if matches!(state, StreamState::Error(_) | StreamState::Unconnected) {
                    states.failed();
                }
            })
            .process(move |stream, packet| {
                let Some(mut buffer) = stream.dequeue_buffer() else { return };
                let Some(data) = buffer.datas_mut().first_mut() else { return };
                let (offset, size) = (data.chunk().offset() as usize, data.chunk().size() as usize);
                if let Some(samples) = data.data().and_then(|data| data.get(offset..offset.checked_add(size)?)) {
                    packet.fill(samples, |full| packets.packet(full));
                }
            })
            .register()?;
        let format = graph::format(layout);
        let pod = Pod::from_bytes(&format).expect("a format is a pod");
        let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS;
        stream.connect(Direction::Input, None, flags, &mut [pod])?;
        let links = watch_links(&registry, stream.clone(), hears);
        Ok(Self { _listener: listener, _links: links, _registry: registry, _stream: stream })
    }
}

/// Says `ready` once somebody has connected the stream. Formats do not tell: nothing is agreed on before something is
/// played.
fn watch_links(registry: &RegistryRc, stream: StreamRc, hears: Rc<dyn Hears>) -> registry::Listener {
    let links = registry.add_listener_local().global(move |object| {
        let node = stream.node_id().to_string();
        let is_ours = object.props.is_some_and(|props| props.get(*keys::LINK_INPUT_NODE) == Some(node.as_str()));
        if object.type_ == ObjectType::Link && is_ours {
            hears.ready();
        }
    });
    links.register()
}
