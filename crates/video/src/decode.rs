//! What a client would see of an access unit, in three figures: for the host's check of itself. Clients decode on their own.

use ffmpeg_next::{
    codec::{self, context::Context, packet::Packet},
    decoder,
    format::Pixel,
    frame,
};

/// A decoder of H.264.
pub struct Decoder {
    decoder: decoder::Video,
    units: i64,
}

/// How bright and of which colour a picture is on the whole: the mean of each of its planes, from 0 to 255.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Impression([f64; 3]);

/// There is no decoder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("FFmpeg here has no decoder for H.264 ({0}): install the distribution's full libavcodec")]
pub struct NoDecoder(String);

impl Impression {
    /// How far two pictures are from each other: the largest difference of a plane's mean.
    pub fn distance(&self, other: &Self) -> f64 {
        self.0.iter().zip(other.0).map(|(one, other)| (one - other).abs()).fold(0.0, f64::max)
    }
}

impl Decoder {
    /// Opens a decoder.
    ///
    /// # Errors
    /// FFmpeg lacks it.
    pub fn open() -> Result<Self, NoDecoder> {
        let found = decoder::find(codec::Id::H264).ok_or_else(|| NoDecoder("it was built without".into()))?;
        let mut context = Context::new_with_codec(found);
        context.set_flags(codec::Flags::LOW_DELAY);
        let decoder = context.decoder().video().map_err(|error| NoDecoder(error.to_string()))?;
        Ok(Self { decoder, units: 0 })
    }

    /// Looks at one unit; `None` when its picture did not come out.
    pub fn look(&mut self, unit: &[u8]) -> Option<Impression> {
        // FFmpeg reads an empty packet as the end of the stream.
        if unit.is_empty() {
            return None;
        }
        self.units += 1;
        let mut packet = Packet::copy(unit);
        packet.set_pts(Some(self.units));
        self.decoder.send_packet(&packet).ok()?;
        let mut picture = frame::Video::empty();
        let mut seen = None;
        while self.decoder.receive_frame(&mut picture).is_ok() {
            seen = impression(&picture);
        }
        seen
    }
}

fn impression(picture: &frame::Video) -> Option<Impression> {
    let is_planar = matches!(picture.format(), Pixel::YUV420P | Pixel::YUVJ420P);
    is_planar.then(|| Impression([0, 1, 2].map(|plane| mean(picture, plane))))
}

fn mean(picture: &frame::Video, plane: usize) -> f64 {
    let (width, height) = (picture.plane_width(plane) as usize, picture.plane_height(plane) as usize);
    let rows = picture.data(plane).chunks(picture.stride(plane).max(1)).take(height);
    let sum: u64 = rows.flat_map(|row| row.iter().take(width)).map(|value| u64::from(*value)).sum();
    sum as f64 / (width * height).max(1) as f64
}

#[cfg(test)]
mod tests {
    use punktfunk_proto::{
        input::SeatEvent,
        units::{Bitrate, HostTime, Mode},
    };

    use super::Decoder;
    use crate::{
        display::synthetic::Scene,
        encode::{self, Codec, EncoderConfig, EncoderKind, FrameRequest},
        frame::Pixels,
    };

    #[test]
    fn a_key_press_is_seen_and_a_picture_that_only_moves_is_not() {
        let mode = Mode::new(640, 360, 30).unwrap();
        let config = EncoderConfig { mode, bitrate: Bitrate::from_mbps(2), codec: Codec::H264 };
        let mut encoder = encode::open(EncoderKind::X264, config).unwrap();
        let mut decoder = Decoder::open().unwrap();
        let (mut scene, mut pixels) = (Scene::default(), Pixels::default());
        pixels.resize(640, 360);
        let mut see = |scene: &Scene, number: u32| {
            scene.paint(number, &mut pixels);
            let request = if number == 0 { FrameRequest::Idr } else { FrameRequest::Delta };
            let unit = encoder.encode(&pixels, request, HostTime::from_nanos(u64::from(number))).unwrap();
            decoder.look(unit.unwrap().bytes).unwrap()
        };
        let first = see(&scene, 0);
        let moved = (1..95).map(|number| see(&scene, number).distance(&first)).fold(0.0, f64::max);
        scene.apply(SeatEvent::Key { code: 30, pressed: true });
        let pressed = (95..99).map(|number| see(&scene, number)).last().unwrap().distance(&first);
        assert!(moved < 10.0 && pressed > 20.0, "moved {moved:.1}, pressed {pressed:.1}");
    }

    #[test]
    fn what_is_no_unit_is_seen_as_nothing() {
        let mut decoder = Decoder::open().unwrap();
        for wrong in [&b""[..], b"\0\0\0\x01", b"no unit at all"] {
            assert_eq!(decoder.look(wrong), None);
        }
    }
}
