//! One access unit being put together.
//!
//! Data shards are written straight to their place in the unit; recovery shards are kept aside only while their
//! block is incomplete. All buffers are reused by later units, and every one of them is paid for at the [`Meter`].

use std::time::Instant;

use crate::{
    fec::{BlockShape, FecDecoder},
    units::HostTime,
    video::memory::{Meter, OverBudget},
};

/// A checked packet's place in its unit, all counted in shards.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placement {
    pub(super) block: usize,
    /// First data shard of the block.
    pub(super) start: usize,
    pub(super) data_shards: usize,
    pub(super) recovery_shards: usize,
    pub(super) shard: usize,
    pub(super) shard_bytes: usize,
    /// The unit's size, from packets that know it.
    pub(super) totals: Option<Totals>,
}

impl Placement {
    pub(super) fn shape(&self) -> BlockShape {
        BlockShape { data: self.data_shards, recovery: self.recovery_shards, shard_bytes: self.shard_bytes }
    }

    pub(super) fn is_data(&self) -> bool {
        self.shard < self.data_shards
    }
}

/// The size of a whole unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Totals {
    pub(super) frame_bytes: usize,
    pub(super) blocks: usize,
    pub(super) shards: usize,
}

/// What identifies a unit, from its first packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Identity {
    pub(super) frame_index: u32,
    pub(super) pts: HostTime,
    pub(super) user_flags: u32,
    pub(super) shard_bytes: usize,
}

/// What a placed shard led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// The shard was there already.
    Duplicate,
    /// Its block was complete without it. A data shard was restored before it came: it was late, not lost.
    NotNeeded,
    /// Kept. The unit is not complete.
    Kept,
    /// The unit is complete.
    Complete,
}

/// Why a unit cannot be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Its packets contradict each other.
    Disagreement,
    /// Its recovery shards do not restore it.
    Unrecoverable,
    /// The memory budget is used up; the unit itself may go on.
    OverBudget,
}

impl From<OverBudget> for Broken {
    fn from(_: OverBudget) -> Self {
        Self::OverBudget
    }
}

/// A unit's buffers and how far they are filled.
pub(super) struct Assembly {
    pub(super) identity: Identity,
    pub(super) first_at: Instant,
    pub(super) last_at: Instant,
    /// Data shards restored by parity.
    pub(super) recovered: u32,
    /// Packets that came later than the first.
    pub(super) spread: u32,
    totals: Option<Totals>,
    complete_blocks: usize,
    /// Blocks in use; the vectors below keep stale elements beyond.
    block_count: usize,
    blocks: Vec<Block>,
    /// Which shards of each block arrived, [`Block::bits`] words in.
    arrived: Vec<u64>,
    arrived_words: usize,
    data: Vec<u8>,
    parity: Vec<u8>,
    /// Block and index among its recovery shards of each shard in `parity`.
    parity_of: Vec<(u16, u16)>,
    parity_count: usize,
}

/// A block of a unit; all zero while none of its packets arrived.
#[derive(Clone, Copy, Default)]
struct Block {
    start: u32,
    data_shards: u16,
    recovery_shards: u16,
    /// Distinct shards that arrived.
    arrived: u16,
    data_arrived: u16,
    bits: u32,
    complete: bool,
}

impl Assembly {
    pub(super) fn new(identity: Identity, now: Instant) -> Self {
        Self {
            identity,
            first_at: now,
            last_at: now,
            recovered: 0,
            spread: 0,
            totals: None,
            complete_blocks: 0,
            block_count: 0,
            blocks: Vec::new(),
            arrived: Vec::new(),
            arrived_words: 0,
            data: Vec::new(),
            parity: Vec::new(),
            parity_of: Vec::new(),
            parity_count: 0,
        }
    }

    /// Makes old buffers ready for another unit.
    pub(super) fn reuse(&mut self, identity: Identity, now: Instant) {
        self.identity = identity;
        (self.first_at, self.last_at) = (now, now);
        (self.totals, self.recovered, self.spread) = (None, 0, 0);
        (self.complete_blocks, self.block_count, self.arrived_words, self.parity_count) = (0, 0, 0, 0);
    }

