//! A minute of 20 Mbit/s over a simulated link: every frame arrives, or the picture is good again within one round
//! trip and one frame of the loss being noticed.

use std::time::{Duration, Instant};

use punktfunk_proto::{
    simulation::{Bottleneck, Loss, Outcome, Simulation, Stream, Weather},
    units::Bitrate,
};

const SECOND: Duration = Duration::from_secs(1);
const FRAME: Duration = Duration::from_nanos(16_666_667);

/// One way, in milliseconds: a wire at home, Wi-Fi with a neighbour, another country.
const LATENCIES: [u64; 3] = [2, 20, 70];

/// Plays the minute at every latency and prints what became of it.
fn play(case: &str, stream: Stream, weather: Weather, check: impl Fn(&Weather, &Outcome)) {
    for latency in LATENCIES {
        let weather = Weather { latency: Duration::from_millis(latency), ..weather };
        let outcome = Simulation::new(Instant::now(), stream, weather, 0x5EED + latency).run();
        println!("{case}, {latency} ms away: {outcome}");
        assert!(outcome.sent >= 3_600 && outcome.good_at_end && outcome.damaged == 0, "{outcome:?}");
        check(&weather, &outcome);
    }
}

fn repaired_in_time(weather: &Weather, outcome: &Outcome) {
    assert!(outcome.longest_repair() <= weather.round_trip() + FRAME, "{:?}", outcome.repairs);
}

#[test]
fn a_fair_link_delivers_every_frame_and_needs_no_parity() {
    play("fair", Stream::default(), Weather::default(), |_, outcome| {
        assert_eq!((outcome.delivered, outcome.restored, outcome.hidden), (3_600, 0, 0));
        assert!(outcome.overhead < 0.06, "parity falls to its minimum: {outcome}");
    });
}

#[test]
fn five_percent_random_loss_costs_no_frame_after_the_first_second() {
    let weather = Weather { loss: Loss::Random(5.0), ..Weather::default() };
    play("5 % random loss", Stream::default(), weather, |weather, outcome| {
        repaired_in_time(weather, outcome);
        assert!(outcome.restored > 2_000 && outcome.lost_after(SECOND) == 0, "{:?}", outcome.lost_at);
    });
}

#[test]
fn twenty_percent_random_loss_costs_at_most_one_frame_in_a_hundred() {
    for mbps in [20, 80] {
        let stream = Stream { bitrate: Bitrate::from_mbps(mbps), length: SECOND * 15, ..Stream::default() };
        let weather = Weather { latency: FRAME, loss: Loss::Random(20.0), ..Weather::default() };
        let outcome = Simulation::new(Instant::now(), stream, weather, 20).run();
        println!("20 % random loss, {mbps} Mbit/s: {outcome}");
        assert!(outcome.lost_after(SECOND) * 100 <= outcome.sent && outcome.good_at_end, "{:?}", outcome.lost_at);
    }
}

#[test]
fn a_burst_of_thirty_costs_one_frame_and_is_repaired_within_a_round_trip_and_a_frame() {
    let stream = Stream { length: SECOND * 20, ..Stream::default() };
    let loss = Loss::Periodic { every: SECOND * 2, length: 30 };
    let weather = Weather { latency: Duration::from_millis(5), loss, ..Weather::default() };
    let outcome = Simulation::new(Instant::now(), stream, weather, 30).run();
    println!("30-packet bursts: {outcome}");
    repaired_in_time(&weather, &outcome);
    assert!((1..=9).contains(&outcome.lost()), "of nine bursts: {:?}", outcome.lost_at);
}

/// Counted in packets, a burst reaches across the gap between two frames of thirty shards. A frame survives as many losses as
/// it has recovery shards, so both are lost exactly where both lose more: with fifteen each there is no such burst of thirty.
#[test]
fn a_burst_of_thirty_shared_by_two_frames_leaves_one_whole_from_fifteen_recovery_shards_on() {
    let two_in_a_row = |fec_percent| {
        let stream = Stream { length: SECOND * 60, fec_percent, adaptive: false, ..Stream::default() };
        let weather = Weather { loss: Loss::Bursts { start: 0.025, length: 30 }, ..Weather::default() };
        let outcome = Simulation::new(Instant::now(), stream, weather, 31).run();
        println!("bursts of thirty anywhere, {fec_percent} %: {outcome}");
        outcome.lost_at.windows(2).filter(|two| two[1] - two[0] < FRAME * 3 / 2).count()
    };
    assert!(two_in_a_row(10) > 0);
    assert_eq!(two_in_a_row(50), 0);
}

