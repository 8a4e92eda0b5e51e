use super::{ApprovalPath, ApprovalQueue, KnockId, KnockRefusal, ParkedEnd, ParkedId, Presence};
use crate::{name::DeviceName, source::Source};
use proptest::{
    collection::vec,
    prelude::{Strategy, prop_assert, prop_assert_eq, prop_oneof, proptest},
    test_runner::TestCaseError,
};
use punktfunk_proto::units::Fingerprint;
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    time::{Duration, Instant},
};

fn device(n: u32) -> Fingerprint {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&n.to_be_bytes());
    Fingerprint::from_bytes(bytes)
}

fn source(n: u32) -> IpAddr {
    Ipv4Addr::from_bits(0x0A00_0000 + n).into()
}

fn seconds(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn knock(queue: &mut ApprovalQueue, now: Instant, who: u32, from: u32) -> Result<ParkedId, KnockRefusal> {
    queue.knock(now, device(who), DeviceName::claimed(Some("TV"), device(who)), source(from))
}

fn ends(queue: &mut ApprovalQueue) -> Vec<(ParkedId, ParkedEnd)> {
    std::iter::from_fn(|| queue.poll_end()).collect()
}

#[test]
fn a_thousand_knocks_from_one_address_hold_four_places_and_evict_nobody_who_waits() {
    let (mut queue, now) = (ApprovalQueue::default(), Instant::now());
    let parked: Vec<_> = (0..1_000).filter_map(|n| knock(&mut queue, now, n, 1).ok()).collect();
    assert_eq!(parked.len(), 4);
    assert_eq!(queue.list(now).filter(|knock| knock.presence == Presence::Waiting).count(), 4);
    assert_eq!(knock(&mut queue, now, 2_000, 1), Err(KnockRefusal::SourceFull));
    assert!(knock(&mut queue, now, 2_001, 2).is_ok());
    assert_eq!(queue.dropped(), 997);
    assert_eq!(ends(&mut queue), []);
}

#[test]
fn knocks_from_three_hundred_addresses_hold_thirty_two_places_and_the_least_active_goes_first() {
    let (mut queue, start) = (ApprovalQueue::default(), Instant::now());
    for n in 0..1_000 {
        let now = start + Duration::from_millis(u64::from(n));
        let parked = knock(&mut queue, now, n, n % 300).unwrap();
        queue.left(parked);
    }
    let now = start + seconds(1);
    let listed: BTreeSet<_> = queue.list(now).map(|knock| knock.fingerprint).collect();
    assert_eq!(listed, (968..1_000).map(device).collect());
    assert_eq!(queue.dropped(), 968);
    queue.handle_timeout(start + seconds(1) + ApprovalQueue::LISTED);
    assert_eq!((queue.entries.len(), queue.list(now).count()), (0, 0));
}

#[test]
fn a_full_queue_of_waiting_devices_turns_newcomers_away() {
    let (mut queue, now) = (ApprovalQueue::default(), Instant::now());
    for n in 0..32 {
        knock(&mut queue, now, n, n).unwrap();
    }
    assert_eq!(knock(&mut queue, now, 99, 99), Err(KnockRefusal::QueueFull));
    assert!(knock(&mut queue, now, 5, 5).is_ok(), "a device that is listed keeps its place");
}

#[test]
fn three_knocks_of_one_device_and_one_approval_make_one_session() {
    let (mut queue, now) = (ApprovalQueue::default(), Instant::now());
    let [first, second, third] = [0, 1, 2].map(|n| knock(&mut queue, now + seconds(n), 1, 1).unwrap());
    assert_eq!(ends(&mut queue), [(first, ParkedEnd::Superseded), (second, ParkedEnd::Superseded)]);
    assert_eq!(queue.list(now).count(), 1);
    assert!(queue.answer(now + seconds(3), device(1), ParkedEnd::Admitted));
    assert!(!queue.answer(now + seconds(3), device(1), ParkedEnd::Admitted));
    assert_eq!(ends(&mut queue), [(third, ParkedEnd::Admitted)]);
}

#[test]
fn a_knock_keeps_its_id_when_the_device_knocks_again() {
    let (mut queue, now) = (ApprovalQueue::default(), Instant::now());
    knock(&mut queue, now, 1, 1).unwrap();
    let id = queue.list(now).next().unwrap().id;
    knock(&mut queue, now, 1, 2).unwrap();
    assert_eq!(queue.find(now, id).unwrap().source, source(2));
}

#[test]
fn a_held_connection_ends_unanswered_after_three_minutes_and_its_device_after_ten() {
    let (mut queue, start) = (ApprovalQueue::default(), Instant::now());
    let parked = knock(&mut queue, start, 1, 1).unwrap();
    let due = queue.poll_timeout().unwrap();
    assert_eq!(due, start + ApprovalQueue::PARKED);
    queue.handle_timeout(due);
    assert_eq!(ends(&mut queue), [(parked, ParkedEnd::Unanswered)]);
    let id = queue.list(due).next().unwrap().id;
    assert_eq!(queue.find(due, id).unwrap().presence, Presence::Left);
    let gone = queue.poll_timeout().unwrap();
    assert_eq!(gone, start + ApprovalQueue::LISTED);
    assert_eq!(queue.find(gone, id), None, "gone from its second on, even before the timer ran");
    queue.handle_timeout(gone);
    assert_eq!((queue.poll_timeout(), ends(&mut queue)), (None, vec![]));
}

#[test]
fn devices_with_equal_names_are_told_apart_and_an_answer_is_for_one() {
    let (mut queue, now) = (ApprovalQueue::default(), Instant::now());
    let [one, two] = [1, 2].map(|n| knock(&mut queue, now, n, n).unwrap());
    let names: BTreeSet<_> = queue.list(now).map(|knock| knock.name.to_string()).collect();
    let fingerprints: BTreeSet<_> = queue.list(now).map(|knock| knock.fingerprint).collect();
    assert_eq!((names.len(), fingerprints.len()), (1, 2));
    queue.answer(now, device(2), ParkedEnd::Admitted);
    assert_eq!(ends(&mut queue), [(two, ParkedEnd::Admitted)]);
    queue.answer(now, device(1), ParkedEnd::Denied);
    assert_eq!(ends(&mut queue), [(one, ParkedEnd::Denied)]);
}

#[test]
fn a_knock_from_the_internet_is_listed_for_a_bound_pin_only() {
    let (mut queue, now) = (ApprovalQueue::default(), Instant::now());
    let name = DeviceName::claimed(None, device(1));
    queue.knock(now, device(1), name, "203.0.113.9".parse().unwrap()).unwrap();
    assert_eq!(queue.list(now).next().unwrap().path, ApprovalPath::BoundPin);
}

#[test]
fn case_26_the_internet_fills_eight_places_and_cannot_keep_the_house_out() {
    let (mut queue, now) = (ApprovalQueue::default(), Instant::now());
    let far = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(0xCB00_7100 + n));
    let name = |n| DeviceName::claimed(None, device(n));
    let held = (0..200).filter(|n| queue.knock(now, device(*n), name(*n), far(*n)).is_ok()).count();
    assert_eq!(held, ApprovalQueue::MAX_FAR);
    assert_eq!(queue.knock(now, device(999), name(999), far(250)), Err(KnockRefusal::QueueFull));
    let house = (1_000..1_100).filter(|n| knock(&mut queue, now, *n, *n).is_ok()).count();
    assert_eq!(house, ApprovalQueue::MAX - ApprovalQueue::MAX_FAR);
    assert!(queue.knock(now, device(3), name(3), far(3)).is_ok(), "a device that is listed keeps its place");
}

