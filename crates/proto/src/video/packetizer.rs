//! Access units into packets: all data shards of all blocks in order, then all recovery shards (spec section 4.4); of a
//! unit that is still being encoded block after block (section 4.6).
//!
//! Run by the host's media thread. A unit stays in the one buffer it came in; each packet is written straight to where
//! it will be sealed. Parity is computed block by block when the last data shard has gone out, so that data never waits
//! for it. All buffers are reused.

use crate::{
    fec::{BlockShape, FecEncoder, FecScheme, recovery_count},
    units::HostTime,
    video::{
        header::{PacketHeader, packet_flags},
        layout::FrameLayout,
        streamed::{Block, StreamedBlocks, Streaming},
    },
};

/// The geometry that a session settled on, and what may change between units.
#[derive(Clone, Copy, Debug)]
pub struct PacketizerConfig {
    /// The code of the session.
    pub scheme: FecScheme,
    /// `K`, most data shards of a block.
    pub block_shards: usize,
    /// Most shards of a block, recovery included.
    pub block_total: usize,
}

impl PacketizerConfig {
    /// Recovery shards for a block of `data` shards at `percent`, within the session's limits; none where the code
    /// has no such shape.
    pub fn recovery_shards(&self, data: usize, percent: u8) -> usize {
        let wanted = recovery_count(data, percent).min(self.block_total.saturating_sub(data));
        if self.scheme.supports(data, wanted) { wanted } else { 0 }
    }
}

/// One access unit on its way out.
pub struct Outgoing {
    info: UnitInfo,
    /// Bytes of the unit, or what is there of it so far.
    frame_bytes: usize,
    /// The unit; zero-padded to whole shards once all of it is there.
    data: Vec<u8>,
    order: Order,
    /// The next packet's shard of the current block, counted within the pass.
    shard: usize,
    pass: Pass,
    left: usize,
}

/// Which shards of a block are being written.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pass {
    Data,
    Recovery,
}

/// In which order blocks are written.
enum Order {
    /// Data of all blocks, then recovery of all blocks (spec section 4.4).
    Whole { layout: FrameLayout, block: usize },
    /// Block after block, as they come about (spec section 4.6).
    Streamed(StreamedBlocks),
}

/// What a unit is, apart from its bytes.
#[derive(Clone, Copy, Debug)]
pub struct UnitInfo {
    /// When it was captured.
    pub pts: HostTime,
    /// Its number.
    pub frame_index: u32,
    /// Its `user_flags`.
    pub user_flags: u32,
    /// Bytes per shard.
    pub shard_bytes: usize,
    /// FEC percentage, 0 to 90.
    pub percent: u8,
}

impl Outgoing {
    /// Packets that can be written now. Of a streamed unit more come with [`Packetizer::cut`].
    pub fn left(&self) -> usize {
        self.left
    }

    /// Whether all packets were written.
    pub fn is_done(&self) -> bool {
        self.left == 0
            && match &self.order {
                Order::Whole { .. } => true,
                Order::Streamed(blocks) => blocks.is_done(),
            }
    }

    /// Data shards of the unit, as far as they are cut.
    pub fn data_shards(&self) -> usize {
        match &self.order {
            Order::Whole { layout, .. } => layout.total_shards(),
            Order::Streamed(blocks) => blocks.cut(),
        }
    }

    /// Bytes per shard.
    pub fn shard_bytes(&self) -> usize {
        self.info.shard_bytes
    }

    /// Bytes of the unit, as far as they are there.
    pub fn frame_bytes(&self) -> usize {
        self.frame_bytes
    }

    /// What it is.
    pub fn info(&self) -> UnitInfo {
        self.info
    }

    /// The buffer that the unit lies in.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.data
    }

    /// Gives the buffer back for another unit.
    pub fn into_buffer(self) -> Vec<u8> {
        self.data
    }

    /// Appends more of a streamed unit.
    pub fn push(&mut self, bytes: &[u8]) {
        self.data.extend_from_slice(bytes);
        self.frame_bytes = self.data.len();
    }

    /// The streamed unit is complete.
    pub fn finish(&mut self) {
        if let Order::Streamed(blocks) = &mut self.order {
            let shards = blocks.finish(self.frame_bytes, self.info.shard_bytes);
            self.data.resize(shards * self.info.shard_bytes, 0);
        }
    }
}

/// Writes the packets of one session.
pub struct Packetizer {
    config: PacketizerConfig,
    fec: FecEncoder,
    /// Recovery shards of the block the cursor is in.
    parity: Vec<u8>,
    stream_seq: u32,
}

impl Packetizer {
    /// A packetizer whose first packet is number 0.
    pub fn new(config: PacketizerConfig) -> Self {
        Self { config, fec: FecEncoder::new(config.scheme), parity: Vec::new(), stream_seq: 0 }
    }

    /// Takes a unit in, which is at most `u32::MAX` bytes long, in at most 65,535 blocks. `unit` grows to whole shards.
    pub fn begin(&self, info: UnitInfo, mut unit: Vec<u8>) -> Outgoing {
        let frame_bytes = unit.len();
        let layout = FrameLayout::new(unit.len(), info.shard_bytes, self.config.block_shards);
        unit.resize(layout.total_shards() * info.shard_bytes, 0);
        let recovery = (0..layout.blocks())
            .map(|block| self.config.recovery_shards(layout.data_shards(block), info.percent))
            .sum::<usize>();
        Outgoing {
            info,
            frame_bytes,
            data: unit,
            order: Order::Whole { layout, block: 0 },
            shard: 0,
            pass: Pass::Data,
            left: layout.total_shards() + recovery,
        }
    }

