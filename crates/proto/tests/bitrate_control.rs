//! The client chooses the bitrate over a simulated link: it follows the path within three seconds and then stays.

use std::time::{Duration, Instant};

use punktfunk_proto::{
    bitrate::Limits,
    simulation::{Bottleneck, Loss, Outcome, Simulation, Stream, Weather},
    units::Bitrate,
};

const SECOND: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn stream(seconds: u32) -> Stream {
    let limits = Limits { least: Bitrate::from_mbps(1), most: Bitrate::from_mbps(200) };
    Stream { length: SECOND * seconds, auto: Some(limits), ..Stream::default() }
}

fn path(mbps: u32, queue: Duration) -> Weather {
    let bottleneck = Some(Bottleneck { rate: Bitrate::from_mbps(mbps), queue });
    Weather { latency: 5 * MS, bottleneck, ..Weather::default() }
}

fn report(case: &str, outcome: &Outcome) {
    println!("{case}: {outcome}; added p50 {:?} p99 {:?}", outcome.added_latency(50), outcome.added_latency(99));
    println!("  {:?}", outcome.bitrates.iter().map(|(at, rate)| (at.as_millis(), rate.kbps())).collect::<Vec<_>>());
}

/// Nine tenths of the path are in use from three seconds after `from` to `to`, second by second.
fn is_used(outcome: &Outcome, mbps: u32, from: u32, to: u32) {
    for second in from + 3..to {
        let rate = outcome.rate_between(SECOND * second, SECOND * (second + 1));
        assert!(rate >= Bitrate::from_kbps(mbps * 900), "second {second}: {rate} of {mbps} Mbit/s");
    }
}

/// From three seconds after `from` to `to` the rate does not go up and down: at most it falls once. It may rise in small
/// steps while parity becomes less.
fn is_steady(outcome: &Outcome, from: u32, to: u32) {
    let span = (SECOND * (from + 3))..(SECOND * to);
    let rates: Vec<_> = outcome.bitrates.iter().filter(|(at, _)| span.contains(at)).map(|(_, rate)| *rate).collect();
    let falls = rates.windows(2).filter(|two| two[1] < two[0]).count();
    assert!(falls <= 1, "{rates:?}");
}

#[test]
fn a_path_that_widens_and_narrows_is_followed_within_three_seconds() {
    for queue in [50 * MS, 200 * MS] {
        let simulation = Simulation::new(Instant::now(), stream(40), path(50, queue), 1);
        let outcome = simulation
            .changing(SECOND * 10, path(20, queue))
            .changing(SECOND * 20, path(80, queue))
            .changing(SECOND * 30, path(35, queue))
            .run();
        report("50, 20, 80, 35 Mbit/s", &outcome);
        for (mbps, from) in [(50, 0), (20, 10), (80, 20), (35, 30)] {
            is_used(&outcome, mbps, from, from + 10);
            is_steady(&outcome, from, from + 10);
        }
    }
}

#[test]
fn a_deep_queue_is_not_filled() {
    let simulation = Simulation::new(Instant::now(), stream(30), path(40, SECOND), 2);
    let outcome = simulation.changing(SECOND * 10, path(15, SECOND)).run();
    report("one second of queue", &outcome);
    is_used(&outcome, 15, 10, 30);
    is_steady(&outcome, 10, 30);
    assert_eq!(outcome.lost(), 0);
    assert!(outcome.added_latency(90) < 60 * MS, "{:?}", outcome.added_latency(90));
}

#[test]
fn a_path_far_wider_than_the_stream_is_used_to_the_limit_and_no_further() {
    let outcome = Simulation::new(Instant::now(), stream(10), path(1_000, 50 * MS), 3).run();
    report("1 Gbit/s", &outcome);
    assert_eq!(outcome.bitrates.last().map(|(_, rate)| *rate), Some(Bitrate::from_mbps(200)));
    assert!(outcome.bitrates.is_sorted_by(|(_, before), (_, after)| before < after));
    assert!(outcome.bitrates.last().is_some_and(|(at, _)| *at < 3 * SECOND));
}

