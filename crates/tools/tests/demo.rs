//! The demo, as `make demo` runs it, on both displays.

use std::process::Command;

/// A loaded machine paints fewer frames; what the demo is about does not change.
const MIN_FPS: &str = "15";

fn demo(display: &str) {
    let dir = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("demo-{display}"));
    let output = Command::new(env!("CARGO_BIN_EXE_punktfunk-tools"))
        .args(["demo", "--seconds", "10", "--min-fps", MIN_FPS, "--display", display, "--dir"])
        .arg(&dir)
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let log = std::fs::read_to_string(dir.join("host.log")).unwrap_or_default();
    assert!(output.status.success(), "{}{}\n{log}", text(&output.stdout), text(&output.stderr));
}

#[test]
fn the_embedded_display_streams_and_obeys_keyboard_pointer_and_mode() {
    demo("embedded");
}

#[test]
fn sway_streams_and_obeys_keyboard_pointer_and_mode() {
    demo("sway");
}
