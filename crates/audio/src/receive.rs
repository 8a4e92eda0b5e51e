//! Packets as they arrive at a client, back in order: without I/O, time or allocation of its own beyond a fixed number of
//! packets.
//!
//! After each [`Order::push`] call [`Order::poll`] until `None`. A packet is waited for while fewer than [`HELD`] later ones
//! have come; then it counts as lost and the decoder makes up its 5 ms.

use std::collections::VecDeque;

/// Later packets that may come before one is given up: 30 ms.
pub const HELD: usize = 6;
/// A jump of the numbers beyond this is a new start, not a loss: a second.
const JUMP: u32 = 200;
/// Losses in a row that are made up for; beyond that the decoder has nothing left to say.
const CONCEALED: usize = 20;

/// What to give to the decoder next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// This packet.
    Packet(&'a [u8]),
    /// Nothing: make something up.
    Lost,
}

/// What came of the packets so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams that arrived, duplicates too.
    pub received: u64,
    /// Packets that were in no datagram of their own but in the next one (redundancy).
    pub recovered: u64,
    /// Packets that never came.
    pub lost: u64,
    /// Datagrams that came twice, or after they were given up.
    pub late: u64,
}

/// Puts packets in order.
#[derive(Debug, Default)]
pub struct Order {
    /// The number that is due next; `None` before the first packet.
    next: Option<u32>,
    /// What came from there on, with gaps; the first place is `next`.
    held: VecDeque<Option<Vec<u8>>>,
    /// Buffers to use again.
    free: Vec<Vec<u8>>,
    /// What was handed out last.
    current: Vec<u8>,
    counts: Counts,
}

impl Order {
    /// Takes a datagram: packet `number`, and the one before it if the host sends that again.
    pub fn push(&mut self, number: u32, packet: &[u8], previous: Option<&[u8]>) {
        self.counts.received += 1;
        let next = *self.next.get_or_insert(number);
        let ahead = number.wrapping_sub(next);
        let behind = next.wrapping_sub(number);
        if ahead >= JUMP && behind >= JUMP {
            self.restart(number);
        } else if ahead >= JUMP {
            self.counts.late += 1;
            return;
        }
        let place = self.skip_long_gap(number);
        if let Some(previous) = previous.filter(|previous| !previous.is_empty() && place > 0)
            && self.put(place - 1, previous)
        {
            self.counts.recovered += 1;
        }
        if !self.put(place, packet) {
            self.counts.late += 1;
        }
    }

    /// What is due. Borrowed until the next call.
    pub fn poll(&mut self) -> Option<Piece<'_>> {
        let first = self.held.front()?;
        if first.is_none() && self.held.len() <= HELD {
            return None;
        }
        let packet = self.held.pop_front()?;
        self.next = self.next.map(|next| next.wrapping_add(1));
        match packet {
            Some(packet) => {
                let used = std::mem::replace(&mut self.current, packet);
                self.free.push(used);
                Some(Piece::Packet(&self.current))
            }
            None => {
                self.counts.lost += 1;
                Some(Piece::Lost)
            }
        }
    }

    /// What came of the packets so far.
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Puts a packet in its place; `false` if it is there already.
    fn put(&mut self, place: usize, packet: &[u8]) -> bool {
        while self.held.len() <= place {
            self.held.push_back(None);
        }
        let held = &mut self.held[place];
        if held.is_some() {
            return false;
        }
        let mut buffer = self.free.pop().unwrap_or_default();
        buffer.clear();
        buffer.extend_from_slice(packet);
        *held = Some(buffer);
        true
    }

    /// The place of packet `number`. A long gap before it is not made up for packet by packet.
    fn skip_long_gap(&mut self, number: u32) -> usize {
        loop {
            let next = self.next.unwrap_or(number);
            let place = number.wrapping_sub(next) as usize;
            if place <= HELD + CONCEALED || self.held.front().is_some_and(Option::is_some) {
                return place;
            }
            self.held.pop_front();
            self.next = Some(next.wrapping_add(1));
            self.counts.lost += 1;
        }
    }

    fn restart(&mut self, number: u32) {
        let buffers = self.held.drain(..).flatten();
        self.free.extend(buffers);
        self.next = Some(number);
    }
}