/// A radio that delays everything by up to 15 ms and loses three datagrams in a row now and then.
#[test]
fn the_bursts_of_a_radio_do_not_make_the_rate_swing() {
    let loss = Loss::Periodic { every: 250 * MS, length: 3 };
    let radio = |mbps| Weather { jitter: 15 * MS, loss, ..path(mbps, 100 * MS) };
    let outcome = Simulation::new(Instant::now(), stream(30), radio(60), 4).run();
    report("radio", &outcome);
    let rates: Vec<u32> = (5..30).map(|at| outcome.rate_between(SECOND * at, SECOND * (at + 1)).kbps()).collect();
    let (least, most) = (rates.iter().min().unwrap(), rates.iter().max().unwrap());
    println!("  {rates:?}");
    assert!(*least > 30_000 && *most < *least * 2, "{rates:?}");
}

#[test]
fn random_loss_is_left_to_parity() {
    for percent in [1.0, 5.0, 20.0] {
        let weather = Weather { loss: Loss::Random(percent), ..path(50, 50 * MS) };
        let outcome = Simulation::new(Instant::now(), stream(20), weather, 5).run();
        report("random loss", &outcome);
        let sent = f64::from(outcome.rate_between(SECOND * 10, SECOND * 20).kbps()) / (1.0 - percent / 100.0);
        assert!(sent > 0.6 * 50_000.0, "{percent} %: {sent} kbit/s sent");
    }
}

/// Neither starves, and the path is ours again when the other has gone.
#[test]
fn a_download_on_the_same_path_gets_its_share_and_leaves_us_ours() {
    for queue in [50 * MS, 150 * MS] {
        let simulation = Simulation::new(Instant::now(), stream(50), path(50, queue), 6);
        let outcome = simulation.sharing(SECOND * 10, SECOND * 30).run();
        report("a download from 10 s to 30 s", &outcome);
        let ours = outcome.rate_between(SECOND * 13, SECOND * 30);
        let theirs = Bitrate::from_kbps((outcome.rival_bytes * 8 / 20 / 1_000) as u32);
        println!("  ours {ours}, theirs {theirs}");
        assert!(ours > Bitrate::from_mbps(15) && theirs > Bitrate::from_mbps(8), "{ours} and {theirs}");
        is_used(&outcome, 50, 30, 50);
        let changes = outcome.bitrates.iter().filter(|(at, _)| (13..30).contains(&at.as_secs())).count();
        assert!(changes <= 10, "{changes} changes in 17 s");
    }
}

#[test]
fn few_and_many_pictures_a_second_are_followed_alike() {
    for frames_per_second in [30, 144] {
        let stream = Stream { frames_per_second, ..stream(30) };
        let simulation = Simulation::new(Instant::now(), stream, path(60, 100 * MS), 7);
        let outcome =
            simulation.changing(SECOND * 10, path(25, 100 * MS)).changing(SECOND * 20, path(60, 100 * MS)).run();
        report(&format!("{frames_per_second} a second"), &outcome);
        for (mbps, from) in [(60, 0), (25, 10), (60, 20)] {
            is_used(&outcome, mbps, from, from + 10);
            is_steady(&outcome, from, from + 10);
        }
    }
}

#[test]
fn a_path_narrower_than_the_first_rate_is_fitted_at_once() {
    let outcome = Simulation::new(Instant::now(), stream(15), path(6, 300 * MS), 8).run();
    report("6 Mbit/s", &outcome);
    // Frames of four packets and as much parity come in large steps.
    let used = outcome.rate_between(SECOND * 6, SECOND * 15);
    assert!(used >= Bitrate::from_kbps(5_000), "{used}");
    is_steady(&outcome, 0, 15);
    assert_eq!(outcome.lost_after(SECOND * 3), 0);
}
