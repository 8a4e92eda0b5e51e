use std::time::{Duration, Instant};

use super::{ClientRecovery, HostRecovery, NextUnit, RecoveryRequest};
use crate::video::{UnitKind, flags, order::Gap};

const DELTA: u32 = flags::PICTURE;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A client that shows pictures.
fn streaming(start: Instant) -> ClientRecovery {
    let mut client = ClientRecovery::default();
    client.start(start);
    assert!(client.on_unit(start, UnitKind::Idr.flags()));
    client
}

fn gap(first: u32, last: u32) -> Gap {
    Gap { first, last }
}

#[test]
fn a_gap_is_reported_once_and_freezes_until_an_anchor() {
    let start = Instant::now();
    let mut client = streaming(start);
    client.on_gap(start, gap(5, 5), DELTA);
    assert!(!client.on_unit(start, DELTA));
    assert_eq!(client.poll_request(), Some(RecoveryRequest::Rfi(gap(5, 5))));
    assert_eq!(client.poll_request(), None);
    assert!(!client.on_unit(start + ms(16), DELTA));
    assert!(client.on_unit(start + ms(32), UnitKind::RecoveryAnchor.flags()));
    assert_eq!(client.poll_timeout(), None);
}

#[test]
fn a_loss_right_after_a_repair_is_reported_at_once() {
    let start = Instant::now();
    let mut client = streaming(start);
    client.on_gap(start, gap(5, 5), DELTA);
    client.poll_request();
    assert!(client.on_unit(start + ms(50), UnitKind::RecoveryAnchor.flags()));
    client.on_gap(start + ms(70), gap(9, 9), DELTA);
    assert_eq!(client.poll_request(), Some(RecoveryRequest::Rfi(gap(9, 9))));
}

#[test]
fn two_gaps_found_together_are_reported_together() {
    let start = Instant::now();
    let mut client = streaming(start);
    client.on_gap(start, gap(5, 5), DELTA);
    client.on_gap(start, gap(8, 9), DELTA);
    assert_eq!(client.poll_request(), Some(RecoveryRequest::Rfi(gap(5, 9))));
}

#[test]
fn gaps_found_together_that_no_host_invalidates_ask_for_a_keyframe() {
    let start = Instant::now();
    let mut client = streaming(start);
    client.on_gap(start, gap(3, 202), DELTA);
    client.on_gap(start, gap(204, 403), DELTA);
    assert_eq!(client.poll_request(), Some(RecoveryRequest::Keyframe));
}

#[test]
fn requests_are_a_tenth_of_a_second_apart_after_a_burst_and_none_is_forgotten() {
    let start = Instant::now();
    let mut client = streaming(start);
    for lost in 0..4 {
        client.on_gap(start + ms(10), gap(lost * 2, lost * 2), DELTA);
        assert_eq!(client.poll_request(), Some(RecoveryRequest::Rfi(gap(lost * 2, lost * 2))));
    }
    client.on_gap(start + ms(30), gap(17, 17), DELTA);
    client.on_gap(start + ms(60), gap(19, 20), DELTA);
    assert_eq!(client.poll_request(), None);
    assert_eq!(client.poll_timeout(), Some(start + ms(110)));
    client.handle_timeout(start + ms(110));
    assert_eq!(client.poll_request(), Some(RecoveryRequest::Rfi(gap(17, 20))));
    client.on_gap(start + ms(120), gap(22, 22), DELTA);
    assert_eq!(client.poll_timeout(), Some(start + ms(210)));
}

#[test]
fn a_frozen_picture_asks_for_a_keyframe_every_half_second() {
    let start = Instant::now();
    let mut client = streaming(start);
    client.on_gap(start, gap(5, 5), DELTA);
    client.poll_request();
    for repeat in 1..4 {
        assert_eq!(client.poll_timeout(), Some(start + ms(500 * repeat)));
        client.handle_timeout(start + ms(500 * repeat));
        assert_eq!(client.poll_request(), Some(RecoveryRequest::Keyframe));
    }
}

#[test]
fn a_wide_gap_asks_for_a_keyframe() {
    let start = Instant::now();
    let mut client = streaming(start);
    client.on_gap(start, gap(0, 255), DELTA);
    assert_eq!(client.poll_request(), Some(RecoveryRequest::Rfi(gap(0, 255))));
    let mut client = streaming(start);
    client.on_gap(start, gap(0, 256), DELTA);
    assert_eq!(client.poll_request(), Some(RecoveryRequest::Keyframe));
}

#[test]
fn a_gap_before_an_idr_needs_no_request() {
    let start = Instant::now();
    let mut client = streaming(start);
    client.on_gap(start, gap(5, 5), UnitKind::Idr.flags());
    assert!(client.on_unit(start, UnitKind::Idr.flags()));
    assert_eq!(client.poll_request(), None);
}

#[test]
fn two_refresh_points_lift_the_freeze() {
    let start = Instant::now();
    let mut client = streaming(start);
    client.on_gap(start, gap(5, 5), DELTA);
    assert!(!client.on_unit(start, UnitKind::RecoveryPoint.flags()));
    assert!(!client.on_unit(start, DELTA));
    assert!(client.on_unit(start, UnitKind::RecoveryPoint.flags()));
}

