//! Who may start a handshake: bounded state for peers that have proven nothing yet (abuse case 48).
//!
//! Few handshakes under way: everybody is let in at once. More: an address must first be proven by Retry, which
//! costs this side no memory. A proven address may hold a share of the places; when the places are full, the oldest
//! handshake of whoever holds most gives way, if it is old enough to have stalled. A newcomer that finds no stalled
//! handshake waits for one, and of those that wait the newest is served first: whoever floods pushes out himself.

use std::{
    collections::{BTreeMap, HashMap},
    net::{IpAddr, Ipv6Addr},
    time::{Duration, Instant},
};

/// Bounds on handshakes under way. The defaults suit a home.
#[derive(Clone, Copy, Debug)]
pub struct HandshakeLimits {
    /// From this many on, an unproven address is answered by Retry and nothing is kept of it.
    pub retry_from: usize,
    /// At most this many from one source: an IPv4 address or an IPv6 /64.
    pub per_source: usize,
    /// At most this many overall.
    pub total: usize,
    /// A handshake older than this may be given up for a newer one: the slowest round trip that is served even under
    /// attack. With the places it bounds how many handshakes an attacker can make this side compute a second.
    pub stalled_after: Duration,
    /// A handshake is given up after this.
    pub deadline: Duration,
}

impl Default for HandshakeLimits {
    fn default() -> Self {
        Self {
            retry_from: 32,
            per_source: 128,
            total: 256,
            stalled_after: Duration::from_millis(100),
            deadline: Duration::from_secs(5),
        }
    }
}

/// Names one handshake under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct HandshakeId(u64);

/// What to do with a peer's first packet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// Start the handshake; give up `instead_of` for it.
    Start { id: HandshakeId, instead_of: Option<HandshakeId> },
    /// Ask the peer to prove its address.
    Retry,
    /// Ask again when a handshake has ended or may have stalled.
    Wait,
}

#[derive(Debug)]
struct UnderWay {
    source: IpAddr,
    since: Instant,
}

/// The handshakes under way, oldest first.
#[derive(Debug)]
pub(super) struct Gate {
    limits: HandshakeLimits,
    next: u64,
    under_way: BTreeMap<HandshakeId, UnderWay>,
    per_source: HashMap<IpAddr, usize>,
}

impl Gate {
    pub(super) fn new(limits: HandshakeLimits) -> Self {
        Self { limits, next: 0, under_way: BTreeMap::new(), per_source: HashMap::new() }
    }

    /// Decides about a first packet from `source`; `proven` when it carries the token of a Retry.
    pub(super) fn assess(&mut self, now: Instant, source: IpAddr, proven: bool) -> Decision {
        let source = source_of(source);
        if !proven && self.under_way.len() >= self.limits.retry_from {
            return Decision::Retry;
        }
        let instead_of = if self.count(source) >= self.limits.per_source {
            Some(self.oldest_of(source))
        } else if self.under_way.len() >= self.limits.total {
            self.busiest_source().map(|busiest| self.oldest_of(busiest))
        } else {
            None
        };
        if let Some(oldest) = instead_of {
            let Some(oldest) = oldest.filter(|id| self.has_stalled(*id, now)) else { return Decision::Wait };
            self.finished(oldest);
        }
        let id = HandshakeId(self.next);
        self.next += 1;
        self.under_way.insert(id, UnderWay { source, since: now });
        *self.per_source.entry(source).or_default() += 1;
        Decision::Start { id, instead_of: instead_of.flatten() }
    }

    /// A handshake came to its end, either way.
    pub(super) fn finished(&mut self, id: HandshakeId) {
        let Some(UnderWay { source, .. }) = self.under_way.remove(&id) else { return };
        if let Some(count) = self.per_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.per_source.remove(&source);
            }
        }
    }

    fn count(&self, source: IpAddr) -> usize {
        self.per_source.get(&source).copied().unwrap_or(0)
    }

    fn oldest_of(&self, source: IpAddr) -> Option<HandshakeId> {
        self.under_way.iter().find(|(_, handshake)| handshake.source == source).map(|(id, _)| *id)
    }

    /// The source with most handshakes; of equals, the one with the oldest.
    fn busiest_source(&self) -> Option<IpAddr> {
        let most = self.per_source.values().max()?;
        self.under_way.values().map(|handshake| handshake.source).find(|source| self.count(*source) == *most)
    }

    fn has_stalled(&self, id: HandshakeId, now: Instant) -> bool {
        self.under_way
            .get(&id)
            .is_some_and(|handshake| now.saturating_duration_since(handshake.since) >= self.limits.stalled_after)
    }
}

