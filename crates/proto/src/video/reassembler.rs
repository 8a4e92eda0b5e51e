//! Packets into access units (spec sections 4.6 and 4.7).
//!
//! Run per datagram by the client's media thread. Once buffers of the stream's frame sizes exist, nothing is
//! allocated. Frames, the state of their blocks, parity kept aside and the work space of the erasure code together
//! stay within four times the largest frame and within [`MEMORY_LIMIT`], whatever headers declare.

use std::time::{Duration, Instant};

use crate::{
    bitrate::Begun,
    fec::{FecDecoder, FecScheme},
    units::HostTime,
    video::{
        assembly::{Assembly, Broken, Identity, Placed, Placement, Totals},
        flags,
        header::PacketHeader,
        layout::FrameLayout,
        loss::LossCounters,
        memory::Meter,
    },
};

/// How many frame indices are kept apart: older ones are lost, or finished and forgotten.
pub const WINDOW: u32 = 64;
/// A frame this much older than the newest one is lost.
pub const MAX_AGE: Duration = Duration::from_millis(120);
/// A frame of which nothing came for so long is lost even if nothing newer came either. Longer than [`MAX_AGE`]: a
/// radio that scans other channels holds up everything for a fifth of a second, and loses nothing.
pub const MAX_IDLE: Duration = Duration::from_millis(250);
/// The largest shard.
pub const MAX_SHARD_BYTES: usize = 9_152;
/// The smallest shard, unless the session was set up with a smaller one.
pub const MIN_SHARD_BYTES: usize = 512;

/// Most bytes that one session holds. Spec section 4.7 allows four times the largest frame; that is less than this up to
/// 2 Gbit/s at 60 frames per second. Only a Welcome that names no bitrate, or several times that one, allows single
/// frames that do not fit: they are lost, as everything beyond a client's memory is.
pub const MEMORY_LIMIT: usize = 64 << 20;

/// The fewest data shards of a block of a unit sent slice by slice.
pub(super) const MIN_SLICE_SHARDS: usize = 16;
/// Finished units' buffers that are kept for later ones.
const MAX_POOLED: usize = 16;

/// What a receiver accepts; from Welcome.
#[derive(Clone, Copy, Debug)]
pub struct ReassemblerConfig {
    /// The code of the session.
    pub scheme: FecScheme,
    /// `K`, most data shards of a block.
    pub block_shards: usize,
    /// Smallest shard.
    pub min_shard_bytes: usize,
    /// Largest access unit.
    pub max_frame_bytes: usize,
}

/// Why a packet was not used. Each is the sender's doing, or the network's where media is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum PacketError {
    /// No media header.
    #[error("no media header")]
    Header,
    /// A header whose numbers break the geometry of sections 4.4 and 4.6.
    #[error("impossible geometry")]
    Geometry,
    /// Its frame is too far behind the newest one.
    #[error("frame too old")]
    TooOld,
    /// It contradicts other packets of its frame, which is dropped.
    #[error("packets of one frame disagree")]
    Disagreement,
    /// Its frame could not be restored and is dropped.
    #[error("frame cannot be restored")]
    Unrecoverable,
    /// The memory budget is used up.
    #[error("too many frames in flight")]
    Memory,
}

/// A complete access unit. Hand it back with [`Reassembler::recycle`].
pub struct AssembledUnit(Box<Assembly>);

impl AssembledUnit {
    /// Its number.
    pub fn frame_index(&self) -> u32 {
        self.0.identity.frame_index
    }

    /// When it was captured.
    pub fn pts(&self) -> HostTime {
        self.0.identity.pts
    }

    /// Its `user_flags`, see [`flags`].
    pub fn user_flags(&self) -> u32 {
        self.0.identity.user_flags
    }

    /// The unit itself.
    pub fn bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// When its first packet came.
    pub fn first_at(&self) -> Instant {
        self.0.first_at
    }

    /// When the packet came that completed it.
    pub fn last_at(&self) -> Instant {
        self.0.last_at
    }

    /// Packets that came later than the first.
    pub fn spread_packets(&self) -> u32 {
        self.0.spread
    }

    /// Packets that the sender made of it.
    pub fn packets(&self) -> u32 {
        self.0.packets()
    }

    /// Bytes of each packet's shard.
    pub fn shard_bytes(&self) -> usize {
        self.0.identity.shard_bytes
    }

    /// Data shards that parity restored.
    pub fn recovered_shards(&self) -> u32 {
        self.0.recovered
    }
}

/// What is known of one frame index.
enum Slot {
    Empty,
    Assembling(Box<Assembly>),
    Finished { complete: bool },
}

