//! The host's media session: access units in, sealed and paced datagrams out.
//!
//! Run by the session's send thread, one call of [`HostMedia::submit`] per frame. Data shards are sealed while they
//! are handed out, so the first datagram of a frame leaves before the last one exists, and with [`HostMedia::begin_unit`]
//! before the frame is encoded. After a warm-up nothing is allocated.

use std::{collections::VecDeque, time::Instant};

use crate::{
    crypto::{Direction, SEQ_BYTES, Sealer, TAG_BYTES},
    pacing::FramePace,
    session::media::{MediaParams, ParamsError},
    units::{Bitrate, HostTime},
    video::{
        Streaming, UnitKind, flags,
        layout::FrameLayout,
        packetizer::{Outgoing, Packetizer, PacketizerConfig, UnitInfo},
        protection::{FecController, MAX_FEC_PERCENT},
    },
};

/// Frames that may wait to be sent.
const MAX_PENDING: usize = 8;
/// Most datagrams of a batch, as Linux limits GSO.
const MAX_BATCH_DATAGRAMS: usize = 64;
/// Most bytes of a batch, as an IP packet limits GSO.
const MAX_BATCH_BYTES: usize = 65_000;
/// The lowest FEC percentage of a frame that others wait for.
const MIN_KEY_FEC_PERCENT: u8 = 20;

/// A picture ready to be sent.
#[derive(Clone, Copy, Debug)]
pub struct AccessUnit<'a> {
    /// The encoded bytes.
    pub bytes: &'a [u8],
    /// When the picture was captured.
    pub pts: HostTime,
    /// What it is to the stream.
    pub kind: UnitKind,
}

/// Datagrams that were appended to the output, one behind the other, all of the same length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Bytes per datagram.
    pub segment: usize,
    /// How many datagrams.
    pub datagrams: usize,
}

/// Why a unit was not taken. All are the host's own doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MediaError {
    /// Larger than the session allows: the client would refuse it.
    #[error("access unit of {bytes} bytes; the session allows {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// Units are submitted faster than datagrams are taken.
    #[error("{0} frames wait to be sent")]
    Backlog(usize),
    /// A slice of a unit that was not begun, or was given up since.
    #[error("a slice belongs to no unit")]
    NoOpenUnit,
    /// A shard size no receiver accepts.
    #[error(transparent)]
    Params(#[from] ParamsError),
}

/// What went out since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostMediaStats {
    /// Frames submitted.
    pub frames: u64,
    /// Bytes of those frames.
    pub frame_bytes: u64,
    /// Filler units submitted.
    pub filler_units: u64,
    /// Bytes of those units.
    pub filler_bytes: u64,
    /// Datagrams handed out.
    pub datagrams: u64,
    /// Bytes of those datagrams.
    pub datagram_bytes: u64,
}

/// How IDRs and recovery anchors are protected. A client that lost a frame shows nothing new until one arrives: losing
/// that too would cost another round trip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protection {
    /// Three times what every frame gets, at least 20 %, at most 90 %, and paced for twice the bitrate so that they take no
    /// longer for it. As all frames while FEC is off.
    #[default]
    Raised,
    /// The same as all frames.
    Uniform,
}

/// Packetizes, seals and paces. After every call [`HostMedia::poll_transmit`] until `None`, then wait until
/// [`HostMedia::poll_timeout`].
pub struct HostMedia {
    params: MediaParams,
    packetizer: Packetizer,
    sealer: Option<Sealer>,
    fec: FecController,
    /// That of the last unit.
    last_percent: u8,
    /// Data and recovery shards since the last loss report.
    shards: (u64, u64),
    protection: Protection,
    shard_payload: u16,
    bitrate: Bitrate,
    next_frame: u32,
    next_filler: u32,
    pending: VecDeque<Pending>,
    /// Empty buffers of units that were sent, at most [`MAX_PENDING`].
    buffers: Vec<Vec<u8>>,
    stats: HostMediaStats,
}

/// What is spent on one unit.
#[derive(Clone, Copy)]
struct Effort {
    percent: u8,
    pace: Bitrate,
}

/// What a unit is called on the wire.
#[derive(Clone, Copy)]
struct UnitLabel {
    pts: HostTime,
    index: u32,
    user_flags: u32,
    kind: UnitKind,
}

struct Pending {
    unit: Outgoing,
    pace: FramePace,
    kind: UnitKind,
    /// The encoder is still at it.
    open: bool,
}