/// What counts as one source where connections are counted: whoever has an IPv6 address has its /64.
pub fn source_of(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::IpAddr,
        time::{Duration, Instant},
    };

    use proptest::prelude::{any, prop, prop_oneof, proptest};

    use super::{Decision, Gate, HandshakeId, HandshakeLimits};

    const LIMITS: HandshakeLimits = HandshakeLimits {
        retry_from: 2,
        per_source: 3,
        total: 5,
        stalled_after: Duration::from_secs(1),
        deadline: Duration::from_secs(5),
    };

    fn ip(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn started(decision: &Decision) -> HandshakeId {
        match decision {
            Decision::Start { id, .. } => *id,
            other => panic!("not started: {other:?}"),
        }
    }

    #[test]
    fn the_first_few_start_at_once_and_then_an_address_must_be_proven() {
        let (mut gate, now) = (Gate::new(LIMITS), Instant::now());
        let first = started(&gate.assess(now, ip(1), false));
        started(&gate.assess(now, ip(2), false));
        assert_eq!(gate.assess(now, ip(3), false), Decision::Retry);
        started(&gate.assess(now, ip(3), true));
        gate.finished(first);
        gate.finished(HandshakeId(1));
        started(&gate.assess(now, ip(4), false));
    }

    #[test]
    fn one_source_has_its_share_and_its_stalled_handshakes_give_way() {
        let (mut gate, now) = (Gate::new(LIMITS), Instant::now());
        let oldest = started(&gate.assess(now, ip(1), true));
        (0..2).for_each(|_| _ = started(&gate.assess(now, ip(1), true)));
        assert_eq!(gate.assess(now, ip(1), true), Decision::Wait, "none has stalled yet");
        let later = now + LIMITS.stalled_after;
        let decision = gate.assess(later, ip(1), true);
        assert!(matches!(decision, Decision::Start { instead_of: Some(id), .. } if id == oldest));
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one_source() {
        let (mut gate, now) = (Gate::new(LIMITS), Instant::now());
        for host in 1..=3_u16 {
            started(&gate.assess(now, [0x2001, 0xdb8, 0, 1, 0, 0, 0, host].into(), true));
        }
        assert_eq!(gate.assess(now, [0x2001, 0xdb8, 0, 1, 9, 9, 9, 9].into(), true), Decision::Wait);
        started(&gate.assess(now, [0x2001, 0xdb8, 0, 2, 0, 0, 0, 1].into(), true));
    }

    #[test]
    fn when_all_places_are_taken_the_busiest_source_gives_way() {
        let (mut gate, now) = (Gate::new(LIMITS), Instant::now());
        let quiet = started(&gate.assess(now, ip(1), true));
        let busy = started(&gate.assess(now, ip(2), true));
        (0..2).for_each(|_| _ = started(&gate.assess(now, ip(2), true)));
        started(&gate.assess(now, ip(3), true));
        let decision = gate.assess(now + LIMITS.stalled_after, ip(4), true);
        assert!(matches!(decision, Decision::Start { instead_of: Some(id), .. } if id == busy && id != quiet));
    }

    proptest! {
        #[test]
        fn no_order_of_events_goes_beyond_the_limits(
            events in prop::collection::vec(prop_oneof![
                (any::<u8>(), any::<bool>()).prop_map(|(last, proven)| (Some(last % 7), proven)),
                any::<bool>().prop_map(|end| (None, end)),
            ], 0..200)
        ) {
            let (mut gate, mut now) = (Gate::new(LIMITS), Instant::now());
            for (source, flag) in events {
                now += Duration::from_millis(150);
                match source {
                    Some(last) => drop(gate.assess(now, ip(last), flag)),
                    None => {
                        let ended = if flag { gate.under_way.keys().next() } else { gate.under_way.keys().last() };
                        ended.copied().into_iter().for_each(|id| gate.finished(id));
                    }
                }
                assert!(gate.under_way.len() <= LIMITS.total);
                assert!((0..7).all(|last| gate.count(ip(last)) <= LIMITS.per_source));
                assert_eq!(gate.per_source.values().sum::<usize>(), gate.under_way.len());
            }
        }
    }

    use proptest::strategy::Strategy as _;
}
