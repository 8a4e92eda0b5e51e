use proptest::prelude::*;

use super::{State, Verdict};
use crate::{
    machine::{Counter, Entry, Machine},
    model::{GatePart, GatePartReport, GateReport, UpdateOutcome},
    version::Version,
};

fn version(text: &str) -> Version {
    text.parse().unwrap()
}

/// A machine with two slots that boots as systemd-boot lets it: the newest version that has tries left or needs none.
struct Loader {
    entries: Vec<Entry>,
    boots: u32,
}

impl Loader {
    fn new() -> Self {
        Self { entries: vec![entry("1", None)], boots: 0 }
    }

    fn stage(&mut self, version: &str, tries: u32) {
        self.entries.push(entry(version, Some(Counter { left: tries, done: 0 })));
    }

    fn boot(&mut self) -> Machine {
        self.boots += 1;
        let is_bad = |entry: &Entry| matches!(entry.counter, Some(Counter { left: 0, .. }));
        let chosen = self.entries.iter_mut().max_by_key(|entry| (!is_bad(entry), entry.version.clone())).unwrap();
        if let Some(counter) = &mut chosen.counter {
            *counter = Counter { left: counter.left.saturating_sub(1), done: counter.done + 1 };
        }
        let (running, counter) = (chosen.version.clone(), chosen.counter);
        self.machine(running, counter)
    }

    fn bless(&mut self, version: &Version) {
        self.entries.iter_mut().filter(|entry| entry.version == *version).for_each(|entry| entry.counter = None);
    }

    fn machine(&self, running: Version, counter: Option<Counter>) -> Machine {
        Machine {
            image: "punktfunk".into(),
            running,
            boot: self.boots.to_string(),
            counter,
            entries: self.entries.clone(),
            next: None,
        }
    }
}

fn entry(text: &str, counter: Option<Counter>) -> Entry {
    Entry { version: version(text), counter, path: text.into() }
}

fn report(part: GatePart, passed: bool) -> GateReport {
    let part = GatePartReport { part, passed, found: "no frame came".into() };
    GateReport { passed, took_ms: 1, parts: vec![part] }
}

fn staged(tries: u32) -> (Loader, State) {
    let (mut loader, mut state) = (Loader::new(), State::default());
    loader.stage("2", tries);
    state.staged(version("2"), version("1"));
    (loader, state)
}

#[test]
fn an_update_that_streams_is_kept_once_it_is_blessed() {
    let (mut loader, mut state) = staged(2);
    let machine = loader.boot();
    assert_eq!(machine.running, version("2"));
    assert!(!state.observe(&machine, 5), "it is on trial");
    assert_eq!(state.judge(&machine, Ok(&report(GatePart::Stream, true))), Verdict::Stay);
    loader.bless(&machine.running);
    assert!(state.observe(&loader.machine(version("2"), machine.counter), 6));
    assert_eq!(state.last, Some(UpdateOutcome::Kept { version: version("2"), from: version("1"), unix: 6 }));
    assert_eq!(state.staged, None);
}

#[test]
fn an_update_that_does_not_stream_is_taken_back_with_the_part_that_failed() {
    let (mut loader, mut state) = staged(2);
    for _ in 0..2 {
        let machine = loader.boot();
        assert!(!state.observe(&machine, 5));
        assert_eq!(state.judge(&machine, Ok(&report(GatePart::Input, false))), Verdict::Reboot);
    }
    let machine = loader.boot();
    assert_eq!(machine.running, version("1"), "the boot loader went back");
    assert!(state.observe(&machine, 9));
    let Some(UpdateOutcome::TakenBack { version: update, from, tries, part, reason, .. }) = &state.last else {
        panic!("{state:?}");
    };
    assert_eq!((update, from, *tries, *part), (&version("2"), &version("1"), 2, Some(GatePart::Input)));
    assert_eq!(reason, "no frame came");
    assert!(state.dismiss());
    assert!(!state.dismiss(), "once");
}

#[test]
fn an_update_that_never_reaches_the_health_check_is_taken_back_and_says_so() {
    let (mut loader, mut state) = staged(1);
    loader.boot();
    let machine = loader.boot();
    assert!(state.observe(&machine, 9));
    let Some(UpdateOutcome::TakenBack { part: None, reason, .. }) = &state.last else { panic!("{state:?}") };
    assert!(reason.contains("did not come as far"), "{reason}");
}

#[test]
fn a_boot_that_is_not_counted_is_never_started_anew() {
    let mut state = State::default();
    let machine = Loader::new().boot();
    for report in [Err("timeout"), Ok(&report(GatePart::Stream, false))] {
        assert_eq!(state.judge(&machine, report), Verdict::Stay);
        assert_eq!(state, State::default(), "nothing is put down to an update");
    }
}