impl HostMedia {
    /// A session that has sent nothing. It does not pace before [`HostMedia::set_bitrate`].
    ///
    /// # Errors
    /// [`ParamsError`] when `params` break the protocol.
    pub fn new(params: MediaParams) -> Result<Self, ParamsError> {
        params.validate()?;
        let config = PacketizerConfig {
            scheme: params.fec_scheme,
            block_shards: usize::from(params.max_block_shards),
            block_total: params.block_total(),
        };
        Ok(Self {
            packetizer: Packetizer::new(config),
            sealer: params.keys.as_ref().map(|keys| Sealer::new(keys, Direction::HostToClient)),
            fec: FecController::new(params.fec_percent),
            last_percent: params.fec_percent,
            shards: (0, 0),
            protection: Protection::default(),
            shard_payload: params.shard_payload,
            bitrate: Bitrate::default(),
            next_frame: 0,
            next_filler: 0,
            pending: VecDeque::with_capacity(MAX_PENDING),
            buffers: Vec::with_capacity(MAX_PENDING),
            stats: HostMediaStats::default(),
            params,
        })
    }

    /// Takes a picture to send, copying it, and returns its frame index.
    ///
    /// # Errors
    /// [`MediaError`]; the index is then not used up.
    pub fn submit(&mut self, now: Instant, unit: AccessUnit<'_>) -> Result<u32, MediaError> {
        self.admit(unit.bytes.len())?;
        let buffer = self.copy(unit.bytes);
        Ok(self.enqueue_picture(now, unit.pts, unit.kind, buffer))
    }

    /// As [`HostMedia::submit`], without copying: the unit is sent from where it lies. `bytes` becomes an empty buffer, that
    /// of a unit which was sent where there is one.
    ///
    /// # Errors
    /// [`MediaError`]; the index is then not used up, and `bytes` stays.
    pub fn submit_buffer(
        &mut self,
        now: Instant,
        pts: HostTime,
        kind: UnitKind,
        bytes: &mut Vec<u8>,
    ) -> Result<u32, MediaError> {
        self.admit(bytes.len())?;
        let unit = std::mem::replace(bytes, self.buffers.pop().unwrap_or_default());
        Ok(self.enqueue_picture(now, pts, kind, unit))
    }

    /// Begins a picture that is sent while it is still being encoded, and returns its frame index. The client has to
    /// understand `streaming`. A picture that was begun before and not finished is given up, here as in the other calls
    /// that take one; its frame index is lost to the client.
    ///
    /// # Errors
    /// [`MediaError`]; the index is then not used up.
    pub fn begin_unit(
        &mut self,
        now: Instant,
        pts: HostTime,
        kind: UnitKind,
        streaming: Streaming,
    ) -> Result<u32, MediaError> {
        self.admit(0)?;
        let effort = self.effort_for(kind, FrameLayout::block(1));
        let label = UnitLabel { pts, index: self.next_frame, user_flags: kind.flags(), kind };
        let buffer = self.buffers.pop().unwrap_or_default();
        let unit = self.packetizer.open(self.info(label, effort), streaming, buffer);
        let pace = FramePace::new(now, 0, unit.shard_bytes() + self.params.overhead(), effort.pace);
        self.pending.push_back(Pending { unit, pace, kind, open: true });
        self.next_frame = label.index.wrapping_add(1);
        self.stats.frames += 1;
        Ok(label.index)
    }

    /// Takes the next bytes of the picture that was begun, copying them.
    ///
    /// # Errors
    /// [`MediaError::TooLarge`]: the picture is given up. [`MediaError::NoOpenUnit`].
    pub fn push_slice(&mut self, bytes: &[u8]) -> Result<(), MediaError> {
        let limit = self.params.max_frame_bytes;
        let at = self.open_at().ok_or(MediaError::NoOpenUnit)?;
        let unit = &mut self.pending[at].unit;
        let total = unit.frame_bytes() + bytes.len();
        if total > limit {
            self.give_up_open();
            return Err(MediaError::TooLarge { bytes: total, limit });
        }
        unit.push(bytes);
        self.stats.frame_bytes += bytes.len() as u64;
        Ok(())
    }

    /// The picture that was begun is complete. If none of it has left, it leaves as whole units do.
    ///
    /// # Errors
    /// [`MediaError::NoOpenUnit`].
    pub fn finish_unit(&mut self, now: Instant) -> Result<(), MediaError> {
        let at = self.open_at().ok_or(MediaError::NoOpenUnit)?;
        let pending = &mut self.pending[at];
        pending.open = false;
        if pending.unit.data_shards() > 0 {
            pending.unit.finish();
            return Ok(());
        }
        let (info, kind) = (pending.unit.info(), pending.kind);
        let bytes = std::mem::take(pending.unit.buffer());
        let effort = self.effort_for(kind, self.layout(bytes.len()));
        let label = UnitLabel { pts: info.pts, index: info.frame_index, user_flags: kind.flags(), kind };
        self.pending[at] = self.whole(now, label, effort, bytes);
        Ok(())
    }