/// Puts frames together.
pub struct Reassembler {
    config: ReassemblerConfig,
    decoder: FecDecoder,
    /// Slot `index % WINDOW` for the `WINDOW` newest indices.
    slots: Vec<Slot>,
    newest: Option<(u32, HostTime)>,
    assembling: usize,
    /// No frame in flight can be idle for too long before this.
    idle_check: Option<Instant>,
    // Boxed as they are in their slots: a unit moves between the two on every frame.
    #[expect(clippy::vec_box, reason = "boxes move between pool and slots without copying the unit's state")]
    pool: Vec<Box<Assembly>>,
    meter: Meter,
    counters: LossCounters,
    /// The newest frame that was lost since [`Reassembler::take_lost`].
    lost: Option<u32>,
    /// The newest frame that began since [`Reassembler::take_begun`].
    begun: Option<Begun>,
}

impl Reassembler {
    /// A reassembler for one session.
    pub fn new(config: ReassemblerConfig) -> Self {
        Self {
            config,
            decoder: FecDecoder::new(config.scheme),
            slots: (0..WINDOW).map(|_| Slot::Empty).collect(),
            newest: None,
            assembling: 0,
            idle_check: None,
            pool: Vec::with_capacity(MAX_POOLED),
            meter: Meter::new(config.memory_budget()),
            counters: LossCounters::default(),
            lost: None,
            begun: None,
        }
    }

    /// What arrived, was restored and was lost since the start.
    pub fn counters(&self) -> LossCounters {
        self.counters
    }

    /// Bytes of all frame buffers and of the erasure code's work space.
    pub fn memory(&self) -> usize {
        self.meter.used()
    }

    /// Takes a packet in: header and shard. Returns its unit if this completes it.
    ///
    /// # Errors
    /// [`PacketError`]; the session goes on.
    pub fn accept(&mut self, now: Instant, packet: &[u8]) -> Result<Option<AssembledUnit>, PacketError> {
        let (header, rest) = PacketHeader::decode(packet).ok_or(PacketError::Header)?;
        let place = self.config.place(&header)?;
        let shard = rest.get(..place.shard_bytes).ok_or(PacketError::Geometry)?;
        self.advance(header.frame_index, header.pts)?;
        let slot = slot_of(header.frame_index);
        if let Slot::Finished { complete } = self.slots[slot] {
            self.counters.received += 1;
            self.counters.late += u64::from(complete && place.is_data());
            return Ok(None);
        }
        if matches!(self.slots[slot], Slot::Empty) {
            self.slots[slot] = Slot::Assembling(self.start(&header, now));
            if self.newest.is_some_and(|(newest, _)| newest == header.frame_index) {
                self.begun = Some(Begun { pts: header.pts, at: now });
            }
            if self.assembling == 0 {
                self.idle_check = Some(now + MAX_IDLE);
            }
            self.assembling += 1;
        }
        let placed = match self.place(slot, place, shard) {
            Err(Broken::OverBudget) if !self.pool.is_empty() => {
                self.empty_pool();
                self.place(slot, place, shard)
            }
            placed => placed,
        };
        self.settle(now, slot, place.is_data(), placed)
    }

    /// Moves a unit's bytes to `buffer` without copying them, and that buffer's memory to the unit.
    pub fn trade(&mut self, unit: &mut AssembledUnit, buffer: &mut Vec<u8>) {
        unit.0.trade(buffer, &mut self.meter);
    }

    /// Gives a unit's buffers back.
    pub fn recycle(&mut self, unit: AssembledUnit) {
        self.pool_or_free(unit.0);
    }

    /// Drops frames of which nothing came for [`MAX_IDLE`] of the receiver's own time: behind the last frame before a
    /// pause there is no newer one to age it.
    pub fn expire_idle(&mut self, now: Instant) {
        let mut next = None::<Instant>;
        for slot in 0..self.slots.len() {
            let Slot::Assembling(unit) = &self.slots[slot] else { continue };
            let idle_at = unit.last_at + MAX_IDLE;
            if now < idle_at {
                next = Some(next.map_or(idle_at, |next| next.min(idle_at)));
            } else {
                self.lose(slot);
            }
        }
        self.idle_check = next;
    }

    /// The newest frame that was lost since the last call.
    pub fn take_lost(&mut self) -> Option<u32> {
        self.lost.take()
    }

    /// The newest frame that began to arrive since the last call.
    pub fn take_begun(&mut self) -> Option<Begun> {
        self.begun.take()
    }

    /// When to call [`Reassembler::expire_idle`] next; it may then find nothing yet.
    pub fn next_expiry(&self) -> Option<Instant> {
        if self.assembling == 0 { None } else { self.idle_check }
    }