    /// Opens a unit that is still being encoded, with the limits of [`Packetizer::begin`]. `buffer` is empty.
    pub fn open(&self, info: UnitInfo, streaming: Streaming, buffer: Vec<u8>) -> Outgoing {
        let user_flags = info.user_flags | streaming.flags();
        Outgoing {
            info: UnitInfo { user_flags, ..info },
            frame_bytes: 0,
            data: buffer,
            order: Order::Streamed(StreamedBlocks::new(streaming, self.config.block_shards)),
            shard: 0,
            pass: Pass::Data,
            left: 0,
        }
    }

    /// Data shards of the next block of a streamed unit, once the last one is written and enough is there.
    pub fn next_block(&self, unit: &Outgoing) -> Option<usize> {
        match &unit.order {
            Order::Streamed(blocks) if unit.left == 0 => blocks.next(unit.frame_bytes, unit.info.shard_bytes),
            Order::Streamed(_) | Order::Whole { .. } => None,
        }
    }

    /// Cuts that block off, at this FEC percentage. Returns its recovery shards.
    pub fn cut(&self, unit: &mut Outgoing, percent: u8) -> usize {
        let Some(data) = self.next_block(unit) else { return 0 };
        let Order::Streamed(blocks) = &mut unit.order else { return 0 };
        let recovery = self.config.recovery_shards(data, percent);
        blocks.cut_off(data, recovery);
        (unit.shard, unit.pass, unit.left) = (0, Pass::Data, data + recovery);
        recovery
    }

    /// Appends the next packet of `unit`, header and shard, to `out`. Does nothing when none is left.
    pub fn write_next(&mut self, unit: &mut Outgoing, out: &mut Vec<u8>) {
        if unit.left == 0 {
            return;
        }
        let block = self.settle(unit);
        out.extend_from_slice(&self.header(unit, &block).encode());
        let bytes = unit.info.shard_bytes;
        let from = match unit.pass {
            Pass::Data => &unit.data[(block.start + unit.shard) * bytes..],
            Pass::Recovery => &self.parity[unit.shard * bytes..],
        };
        out.extend_from_slice(&from[..bytes]);
        unit.shard += 1;
        unit.left -= 1;
        self.stream_seq = self.stream_seq.wrapping_add(1);
    }

    /// Moves on to a shard that exists, which there is while packets are left, and returns its block.
    fn settle(&mut self, unit: &mut Outgoing) -> Block {
        let mut block = self.block(unit);
        while unit.shard == block.shards_of(unit.pass) {
            unit.shard = 0;
            match &mut unit.order {
                Order::Streamed(_) => unit.pass = Pass::Recovery,
                Order::Whole { layout, block } => {
                    *block += 1;
                    if *block == layout.blocks() {
                        (*block, unit.pass) = (0, Pass::Recovery);
                    }
                }
            }
            block = self.block(unit);
        }
        if unit.pass == Pass::Recovery && unit.shard == 0 {
            self.compute_parity(unit, &block);
        }
        block
    }

    /// The block that is being written.
    fn block(&self, unit: &Outgoing) -> Block {
        match &unit.order {
            Order::Streamed(blocks) => blocks.current(),
            Order::Whole { layout, block } => {
                let data = layout.data_shards(*block);
                let recovery = self.config.recovery_shards(data, unit.info.percent);
                Block { index: *block, start: layout.start(*block), data, recovery }
            }
        }
    }

    fn compute_parity(&mut self, unit: &Outgoing, block: &Block) {
        let bytes = unit.info.shard_bytes;
        let shape = BlockShape { data: block.data, recovery: block.recovery, shard_bytes: bytes };
        self.fec
            .encode(shape, &unit.data[block.start * bytes..][..block.data * bytes], &mut self.parity)
            .expect("recovery_shards only names shapes the scheme supports, shards are even");
    }

    fn header(&self, unit: &Outgoing, block: &Block) -> PacketHeader {
        let (is_last, sizes) = match &unit.order {
            Order::Whole { layout, .. } => (true, (unit.frame_bytes, layout.blocks())),
            Order::Streamed(blocks) => (blocks.is_done(), blocks.sizes(unit.frame_bytes, unit.info.shard_bytes)),
        };
        let mut flags = packet_flags::PICTURE;
        if unit.left == 1 && is_last {
            flags |= packet_flags::END;
        }
        if unit.pass == Pass::Data && block.index == 0 && unit.shard == 0 {
            flags |= packet_flags::START;
        }
        let before = if unit.pass == Pass::Recovery { block.data } else { 0 };
        PacketHeader {
            pts: unit.info.pts,
            frame_index: unit.info.frame_index,
            stream_seq: self.stream_seq,
            frame_bytes: sizes.0 as u32,
            user_flags: unit.info.user_flags,
            block_index: block.index as u16,
            block_count: sizes.1 as u16,
            data_shards: block.data as u16,
            recovery_shards: block.recovery as u16,
            shard_index: (unit.shard + before) as u16,
            shard_bytes: unit.info.shard_bytes as u16,
            fec_scheme: self.config.scheme.id(),
            packet_flags: flags,
        }
    }
}

impl Block {
    fn shards_of(&self, pass: Pass) -> usize {
        match pass {
            Pass::Data => self.data,
            Pass::Recovery => self.recovery,
        }
    }
}
