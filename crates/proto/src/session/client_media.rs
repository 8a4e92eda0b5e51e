//! The client's media session: datagrams in, access units in order and requests to the host out.
//!
//! Run by the session's receive thread, one call of [`ClientMedia::handle_datagram`] per datagram. After a warm-up
//! nothing is allocated.

use std::{collections::VecDeque, time::Instant};

use crate::{
    bitrate::{Arrival, Begun, Totals},
    crypto::{Direction, OpenError, Opener, SEQ_BYTES, TAG_BYTES},
    session::media::{MediaParams, ParamsError},
    units::{Bitrate, HostTime},
    video::{
        flags,
        header::{HEADER_BYTES, PacketHeader},
        loss::{LossCounters, LossReporter},
        order::{Gap, Sequencer},
        reassembler::{AssembledUnit, MIN_SHARD_BYTES, PacketError, Reassembler, ReassemblerConfig, WINDOW},
        recovery::{ClientRecovery, RecoveryRequest},
    },
};

/// A complete access unit, borrowed until the next call.
#[derive(Clone, Copy, Debug)]
pub struct ReceivedUnit<'a> {
    /// Its number.
    pub frame_index: u32,
    /// When it was captured, on the host's clock.
    pub pts: HostTime,
    /// Its `user_flags`, see [`crate::video::flags`].
    pub user_flags: u32,
    /// The encoded bytes.
    pub bytes: &'a [u8],
    /// When its first datagram came.
    pub first_at: Instant,
    /// When the datagram came that completed it.
    pub last_at: Instant,
    /// Bytes of IP packets that came after `first_at`, until `last_at`.
    pub spread_bytes: usize,
    /// Bytes of all IP packets that the host sent for it.
    pub sent_bytes: usize,
    /// Data shards that parity restored.
    pub recovered_shards: u32,
    /// Whether to show its picture: false from a loss until a frame that repairs it. Decode it in either case.
    pub shown: bool,
}

impl<'a> ReceivedUnit<'a> {
    fn new(unit: &AssembledUnit, bytes: &'a [u8], shown: bool) -> Self {
        let packet = unit.shard_bytes() + SEALED_OVERHEAD + IP_OVERHEAD;
        Self {
            frame_index: unit.frame_index(),
            pts: unit.pts(),
            user_flags: unit.user_flags(),
            bytes,
            first_at: unit.first_at(),
            last_at: unit.last_at(),
            spread_bytes: unit.spread_packets() as usize * packet,
            sent_bytes: unit.packets() as usize * packet,
            recovered_shards: unit.recovered_shards(),
            shown,
        }
    }

    /// What bitrate control wants to know of it.
    pub fn arrival(&self) -> Arrival {
        let Self { pts, first_at, last_at, spread_bytes, sent_bytes, .. } = *self;
        Arrival { pts, first_at, last_at, spread_bytes, sent_bytes, frame_bytes: self.bytes.len() }
    }
}

/// What the media session tells its owner, to be sent over the control stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientMediaEvent {
    /// Send RequestKeyframe.
    RequestKeyframe,
    /// Send RfiRequest for these frames, both ends included.
    RequestRfi {
        /// First lost frame.
        first: u32,
        /// Last lost frame.
        last: u32,
    },
    /// Send LossReport.
    LossReport {
        /// Loss in parts per million.
        ppm: u32,
    },
    /// These frames did not come, both ends included. For statistics; the request is an event of its own.
    FrameLost {
        /// First lost frame.
        first: u32,
        /// Last lost frame.
        last: u32,
    },
}

/// Why a datagram was not used. The session goes on; see [`ClientMediaStats`] for how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refused {
    /// It could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// It was authentic but could not be used.
    #[error(transparent)]
    Packet(#[from] PacketError),
}