#[test]
fn a_counter_that_does_not_run_down_stops_the_reboots() {
    let (loader, mut state) = staged(2);
    let stuck =
        |boot: &str| Machine { boot: boot.into(), ..loader.machine(version("2"), Some(Counter { left: 2, done: 0 })) };
    assert_eq!(state.judge(&stuck("a"), Err("timeout")), Verdict::Reboot);
    assert_eq!(state.judge(&stuck("b"), Err("timeout")), Verdict::Stuck);
    assert_eq!(state.judge(&stuck("c"), Err("timeout")), Verdict::Stuck);
}

#[test]
fn a_machine_that_was_just_flashed_has_nothing_to_go_back_to_and_is_left_running() {
    let mut loader = Loader { entries: Vec::new(), boots: 0 };
    loader.stage("1", 3);
    let machine = loader.boot();
    assert!(machine.counter.is_some(), "it is counted");
    let mut state = State::default();
    assert_eq!(state.judge(&machine, Ok(&report(GatePart::Stream, false))), Verdict::Stuck);
}

#[test]
fn a_verdict_twice_in_one_boot_is_one() {
    let (mut loader, mut state) = staged(2);
    let machine = loader.boot();
    for _ in 0..2 {
        assert_eq!(state.judge(&machine, Err("timeout")), Verdict::Reboot);
    }
    assert_eq!(state.staged.unwrap().failures.len(), 1);
}

#[test]
fn a_staged_update_waits_when_another_is_chosen_in_the_boot_menu() {
    let (loader, mut state) = staged(3);
    assert!(!state.observe(&loader.machine(version("1"), None), 9));
    assert!(state.staged.is_some());
}

#[test]
fn an_update_that_was_removed_by_hand_is_forgotten() {
    let (_, mut state) = staged(3);
    assert!(state.observe(&Loader::new().machine(version("1"), None), 9));
    assert_eq!(state, State::default());
}

#[test]
fn a_state_of_another_version_is_read_as_far_as_it_is_known() {
    let text = r#"{"staged":{"version":"2","from":"1","later":1,"failures":[
        {"boot":"x","tries_left":0,"part":"sound","reason":"no sound","figure":7}]},"colour":"blue"}"#;
    let state: State = serde_json::from_str(text).unwrap();
    assert_eq!(state.staged.unwrap().failures[0].part, GatePart::Check, "a part that is not known yet");
}

proptest! {
    /// Whatever each boot does, the machine comes to rest: on a version that passed, or on the one before.
    #[test]
    fn every_update_comes_to_rest(tries in 1_u32..4, fates in proptest::collection::vec(0_u8..3, 12)) {
        let (mut loader, mut state) = staged(tries);
        for fate in fates {
            let machine = loader.boot();
            state.observe(&machine, 1);
            if machine.counter.is_none() {
                prop_assert_eq!(&machine.running, &version("1"));
                prop_assert_eq!(state.staged, None);
                let back = matches!(state.last, Some(UpdateOutcome::TakenBack { .. }));
                prop_assert!(back, "the reason is told");
                return Ok(());
            }
            match fate {
                0 => {} // It hung.
                1 => {
                    let verdict = state.judge(&machine, Ok(&report(GatePart::Stream, false)));
                    prop_assert_eq!(verdict, Verdict::Reboot);
                }
                _ => {
                    loader.bless(&machine.running);
                    prop_assert!(state.observe(&loader.machine(machine.running.clone(), machine.counter), 1));
                    let kept = matches!(state.last, Some(UpdateOutcome::Kept { .. }));
                    prop_assert!(kept);
                    return Ok(());
                }
            }
        }
        prop_assert!(false, "still on trial");
    }
}

#[test]
fn a_generation_that_was_put_into_the_boot_menu_is_staged_until_its_tries_are_used_up() {
    let mut loader = Loader::new();
    let mut state = State::default();
    let next = |machine: Machine| Machine { next: Some(version("2")), ..machine };
    assert!(!state.observe(&next(loader.machine(version("1"), None)), 1), "it is not in the boot menu yet");
    loader.stage("2", 1);
    assert!(state.observe(&next(loader.machine(version("1"), None)), 2));
    assert!(!state.observe(&next(loader.machine(version("1"), None)), 3));
    assert!(
        state.observe(&Machine { next: Some(version("1")), ..loader.machine(version("1"), None) }, 3),
        "rolled back"
    );
    assert_eq!(state.staged, None);
    assert!(state.observe(&next(loader.machine(version("1"), None)), 3));
    let trial = next(loader.boot());
    assert!(!state.observe(&trial, 4), "it runs");
    assert_eq!(state.judge(&trial, Ok(&report(GatePart::Stream, false))), Verdict::Reboot);
    let back = next(loader.boot());
    assert_eq!(back.running, version("1"));
    assert!(state.observe(&back, 5));
    let last = state.last.clone();
    assert!(matches!(&last, Some(UpdateOutcome::TakenBack { reason, .. }) if reason == "no frame came"), "{last:?}");
    assert!(!state.observe(&back, 6), "what failed is not staged again");
    assert_eq!((state.staged, state.last), (None, last));
}