#[test]
fn a_full_path_is_not_filled_with_parity() {
    let stream = Stream { length: SECOND * 20, ..Stream::default() };
    let bottleneck = |mbps| Bottleneck { rate: Bitrate::from_mbps(mbps), queue: Duration::from_millis(50) };
    let wide = Weather { latency: Duration::from_millis(5), ..Weather::default() };
    let narrow = Weather { bottleneck: Some(bottleneck(15)), ..wide };
    let simulation = Simulation::new(Instant::now(), stream, wide, 15);
    let outcome = simulation.changing(SECOND * 5, narrow).changing(SECOND * 15, wide).run();
    println!("15 Mbit/s for 10 s: {outcome}; {:?}", outcome.fec_percents);
    assert!(outcome.fec_percents[9..15].iter().all(|percent| *percent <= 20), "{:?}", outcome.fec_percents);
    assert_eq!(outcome.lost_after(SECOND * 16), 0, "the picture is back with the rate");
}

#[test]
fn bursts_of_three_are_restored_or_repaired_within_a_round_trip_and_a_frame() {
    let weather = Weather { loss: Loss::Bursts { start: 1.0, length: 3 }, ..Weather::default() };
    play("3-packet bursts", Stream::default(), weather, |weather, outcome| {
        repaired_in_time(weather, outcome);
        assert!(outcome.restored > 500 && outcome.lost() < 200);
    });
}

#[test]
fn reordering_by_twenty_milliseconds_is_not_taken_for_loss() {
    let weather = Weather { reorder: (5.0, Duration::from_millis(20)), ..Weather::default() };
    play("20 ms reordering", Stream::default(), weather, |weather, outcome| {
        repaired_in_time(weather, outcome);
        assert!(outcome.lost() <= 2, "only until the reordering is known");
    });
}

#[test]
fn one_percent_duplication_changes_nothing() {
    play("1 % duplication", Stream::default(), Weather { duplicate: 1.0, ..Weather::default() }, |_, outcome| {
        assert_eq!((outcome.delivered, outcome.restored, outcome.hidden), (3_600, 0, 0));
    });
}

#[test]
fn loss_reordering_and_duplication_together_are_survived() {
    let reorder = (5.0, Duration::from_millis(20));
    let weather = Weather { loss: Loss::Random(2.0), reorder, duplicate: 1.0, ..Weather::default() };
    play("2 % loss, 20 ms reordering, 1 % duplication", Stream::default(), weather, |weather, outcome| {
        // A repair that overtook its predecessors waits for them like any other frame.
        let patience = Duration::from_millis(40);
        assert!(outcome.longest_repair() <= weather.round_trip() + FRAME + patience, "{:?}", outcome.repairs);
        assert!(outcome.lost() < 100);
    });
}

#[test]
fn an_encoder_that_only_makes_idrs_repairs_at_most_a_tenth_of_a_second_later() {
    let stream = Stream { can_invalidate: false, ..Stream::default() };
    let weather = Weather { loss: Loss::Random(5.0), ..Weather::default() };
    play("5 % random loss, IDRs only", stream, weather, |weather, outcome| {
        // Two IDRs are that far apart.
        let interval = Duration::from_millis(100);
        assert!(outcome.longest_repair() <= interval + weather.round_trip() + FRAME, "{:?}", outcome.repairs);
    });
}

/// Abuse case 49: the stream degrades, nothing panics, and a second after the storm the picture is good for good.
#[test]
fn forty_percent_loss_ten_percent_duplication_and_200_ms_reordering_only_degrade_the_stream() {
    let reorder = (10.0, Duration::from_millis(200));
    let storm = Weather { loss: Loss::Random(40.0), reorder, duplicate: 10.0, ..Weather::default() };
    for latency in LATENCIES {
        let [storm, calm] =
            [storm, Weather::default()].map(|weather| Weather { latency: Duration::from_millis(latency), ..weather });
        let stream = Stream { length: Duration::from_secs(40), ..Stream::default() };
        let outcome = Simulation::new(Instant::now(), stream, storm, 0xABE + latency)
            .changing(Duration::from_secs(30), calm)
            .run();
        println!("abuse case 49, {latency} ms away: {outcome}; last repair after {:?}", outcome.last_repair);
        assert!(outcome.good_at_end && outcome.last_repair <= Duration::from_secs(31), "{outcome:?}");
        assert!(outcome.delivered > 700, "100 in the storm, all 600 after it");
    }
}
