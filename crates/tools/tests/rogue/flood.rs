//! Floods. Each prints the host's memory before, at the peak and after.

use punktfunk_tools::rogue::{
    Victim,
    attack::flood::{self, Scale},
};

const CROWD: Scale = Scale { attempts: 10_000, sources: 20, at_once: 128 };
/// Fewer at once than one address may have handshakes under way, so that each knock is heard.
const KNOCKS: Scale = Scale { attempts: 1_000, sources: 1, at_once: 48 };

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_attempts_cost_one_key_exchange_a_source_and_cooldown_and_the_owner_pairs() {
    flood::pair_attempts(&mut Victim::start("").unwrap(), CROWD).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_a_pin_bound_to_another_device_are_never_answered_and_the_owner_pairs() {
    let scale = Scale { attempts: 2_000, ..CROWD };
    flood::guesses(&mut Victim::start("").unwrap(), scale).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_knocks_of_one_address_hold_four_places_and_evict_nobody_who_waits() {
    flood::knocks(&mut Victim::start("").unwrap(), KNOCKS).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_knocks_of_three_hundred_addresses_hold_thirty_two_places_and_memory_stays_flat() {
    let scale = Scale { sources: 300, ..KNOCKS };
    flood::knocks(&mut Victim::start("").unwrap(), scale).await.unwrap().hold();
}
