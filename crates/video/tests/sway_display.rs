//! The sway backend against a real sway, with a real terminal on it.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use punktfunk_proto::{input::SeatEvent, units::Mode};
use punktfunk_video::{
    display::{Application, Backend, DisplayError, Output, sway::Sway},
    frame::{Pixels, Received},
};
use rustix::process::Pid;

const BACKGROUND: [u8; 3] = [0x20, 0x50, 0x80];
const KEY_ENTER: u32 = 28;
const KEY_LEFT_SHIFT: u32 = 42;
const BTN_LEFT: u32 = 0x110;

fn mode(text: &str) -> Mode {
    text.parse().unwrap()
}

fn application(words: &[&str]) -> Application {
    Application {
        command: words.iter().map(Into::into).collect(),
        environment: vec![("LC_ALL".into(), "C.UTF-8".into())],
        directory: None,
        companions: Vec::new(),
    }
}

/// A terminal of one colour that runs a shell script.
fn terminal(mode: Mode, script: &str) -> Output {
    let words = ["foot", "--override=colors.background=205080", "sh", "-c", script];
    Sway.open(mode, &application(&words)).expect("sway and foot are installed (`apt install sway foot`)")
}

/// Waits for a frame of which `wanted` holds; `what` says what it is.
fn await_frame(output: &Output, what: &str, wanted: impl Fn(Mode, &Pixels) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        match output.frames.recv(Duration::from_millis(500)) {
            Received::Frame(frame) if wanted(frame.info().mode, frame.pixels()) => return,
            Received::Frame(_) | Received::Idle => {}
            Received::Ended(reason) => panic!("no {what}: {reason}"),
        }
    }
    panic!("no {what} within 20 seconds");
}

fn await_end(output: &Output) -> String {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if let Received::Ended(reason) = output.frames.recv(Duration::from_secs(1)) {
            return reason;
        }
    }
    panic!("the display does not end");
}

/// Red, green and blue of the lower right corner, where a terminal shows its background.
fn corner(pixels: &Pixels) -> [u8; 3] {
    let at = (pixels.height as usize - 2) * pixels.stride + (pixels.width as usize - 2) * 4;
    let pixel = &pixels.bytes[at..];
    [pixel[2], pixel[1], pixel[0]]
}

fn key(output: &Output, code: u32) {
    output.controls.input(SeatEvent::Key { code, pressed: true });
    output.controls.input(SeatEvent::Key { code, pressed: false });
}

/// Commands that give the terminal another background.
fn paint(colour: &str) -> String {
    format!(r"printf '\033]11;{colour}\007'")
}

#[test]
fn the_application_fills_an_output_of_exactly_the_mode() {
    for text in ["1356x614@144", "640x480@30"] {
        let wanted = mode(text);
        let output = terminal(wanted, "sleep 60");
        await_frame(&output, "terminal", |got, pixels| {
            assert_eq!((got, pixels.width, pixels.height), (wanted, wanted.width(), wanted.height()));
            let first = [pixels.bytes[2], pixels.bytes[1], pixels.bytes[0]];
            (first, corner(pixels)) == (BACKGROUND, BACKGROUND)
        });
    }
}

#[test]
fn typed_keys_with_shift_reach_the_application() {
    let script = format!("read line; [ \"$line\" = 'aA1!' ] && {}; sleep 60", paint("#108040"));
    let output = terminal(mode("640x480@60"), &script);
    await_frame(&output, "terminal", |_, pixels| corner(pixels) == BACKGROUND);
    for code in [30, 2] {
        key(&output, code);
        output.controls.input(SeatEvent::Key { code: KEY_LEFT_SHIFT, pressed: true });
        key(&output, code);
        output.controls.input(SeatEvent::Key { code: KEY_LEFT_SHIFT, pressed: false });
    }
    key(&output, KEY_ENTER);
    await_frame(&output, "answer to the line", |_, pixels| corner(pixels) == [0x10, 0x80, 0x40]);
}

#[test]
fn text_that_no_key_carries_reaches_the_application_between_keys() {
    let script = format!("read line; [ \"$line\" = 'aß€漢a' ] && {}; sleep 60", paint("#104080"));
    let output = terminal(mode("640x480@60"), &script);
    await_frame(&output, "terminal", |_, pixels| corner(pixels) == BACKGROUND);
    key(&output, 30);
    "ß€漢\u{7}".chars().for_each(|character| output.controls.input(SeatEvent::Text(character)));
    key(&output, 30);
    key(&output, KEY_ENTER);
    await_frame(&output, "answer to the text", |_, pixels| corner(pixels) == [0x10, 0x40, 0x80]);
}