#[test]
fn a_connection_that_left_is_told_nothing() {
    let (mut queue, now) = (ApprovalQueue::default(), Instant::now());
    let first = knock(&mut queue, now, 1, 1).unwrap();
    knock(&mut queue, now, 1, 1).unwrap();
    queue.left(first);
    assert_eq!(ends(&mut queue), []);
    assert_eq!(queue.find(now, KnockId::from_number(77)), None);
}

#[derive(Clone, Debug)]
enum Op {
    Knock { who: u32, from: u32 },
    Leave(u32),
    Answer(u32),
    Wait(u64),
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        6 => (0..80_u32, 0..20_u32).prop_map(|(who, from)| Op::Knock { who, from }),
        2 => (0..80_u32).prop_map(Op::Leave),
        1 => (0..80_u32).prop_map(Op::Answer),
        1 => (0..120_u64).prop_map(Op::Wait),
    ];
    vec(op, 0..400)
}

/// What each device's connection must be, besides the queue.
#[derive(Default)]
struct Model {
    waiting: BTreeMap<ParkedId, (Fingerprint, Instant)>,
}

impl Model {
    fn settle(&mut self, queue: &mut ApprovalQueue, now: Instant) -> Result<(), TestCaseError> {
        for (parked, end) in ends(queue) {
            let since = self.waiting.remove(&parked).map(|(_, since)| since);
            prop_assert!(since.is_some(), "{parked:?} ended twice or was never held");
            prop_assert!(end != ParkedEnd::Unanswered || now >= since.unwrap() + ApprovalQueue::PARKED);
        }
        Ok(())
    }

    fn check(&self, queue: &ApprovalQueue, now: Instant) -> Result<(), TestCaseError> {
        let listed: Vec<_> = queue.list(now).collect();
        prop_assert!(listed.len() <= ApprovalQueue::MAX && queue.entries.len() <= ApprovalQueue::MAX);
        let mut per_source = BTreeMap::<String, usize>::new();
        for knock in &listed {
            *per_source.entry(format!("{:?}", Source::of(knock.source))).or_default() += 1;
        }
        prop_assert!(per_source.values().all(|count| *count <= ApprovalQueue::MAX_PER_SOURCE));
        let fingerprints: BTreeSet<_> = listed.iter().map(|knock| knock.fingerprint).collect();
        prop_assert_eq!(fingerprints.len(), listed.len(), "one place per device");
        let held: BTreeSet<_> = queue.entries.iter().filter_map(|entry| entry.parked).collect();
        prop_assert_eq!(held, self.waiting.keys().copied().collect(), "a connection that waits is never evicted");
        Ok(())
    }
}

proptest! {
    #[test]
    fn limits_hold_and_every_held_connection_ends_once_whatever_happens(ops in ops()) {
        let (mut queue, mut model, mut now) = (ApprovalQueue::default(), Model::default(), Instant::now());
        for op in ops {
            match op {
                Op::Knock { who, from } => {
                    if let Ok(parked) = knock(&mut queue, now, who, from) {
                        model.waiting.insert(parked, (device(who), now));
                    }
                }
                Op::Leave(who) => {
                    let parked = model.waiting.iter().find(|(_, held)| held.0 == device(who)).map(|(id, _)| *id);
                    if let Some(parked) = parked {
                        queue.left(parked);
                        model.waiting.remove(&parked);
                    }
                }
                Op::Answer(who) => {
                    queue.answer(now, device(who), ParkedEnd::Denied);
                }
                Op::Wait(time) => {
                    now += seconds(time);
                    queue.handle_timeout(now);
                }
            }
            model.settle(&mut queue, now)?;
            model.check(&queue, now)?;
        }
    }
}