/// What arrived since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientMediaStats {
    /// Datagrams taken in, refused ones included.
    pub datagrams: u64,
    /// Bytes of those datagrams.
    pub datagram_bytes: u64,
    /// Video packets received, restored, late, and frames dropped.
    pub loss: LossCounters,
    /// Units handed on.
    pub units: u64,
    /// Units that completed after their successors had been handed on, and were dropped.
    pub late_units: u64,
    /// Frames missing from the sequence of units handed on.
    pub frames_lost: u64,
    /// Bytes of all frame buffers and the erasure code's work space now.
    pub memory: usize,
    /// Refused datagrams by reason.
    pub refused: RefusedCounts,
}

/// Refused datagrams by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefusedCounts {
    /// Too short to be sealed.
    pub too_short: u64,
    /// Replayed, or older than the replay window.
    pub replayed: u64,
    /// Not sealed with the session's key.
    pub not_authentic: u64,
    /// No media header.
    pub header: u64,
    /// Impossible geometry.
    pub geometry: u64,
    /// Of a frame too far behind.
    pub too_old: u64,
    /// In contradiction to its frame's other packets.
    pub disagreement: u64,
    /// The last straw of a frame that could not be restored.
    pub unrecoverable: u64,
    /// Over the memory budget.
    pub memory: u64,
}

impl ClientMediaStats {
    /// What bitrate control wants to know of it.
    pub fn totals(&self) -> Totals {
        let wire_bytes = self.datagram_bytes + self.datagrams * IP_OVERHEAD as u64;
        Totals { wire_bytes, frames_lost: self.frames_lost }
    }
}

impl RefusedCounts {
    fn count(&mut self, reason: Refused) {
        let counter = match reason {
            Refused::Open(OpenError::TooShort) => &mut self.too_short,
            Refused::Open(OpenError::Replayed) => &mut self.replayed,
            Refused::Open(OpenError::NotAuthentic) => &mut self.not_authentic,
            Refused::Packet(PacketError::Header) => &mut self.header,
            Refused::Packet(PacketError::Geometry) => &mut self.geometry,
            Refused::Packet(PacketError::TooOld) => &mut self.too_old,
            Refused::Packet(PacketError::Disagreement) => &mut self.disagreement,
            Refused::Packet(PacketError::Unrecoverable) => &mut self.unrecoverable,
            Refused::Packet(PacketError::Memory) => &mut self.memory,
        };
        *counter += 1;
    }
}

/// Probe filler that arrived (spec section 4.8), since the start or the last [`ClientMedia::take_filler`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FillerReceived {
    /// Filler packets.
    pub packets: u64,
    /// Bytes of their datagrams.
    pub datagram_bytes: u64,
    /// Bytes of filler they carried, recovery shards left out.
    pub payload_bytes: u64,
    /// When the first one came.
    pub first_at: Option<Instant>,
    /// When the last one came.
    pub last_at: Option<Instant>,
}

impl FillerReceived {
    /// The rate of IP packets at which it came; `None` where too little did to tell.
    pub fn rate(&self) -> Option<Bitrate> {
        let time = self.last_at?.saturating_duration_since(self.first_at?);
        let bits = (self.datagram_bytes + self.packets * IP_OVERHEAD as u64) * 8;
        let measurable = self.packets >= 32 && !time.is_zero();
        measurable.then(|| {
            Bitrate::from_kbps((u128::from(bits) * 1_000_000 / time.as_nanos()).min(u128::from(u32::MAX)) as u32)
        })
    }
}

/// Opens, reassembles, orders and asks. After every call [`ClientMedia::poll_unit`] until `None`, then
/// [`ClientMedia::poll_event`] until `None`, then wait until [`ClientMedia::poll_timeout`].
pub struct ClientMedia {
    opener: Option<Opener>,
    reassembler: Reassembler,
    sequencer: Sequencer,
    recovery: ClientRecovery,
    reporter: LossReporter,
    /// Units whose turn it is, and whether to show them.
    ready: VecDeque<(AssembledUnit, bool)>,
    /// The unit that the caller looks at.
    lent: Option<AssembledUnit>,
    events: VecDeque<ClientMediaEvent>,
    filler: FillerReceived,
    stats: ClientMediaStats,
}

