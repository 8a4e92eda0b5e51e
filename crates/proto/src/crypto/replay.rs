//! The replay window: which of the last 131,072 sequence numbers were seen (spec section 4.2).
//!
//! At 12 Gbit/s of 1,472-byte datagrams it spans 128 ms, more than any reordering the reassembler would wait for.

/// Sequence numbers remembered.
pub const WINDOW: u64 = 131_072;

const WORDS: usize = (WINDOW / 64) as usize;

/// A sliding bit set over sequence numbers. 16 KiB, made once.
pub struct ReplayWindow {
    /// Bit `seq % WINDOW`; valid for `newest - WINDOW < seq <= newest`.
    bits: Box<[u64; WORDS]>,
    newest: Option<u64>,
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self { bits: Box::new([0; WORDS]), newest: None }
    }
}

impl ReplayWindow {
    /// Whether `seq` is neither seen nor too old to know.
    pub fn is_new(&self, seq: u64) -> bool {
        match self.newest {
            Some(newest) if seq <= newest => newest - seq < WINDOW && !self.bit(seq),
            _ => true,
        }
    }

    /// Remembers `seq`, for which [`ReplayWindow::is_new`] holds.
    pub fn record(&mut self, seq: u64) {
        let newest = self.newest.unwrap_or(seq);
        if seq > newest {
            self.forget_between(newest, seq);
        }
        self.newest = Some(newest.max(seq));
        let (word, mask) = place(seq);
        self.bits[word] |= mask;
    }

    fn bit(&self, seq: u64) -> bool {
        let (word, mask) = place(seq);
        self.bits[word] & mask != 0
    }

    /// Clears the bits that `newest + 1 ..= seq` take over from numbers one window older.
    fn forget_between(&mut self, newest: u64, seq: u64) {
        if seq - newest >= WINDOW {
            self.bits.fill(0);
            return;
        }
        let mut next = newest + 1;
        while next <= seq {
            let (word, mask) = place(next);
            if mask == 1 && seq - next >= 64 {
                self.bits[word] = 0;
                next += 64;
            } else {
                self.bits[word] &= !mask;
                match next.checked_add(1) {
                    Some(after) => next = after,
                    None => return,
                }
            }
        }
    }
}

fn place(seq: u64) -> (usize, u64) {
    let bit = seq % WINDOW;
    ((bit / 64) as usize, 1 << (bit % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::{any, proptest};

    use super::{ReplayWindow, WINDOW};

    fn take(window: &mut ReplayWindow, seq: u64) -> bool {
        let new = window.is_new(seq);
        if new {
            window.record(seq);
        }
        new
    }

    #[test]
    fn the_edge_of_the_window_is_exact() {
        let mut window = ReplayWindow::default();
        assert!(take(&mut window, WINDOW + 10));
        assert!(take(&mut window, 11), "exactly WINDOW - 1 behind");
        assert!(!take(&mut window, 10), "one too old");
        assert!(!take(&mut window, 11), "seen");
    }

    #[test]
    fn the_last_sequence_number_neither_wraps_nor_repeats() {
        let mut window = ReplayWindow::default();
        assert!(take(&mut window, 0));
        assert!(take(&mut window, u64::MAX - 1));
        assert!(take(&mut window, u64::MAX));
        assert!(!take(&mut window, u64::MAX));
        assert!(!take(&mut window, 0));
        assert!(take(&mut window, u64::MAX - 2));
    }

    #[test]
    fn nothing_is_falsely_dropped_at_twelve_gigabits_of_reordering() {
        // 12 Gbit/s is about 1,020 datagrams per millisecond: every datagram up to 100 ms late.
        let mut window = ReplayWindow::default();
        let reach = 102_000_u64;
        for round in 0..4_u64 {
            for seq in (0..reach).rev() {
                assert!(take(&mut window, round * reach + seq));
            }
        }
        assert!(!take(&mut window, 3 * reach + 5));
    }

    proptest! {
        /// The twin is a set of everything ever seen.
        #[test]
        fn it_agrees_with_a_plain_set(steps in proptest::collection::vec((any::<bool>(), 0_u64..300_000), 1..400)) {
            let (mut window, mut seen, mut newest) = (ReplayWindow::default(), HashSet::new(), 0_u64);
            for (forward, by) in steps {
                let seq = if forward { newest + by % 200 } else { newest.saturating_sub(by) };
                let expected = (seq >= newest || newest - seq < WINDOW) && !seen.contains(&seq);
                assert_eq!(take(&mut window, seq), expected, "{seq} with newest {newest}");
                seen.insert(seq);
                newest = newest.max(seq);
            }
        }
    }
}
