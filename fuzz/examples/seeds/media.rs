//! Seeds of the media plane.

use punktfunk_fuzz::media::setup::Setup;
use punktfunk_fuzz::media::setup::action::{
    CHANGE, DECODE, DELAY, DELIVER, EXPIRE, FILLER, LOSE, PACKET, PATCH, REPEAT, REPLAY, SPOIL, STREAMED, SUBMIT, WAIT,
};
use punktfunk_fuzz::script::Step;

use crate::{hex, list, name, vectors, write};

/// Streams over good and bad links, for each code and cipher.
pub(crate) fn streams() {
    for kind in 0..6 {
        let setup = |block, shard| Setup { kind, percent: 30, block, shard };
        put(&format!("clean-{kind}"), setup(0, 0), &stream(&[]));
        put(&format!("lossy-{kind}"), setup(3, 4), &stream(&[step(LOSE, 1), step(DELAY, 5)]));
        put(&format!("lost-{kind}"), setup(0, 0), &stream(&[step(LOSE, 9), step(EXPIRE, 0)]));
        put(&format!("spoilt-{kind}"), setup(0, 1), &stream(&[step(SPOIL, 20).with(&[1]), step(REPEAT, 0)]));
        for value in [0x00, 0xFF] {
            let patched = |(at, len): (u16, usize)| {
                [frame(3_000, 1), step(PATCH, at).with(&vec![value; len]), step(DELIVER, 99), step(DECODE, 9)]
            };
            let steps: Vec<Step> = HEADER_FIELDS.into_iter().flat_map(patched).collect();
            put(&format!("patched-{value:02x}-{kind}"), setup(0, 0), &steps);
        }
    }
}

/// Where the fields of a header are that a receiver reads, and how long.
const HEADER_FIELDS: [(u16, usize); 9] =
    [(8, 4), (16, 4), (20, 4), (24, 2), (26, 2), (28, 2), (30, 2), (32, 2), (34, 2)];

/// What streams seldom do.
pub(crate) fn oddities() {
    let setup = Setup { kind: 2, percent: 10, block: 3, shard: 0 };
    let streamed = |side, number| [Step::new(STREAMED, side, number), step(DELIVER, 99), step(DECODE, 9)];
    put("streamed", setup, &[streamed(0, 2), streamed(1, 3), streamed(0, 0), streamed(1, 0)].concat());
    let filler = [step(FILLER, 16_384), step(DELIVER, 50), step(FILLER, 1_200), step(DELIVER, 9), step(EXPIRE, 0)];
    put("filler", setup, &filler);
    let smaller = Step::new(CHANGE, 1, 1_024);
    put("changed", setup, &[vec![smaller, step(CHANGE, 50)], stream(&[step(LOSE, 3)])].concat());
    let seqs = [0, 1, 1, 131_072, 0, 1, 131_073, u64::MAX, u64::MAX, u64::MAX - 131_071, 5];
    put("replay", setup, &[step(REPLAY, 0).with(&seqs.map(u64::to_le_bytes).concat())]);
    let lost = [frame(100, 1), step(LOSE, 0), frame(100, 1), step(DELIVER, 0), step(DECODE, 9)];
    let again = [vec![frame(100, 0), step(DELIVER, 0)], vec![lost; 7].concat(), vec![step(WAIT, 2_000)]].concat();
    put("losses-in-a-row", Setup { percent: 0, ..setup }, &again);
    put("two-gaps-at-once", Setup { percent: 0, ..setup }, &two_gaps());
}

/// The link is seen to reorder, so gaps are waited for; then two of 200 frames each are given up at once.
fn two_gaps() -> Vec<Step> {
    let jump = |index: u32| [frame(100, 1), step(PATCH, 8).with(&index.to_le_bytes()), step(DELIVER, 0)];
    let reordered = [frame(100, 0), step(DELIVER, 0), frame(100, 1), frame(100, 1), step(DELAY, 1), step(DELIVER, 0)];
    let late = [step(WAIT, 200), step(DELIVER, 0)];
    let given_up = [step(WAIT, 1_000), step(DECODE, 9)];
    [reordered.as_slice(), &late, &jump(203), &jump(404), &given_up].concat()
}

/// The packets of the vectors.
pub(crate) fn recorded() {
    let recorded = vectors("media");
    for set in list(&recorded["sets"]) {
        let packets = list(&set["frames"]).iter().flat_map(|frame| list(&frame["packets"]));
        let steps: Vec<Step> = packets.map(|packet| step(PACKET, 0).with(&hex(&packet["plaintext_hex"]))).collect();
        let (kind, block) = if set["fec_scheme"] == 0 { (3, 6) } else { (2, 8) };
        put(&name("recorded", set), Setup { kind, percent: 10, block, shard: 0 }, &steps);
    }
    for (geometry, block) in [("multi_block_geometry", 0), ("streamed_au_full_k", 5), ("streamed_au_slice", 5)] {
        let packets = list(&recorded[geometry]["packets"]).iter().map(|packet| hex(&packet["header_hex"]));
        let packets = packets.map(|header| step(PACKET, 512).with(&header));
        // Until the client no longer waits for frames before this one.
        let steps: Vec<Step> = packets.chain([step(WAIT, 1_000)]).collect();
        put(&geometry.replace('_', "-"), Setup { kind: 2, percent: 20, block, shard: 0 }, &steps);
    }
}

fn step(action: u8, number: u16) -> Step {
    Step::new(action, 0, number)
}

fn frame(len: u16, kind: u8) -> Step {
    step(SUBMIT, len).with(&[kind])
}

/// Six frames at 60 Hz, each with this trouble on its way.
fn stream(trouble: &[Step]) -> Vec<Step> {
    let one = |kind| [&[frame(9_000, kind)], trouble, &[step(DELIVER, 99), step(WAIT, 166), step(DECODE, 0)]].concat();
    [0, 1, 1, 2, 3, 1].into_iter().flat_map(one).collect()
}

fn put(name: &str, setup: Setup, steps: &[Step]) {
    let mut bytes = setup.to_bytes().to_vec();
    steps.iter().for_each(|step| step.put(&mut bytes));
    write("media", name, &bytes);
}