#[test]
fn a_stream_that_does_not_start_with_an_idr_is_asked_for_one() {
    let start = Instant::now();
    let mut client = ClientRecovery::default();
    client.start(start);
    assert!(!client.on_unit(start, UnitKind::RecoveryAnchor.flags()));
    assert_eq!(client.poll_request(), Some(RecoveryRequest::Keyframe));
    assert!(!client.on_unit(start + ms(16), DELTA));
    assert_eq!(client.poll_request(), None, "once per half second");
}

#[test]
fn no_picture_at_all_is_asked_for() {
    let start = Instant::now();
    let mut client = ClientRecovery::default();
    client.start(start);
    client.handle_timeout(start + ms(1_999));
    assert_eq!(client.poll_request(), None);
    client.handle_timeout(start + ms(2_000));
    assert_eq!(client.poll_request(), Some(RecoveryRequest::Keyframe));
}

#[test]
fn a_stalled_decoder_asks_for_a_keyframe_twice_a_second_at_most() {
    let start = Instant::now();
    let mut client = streaming(start);
    client.decoder_stalled(start);
    assert_eq!(client.poll_request(), Some(RecoveryRequest::Keyframe));
    client.decoder_stalled(start + ms(50));
    assert_eq!(client.poll_request(), None);
    assert!(client.on_unit(start + ms(80), UnitKind::Idr.flags()));
}

#[test]
fn idrs_are_rate_limited_but_the_last_request_is_answered() {
    let start = Instant::now();
    let mut host = HostRecovery::new(false);
    host.on_submitted(start, 0, UnitKind::Idr);
    host.request_keyframe();
    assert_eq!(host.next_unit(start + ms(749)), NextUnit::Delta);
    host.on_submitted(start + ms(749), 1, UnitKind::Delta);
    assert_eq!(host.poll_timeout(), Some(start + ms(750)));
    assert_eq!(host.next_unit(start + ms(750)), NextUnit::Idr);
    host.on_submitted(start + ms(750), 2, UnitKind::Idr);
    assert_eq!((host.next_unit(start + ms(5_000)), host.poll_timeout()), (NextUnit::Delta, None));
}

#[test]
fn an_invalidation_makes_the_next_unit_an_anchor() {
    let start = Instant::now();
    let mut host = HostRecovery::new(true);
    host.on_submitted(start, 0, UnitKind::Idr);
    host.request_invalidation(start + ms(10), gap(5, 6), 9);
    host.request_invalidation(start + ms(11), gap(3, 3), 9);
    assert_eq!(host.next_unit(start + ms(12)), NextUnit::Anchor(gap(3, 6)));
    host.on_submitted(start + ms(12), 9, UnitKind::RecoveryAnchor);
    assert_eq!(host.next_unit(start + ms(13)), NextUnit::Delta);
}

#[test]
fn an_encoder_that_cannot_invalidate_makes_an_idr() {
    let start = Instant::now();
    let mut host = HostRecovery::new(false);
    host.request_invalidation(start, gap(5, 6), 9);
    assert_eq!(host.next_unit(start), NextUnit::Idr);
}

#[test]
fn an_idr_that_repairs_a_loss_is_not_held_back_like_one_that_was_asked_for() {
    let start = Instant::now();
    let mut host = HostRecovery::new(false);
    host.on_submitted(start, 0, UnitKind::Idr);
    host.request_keyframe();
    host.request_invalidation(start + ms(20), gap(5, 6), 9);
    assert_eq!(host.next_unit(start + ms(99)), NextUnit::Delta);
    assert_eq!(host.poll_timeout(), Some(start + ms(100)));
    assert_eq!(host.next_unit(start + ms(100)), NextUnit::Idr);
}

#[test]
fn echoes_of_a_repaired_loss_are_swallowed_twice_and_for_a_while() {
    let start = Instant::now();
    let mut host = HostRecovery::new(true);
    host.on_submitted(start, 9, UnitKind::RecoveryAnchor);
    for _ in 0..2 {
        host.request_invalidation(start + ms(50), gap(5, 6), 12);
        assert_eq!(host.next_unit(start + ms(50)), NextUnit::Delta);
    }
    host.request_invalidation(start + ms(60), gap(5, 6), 12);
    assert_eq!(host.next_unit(start + ms(60)), NextUnit::Anchor(gap(5, 6)));
    host.on_submitted(start + ms(60), 13, UnitKind::RecoveryAnchor);
    host.request_invalidation(start + ms(360), gap(5, 6), 30);
    assert_eq!(host.next_unit(start + ms(360)), NextUnit::Anchor(gap(5, 6)), "300 ms have passed");
}

#[test]
fn a_loss_after_the_anchor_is_a_new_one() {
    let start = Instant::now();
    let mut host = HostRecovery::new(true);
    host.on_submitted(start, 9, UnitKind::RecoveryAnchor);
    host.request_invalidation(start + ms(50), gap(9, 10), 12);
    assert_eq!(host.next_unit(start + ms(50)), NextUnit::Anchor(gap(9, 10)));
}

#[test]
fn nonsense_ranges_make_an_idr() {
    let start = Instant::now();
    for (first, last) in [(0, 256), (6, 5), (5, 40), (u32::MAX, 0x7FFF_FFFF)] {
        let mut host = HostRecovery::new(true);
        host.request_invalidation(start, gap(first, last), 12);
        assert_eq!(host.next_unit(start), NextUnit::Idr, "{first}..={last}");
    }
}