/// The terminal's background once it reports mouse events.
const LISTENING: [u8; 3] = [0xff; 3];

/// Reports the mouse event of six bytes that xterm calls "normal tracking" as a colour: the event's button, and the
/// place in percent of the columns and rows.
const REPORT: &str = r#"
    stty raw -echo; printf '\033[?1000h\033]11;#ffffff\007'
    set -- $(dd bs=1 count=6 2>/dev/null | od -An -tu1) $(stty size)
    printf '\033]11;#%02x%02x%02x\007' $(($4 - 32)) $((($5 - 33) * 100 / $8)) $((($6 - 33) * 100 / $7))
    sleep 60"#;

#[test]
fn a_click_arrives_where_it_was_aimed() {
    let output = terminal(mode("1280x720@60"), REPORT);
    await_frame(&output, "terminal", |_, pixels| corner(pixels) == LISTENING);
    output.controls.input(SeatEvent::PointerTo { x: 0.25, y: 0.5 });
    output.controls.input(SeatEvent::PointerBy { dx: 640.0, dy: 144.0 });
    output.controls.input(SeatEvent::Button { code: BTN_LEFT, pressed: true });
    output.controls.input(SeatEvent::Button { code: BTN_LEFT, pressed: false });
    await_frame(&output, "click", |_, pixels| {
        let [button, x, y] = corner(pixels);

        button == 0 && x.abs_diff(75) <= 2 && y.abs_diff(70) <= 4
    });
}

#[test]
fn the_wheel_turns_the_right_way() {
    for (vertical, button) in [(-120, 64), (120, 65)] {
        let output = terminal(mode("640x480@60"), REPORT);
        await_frame(&output, "terminal", |_, pixels| corner(pixels) == LISTENING);
        output.controls.input(SeatEvent::PointerTo { x: 0.5, y: 0.5 });
        output.controls.input(SeatEvent::Scroll { vertical, horizontal: 0 });
        await_frame(&output, "turn of the wheel", |_, pixels| corner(pixels)[0] == button);
    }
}

#[test]
fn a_change_of_mode_is_followed_by_output_and_application() {
    let output = terminal(mode("1280x720@60"), "sleep 60");
    await_frame(&output, "terminal", |_, pixels| corner(pixels) == BACKGROUND);
    for text in ["1920x1080@30", "800x600@120", "1280x720@60"] {
        let wanted = mode(text);
        output.controls.set_mode(wanted);
        await_frame(&output, "frame of the new mode", |got, pixels| {
            let size = (pixels.width, pixels.height);
            assert_eq!(size, (got.width(), got.height()));
            got == wanted && corner(pixels) == BACKGROUND
        });
    }
}

#[test]
fn a_still_picture_is_painted_only_when_asked_for() {
    let output = terminal(mode("640x480@60"), "printf '\\033[?25l'; sleep 60");
    await_frame(&output, "terminal", |_, pixels| corner(pixels) == BACKGROUND);
    while let Received::Frame(_) = output.frames.recv(Duration::from_secs(2)) {}
    for _ in 0..3 {
        output.controls.repaint();
        let Received::Frame(frame) = output.frames.recv(Duration::from_secs(5)) else { panic!("no frame") };
        assert_eq!(corner(frame.pixels()), BACKGROUND);
        drop(frame);
        assert!(matches!(output.frames.recv(Duration::from_millis(200)), Received::Idle));
    }
}

#[test]
fn a_moving_picture_comes_at_the_rate_of_the_mode() {
    let output = terminal(mode("640x480@60"), "while :; do echo $((n += 1)); done");
    await_frame(&output, "terminal", |_, pixels| corner(pixels) == BACKGROUND);
    let (before, start) = (output.frames.counts().painted, Instant::now());
    while start.elapsed() < Duration::from_secs(2) {
        drop(output.frames.recv(Duration::from_millis(100)));
    }
    let rate = (output.frames.counts().painted - before) as f64 / start.elapsed().as_secs_f64();
    println!("{rate:.1} frames a second at 60 Hz");
    assert!((15.0..=63.0).contains(&rate), "{rate:.1} frames a second at 60 Hz");
}

