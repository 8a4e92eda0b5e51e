use super::{Cue, Script, ScriptError, Step, parse_time};
use proptest::prelude::{any, prop_assert, proptest};
use punktfunk_proto::{
    input::keymap::evdev_from_vk,
    units::{Bitrate, Mode},
    wire::datagram::PointerButton,
};
use std::{path::PathBuf, time::Duration};

fn cues(text: &str) -> Vec<Cue> {
    let mut script = Script::new([text.parse().unwrap()]);
    std::iter::from_fn(|| script.take_due(Duration::MAX)).collect()
}

fn refusal(text: &str) -> String {
    text.parse::<Step>().unwrap_err().to_string()
}

fn key(vk: u8, pressed: bool) -> Cue {
    Cue::Key { vk, pressed }
}

#[test]
fn text_is_typed_key_by_key_with_shift_where_it_belongs() {
    assert_eq!(
        cues("3s:type=aB"),
        [key(0x41, true), key(0x41, false), key(0xA0, true), key(0x42, true), key(0x42, false), key(0xA0, false)]
    );
    assert_eq!(cues(r"3s:type=\n"), [key(0x0D, true), key(0x0D, false)]);
    assert_eq!(cues("3s:type= =:"), [cues("3s:key=space"), cues("0s:type=="), cues("0s:type=:")].concat());
}

#[test]
fn chords_are_let_go_in_reverse() {
    let (ctrl, c) = (0xA2, 0x43);
    assert_eq!(cues("1s:key=Ctrl+c"), [key(ctrl, true), key(c, true), key(c, false), key(ctrl, false)]);
}

#[test]
fn every_key_that_can_be_written_has_a_place_on_the_hosts_keyboard() {
    let names = ["enter", "escape", "super", "shift", "ctrl", "alt", "left", "delete", "f1", "f24", "z", "0"];
    for name in names {
        for cue in cues(&format!("0s:key={name}")) {
            let Cue::Key { vk, .. } = cue else { panic!("{name} is a key") };
            assert!(evdev_from_vk(vk).is_some(), "{name}");
        }
    }
}

#[test]
fn a_click_goes_there_and_presses() {
    let button = |pressed| Cue::Button { button: PointerButton::Left, pressed };
    assert_eq!(cues("2s:click=0.5, 0.25"), [Cue::PointTo { x: 0.5, y: 0.25 }, button(true), button(false)]);
}

#[test]
fn the_other_actions_are_read() {
    assert_eq!(cues("5s:mode=1920x1080@30"), [Cue::Mode(Mode::new(1920, 1080, 30).unwrap())]);
    assert_eq!(cues("5s:bitrate=8000"), [Cue::Bitrate(Bitrate::from_kbps(8_000))]);
    assert_eq!(cues("5s:snapshot=/tmp/a b.png"), [Cue::Snapshot(PathBuf::from("/tmp/a b.png"))]);
    assert_eq!(cues("5s:scroll=-3"), [Cue::Scroll(-360)]);
    assert_eq!(cues("5s:keyframe"), [Cue::Keyframe]);
    assert_eq!(cues("5s:quit"), [Cue::Quit]);
}

#[test]
fn times_are_read_with_their_unit_and_nonsense_is_refused() {
    assert_eq!(parse_time("1500ms"), Ok(Duration::from_millis(1_500)));
    assert_eq!(parse_time("2.5s"), Ok(Duration::from_millis(2_500)));
    assert_eq!(parse_time("1m"), Ok(Duration::from_secs(60)));
    for wrong in ["", "3", "-1s", "NaNs", "infs", "1e300s", "2d", "s", "25000m"] {
        assert_eq!(parse_time(wrong), Err(ScriptError::Time(wrong.into())));
    }
}

#[test]
fn refusals_say_what_to_write() {
    assert!(refusal("type=hello").contains("3s:type=hello"));
    assert!(refusal("1s:jump").contains("right-click"));
    assert!(refusal("1s:type=ü").contains("cannot type 'ü'"));
    assert!(refusal("1s:type=").contains("1 to 10000"));
    assert!(refusal("1s:click=0.5,7").contains("0.5,0.25"));
    assert!(refusal("1s:mode=1280").contains("1920x1080@60"));
    assert!(refusal("1s:snapshot=").contains("PNG"));
    assert!(refusal("1s:key=any").contains("f1 to f24"));
}

#[test]
fn steps_are_played_in_order_of_time_and_never_early() {
    let steps = Script::parse_lines("# a comment\n\n  2s:key=b\n1s:key=a\n").unwrap();
    let mut script = Script::new(steps);
    assert_eq!(script.next_due(), Some(Duration::from_secs(1)));
    assert_eq!(script.take_due(Duration::from_millis(999)), None);
    assert_eq!(script.take_due(Duration::from_secs(1)), Some(key(0x41, true)));
    assert_eq!(script.take_due(Duration::from_secs(1)), None);
    assert_eq!(script.remaining(), 3);
}

#[test]
fn a_wrong_line_is_named() {
    let error = Script::parse_lines("1s:quit\nnonsense\n").unwrap_err();
    assert!(error.to_string().starts_with("line 2: "), "{error}");
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in any::<String>(), action in "(type|key|click|move|scroll|mode|bitrate)") {
        let _ = text.parse::<Step>();
        let _ = format!("1s:{action}={text}").parse::<Step>();
        let _ = Script::parse_lines(&text);
        prop_assert!(parse_time(&text).is_err() || text.len() >= 2);
    }
}
