//! What owners, devices, clocks and disks do, at random.

use proptest::{
    option,
    prelude::{Just, Strategy, any, prop_oneof},
};

use super::{DEVICES, reference::Who};
use crate::{
    access::{Grants, Offer},
    pin::InvitedBy,
    trust::tests::seconds,
};

#[derive(Clone, Debug)]
pub(super) enum Op {
    Arm {
        who: Option<Who>,
        by: InvitedBy,
        offer: Offer,
    },
    Disarm,
    /// A request to pair arrives: from the internet, or from the house.
    Begin {
        who: Who,
        far: bool,
    },
    /// The request was no ceremony.
    Malformed(usize),
    /// The ceremony's answer goes out, to somebody who knows the secret or does not.
    Answer {
        attempt: usize,
        knows: bool,
    },
    /// The proof arrives.
    Prove(usize),
    /// All of that at once.
    Pair {
        who: Who,
        knows: bool,
    },
    Knock {
        who: Who,
        far: bool,
    },
    Approve {
        place: usize,
        offer: Offer,
    },
    ApproveAgain(usize),
    Deny(usize),
    Connect(Who),
    Revoke(Who),
    Forget(Who),
    SetAccess {
        who: Who,
        offer: Offer,
    },
    Wait(u64),
    /// Somebody sets the clock: by a day, or to 1970.
    Jump(Jump),
    Disk {
        faulty: bool,
    },
    Restart,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Jump {
    DayAhead,
    DayBack,
    Epoch,
}

fn offer() -> impl Strategy<Value = Offer> {
    let lifetime = option::of(prop_oneof![4 => 1..60_u64, 2 => 60..400_u64, 1 => 40_000..130_000_u64]);
    (0..64_u32, lifetime).prop_map(|(bits, lifetime)| Offer {
        grants: Grants::from_bits(bits).expect("six bits"),
        lifetime: lifetime.map(seconds),
    })
}

pub(super) fn op() -> impl Strategy<Value = Op> {
    let who = || 0..DEVICES;
    let far = || proptest::bool::weighted(0.15);
    let by = prop_oneof![2 => Just(InvitedBy::Pin), 1 => Just(InvitedBy::Token)];
    let jump = prop_oneof![Just(Jump::DayAhead), Just(Jump::DayBack), Just(Jump::Epoch)];
    prop_oneof![
        14 => (option::of(who()), by, offer()).prop_map(|(who, by, offer)| Op::Arm { who, by, offer }),
        1 => Just(Op::Disarm),
        8 => (who(), far()).prop_map(|(who, far)| Op::Begin { who, far }),
        1 => (0..4_usize).prop_map(Op::Malformed),
        10 => (0..4_usize, any::<bool>()).prop_map(|(attempt, knows)| Op::Answer { attempt, knows }),
        8 => (0..3_usize).prop_map(Op::Prove),
        12 => (who(), proptest::bool::weighted(0.8)).prop_map(|(who, knows)| Op::Pair { who, knows }),
        6 => (who(), far()).prop_map(|(who, far)| Op::Knock { who, far }),
        5 => (0..4_usize, offer()).prop_map(|(place, offer)| Op::Approve { place, offer }),
        1 => (0..4_usize).prop_map(Op::ApproveAgain),
        1 => (0..4_usize).prop_map(Op::Deny),
        8 => who().prop_map(Op::Connect),
        3 => who().prop_map(Op::Revoke),
        2 => who().prop_map(Op::Forget),
        3 => (who(), offer()).prop_map(|(who, offer)| Op::SetAccess { who, offer }),
        8 => prop_oneof![3 => 0..5_u64, 2 => 0..200_u64].prop_map(Op::Wait),
        1 => jump.prop_map(Op::Jump),
        2 => prop_oneof![3 => Just(false), 1 => Just(true)].prop_map(|faulty| Op::Disk { faulty }),
        2 => Just(Op::Restart),
    ]
}
