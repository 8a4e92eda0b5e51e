//! Access units into datagrams.
//!
//! Run by the send thread, once per frame. Everything is written where it will be sent from, in a buffer that the caller
//! keeps; nothing is allocated once that has grown.

use punktfunk_proto::video::layout as proto;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use super::{
    layout::{BlockLayout, FrameLayout},
    parity::{ShardLayout, add_parity},
};

/// Bytes of a shard before its payload: RTP and the header of GameStream.
const HEADER: usize = 32;
/// Bytes that `packetSize` does not count.
const UNCOUNTED: usize = 16;
/// Bytes before an encrypted shard: nonce, frame, tag.
const SEAL: usize = 32;
/// Bytes before the frame's own.
const FRAME_HEADER: usize = 8;

/// Data shards of a block at the usual parity of a fifth.
const BLOCK_SHARDS: usize = 212;

/// How a session's video is sent.
#[derive(Clone, Copy, Debug)]
pub struct VideoParams {
    /// `packetSize`: bytes of a shard without the first 16.
    pub packet_size: u16,
    /// Parity in percent of data.
    pub fec_percent: u8,
    /// Parity shards of a block at least.
    pub min_parity: u8,
}

/// What a frame is to the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FrameKind {
    /// Refers to earlier ones.
    Delta = 1,
    /// Refers to none.
    Idr = 2,
    /// Refers to none of those that the client said are lost.
    AfterInvalidation = 5,
}

/// One access unit.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// The bitstream, beginning with parameter sets or a picture: no delimiter, no supplemental information.
    pub bytes: &'a [u8],
    /// What it is.
    pub kind: FrameKind,
    /// When it was captured, at 90 kHz.
    pub timestamp: u32,
    /// How long it took in the host, in tenths of a millisecond; 0 for unknown.
    pub latency: u16,
}

/// Why a frame was not packetized. It is missing in the stream: send an IDR.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// More shards than a frame can have.
    #[error("a frame of {0} bytes is more than a client takes; lower the bitrate")]
    TooLarge(usize),
    /// The key's nonces are used up.
    #[error("the session has sent all it can with its key")]
    Exhausted,
}

/// Turns frames into datagrams, numbering both.
pub struct Packetizer {
    params: VideoParams,
    seal: Option<VideoSeal>,
    /// The next datagram's number.
    datagram: u32,
    /// The next frame's, from 1.
    frame: u32,
}

impl Packetizer {
    /// For one session. `key` encrypts, if that was agreed. `packet_size` is at least 32.
    pub fn new(params: VideoParams, key: Option<&[u8; 16]>) -> Self {
        Self { params, seal: key.map(VideoSeal::new), datagram: 0, frame: 1 }
    }

    /// Bytes of every datagram.
    pub fn datagram_bytes(&self) -> usize {
        self.seal_bytes() + self.shard_bytes()
    }

    /// The number that the next frame will have; a client counts from 1.
    pub fn next_frame(&self) -> u32 {
        self.frame
    }

    /// How a frame of so many bytes lies in blocks with little parity, for who decides how much it gets.
    pub fn blocks_of(&self, bytes: usize) -> proto::FrameLayout {
        proto::FrameLayout::new(FRAME_HEADER + bytes, self.shard_bytes() - HEADER, BLOCK_SHARDS)
    }

    /// Parity from the next frame on, in percent.
    pub fn set_fec_percent(&mut self, percent: u8) {
        self.params.fec_percent = percent;
    }