    /// Takes a unit of speed-test filler (spec section 4.8), which has an index space of its own. `zeros` is what it
    /// carries. It waits for a picture that was begun.
    ///
    /// # Errors
    /// [`MediaError`]; the index is then not used up.
    pub fn submit_filler(&mut self, now: Instant, pts: HostTime, zeros: &[u8]) -> Result<u32, MediaError> {
        self.check_size(zeros.len())?;
        let (index, buffer) = (self.next_filler, self.copy(zeros));
        let label = UnitLabel { pts, index, user_flags: flags::FILLER, kind: UnitKind::Delta };
        let effort = self.ordinary_effort(self.layout(zeros.len()));
        let pending = self.whole(now, label, effort, buffer);
        self.pending.push_back(pending);
        self.next_filler = index.wrapping_add(1);
        self.stats.filler_units += 1;
        self.stats.filler_bytes += zeros.len() as u64;
        Ok(index)
    }

    /// Appends the next datagrams that are due to `out`, whose allocation the caller reuses.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Vec<u8>) -> Option<Batch> {
        let hurry = self.pending.len() > 1;
        let overhead = self.params.overhead();
        self.cut_next_block();
        let front = self.pending.front_mut()?;
        let segment = front.unit.shard_bytes() + overhead;
        let due = if hurry { usize::MAX } else { front.pace.allowance(now).div_ceil(segment) };
        let most = MAX_BATCH_DATAGRAMS.min(MAX_BATCH_BYTES / segment);
        let datagrams = due.min(most).min(front.unit.left());
        if datagrams == 0 {
            return None;
        }
        for _ in 0..datagrams {
            let written = write_datagram(&mut self.packetizer, self.sealer.as_mut(), &mut front.unit, out);
            if !written {
                self.pending.clear();
                return None;
            }
        }
        front.pace.sent(datagrams * segment);
        self.stats.datagrams += datagrams as u64;
        self.stats.datagram_bytes += (datagrams * segment) as u64;
        if front.unit.is_done() {
            let sent = self.pending.pop_front().map(|sent| sent.unit.into_buffer());
            sent.into_iter().for_each(|buffer| self.keep_buffer(buffer));
        }
        Some(Batch { segment, datagrams })
    }

    /// When [`HostMedia::poll_transmit`] next has something; a time already past means now. `None` also while the next
    /// slice is awaited.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let front = self.pending.front()?;
        let has_more = front.unit.left() > 0 || self.packetizer.next_block(&front.unit).is_some();
        has_more.then(|| front.pace.next_due())
    }

    /// Sets the FEC percentage of the following frames, 0 to 90. Reports move it on from there.
    pub fn set_fec_percent(&mut self, percent: u8) {
        self.fec = FecController::new(percent);
        self.last_percent = self.fec.percent();
    }

    /// LossReport came: parity of the following frames follows it.
    pub fn on_loss_report(&mut self, ppm: u32) {
        let (data, recovery) = std::mem::take(&mut self.shards);
        self.fec.on_report(ppm, recovery as f64 / data.max(1) as f64);
    }

    /// RfiRequest or RequestKeyframe came: parity was not enough.
    pub fn on_recovery_request(&mut self) {
        self.fec.on_recovery_request();
    }

    /// Sets how the following IDRs and recovery anchors are protected.
    pub fn set_protection(&mut self, protection: Protection) {
        self.protection = protection;
    }

    /// Sets the rate that the following frames are paced for; zero means no pacing.
    pub fn set_bitrate(&mut self, bitrate: Bitrate) {
        self.bitrate = bitrate;
    }

    /// Sets the shard size of the following frames (spec section 2.5, ShardPayloadChanged).
    ///
    /// # Errors
    /// [`ParamsError`]; the size then stays.
    pub fn set_shard_payload(&mut self, shard_payload: u16) -> Result<(), ParamsError> {
        MediaParams { shard_payload, ..self.params.clone() }.validate()?;
        self.shard_payload = shard_payload;
        Ok(())
    }

    /// The index the next frame will have.
    pub fn next_frame_index(&self) -> u32 {
        self.next_frame
    }

    /// The FEC percentage of the last unit.
    pub fn fec_percent(&self) -> u8 {
        self.last_percent
    }

    /// What went out.
    pub fn stats(&self) -> HostMediaStats {
        self.stats
    }

    fn effort_for(&self, kind: UnitKind, layout: FrameLayout) -> Effort {
        let ordinary = self.ordinary_effort(layout);
        match (kind, self.protection) {
            (UnitKind::Idr | UnitKind::RecoveryAnchor, Protection::Raised) if self.fec.percent() > 0 => {
                let raised = self.fec.percent().saturating_mul(3).clamp(MIN_KEY_FEC_PERCENT, MAX_FEC_PERCENT);
                Effort {
                    percent: raised.max(ordinary.percent),
                    pace: Bitrate::from_kbps(self.bitrate.kbps().saturating_mul(2)),
                }
            }
            _ => ordinary,
        }
    }

    fn ordinary_effort(&self, layout: FrameLayout) -> Effort {
        Effort { percent: self.fec.percent_for(layout), pace: self.bitrate }
    }

    fn layout(&self, bytes: usize) -> FrameLayout {
        FrameLayout::new(bytes, usize::from(self.shard_payload), usize::from(self.params.max_block_shards))
    }

    /// Whether a picture of so many bytes can be taken; one that was begun gives way to it.
    fn admit(&mut self, bytes: usize) -> Result<(), MediaError> {
        self.check_size(bytes)?;
        self.give_up_open();
        Ok(())
    }

    fn check_size(&self, bytes: usize) -> Result<(), MediaError> {
        let limit = self.params.max_frame_bytes;
        if bytes > limit {
            return Err(MediaError::TooLarge { bytes, limit });
        }
        if self.pending.len() == MAX_PENDING {
            return Err(MediaError::Backlog(MAX_PENDING));
        }
        Ok(())
    }

    /// Where the picture that was begun is. Filler may wait behind it.
    fn open_at(&self) -> Option<usize> {
        self.pending.iter().position(|pending| pending.open)
    }

    fn give_up_open(&mut self) {
        let given_up = self.open_at().and_then(|at| self.pending.remove(at));
        given_up.into_iter().for_each(|pending| self.keep_buffer(pending.unit.into_buffer()));
    }

    /// Cuts the next block off a streamed unit whose last block is out.
    fn cut_next_block(&mut self) {
        let Some(front) = self.pending.front() else { return };
        let Some(shards) = self.packetizer.next_block(&front.unit) else { return };
        let effort = self.effort_for(front.kind, FrameLayout::block(shards));
        let overhead = self.params.overhead();
        let Some(front) = self.pending.front_mut() else { return };
        let recovery = self.packetizer.cut(&mut front.unit, effort.percent);
        front.pace.grow((shards + recovery) * (front.unit.shard_bytes() + overhead));
        self.last_percent = effort.percent;
        self.shards.0 += shards as u64;
        self.shards.1 += recovery as u64;
    }

    fn copy(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut buffer = self.buffers.pop().unwrap_or_default();
        buffer.extend_from_slice(bytes);
        buffer
    }

    fn enqueue_picture(&mut self, now: Instant, pts: HostTime, kind: UnitKind, bytes: Vec<u8>) -> u32 {
        let index = self.next_frame;
        self.stats.frames += 1;
        self.stats.frame_bytes += bytes.len() as u64;
        let effort = self.effort_for(kind, self.layout(bytes.len()));
        let pending = self.whole(now, UnitLabel { pts, index, user_flags: kind.flags(), kind }, effort, bytes);
        self.pending.push_back(pending);
        self.next_frame = index.wrapping_add(1);
        index
    }

    /// A unit that is there as a whole.
    fn whole(&mut self, now: Instant, label: UnitLabel, effort: Effort, bytes: Vec<u8>) -> Pending {
        let unit = self.packetizer.begin(self.info(label, effort), bytes);
        self.last_percent = effort.percent;
        self.shards.0 += unit.data_shards() as u64;
        self.shards.1 += (unit.left() - unit.data_shards()) as u64;
        let segment = unit.shard_bytes() + self.params.overhead();
        let pace = FramePace::new(now, unit.left() * segment, segment, effort.pace);
        Pending { unit, pace, kind: label.kind, open: false }
    }

    fn info(&self, label: UnitLabel, effort: Effort) -> UnitInfo {
        UnitInfo {
            pts: label.pts,
            frame_index: label.index,
            user_flags: label.user_flags,
            shard_bytes: usize::from(self.shard_payload),
            percent: effort.percent,
        }
    }

    /// Keeps the buffer of a unit that was sent.
    fn keep_buffer(&mut self, mut buffer: Vec<u8>) {
        if self.buffers.len() < MAX_PENDING {
            buffer.clear();
            self.buffers.push(buffer);
        }
    }
}

/// Appends one datagram; false when no sequence number is left, which no session lives to see.
fn write_datagram(
    packetizer: &mut Packetizer,
    sealer: Option<&mut Sealer>,
    unit: &mut Outgoing,
    out: &mut Vec<u8>,
) -> bool {
    let Some(sealer) = sealer else {
        packetizer.write_next(unit, out);
        return true;
    };
    let start = out.len();
    out.extend_from_slice(&[0; SEQ_BYTES]);
    packetizer.write_next(unit, out);
    out.extend_from_slice(&[0; TAG_BYTES]);
    let sealed = sealer.seal(&mut out[start..]).is_ok();
    if !sealed {
        out.truncate(start);
    }
    sealed
}
