//! A host, a client, and the queue of packets between them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use punktfunk_proto::session::client_media::{ClientMedia, ClientMediaStats};
use punktfunk_proto::session::media::MediaParams;
use punktfunk_proto::units::HostTime;
use punktfunk_proto::video::header::{HEADER_BYTES, MAGIC};

use super::super::script::{Step, steps};
use super::sender::Sender;
use super::setup::{Setup, action};
use super::witness::{Replay, Witness};

/// Plays a script. Both sides agree on which setups are sound.
pub(super) fn play(setup: &Setup, script: &[u8]) -> Option<ClientMediaStats> {
    let params = setup.params();
    let (Some(sender), Ok(client)) = (Sender::new(&params), ClientMedia::new(params.clone())) else {
        assert!(Sender::new(&params).is_none() && ClientMedia::new(params.clone()).is_err());
        assert!(params.validate().is_err());
        return None;
    };
    let now = Instant::now();
    let mut world = World {
        params,
        sender,
        client,
        queue: VecDeque::new(),
        last: None,
        start: now,
        now,
        witness: Witness::default(),
        replay: Replay::default(),
    };
    for step in steps(script).take(MAX_STEPS) {
        world.step(&step);
        world.watch();
    }
    world.decode(usize::MAX);
    world.watch();
    Some(world.client.stats())
}

struct World {
    params: MediaParams,
    sender: Sender,
    client: ClientMedia,
    /// Packets, not sealed yet.
    queue: VecDeque<Vec<u8>>,
    /// The datagram that arrived last.
    last: Option<Vec<u8>>,
    start: Instant,
    now: Instant,
    witness: Witness,
    replay: Replay,
}

impl World {
    fn step(&mut self, step: &Step) {
        let (number, odd) = (usize::from(step.number), step.side % 2 == 1);
        match step.action % action::COUNT {
            action::SUBMIT | action::STREAMED | action::FILLER => self.send(step),
            action::DELIVER => (0..=number).for_each(|_| self.deliver()),
            action::LOSE => drop(self.queue.drain(..self.queue.len().min(number + 1))),
            action::DELAY => {
                if number < self.queue.len() {
                    self.queue.swap(0, number);
                }
            }
            action::REPEAT => {
                if let Some(datagram) = self.last.clone() {
                    self.arrive(&datagram);
                }
            }
            action::PATCH => self.patch(step),
            action::SPOIL => self.spoil(step),
            action::DATAGRAM => {
                self.witness.forged |= self.params.keys.is_none();
                self.arrive(&step.bytes);
            }
            action::PACKET => self.packet(step),
            action::WAIT => self.advance(Duration::from_micros(u64::from(step.number) * 100)),
            action::EXPIRE => self.expire(),
            action::DECODE => {
                self.decode(number.saturating_add(1));
                if odd {
                    self.client.decoder_stalled(self.now);
                }
            }
            action::CHANGE => self.sender.change(odd, step.number),
            _ => step.bytes.as_chunks().0.iter().for_each(|seq| self.replay.ask(u64::from_le_bytes(*seq))),
        }
    }

    fn send(&mut self, step: &Step) {
        let (now, pts, number, odd) = (self.now, self.pts(), usize::from(step.number), step.side % 2 == 1);
        let packets = match step.action % action::COUNT {
            action::SUBMIT => {
                let len = if odd { number * 16 } else { number % 16_384 };
                self.sender.submit(now, pts, len, step.bytes.first().copied().unwrap_or_default())
            }
            action::STREAMED => self.sender.streamed(now, pts, odd, number % 5),
            _ => self.sender.filler(now, pts, number),
        };
        let room = MAX_QUEUE.saturating_sub(self.queue.len());
        self.queue.extend(packets.into_iter().take(room));
    }

    fn deliver(&mut self) {
        if let Some(packet) = self.queue.pop_front() {
            let datagram = self.sender.seal(&packet);
            self.arrive(&datagram);
        }
    }

    fn patch(&mut self, step: &Step) {
        if let Some(packet) = self.queue.front_mut() {
            let at = usize::from(step.number) % packet.len();
            packet[at..].iter_mut().zip(&step.bytes).for_each(|(to, from)| *to = *from);
            self.witness.forged = true;
        }
    }

    fn spoil(&mut self, step: &Step) {
        let Some(packet) = self.queue.pop_front() else { return };
        self.witness.forged |= self.params.keys.is_none();
        let mut datagram = self.sender.seal(&packet);
        let at = usize::from(step.number) % datagram.len();
        datagram[at..].iter_mut().zip(&step.bytes).for_each(|(to, mask)| *to ^= mask);
        self.arrive(&datagram);
    }

    /// A packet of the fuzzer's own; the magic is put in for it.
    fn packet(&mut self, step: &Step) {
        let mut packet = step.bytes.clone();
        packet.resize(packet.len().max(HEADER_BYTES) + usize::from(step.number % 10_000), 0);
        packet[36] = MAGIC;
        self.witness.forged = true;
        let datagram = self.sender.seal(&packet);
        self.arrive(&datagram);
    }

    fn arrive(&mut self, datagram: &[u8]) {
        let mut buffer = datagram.to_vec();
        self.witness.datagrams += 1;
        if let Err(refused) = self.client.handle_datagram(self.now, &mut buffer) {
            assert!(!refused.to_string().is_empty());
            self.witness.refused += 1;
        }
        self.last = Some(datagram.to_vec());
    }

    fn advance(&mut self, by: Duration) {
        let end = self.now + by;
        for _ in 0..MAX_TIMEOUTS {
            if self.client.poll_timeout().is_none_or(|due| due > end) {
                break;
            }
            self.expire();
        }
        self.now = end;
    }

    fn expire(&mut self) {
        let Some(due) = self.client.poll_timeout() else { return };
        self.now = self.now.max(due);
        self.client.handle_timeout(self.now);
        let next = self.client.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "a timeout that does not pass");
    }

    fn decode(&mut self, most: usize) {
        for _ in 0..most {
            let Some(unit) = self.client.poll_unit() else { return };
            self.witness.unit(&unit, &self.sender.sent);
        }
    }

    fn watch(&mut self) {
        while let Some(event) = self.client.poll_event() {
            Witness::event(event);
        }
        self.client.take_filler();
        self.witness.stats(&self.client, self.params.max_frame_bytes);
    }

    fn pts(&self) -> HostTime {
        HostTime::from_nanos(1_700_000_000_000_000_000).plus(self.now - self.start)
    }
}

const MAX_STEPS: usize = 128;
const MAX_QUEUE: usize = 2_048;
/// Timeouts within one wait of at most 6.6 s.
const MAX_TIMEOUTS: usize = 500;
