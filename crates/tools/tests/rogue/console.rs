//! The console of a real host under attack.

use punktfunk_tools::rogue::{Victim, attack::console};

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_idle_connections_and_slow_heads_leave_a_stream_and_the_console_usable() {
    console::idle_connections(&mut Victim::start("").unwrap(), 10_000).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_wrong_passwords_from_one_address_or_from_many_do_not_lock_the_owner_out() {
    console::wrong_passwords(&mut Victim::start("").unwrap()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_race_to_claim_only_who_has_the_code_wins() {
    console::race_to_claim(&mut Victim::start("").unwrap()).await.unwrap().hold();
}
