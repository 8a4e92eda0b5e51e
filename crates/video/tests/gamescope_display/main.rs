//! The gamescope backend with everything real but gamescope: its place takes a script that understands the same arguments
//! and gives a test picture to PipeWire; its input server is made by the test and writes down what was typed.

mod eis;
mod input;
mod lies;
mod life;
mod pictures;
mod probe;
mod stand_in;

use std::{ffi::OsString, os::unix::process::CommandExt as _};

/// Our program in the session is this very file, started anew with the host's words behind `--`.
#[test]
#[ignore = "no test: the program of a session, which the tests start"]
fn session_program() {
    let words: Vec<OsString> = std::env::args_os().skip_while(|word| word != "--").skip(1).collect();
    let first = words.first().and_then(|word| word.to_str()).unwrap_or_default();
    match std::env::var("LIE") {
        Ok(lie) if first == "screen" => lies::screen(&lie),
        Ok(_) if first == "start" => panic!("{}", std::process::Command::new("sleep").arg("1000").exec()),
        _ => punktfunk_video::display::gamescope::inside::run(&words).unwrap(),
    }
}
