//! Attacks on pairing, approval and certificates.

use punktfunk_tools::rogue::{
    Victim,
    attack::{ceremony, flood, impostor, knock, middle, points, refusal},
};

fn victim() -> Victim {
    Victim::start("").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_to_pair_gives_away_its_code_and_nothing_by_content_or_timing() {
    refusal::refusals(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_in_between_while_pairing_earns_nothing_and_nothing_is_stored_on_either_side() {
    middle::while_pairing(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paired_client_refuses_whoever_answers_in_place_of_its_host_and_goes_to_the_pin() {
    middle::while_connecting(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_ceremony_replayed_to_the_host_pairs_nobody() {
    ceremony::replay(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hosts_own_messages_sent_back_to_it_pair_nobody() {
    ceremony::reflection(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn points_of_small_order_and_in_odd_encodings_pair_nobody() {
    points::hostile_points(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_malformed_request_to_pair_is_closed_and_leaves_the_pin_for_the_owner() {
    ceremony::malformed_requests(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_that_say_nothing_keep_neither_the_owners_device_nor_a_guest_out() {
    flood::silent_connections(&mut victim(), 4, 32).await.unwrap().hold();
    flood::silent_connections(&mut victim(), 100, 1).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_knocks_three_times_and_is_approved_once_has_one_session() {
    knock::repeated(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_over_the_wire_are_scrubbed_or_become_the_fingerprint_label() {
    knock::hostile_names(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_of_one_name_are_told_apart_and_an_approval_admits_one() {
    knock::equal_names(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn approving_a_denied_or_unknown_request_is_not_found_and_pairs_nothing() {
    knock::stale_ids(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_certificates_are_trusted_by_their_fingerprint_only() {
    impostor::odd_certificates(&mut victim()).await.unwrap().hold();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paired_certificate_without_its_key_gets_no_further_than_the_handshake() {
    impostor::stolen_certificate(&mut victim()).await.unwrap().hold();
}