    fn place(&mut self, slot: usize, place: Placement, shard: &[u8]) -> Result<Placed, Broken> {
        let Slot::Assembling(unit) = &mut self.slots[slot] else {
            return Ok(Placed::Duplicate);
        };
        let before = unit.recovered;
        let placed = unit.place(place, shard, &mut self.decoder, &mut self.meter);
        self.counters.recovered += u64::from(unit.recovered - before);
        placed
    }

    fn settle(
        &mut self,
        now: Instant,
        slot: usize,
        is_data: bool,
        placed: Result<Placed, Broken>,
    ) -> Result<Option<AssembledUnit>, PacketError> {
        if placed != Ok(Placed::Duplicate) {
            self.counters.received += 1;
        }
        match placed {
            Ok(Placed::Duplicate) => {}
            Ok(Placed::NotNeeded) => self.counters.late += u64::from(is_data),
            Ok(Placed::Kept) => self.touch(now, slot),
            Ok(Placed::Complete) => {
                self.touch(now, slot);
                return Ok(self.take(slot, true).map(AssembledUnit));
            }
            Err(Broken::OverBudget) => return Err(PacketError::Memory),
            Err(Broken::Disagreement) => {
                self.lose(slot);
                return Err(PacketError::Disagreement);
            }
            Err(Broken::Unrecoverable) => {
                self.lose(slot);
                return Err(PacketError::Unrecoverable);
            }
        }
        Ok(None)
    }

    fn touch(&mut self, now: Instant, slot: usize) {
        if let Slot::Assembling(unit) = &mut self.slots[slot] {
            unit.last_at = now;
            unit.spread += u32::from(now > unit.first_at);
        }
    }

    /// Moves the window up to a frame, losing what falls out of it or has become too old.
    fn advance(&mut self, index: u32, pts: HostTime) -> Result<(), PacketError> {
        let Some((newest, _)) = self.newest else {
            self.newest = Some((index, pts));
            return Ok(());
        };
        if !is_newer(index, newest) {
            return if newest.wrapping_sub(index) < WINDOW { Ok(()) } else { Err(PacketError::TooOld) };
        }
        for step in 1..=index.wrapping_sub(newest).min(WINDOW) {
            let slot = slot_of(newest.wrapping_add(step));
            self.lose(slot);
            self.slots[slot] = Slot::Empty;
        }
        self.newest = Some((index, pts));
        if self.assembling > 0 {
            self.expire_before(pts);
        }
        Ok(())
    }

    fn expire_before(&mut self, pts: HostTime) {
        for slot in 0..self.slots.len() {
            if matches!(&self.slots[slot], Slot::Assembling(unit) if pts.since(unit.identity.pts) >= MAX_AGE) {
                self.lose(slot);
            }
        }
    }

    /// Counts a frame that is being put together as dropped.
    fn lose(&mut self, slot: usize) {
        if let Some(unit) = self.take(slot, false) {
            let index = unit.identity.frame_index;
            self.lost = Some(self.lost.filter(|lost| is_newer(*lost, index)).unwrap_or(index));
            self.counters.frames_dropped += 1;
            self.pool_or_free(unit);
        }
    }

    fn take(&mut self, slot: usize, complete: bool) -> Option<Box<Assembly>> {
        if !matches!(self.slots[slot], Slot::Assembling(_)) {
            return None;
        }
        self.assembling -= 1;
        match std::mem::replace(&mut self.slots[slot], Slot::Finished { complete }) {
            Slot::Assembling(unit) => Some(unit),
            Slot::Empty | Slot::Finished { .. } => None,
        }
    }

    /// A unit with the pooled buffers that fit best: the smallest large enough, else the largest.
    fn start(&mut self, header: &PacketHeader, now: Instant) -> Box<Assembly> {
        let identity = Identity {
            frame_index: header.frame_index,
            pts: header.pts,
            user_flags: header.user_flags,
            shard_bytes: usize::from(header.shard_bytes),
        };
        // A unit whose size is not known yet gets the largest: units of one stream are alike.
        let is_sized = header.block_count > 0;
        let need = if is_sized { header.frame_bytes as usize + MAX_SHARD_BYTES } else { usize::MAX };
        let sizes = || self.pool.iter().map(|unit| unit.data_capacity()).enumerate();
        let fitting = sizes().filter(|&(_, size)| size >= need).min_by_key(|&(_, size)| size);
        match fitting.or_else(|| sizes().max_by_key(|&(_, size)| size)) {
            Some((at, _)) => {
                let mut unit = self.pool.swap_remove(at);
                unit.reuse(identity, now);
                unit
            }
            None => Box::new(Assembly::new(identity, now)),
        }
    }

