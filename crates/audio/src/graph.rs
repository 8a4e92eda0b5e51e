//! What capture and playback ask PipeWire for: the format, and how the nodes are called.

use pipewire::spa::{
    param::{
        ParamType,
        audio::{AudioFormat, AudioInfoRaw},
    },
    pod::{self, Object, Value},
    utils::SpaTypes,
};

use crate::{Layout, RATE};

/// The name of the session's output.
pub(crate) const SINK: &str = "punktfunk";

/// Packets of 5 ms as PipeWire writes a latency.
pub(crate) const LATENCY: &str = "240/48000";

/// `layout` in interleaved `f32` at [`RATE`], as the bytes of a format parameter.
pub(crate) fn format(layout: Layout) -> Vec<u8> {
    let mut info = AudioInfoRaw::new();
    info.set_format(AudioFormat::F32LE);
    info.set_rate(RATE);
    info.set_channels(layout.channels() as u32);
    let mut positions = info.position();
    for (position, name) in positions.iter_mut().zip(layout.names()) {
        *position = position_of(name);
    }
    info.set_position(positions);
    let object = Object {
        type_: SpaTypes::ObjectParamFormat.as_raw(),
        id: ParamType::EnumFormat.as_raw(),
        properties: info.into(),
    };
    let written = pod::serialize::PodSerializer::serialize(std::io::Cursor::new(Vec::new()), &Value::Object(object));
    written.expect("a format is written to memory").0.into_inner()
}

fn position_of(name: &str) -> u32 {
    use pipewire::spa::sys;
    match name {
        "FL" => sys::SPA_AUDIO_CHANNEL_FL,
        "FR" => sys::SPA_AUDIO_CHANNEL_FR,
        "FC" => sys::SPA_AUDIO_CHANNEL_FC,
        "LFE" => sys::SPA_AUDIO_CHANNEL_LFE,
        "RL" => sys::SPA_AUDIO_CHANNEL_RL,
        "RR" => sys::SPA_AUDIO_CHANNEL_RR,
        "SL" => sys::SPA_AUDIO_CHANNEL_SL,
        _ => sys::SPA_AUDIO_CHANNEL_SR,
    }
}
