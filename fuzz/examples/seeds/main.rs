//! Writes the seed corpora anew: `cargo run --manifest-path fuzz/Cargo.toml --example seeds`.
//!
//! Seeds are recorded messages and packets of `crates/proto/tests/vectors` and lists of steps that lead into every
//! state. Findings (`found-…`) and what runs added (names that are hashes) are left alone.

mod media;

use std::path::Path;

use punktfunk_fuzz::pairing::setup::{Setup, action, bare};
use punktfunk_fuzz::script::Step;
use serde_json::Value;

fn main() {
    control();
    datagrams();
    pairing();
    media::streams();
    media::oddities();
    media::recorded();
}

/// Every recorded message by itself, and all of them as one stream.
fn control() {
    let mut stream = vec![6];
    for file in ["hello", "welcome", "control"] {
        for vector in list(&vectors(file)["vectors"]) {
            write("control", &name(file, vector), &hex(&vector["payload_hex"]));
            stream.extend(hex(&vector["framed_hex"]));
        }
    }
    write("control", "start", &hex(&vectors("welcome")["start"]["payload_hex"]));
    for step in list(&vectors("pairing")["transcript"]) {
        let framed = hex(&step["framed_hex"]);
        write("control", &name("pairing", &step["message"]), &framed[2..]);
        stream.extend(framed);
    }
    write("control", "stream", &stream);
}

/// Every recorded datagram by itself, all of them on one seat, and a TXT record.
fn datagrams() {
    let mut seat = vec![0x3F];
    for vector in list(&vectors("datagrams")["vectors"]) {
        let datagram = hex(&vector["hex"]);
        write("datagrams", &name("", vector), &datagram);
        seat.push(u8::try_from(datagram.len()).expect("recorded datagrams are short"));
        seat.extend(datagram);
    }
    // Keyboard and pointer are taken away while something is held.
    seat.extend([2, 0, 0x01]);
    write("datagrams", "seat", &seat);
    let record = "proto=punktfunk/1\nfp=abababababababababababababababababababababababababababababababab\npair=optional\n\
                  id=d3b0\nmgmt=47990\nos=linux/debian/debian\nmac=00:01:02:aa:bb:cc,09:09:09:09:09:09\n";
    write("datagrams", "record", record.as_bytes());
}

/// Ceremonies that succeed and fail, sessions that stream, and recorded messages put into them.
fn pairing() {
    let deliver = |side| Step::new(action::DELIVER, side, 600);
    let both = [deliver(HOST), deliver(CLIENT)];
    let answering = Setup::OWNER_ANSWERS | Setup::USER_ANSWERS;
    let rounds = |count: usize| both.iter().cloned().cycle().take(2 * count);
    for (name, more) in [
        ("paired", 0),
        ("other-pin", Setup::OTHER_PIN),
        ("intercepted", Setup::INTERCEPTED),
        ("anonymous", Setup::ANONYMOUS),
    ] {
        script("pairing", name, Setup::PAIRS | answering | more, rounds(5));
    }
    script("pairing", "left-alone", Setup::PAIRS | answering, [deliver(HOST), expire(HOST), expire(CLIENT)]);
    let slow = [0, 1, 2].into_iter().flat_map(|number| {
        [deliver(HOST), Step::new(action::COMMAND, HOST, number), deliver(CLIENT), Step::new(action::WAIT, HOST, 500)]
    });
    script("pairing", "slow-owner", Setup::PAIRS, slow);
    for (name, more) in [("bare", 0), ("bare-other-pin", Setup::OTHER_PIN)] {
        let steps = [bare::REQUEST, bare::CHALLENGE, bare::PROOF, bare::RESULT].map(|action| Step::new(action, 1, 0));
        script("pairing", name, Setup::BARE_CEREMONY | more, steps);
    }
    let started = || rounds(12);
    script("pairing", "streaming", answering, started().chain([expire(HOST), expire(CLIENT)]));
    for (side, numbers) in [(HOST, 0..12), (CLIENT, 0..9)] {
        let commands = numbers.map(|number| Step::new(action::COMMAND, side, number).with(&[2, 0, 0, 0, 1, 0, 0, 0]));
        let commands = commands.flat_map(|command| [command, deliver(HOST), deliver(CLIENT)]);
        script("pairing", &format!("commands-{side}"), answering, started().chain(commands));
    }
    let recorded = vectors("control");
    for (direction, side) in [("c->h", HOST), ("h->c", CLIENT)] {
        let messages = list(&recorded["vectors"]).iter().filter(|vector| vector["direction"] == direction);
        let frames = messages.map(|vector| Step::new(action::FRAME, side, 0).with(&hex(&vector["payload_hex"])));
        let steps = frames.flat_map(|step| [step, deliver(side)]);
        script("pairing", &format!("messages-{side}"), answering, started().chain(steps));
    }
    let datagrams = vectors("datagrams");
    let timing = list(&datagrams["vectors"]).iter().filter(|vector| vector["name"] == TIMING);
    let timing =
        timing.flat_map(|vector| [Step::new(action::DATAGRAM, CLIENT, 0).with(&hex(&vector["hex"])), deliver(CLIENT)]);
    script("pairing", "timing", answering, started().chain(timing));
    let probe = [Step::new(action::COMMAND, CLIENT, 6).with(&[5, 0, 0, 0, 1]), deliver(HOST), deliver(CLIENT)];
    script("pairing", "no-probes", answering | Setup::NO_PROBES, started().chain(probe));
    let input = Step::new(action::DATAGRAM, HOST, 0).with(&hex(&datagrams["vectors"][0]["hex"]));
    let closed = Step::new(action::CLOSE, CLIENT, 0x66).with(b"superseded");
    let ends = [input, deliver(HOST), Step::new(action::END, HOST, 0), deliver(HOST), closed, deliver(CLIENT)];
    script("pairing", "ends", answering, started().chain(ends));
}

const HOST: u8 = 0;
const CLIENT: u8 = 1;
const TIMING: &str = "Host timing 29";

fn expire(side: u8) -> Step {
    Step::new(action::EXPIRE, side, 0)
}

fn script(target: &str, name: &str, setup: u8, steps: impl IntoIterator<Item = Step>) {
    let mut bytes = vec![setup];
    steps.into_iter().for_each(|step| step.put(&mut bytes));
    write(target, name, &bytes);
}

fn write(target: &str, name: &str, bytes: &[u8]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus-seeds").join(target);
    std::fs::create_dir_all(&folder).expect("the corpus can be written");
    std::fs::write(folder.join(name), bytes).expect("the corpus can be written");
}

fn vectors(file: &str) -> Value {
    let path = format!("{}/../crates/proto/tests/vectors/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(path).expect("the vectors are there")).expect("vectors are JSON")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list of vectors")
}

/// A file name from what a vector is called.
fn name(prefix: &str, vector: &Value) -> String {
    let called = vector["name"].as_str().or(vector.as_str()).expect("vectors have names").to_lowercase();
    let words = called.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    Some(prefix).filter(|prefix| !prefix.is_empty()).into_iter().chain(words).collect::<Vec<_>>().join("-")
}

fn hex(value: &Value) -> Vec<u8> {
    let digit = |digit: char| digit.to_digit(16).expect("hex digits") as u8;
    let digits: Vec<u8> = value.as_str().expect("hex is a text").chars().map(digit).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
