//! The control stream's framing: a `u16` length, then that many bytes (spec section 2.1).

/// Cuts a byte stream into payloads.
///
/// Holds at most one unfinished frame plus what the last [`FrameReader::push`] brought: take every frame with
/// [`FrameReader::next_frame`] after each push.
#[derive(Debug, Default)]
pub struct FrameReader {
    buffer: Vec<u8>,
    start: usize,
}

impl FrameReader {
    /// A reader at the start of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes as they come from the stream, in pieces of any size.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next complete payload, without its length. May be empty.
    pub fn next_frame(&mut self) -> Option<&[u8]> {
        let (len, rest) = self.buffer[self.start..].split_first_chunk()?;
        let len = usize::from(u16::from_le_bytes(*len));
        if rest.len() < len {
            return None;
        }
        let payload = self.start + LENGTH..self.start + LENGTH + len;
        self.start = payload.end;
        Some(&self.buffer[payload])
    }

    /// Whether the stream may end here: nothing is cut off in the middle.
    pub fn is_at_boundary(&self) -> bool {
        self.start == self.buffer.len()
    }
}

/// Puts the length before `payload`.
///
/// # Panics
/// If `payload` is longer than 65,535 bytes, which no encoder of this module produces.
pub fn frame(payload: &[u8]) -> Vec<u8> {
    let len = u16::try_from(payload.len()).expect("no control message is longer than 65535 bytes");
    let mut framed = Vec::with_capacity(LENGTH + payload.len());
    framed.extend_from_slice(&len.to_le_bytes());
    framed.extend_from_slice(payload);
    framed
}

/// Bytes of the length field.
const LENGTH: usize = 2;

#[cfg(test)]
mod tests {
    use super::{FrameReader, frame};
    use proptest::prelude::{any, prop, proptest};

    #[test]
    fn memory_stays_within_one_frame_and_one_push() {
        let stream = frame(&[7; 65_535]).repeat(20);
        let mut reader = FrameReader::new();
        for piece in stream.chunks(1_000) {
            reader.push(piece);
            while reader.next_frame().is_some() {}
            assert!(reader.buffer.len() <= 65_537 + 1_000);
        }
        assert!(reader.is_at_boundary());
    }

    proptest! {
        #[test]
        fn payloads_come_out_as_they_went_in_however_the_stream_is_cut(
            payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..12),
            cut in 1_usize..64,
        ) {
            let stream: Vec<u8> = payloads.iter().flat_map(|payload| frame(payload)).collect();
            let mut reader = FrameReader::new();
            let mut found = Vec::new();
            for piece in stream.chunks(cut) {
                reader.push(piece);
                while let Some(payload) = reader.next_frame() {
                    found.push(payload.to_vec());
                }
            }
            assert_eq!(found, payloads);
            assert!(reader.is_at_boundary());
        }

        #[test]
        fn any_bytes_leave_the_reader_alive(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let mut reader = FrameReader::new();
            reader.push(&bytes);
            while reader.next_frame().is_some() {}
        }
    }
}