#[test]
fn frames_are_stamped_with_the_time_they_were_painted() {
    let output = terminal(mode("640x480@60"), "while :; do echo $((n += 1)); done");
    await_frame(&output, "terminal", |_, pixels| corner(pixels) == BACKGROUND);
    for _ in 0..10 {
        let Received::Frame(frame) = output.frames.recv(Duration::from_secs(5)) else { panic!("no frame") };
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let age = now.as_nanos() as i128 - i128::from(frame.info().captured_at.nanos());
        assert!((0..1_000_000_000).contains(&age), "a frame is {age} ns old");
    }
}

#[test]
fn the_end_of_the_application_ends_the_frames_with_its_status() {
    let output = Sway.open(mode("640x480@60"), &application(&["sh", "-c", "exit 7"])).unwrap();
    assert_eq!(await_end(&output), "the application exited with status 7");
    // Controls of a display that has ended do nothing and do not block.
    output.controls.set_mode(mode("800x600@60"));
    output.controls.repaint();
    key(&output, 30);
}

#[test]
fn an_application_that_does_not_exist_is_named() {
    let Err(error) = Sway.open(mode("640x480@60"), &application(&["/no/such/program"])) else { panic!("started") };
    assert!(matches!(error, DisplayError::Application { .. }), "{error}");
    assert!(error.to_string().contains("/no/such/program"), "{error}");
}

#[test]
fn the_death_of_sway_is_told_and_leaves_nothing_behind() {
    let output = terminal(mode("640x480@60"), "sleep 1000");
    await_frame(&output, "terminal", |_, pixels| corner(pixels) == BACKGROUND);
    let directory = directories().pop().expect("a display is open").display().to_string();
    let sway = processes_in(&directory).into_iter().find(|(_, line)| line.starts_with("sway")).expect("sway runs");
    rustix::process::kill_process(sway.0, rustix::process::Signal::KILL).unwrap();
    let reason = await_end(&output);
    assert_eq!(reason, "sway was ended by signal 9");
    drop(output);
    assert_eq!(processes_in(&directory), []);
}

/// The processes whose runtime directory this is, with their command lines.
fn processes_in(dir: &str) -> Vec<(Pid, String)> {
    let mark = format!("XDG_RUNTIME_DIR={dir}");
    let processes = fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
        let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
    });
    let number = |entry: &fs::DirEntry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?);
    let line = |entry: &fs::DirEntry| fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
    processes.filter_map(|entry| Some((number(&entry)?, line(&entry)))).collect()
}

/// Runtime directories that this process made.
fn directories() -> Vec<PathBuf> {
    let base = match rustix::process::geteuid().is_root() {
        true => "/tmp".into(),
        false => std::env::var("XDG_RUNTIME_DIR").unwrap_or("/tmp".into()),
    };
    let prefix = format!("punktfunk-sway-{}-", std::process::id());
    let entries = fs::read_dir(base).unwrap().flatten().map(|entry| entry.path());
    entries.filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(&prefix))).collect()
}

#[test]
fn nothing_is_left_behind_not_even_what_hides_in_a_session_of_its_own() {
    let script = "trap '' TERM HUP; setsid sleep 1000 & sleep 1001 & exec sleep 1002";
    let output = terminal(mode("640x480@60"), script);
    await_frame(&output, "terminal", |_, pixels| corner(pixels) == BACKGROUND);
    let directory = directories().pop().expect("a display is open").display().to_string();
    let deadline = Instant::now() + Duration::from_secs(10);
    while processes_in(&directory).iter().filter(|(_, line)| line.starts_with("sleep")).count() < 3 {
        assert!(Instant::now() < deadline, "{:?}", processes_in(&directory));
    }
    drop(output);
    assert_eq!(processes_in(&directory), []);
    assert_eq!(directories(), Vec::<PathBuf>::new());
}

#[test]
fn an_x11_application_is_shown() {
    let output = Sway.open(mode("640x480@60"), &application(&["xclock", "-bg", "#402060", "-update", "1"])).unwrap();
    await_frame(&output, "clock", |_, pixels| corner(pixels) == [0x40, 0x20, 0x60]);
}

#[test]
fn two_displays_do_not_meet() {
    let first = terminal(mode("640x480@60"), &format!("read line; {}; sleep 60", paint("#108040")));
    let second = terminal(mode("800x600@60"), "sleep 60");
    await_frame(&first, "terminal", |_, pixels| corner(pixels) == BACKGROUND);
    await_frame(&second, "terminal", |_, pixels| corner(pixels) == BACKGROUND);
    key(&first, KEY_ENTER);
    await_frame(&first, "answer", |_, pixels| corner(pixels) == [0x10, 0x80, 0x40]);
    second.controls.repaint();
    await_frame(&second, "frame", |_, pixels| corner(pixels) == BACKGROUND);
}