    /// Bytes of all buffers, as paid for.
    pub(super) fn footprint(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>()
            + self.arrived.capacity() * size_of::<u64>()
            + self.data.capacity()
            + self.parity.capacity()
            + self.parity_of.capacity() * size_of::<(u16, u16)>()
    }

    /// Bytes of unit this can hold without growing.
    pub(super) fn data_capacity(&self) -> usize {
        self.data.capacity()
    }

    /// The whole unit, once complete.
    pub(super) fn bytes(&self) -> &[u8] {
        let bytes = self.totals.map_or(0, |totals| totals.frame_bytes);
        &self.data[..bytes.min(self.data.len())]
    }

    /// Packets that the sender made of the unit, once complete.
    pub(super) fn packets(&self) -> u32 {
        let of = |block: &Block| u32::from(block.data_shards) + u32::from(block.recovery_shards);
        self.blocks[..self.block_count].iter().map(of).sum()
    }

    /// Gives the whole unit away for `spare`, whose memory is paid for instead.
    pub(super) fn trade(&mut self, spare: &mut Vec<u8>, meter: &mut Meter) {
        let bytes = self.bytes().len();
        meter.release(self.data.capacity());
        meter.take_on(spare.capacity());
        std::mem::swap(&mut self.data, spare);
        spare.truncate(bytes);
    }

    /// Puts a shard of [`Placement::shard_bytes`] in its place.
    ///
    /// # Errors
    /// [`Broken`]: the unit is lost, except with [`Broken::OverBudget`].
    pub(super) fn place(
        &mut self,
        place: Placement,
        shard: &[u8],
        decoder: &mut FecDecoder,
        meter: &mut Meter,
    ) -> Result<Placed, Broken> {
        self.agree(&place)?;
        self.open_block(&place, meter)?;
        let block = self.blocks[place.block];
        if !self.mark(&block, place.shard) {
            return Ok(Placed::Duplicate);
        }
        if block.complete {
            return Ok(Placed::NotNeeded);
        }
        if let Err(over) = self.keep(&place, shard, meter) {
            self.unmark(&block, place.shard);
            return Err(over.into());
        }
        let block = &mut self.blocks[place.block];
        block.arrived += 1;
        block.data_arrived += u16::from(place.is_data());
        if block.arrived == block.data_shards {
            self.finish_block(place.block, decoder)?;
            if self.is_complete()? {
                return Ok(Placed::Complete);
            }
        }
        Ok(Placed::Kept)
    }

    /// Checks a packet against what the unit's other packets said.
    fn agree(&mut self, place: &Placement) -> Result<(), Broken> {
        if place.shard_bytes != self.identity.shard_bytes {
            return Err(Broken::Disagreement);
        }
        match (self.totals, place.totals) {
            (Some(known), Some(said)) if known != said => return Err(Broken::Disagreement),
            (None, said) => self.totals = said,
            _ => {}
        }
        let past_end = |totals: Totals| {
            place.block >= totals.blocks
                || self.block_count > totals.blocks
                || place.start + place.data_shards > totals.shards
                || (place.totals.is_none() && place.block + 1 == totals.blocks)
        };
        if self.totals.is_some_and(past_end) { Err(Broken::Disagreement) } else { Ok(()) }
    }