impl ClientMedia {
    /// A session that has received nothing.
    ///
    /// # Errors
    /// [`ParamsError`] when the host's `params` break the protocol.
    pub fn new(params: MediaParams) -> Result<Self, ParamsError> {
        params.validate()?;
        let config = ReassemblerConfig {
            scheme: params.fec_scheme,
            block_shards: usize::from(params.max_block_shards),
            min_shard_bytes: MIN_SHARD_BYTES.min(usize::from(params.shard_payload)),
            max_frame_bytes: params.max_frame_bytes,
        };
        Ok(Self {
            opener: params.keys.as_ref().map(|keys| Opener::new(keys, Direction::HostToClient)),
            reassembler: Reassembler::new(config),
            sequencer: Sequencer::default(),
            recovery: ClientRecovery::default(),
            reporter: LossReporter::default(),
            ready: VecDeque::with_capacity(WINDOW as usize),
            lent: None,
            events: VecDeque::with_capacity(MAX_EVENTS),
            filler: FillerReceived::default(),
            stats: ClientMediaStats::default(),
        })
    }

    /// Takes in a datagram, opening it in place.
    ///
    /// # Errors
    /// [`Refused`], which is also counted; the session goes on.
    pub fn handle_datagram(&mut self, now: Instant, datagram: &mut [u8]) -> Result<(), Refused> {
        self.stats.datagrams += 1;
        self.stats.datagram_bytes += datagram.len() as u64;
        let taken = self.take_in(now, datagram);
        if let Err(reason) = taken {
            self.stats.refused.count(reason);
        }
        self.handle_timeout(now);
        taken
    }

    /// [`ClientMedia::poll_timeout`] has come. The first call starts the session's timers.
    pub fn handle_timeout(&mut self, now: Instant) {
        self.recovery.start(now);
        self.deliver(now);
        if self.reassembler.next_expiry().is_some_and(|at| now >= at) {
            self.reassembler.expire_idle(now);
        }
        if let Some(last) = self.reassembler.take_lost()
            && let Some(gap) = self.sequencer.give_up(last)
        {
            self.lost(now, gap, 0);
        }
        self.recovery.handle_timeout(now);
        match self.recovery.poll_request() {
            Some(RecoveryRequest::Keyframe) => self.tell(ClientMediaEvent::RequestKeyframe),
            Some(RecoveryRequest::Rfi(Gap { first, last })) => self.tell(ClientMediaEvent::RequestRfi { first, last }),
            None => {}
        }
        if let Some(ppm) = self.reporter.report(now, self.reassembler.counters()) {
            self.tell(ClientMediaEvent::LossReport { ppm });
        }
    }