    /// Appends the frame's datagrams to `out`, in the order they go; each is [`Packetizer::datagram_bytes`] long.
    ///
    /// # Errors
    /// [`FrameError`]; nothing that may be sent was appended, and the frame has no number.
    pub fn packetize(&mut self, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<(), FrameError> {
        let payload = self.shard_bytes() - HEADER;
        let length = FRAME_HEADER + frame.bytes.len();
        let VideoParams { fec_percent, min_parity, .. } = self.params;
        let layout = FrameLayout::new(length.div_ceil(payload), fec_percent, min_parity)
            .ok_or(FrameError::TooLarge(frame.bytes.len()))?;
        let mut cutter = Cutter { head: frame_header(frame, length, payload), bytes: frame.bytes, taken: 0 };
        let begin = out.len();
        for (number, block) in layout.blocks().enumerate() {
            let block_begin = out.len();
            out.resize(block_begin + block.shards() * self.datagram_bytes(), 0);
            let blocks = (number << 4 | (layout.count() - 1) << 6) as u8;
            self.write_block(&mut out[block_begin..], &mut cutter, Block { layout: block, blocks, frame });
        }
        if let Err(error) = self.encrypt(&mut out[begin..]) {
            out.truncate(begin);
            return Err(error);
        }
        self.frame = self.frame.wrapping_add(1);
        Ok(())
    }

    /// Data shards with what parity covers, then parity, then the fields that are every shard's own.
    fn write_block(&mut self, out: &mut [u8], cutter: &mut Cutter<'_>, block: Block<'_>) {
        let (stride, gap) = (self.datagram_bytes(), self.seal_bytes());
        let BlockLayout { data, percent, .. } = block.layout;
        let first = self.datagram;
        for (index, datagram) in out.chunks_exact_mut(stride).take(data).enumerate() {
            let shard = &mut datagram[gap..];
            let number = first.wrapping_add(index as u32);
            shard[16..20].copy_from_slice(&(number << 8).to_le_bytes());
            shard[20..24].copy_from_slice(&self.frame.to_le_bytes());
            shard[24] = 1 | u8::from(index == 0) << 2 | u8::from(index + 1 == data) << 1;
            shard[26] = 0x10;
            shard[27] = block.blocks;
            cutter.fill(&mut shard[HEADER..]);
        }
        add_parity(out, ShardLayout { stride, gap, data });
        for (index, datagram) in out.chunks_exact_mut(stride).enumerate() {
            let shard = &mut datagram[gap..];
            let number = first.wrapping_add(index as u32);
            shard[..2].copy_from_slice(&[0x90, 0]);
            shard[2..4].copy_from_slice(&(number as u16).to_be_bytes());
            shard[4..8].copy_from_slice(&block.frame.timestamp.to_be_bytes());
            shard[8..12].fill(0);
            shard[20..24].copy_from_slice(&self.frame.to_le_bytes());
            shard[27] = block.blocks;
            let fec = (data as u32) << 22 | (index as u32) << 12 | u32::from(percent) << 4;
            shard[28..32].copy_from_slice(&fec.to_le_bytes());
        }
        self.datagram = first.wrapping_add(block.layout.shards() as u32);
    }

    fn encrypt(&mut self, datagrams: &mut [u8]) -> Result<(), FrameError> {
        let (stride, frame) = (self.datagram_bytes(), self.frame);
        match &mut self.seal {
            Some(seal) => datagrams.chunks_exact_mut(stride).try_for_each(|datagram| seal.seal(datagram, frame)),
            None => Ok(()),
        }
    }

    fn shard_bytes(&self) -> usize {
        usize::from(self.params.packet_size) + UNCOUNTED
    }

    fn seal_bytes(&self) -> usize {
        if self.seal.is_some() { SEAL } else { 0 }
    }
}

/// One block about to be written.
struct Block<'a> {
    layout: BlockLayout,
    /// Its number and that of the last one, as the header says them.
    blocks: u8,
    frame: &'a Frame<'a>,
}

fn frame_header(frame: &Frame<'_>, length: usize, payload: usize) -> [u8; FRAME_HEADER] {
    let last = match length % payload {
        0 => payload,
        last => last,
    };
    let mut header = [1, 0, 0, frame.kind as u8, 0, 0, 0, 0];
    header[1..3].copy_from_slice(&frame.latency.to_le_bytes());
    header[4..6].copy_from_slice(&(last as u16).to_le_bytes());
    header
}

/// Deals out the frame's header and bytes.
struct Cutter<'a> {
    head: [u8; FRAME_HEADER],
    bytes: &'a [u8],
    /// Of both together.
    taken: usize,
}

impl Cutter<'_> {
    /// Fills `payload` as far as there is something left; the rest stays as it is.
    fn fill(&mut self, payload: &mut [u8]) {
        let head = self.head.get(self.taken..).unwrap_or_default();
        let (from_head, rest) = payload.split_at_mut(head.len());
        from_head.copy_from_slice(head);
        self.taken += head.len();
        let bytes = &self.bytes[self.taken - FRAME_HEADER..];
        let length = bytes.len().min(rest.len());
        rest[..length].copy_from_slice(&bytes[..length]);
        self.taken += length;
    }
}

/// Encryption of whole datagrams (spec section 5.4).
struct VideoSeal {
    key: LessSafeKey,
    next: u64,
}

impl VideoSeal {
    fn new(key: &[u8; 16]) -> Self {
        let key = UnboundKey::new(&AES_128_GCM, key).expect("the key has the cipher's length");
        Self { key: LessSafeKey::new(key), next: 0 }
    }

    fn seal(&mut self, datagram: &mut [u8], frame: u32) -> Result<(), FrameError> {
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&self.next.to_le_bytes());
        nonce[11] = b'V';
        self.next = self.next.checked_add(1).ok_or(FrameError::Exhausted)?;
        let (head, shard) = datagram.split_at_mut(SEAL);
        let unique = Nonce::assume_unique_for_key(nonce);
        let tag =
            self.key.seal_in_place_separate_tag(unique, Aad::empty(), shard).map_err(|_| FrameError::Exhausted)?;
        head[..12].copy_from_slice(&nonce);
        head[12..16].copy_from_slice(&frame.to_le_bytes());
        head[16..].copy_from_slice(tag.as_ref());
        Ok(())
    }
}
