//! What must be true of everything a client hands on, whatever arrived.

use std::collections::{HashMap, HashSet};

use punktfunk_proto::crypto::replay::{ReplayWindow, WINDOW};
use punktfunk_proto::session::client_media::{ClientMedia, ClientMediaEvent, ReceivedUnit, RefusedCounts};
use punktfunk_proto::video::recovery::MAX_RFI_FRAMES;

use super::sender::Sent;

#[derive(Default)]
pub(super) struct Witness {
    /// Somebody who could changed what the host sent.
    pub(super) forged: bool,
    pub(super) refused: u64,
    pub(super) datagrams: u64,
    next: Option<u32>,
    units: u64,
}

impl Witness {
    /// Units come in order, and as they were sent unless somebody with the key changed them.
    pub(super) fn unit(&mut self, unit: &ReceivedUnit<'_>, sent: &HashMap<u32, Sent>) {
        self.units += 1;
        let ahead = unit.frame_index.wrapping_sub(self.next.unwrap_or(0));
        assert!(ahead <= 1 << 31, "unit {} after {:?}", unit.frame_index, self.next);
        self.next = Some(unit.frame_index.wrapping_add(1));
        assert!(unit.first_at <= unit.last_at);
        if !self.forged {
            let sent = sent.get(&unit.frame_index).expect("a unit nobody sent");
            assert_eq!((unit.pts, unit.user_flags), (sent.pts, sent.user_flags));
            assert!(unit.bytes == sent.bytes, "unit {} is not what was sent", unit.frame_index);
        }
    }

    pub(super) fn event(event: ClientMediaEvent) {
        match event {
            ClientMediaEvent::LossReport { ppm } => assert!(ppm <= 1_000_000),
            ClientMediaEvent::RequestRfi { first, last } => {
                let frames = last.wrapping_sub(first).wrapping_add(1);
                assert!((1..=MAX_RFI_FRAMES).contains(&frames), "{frames} frames to invalidate");
            }
            ClientMediaEvent::RequestKeyframe | ClientMediaEvent::FrameLost { .. } => {}
        }
    }

    /// Everything is counted once, and memory stays within the budget.
    pub(super) fn stats(&self, client: &ClientMedia, max_frame_bytes: usize) {
        let stats = client.stats();
        assert_eq!((stats.datagrams, stats.units), (self.datagrams, self.units));
        assert_eq!(sum(stats.refused), self.refused);
        assert!(stats.memory <= 4 * max_frame_bytes, "{} bytes for frames of {max_frame_bytes}", stats.memory);
    }
}

fn sum(refused: RefusedCounts) -> u64 {
    let RefusedCounts {
        too_short,
        replayed,
        not_authentic,
        header,
        geometry,
        too_old,
        disagreement,
        unrecoverable,
        memory,
    } = refused;
    too_short + replayed + not_authentic + header + geometry + too_old + disagreement + unrecoverable + memory
}

/// A replay window beside one that remembers everything.
#[derive(Default)]
pub(super) struct Replay {
    window: ReplayWindow,
    seen: HashSet<u64>,
    newest: u64,
}

impl Replay {
    pub(super) fn ask(&mut self, seq: u64) {
        let known = self.seen.contains(&seq) || (!self.seen.is_empty() && self.newest.saturating_sub(seq) >= WINDOW);
        assert_eq!(self.window.is_new(seq), !known, "{seq} behind {}", self.newest);
        if !known {
            self.window.record(seq);
            self.seen.insert(seq);
            self.newest = self.newest.max(seq);
        }
    }
}