    /// The next complete unit, in order.
    pub fn poll_unit(&mut self) -> Option<ReceivedUnit<'_>> {
        let (unit, shown) = self.next_unit()?;
        let unit = &*self.lent.insert(unit);
        Some(ReceivedUnit::new(unit, unit.bytes(), shown))
    }

    /// As [`ClientMedia::poll_unit`], for an owner that keeps the unit: `buffer` becomes its bytes, without a copy, and
    /// what `buffer` was is used for a later unit.
    pub fn poll_unit_into<'a>(&mut self, buffer: &'a mut Vec<u8>) -> Option<ReceivedUnit<'a>> {
        let (mut unit, shown) = self.next_unit()?;
        self.reassembler.trade(&mut unit, buffer);
        let received = ReceivedUnit::new(&unit, buffer, shown);
        self.reassembler.recycle(unit);
        Some(received)
    }

    /// The next thing to tell the owner.
    pub fn poll_event(&mut self) -> Option<ClientMediaEvent> {
        self.events.pop_front()
    }

    /// When [`ClientMedia::handle_timeout`] is next due.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let parts = [
            self.reporter.poll_timeout(),
            self.recovery.poll_timeout(),
            self.sequencer.poll_timeout(),
            self.reassembler.next_expiry(),
        ];
        parts.into_iter().flatten().min()
    }

    /// The decoder took three units and returned no picture: asks for a keyframe, at most twice a second.
    pub fn decoder_stalled(&mut self, now: Instant) {
        self.recovery.decoder_stalled(now);
        self.handle_timeout(now);
    }

    /// Probe filler received since the last call.
    pub fn take_filler(&mut self) -> FillerReceived {
        std::mem::take(&mut self.filler)
    }

    /// The newest frame of which something came since the last call, for bitrate control.
    pub fn take_begun(&mut self) -> Option<Begun> {
        self.reassembler.take_begun()
    }

    /// What arrived.
    pub fn stats(&self) -> ClientMediaStats {
        ClientMediaStats { loss: self.reassembler.counters(), memory: self.reassembler.memory(), ..self.stats }
    }

    fn next_unit(&mut self) -> Option<(AssembledUnit, bool)> {
        if let Some(seen) = self.lent.take() {
            self.reassembler.recycle(seen);
        }
        let next = self.ready.pop_front()?;
        self.stats.units += 1;
        Some(next)
    }

    fn take_in(&mut self, now: Instant, datagram: &mut [u8]) -> Result<(), Refused> {
        let datagram_bytes = datagram.len();
        let packet = match &mut self.opener {
            Some(opener) => opener.open(datagram)?,
            None => datagram,
        };
        if let Some((header, shard)) = PacketHeader::decode(packet)
            && header.user_flags == flags::FILLER
        {
            self.count_filler(now, &header, shard.len(), datagram_bytes);
            return Ok(());
        }
        if let Some(unit) = self.reassembler.accept(now, packet)?
            && let Some(late) = self.sequencer.push(now, unit)
        {
            self.stats.late_units += 1;
            self.reassembler.recycle(late);
        }
        Ok(())
    }

    fn count_filler(&mut self, now: Instant, header: &PacketHeader, shard: usize, datagram_bytes: usize) {
        self.filler.packets += 1;
        self.filler.datagram_bytes += datagram_bytes as u64;
        if header.shard_index < header.data_shards {
            let before = usize::from(header.shard_index) * usize::from(header.shard_bytes);
            let rest = (header.frame_bytes as usize).saturating_sub(before);
            self.filler.payload_bytes += rest.min(shard) as u64;
        }
        self.filler.first_at.get_or_insert(now);
        self.filler.last_at = Some(now);
    }

    /// Moves units whose turn it is to the caller.
    fn deliver(&mut self, now: Instant) {
        while let Some((gap, unit)) = self.sequencer.pop(now) {
            if let Some(gap) = gap {
                self.lost(now, gap, unit.user_flags());
            }
            let shown = self.recovery.on_unit(now, unit.user_flags());
            self.ready.push_back((unit, shown));
        }
    }

    fn lost(&mut self, now: Instant, gap: Gap, next_flags: u32) {
        self.stats.frames_lost += u64::from(gap.frames());
        self.tell(ClientMediaEvent::FrameLost { first: gap.first, last: gap.last });
        self.recovery.on_gap(now, gap, next_flags);
    }

    /// Queues an event. An owner that never polls loses the oldest.
    fn tell(&mut self, event: ClientMediaEvent) {
        if self.events.len() == MAX_EVENTS {
            self.events.pop_front();
        }
        self.events.push_back(event);
    }
}

const MAX_EVENTS: usize = 64;
/// Bytes of a sealed datagram besides its shard.
const SEALED_OVERHEAD: usize = SEQ_BYTES + HEADER_BYTES + TAG_BYTES;
/// Bytes of IPv4 and UDP before every datagram.
const IP_OVERHEAD: usize = 28;
