//! The corpora of `fuzz/`, on stable and without a fuzzer: what it once found stays found.

use std::fs;

#[path = "../../../fuzz/src/lib.rs"]
#[expect(dead_code, unreachable_pub, reason = "also the library of the fuzz targets and of what writes their seeds")]
mod fuzz;

use fuzz::pairing::Milestone;
use fuzz::script::{Step, steps};
use proptest::prelude::{any, prop, proptest};

#[test]
fn every_seed_and_finding_of_the_control_stream_replays() {
    replay("control", fuzz::control::run);
}

#[test]
fn every_seed_and_finding_of_pairing_and_control_sessions_replays() {
    replay("pairing", fuzz::pairing::run);
}

#[test]
fn every_seed_and_finding_of_the_side_planes_replays() {
    replay("datagrams", fuzz::datagrams::run);
}

#[test]
fn every_seed_and_finding_of_the_media_plane_replays() {
    replay("media", fuzz::media::run);
}

#[test]
fn seeds_of_sessions_lead_as_far_as_they_should() {
    use Milestone::{Paired, Proven, Ready, Started};
    let reached = |seed| fuzz::pairing::play(&read("pairing", seed)).into_iter().filter(|it| GOALS.contains(it));
    for seed in ["paired", "bare"] {
        assert!(reached(seed).eq([Proven, Paired]), "{seed}");
    }
    for seed in ["other-pin", "intercepted", "anonymous", "left-alone", "bare-other-pin"] {
        assert_eq!(reached(seed).next(), None, "{seed}");
    }
    for seed in ["streaming", "commands-0", "commands-1", "messages-0", "messages-1", "timing", "no-probes", "ends"] {
        assert!(reached(seed).eq([Started, Ready]), "{seed}");
    }
}

/// Where connections are meant to lead.
const GOALS: [Milestone; 4] = [Milestone::Proven, Milestone::Paired, Milestone::Started, Milestone::Ready];

#[test]
fn seeds_of_the_media_plane_bring_units_and_losses() {
    let stats = |seed: &str| fuzz::media::play(&read("media", seed)).unwrap_or_else(|| panic!("{seed} is not sound"));
    for kind in 0..6 {
        let clean = stats(&format!("clean-{kind}"));
        assert_eq!((clean.units, clean.frames_lost, clean.loss.recovered), (6, 0, 0), "{kind}");
        assert!(stats(&format!("lossy-{kind}")).loss.recovered > 0, "{kind}");
        assert!(stats(&format!("lost-{kind}")).loss.frames_dropped > 0, "{kind}");
    }
    for kind in 2..6 {
        let spoilt = stats(&format!("spoilt-{kind}")).refused;
        assert!(spoilt.not_authentic > 0, "{kind}: {spoilt:?}");
    }
    assert_eq!(stats("streamed").units, 4);
    for recorded in ["recorded-aes-gf16", "recorded-chacha-gf16", "recorded-aes-gf8"] {
        assert_eq!(stats(recorded).units, 2, "{recorded}");
    }
    for shape in ["multi-block-geometry", "streamed-au-full-k", "streamed-au-slice"] {
        assert_eq!(stats(shape).units, 1, "{shape}");
    }
}

proptest! {
    #[test]
    fn a_script_is_read_as_it_was_written(
        written in prop::collection::vec((any::<u8>(), any::<u8>(), any::<u16>(), prop::collection::vec(any::<u8>(), 0..40)), 0..9),
    ) {
        let written: Vec<Step> = written
            .into_iter()
            .map(|(action, side, number, bytes)| Step::new(action, side, number).with(&bytes))
            .collect();
        let mut script = Vec::new();
        written.iter().for_each(|step| step.put(&mut script));
        assert_eq!(steps(&script).collect::<Vec<_>>(), written);
    }
}

fn replay(target: &str, run: impl Fn(&[u8])) {
    let folder = folder(target);
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() > 10, "{folder} has lost its seeds");
    for file in files {
        // Shown only when the test fails: the last line names the file.
        println!("{}", file.display());
        run(&fs::read(&file).unwrap());
    }
}

fn read(target: &str, seed: &str) -> Vec<u8> {
    let path = format!("{}/{seed}", folder(target));
    fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn folder(target: &str) -> String {
    format!("{}/../../fuzz/corpus-seeds/{target}", env!("CARGO_MANIFEST_DIR"))
}
