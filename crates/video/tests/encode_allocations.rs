//! The encode thread's promise: once the encoder is open, a frame costs no allocation of ours.

use punktfunk_proto::units::{Bitrate, HostTime, Mode};
use punktfunk_video::{
    encode::{self, Codec, EncoderConfig, EncoderKind, FrameRequest},
    frame::{Pixels, Received, channel},
};

#[test]
fn a_frame_from_slot_to_access_unit_allocates_nothing() {
    let mode = Mode::new(640, 360, 60).unwrap();
    let config = EncoderConfig { mode, bitrate: Bitrate::from_mbps(4), codec: Codec::H264 };
    let mut encoder = encode::open(EncoderKind::X264, config).unwrap();
    let (sender, receiver) = channel();
    let mut frame = |number: u8| {
        let mut slot: Pixels = sender.slot();
        slot.resize(mode.width(), mode.height());
        slot.bytes.fill(number);
        sender.send(HostTime::from_nanos(u64::from(number)), mode, slot);
        let Received::Frame(frame) = receiver.recv(std::time::Duration::ZERO) else { panic!("a frame was sent") };
        let request = if number.is_multiple_of(8) { FrameRequest::Idr } else { FrameRequest::Delta };
        let unit = encoder.encode(frame.pixels(), request, frame.info().captured_at).unwrap().unwrap();
        assert!(!unit.bytes.is_empty());
        encoder.set_bitrate(Bitrate::from_kbps(2_000 + u32::from(number)));
    };
    (0..8).for_each(&mut frame);
    let counted = allocation_counter::measure(|| (8..40).for_each(&mut frame));
    assert_eq!(counted.count_total, 0, "{counted:?}");
}