    fn pool_or_free(&mut self, unit: Box<Assembly>) {
        if self.pool.len() < MAX_POOLED {
            self.pool.push(unit);
        } else {
            self.meter.release(unit.footprint());
        }
    }

    fn empty_pool(&mut self) {
        for unit in self.pool.drain(..) {
            self.meter.release(unit.footprint());
        }
    }
}

/// Whether frame `a` comes after `b`; indices wrap.
pub(crate) fn is_newer(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) > 0
}

fn slot_of(index: u32) -> usize {
    (index % WINDOW) as usize
}

impl ReassemblerConfig {
    fn memory_budget(&self) -> usize {
        self.max_frame_bytes.saturating_mul(4).min(MEMORY_LIMIT)
    }

    /// Checks a header against the geometry and finds the shard's place.
    fn place(&self, header: &PacketHeader) -> Result<Placement, PacketError> {
        let place = match header.block_count {
            0 => self.place_unfinished(header),
            _ => self.place_whole(header),
        };
        place.filter(|place| self.is_sound(place)).ok_or(PacketError::Geometry)
    }

    /// What holds for every packet.
    fn is_sound(&self, place: &Placement) -> bool {
        let Placement { data_shards: k, recovery_shards: m, shard_bytes, .. } = *place;
        let most = (self.block_shards + (self.block_shards * 9).div_ceil(10)).min(self.scheme.max_shards());
        let work_bytes = FecDecoder::work_bytes(place.shape());
        (self.min_shard_bytes..=MAX_SHARD_BYTES).contains(&shard_bytes)
            && shard_bytes.is_multiple_of(2)
            && (1..=self.block_shards).contains(&k)
            && k + m <= most
            && place.shard < k + m
            && (m == 0 || self.scheme.supports(k, m))
            && work_bytes <= self.memory_budget()
    }

    /// A packet of a unit whose size is known.
    fn place_whole(&self, header: &PacketHeader) -> Option<Placement> {
        let shard_bytes = usize::from(header.shard_bytes);
        let frame_bytes = header.frame_bytes as usize;
        if shard_bytes == 0 || frame_bytes > self.max_frame_bytes || header.block_index >= header.block_count {
            return None;
        }
        let layout = FrameLayout::new(frame_bytes, shard_bytes, self.block_shards);
        let (block, blocks) = (usize::from(header.block_index), usize::from(header.block_count));
        let data_shards = usize::from(header.data_shards);
        let slices_end = header.user_flags & flags::SLICES != 0 && block + 1 == blocks && blocks > 1;
        let start = if slices_end {
            let start = layout.total_shards().checked_sub(data_shards)?;
            self.slices_reach(block, start).then_some(start)?
        } else {
            (blocks == layout.blocks() && data_shards == layout.data_shards(block)).then_some(layout.start(block))?
        };
        let totals = Totals { frame_bytes, blocks, shards: layout.total_shards() };
        Some(placement(header, start, Some(totals)))
    }

    /// A packet sent before the size of its unit was known.
    fn place_unfinished(&self, header: &PacketHeader) -> Option<Placement> {
        let (shard_bytes, data_shards) = (usize::from(header.shard_bytes), usize::from(header.data_shards));
        let (block, offset) = (usize::from(header.block_index), header.frame_bytes as usize);
        let start = if header.user_flags & flags::SLICES != 0 {
            let start = offset.checked_div(shard_bytes).filter(|start| start * shard_bytes == offset)?;
            (data_shards >= self.min_slice_shards() && self.slices_reach(block, start)).then_some(start)?
        } else {
            (offset == 0 && data_shards == self.block_shards).then_some(block * self.block_shards)?
        };
        let leaves_a_byte = (start + data_shards) * shard_bytes < self.max_frame_bytes;
        leaves_a_byte.then(|| placement(header, start, None))
    }

    /// Whether `block` blocks can end before shard `start`. Keeps the number of blocks in proportion to the data.
    fn slices_reach(&self, block: usize, start: usize) -> bool {
        (block * self.min_slice_shards()..=block * self.block_shards).contains(&start)
    }

    fn min_slice_shards(&self) -> usize {
        MIN_SLICE_SHARDS.min(self.block_shards)
    }
}

fn placement(header: &PacketHeader, start: usize, totals: Option<Totals>) -> Placement {
    Placement {
        block: usize::from(header.block_index),
        start,
        data_shards: usize::from(header.data_shards),
        recovery_shards: usize::from(header.recovery_shards),
        shard: usize::from(header.shard_index),
        shard_bytes: usize::from(header.shard_bytes),
        totals,
    }
}