    /// Makes room for the block's state and data, and checks its shape against its other packets.
    fn open_block(&mut self, place: &Placement, meter: &mut Meter) -> Result<(), Broken> {
        if place.block >= self.block_count {
            meter.grow(&mut self.blocks, place.block + 1)?;
            self.blocks[self.block_count..=place.block].fill(Block::default());
            self.block_count = place.block + 1;
        }
        let block = self.blocks[place.block];
        if block.data_shards != 0 {
            let same = usize::from(block.data_shards) == place.data_shards
                && usize::from(block.recovery_shards) == place.recovery_shards
                && block.start as usize == place.start;
            return if same { Ok(()) } else { Err(Broken::Disagreement) };
        }
        meter.reserve_work(FecDecoder::work_bytes(place.shape()))?;
        let shards = self.totals.map_or(place.start + place.data_shards, |totals| totals.shards);
        meter.grow(&mut self.data, shards * place.shard_bytes)?;
        let words = (place.data_shards + place.recovery_shards).div_ceil(64);
        meter.grow(&mut self.arrived, self.arrived_words + words)?;
        self.arrived[self.arrived_words..][..words].fill(0);
        self.blocks[place.block] = Block {
            start: place.start as u32,
            data_shards: place.data_shards as u16,
            recovery_shards: place.recovery_shards as u16,
            bits: self.arrived_words as u32,
            ..Block::default()
        };
        self.arrived_words += words;
        Ok(())
    }

    /// Notes that a shard arrived; false if it had before.
    fn mark(&mut self, block: &Block, shard: usize) -> bool {
        let word = &mut self.arrived[block.bits as usize + shard / 64];
        let mask = 1 << (shard % 64);
        let new = *word & mask == 0;
        *word |= mask;
        new
    }

    fn unmark(&mut self, block: &Block, shard: usize) {
        self.arrived[block.bits as usize + shard / 64] &= !(1 << (shard % 64));
    }

    fn keep(&mut self, place: &Placement, shard: &[u8], meter: &mut Meter) -> Result<(), OverBudget> {
        let bytes = place.shard_bytes;
        if place.is_data() {
            self.data[(place.start + place.shard) * bytes..][..bytes].copy_from_slice(shard);
            return Ok(());
        }
        meter.grow(&mut self.parity, (self.parity_count + 1) * bytes)?;
        meter.grow(&mut self.parity_of, self.parity_count + 1)?;
        self.parity[self.parity_count * bytes..][..bytes].copy_from_slice(shard);
        self.parity_of[self.parity_count] = (place.block as u16, (place.shard - place.data_shards) as u16);
        self.parity_count += 1;
        Ok(())
    }

    /// The block has as many shards as data shards: restores those that are missing.
    fn finish_block(&mut self, index: usize, decoder: &mut FecDecoder) -> Result<(), Broken> {
        let block = self.blocks[index];
        if block.data_arrived < block.data_shards {
            let bytes = self.identity.shard_bytes;
            let shape = BlockShape {
                data: usize::from(block.data_shards),
                recovery: usize::from(block.recovery_shards),
                shard_bytes: bytes,
            };
            let arrived = &self.arrived[block.bits as usize..];
            let parity = self.parity_of[..self.parity_count].iter().zip(self.parity.chunks_exact(bytes));
            let parity = parity.filter(|((of, _), _)| usize::from(*of) == index);
            decoder
                .reconstruct(
                    shape,
                    &mut self.data[block.start as usize * bytes..][..shape.data * bytes],
                    |shard| arrived[shard / 64] >> (shard % 64) & 1 == 1,
                    parity.map(|((_, row), shard)| (usize::from(*row), shard)),
                )
                .map_err(|_| Broken::Unrecoverable)?;
            self.recovered += u32::from(block.data_shards - block.data_arrived);
        }
        self.blocks[index].complete = true;
        self.complete_blocks += 1;
        Ok(())
    }

    /// Whether all blocks are there. Those of a unit sent slice by slice say themselves where they start: they have
    /// to lie end to end.
    fn is_complete(&self) -> Result<bool, Broken> {
        let Some(totals) = self.totals.filter(|totals| self.complete_blocks == totals.blocks) else {
            return Ok(false);
        };
        let mut next = 0;
        for block in &self.blocks[..totals.blocks] {
            if block.start as usize != next {
                return Err(Broken::Disagreement);
            }
            next += usize::from(block.data_shards);
        }
        if next == totals.shards { Ok(true) } else { Err(Broken::Disagreement) }
    }
}
