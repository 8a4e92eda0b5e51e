//! Access units into packets: all data shards of all blocks in order, then all recovery shards (spec section 4.4).
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
    pts: HostTime,
    frame_index: u32,
    frame_bytes: u32,
    user_flags: u32,
    shard_bytes: usize,
    percent: u8,
    layout: FrameLayout,
    /// The unit, zero-padded to whole shards.
    data: Vec<u8>,
    cursor: Cursor,
    left: usize,
}

/// The next packet: shard `shard` of `block`, data in the first pass, recovery in the second.
#[derive(Clone, Copy, Default)]
struct Cursor {
    recovery: bool,
    block: usize,
    shard: usize,
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
    /// Packets still to be written.
    pub fn left(&self) -> usize {
        self.left
    }

    /// Data shards of the unit.
    pub fn data_shards(&self) -> usize {
        self.layout.total_shards()
    }

    /// Bytes per shard.
    pub fn shard_bytes(&self) -> usize {
        self.shard_bytes
    }

    /// Gives the buffer back for another unit.
    pub fn into_buffer(self) -> Vec<u8> {
        self.data
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
        let frame_bytes = unit.len() as u32;
        let layout = FrameLayout::new(unit.len(), info.shard_bytes, self.config.block_shards);
        unit.resize(layout.total_shards() * info.shard_bytes, 0);
        let recovery = (0..layout.blocks())
            .map(|block| self.config.recovery_shards(layout.data_shards(block), info.percent))
            .sum::<usize>();
        Outgoing {
            pts: info.pts,
            frame_index: info.frame_index,
            frame_bytes,
            user_flags: info.user_flags,
            shard_bytes: info.shard_bytes,
            percent: info.percent,
            layout,
            data: unit,
            cursor: Cursor::default(),
            left: layout.total_shards() + recovery,
        }
    }

    /// Appends the next packet of `unit`, header and shard, to `out`. Does nothing when none is left.
    pub fn write_next(&mut self, unit: &mut Outgoing, out: &mut Vec<u8>) {
        if unit.left == 0 {
            return;
        }
        self.settle(unit);
        let header = self.header(unit);
        out.extend_from_slice(&header.encode());
        let Cursor { recovery, block, shard } = unit.cursor;
        let (from, first) = if recovery { (&self.parity, 0) } else { (&unit.data, unit.layout.start(block)) };
        out.extend_from_slice(&from[(first + shard) * unit.shard_bytes..][..unit.shard_bytes]);
        unit.cursor.shard += 1;
        unit.left -= 1;
        self.stream_seq = self.stream_seq.wrapping_add(1);
    }

    /// Moves the cursor on to a shard that exists; there is one, since packets are left.
    fn settle(&mut self, unit: &mut Outgoing) {
        while unit.cursor.shard == self.shards_of_pass(unit) {
            unit.cursor.shard = 0;
            unit.cursor.block += 1;
            if unit.cursor.block == unit.layout.blocks() {
                unit.cursor.block = 0;
                unit.cursor.recovery = true;
            }
        }
        if unit.cursor.recovery && unit.cursor.shard == 0 {
            self.compute_parity(unit);
        }
    }

    fn shards_of_pass(&self, unit: &Outgoing) -> usize {
        let data = unit.layout.data_shards(unit.cursor.block);
        if unit.cursor.recovery { self.config.recovery_shards(data, unit.percent) } else { data }
    }

    fn compute_parity(&mut self, unit: &Outgoing) {
        let block = unit.cursor.block;
        let shape = BlockShape {
            data: unit.layout.data_shards(block),
            recovery: self.shards_of_pass(unit),
            shard_bytes: unit.shard_bytes,
        };
        let data = &unit.data[unit.layout.start(block) * unit.shard_bytes..][..shape.data * unit.shard_bytes];
        self.fec
            .encode(shape, data, &mut self.parity)
            .expect("recovery_shards only names shapes the scheme supports, shards are even");
    }

    fn header(&self, unit: &Outgoing) -> PacketHeader {
        let Cursor { recovery, block, shard } = unit.cursor;
        let data = unit.layout.data_shards(block);
        let mut flags = packet_flags::PICTURE;
        if unit.left == 1 {
            flags |= packet_flags::END;
        }
        if !recovery && block == 0 && shard == 0 {
            flags |= packet_flags::START;
        }
        PacketHeader {
            pts: unit.pts,
            frame_index: unit.frame_index,
            stream_seq: self.stream_seq,
            frame_bytes: unit.frame_bytes,
            user_flags: unit.user_flags,
            block_index: block as u16,
            block_count: unit.layout.blocks() as u16,
            data_shards: data as u16,
            recovery_shards: self.config.recovery_shards(data, unit.percent) as u16,
            shard_index: (shard + if recovery { data } else { 0 }) as u16,
            shard_bytes: unit.shard_bytes as u16,
            fec_scheme: self.config.scheme.id(),
            packet_flags: flags,
        }
    }
}
