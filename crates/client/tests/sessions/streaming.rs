//! `punktfunk connect` and `punktfunk probe --speed`

use std::{fs::File, io::BufReader, process::Stdio};

use punktfunk_client::decode::RgbPicture;
use punktfunk_proto::{
    units::Mode,
    wire::{
        CloseCode,
        datagram::{InputEvent, PointerButton, SurfacePoint},
    },
};

use crate::common::{Client, Host, Outcome, Ways};

fn connect(client: &Client, host: &Host, args: &[&str]) -> Outcome {
    let (address, fingerprint) = (host.address(), host.fingerprint.to_string());
    client.run(&[&["connect", &address, "--fingerprint", &fingerprint, "--mode", "640x360@60"], args].concat())
}

fn read_png(path: &str) -> RgbPicture {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path).unwrap())).read_info().unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    RgbPicture { width: info.width, height: info.height, bytes }
}

#[test]
fn a_scripted_session_does_everything_it_was_told_and_reports_it() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let [before, after, record] = ["before.png", "after.png", "a.ts"].map(|name| client.path(name));
    let (shoot_before, shoot_after) = (format!("300ms:snapshot={before}"), format!("900ms:snapshot={after}"));
    let streamed = connect(
        &client,
        &host,
        &[
            "--at",
            &shoot_before,
            "--at",
            "500ms:key=a",
            "--at",
            "550ms:click=0.5,0.25",
            "--at",
            &shoot_after,
            "--at",
            "1s:mode=320x240@30",
            "--seconds",
            "1.8",
            "--record",
            &record,
            "--max-lost",
            "0",
        ],
    );
    assert_eq!(streamed.exit, 0, "{}\n{}", streamed.stderr, streamed.value);
    assert_eq!(streamed.count("frames_decoded"), streamed.count("frames_received"));
    let modes: Vec<&str> =
        streamed.value["modes"].as_array().unwrap().iter().map(|mode| mode["mode"].as_str().unwrap()).collect();
    assert_eq!(modes, ["640x360@60", "320x240@30"]);
    let stages: Vec<&str> =
        streamed.value["latency"].as_array().unwrap().iter().map(|row| row["stage"].as_str().unwrap()).collect();
    assert_eq!(
        stages,
        ["queue", "encode", "pace", "host", "network", "reassembly", "arrival", "moved", "wait", "decode", "total"],
        "every stage is measured"
    );
    let recorded = streamed.value["recording"][1].as_u64().unwrap();
    assert_eq!(recorded, streamed.count("frames_received"));
    let heard = host.heard();
    let at = SurfacePoint { x: 320, y: 90, width: 640, height: 360 };
    let button = |pressed| InputEvent::Button { button: PointerButton::Left, pressed };
    let key = |pressed| InputEvent::Key { vk: 0x41, pressed };
    assert_eq!(heard.inputs, [key(true), key(false), InputEvent::PointerTo(at), button(true), button(false)]);
    assert_eq!(heard.modes, [Mode::new(320, 240, 30).unwrap()]);
    // The test host's picture turns from blue to another colour when a key goes down.
    let (before, after) = (read_png(&before), read_png(&after));
    let blue = |picture: &RgbPicture| picture.pixel(100, 100).unwrap()[2];
    assert!(blue(&before) > 150 && blue(&after) < 100, "{} {}", blue(&before), blue(&after));
    assert_eq!((after.width, after.height), (640, 360));
}

/// The test host's pictures are too small to measure the path by, so it is asked for a speed test after two seconds.
#[test]
fn the_bitrate_follows_what_the_path_takes_unless_one_is_given() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let mode = ["--mode", "1280x720@60"];
    let choose = || {
        let (address, fingerprint) = (host.address(), host.fingerprint.to_string());
        let where_to = ["connect", &address, "--fingerprint", &fingerprint, "--seconds", "4"];
        let chosen = client.run(&[&where_to[..], &mode[..]].concat());
        assert_eq!(chosen.exit, 0, "{}", chosen.stderr);
        assert!(chosen.value["auto_bitrate"]["changes"].as_u64().unwrap() > 0, "{}", chosen.value["auto_bitrate"]);
        chosen.value["bitrate_kbps"].as_u64().unwrap()
    };
    // More than the test host begins with; a machine that is busy with other things is a narrow path, and may be free later.
    assert!((0..5).any(|_| choose() > 10_000));
    let given = connect(&client, &host, &["--bitrate", "10000", "--seconds", "0.5"]);
    assert_eq!((given.exit, &given.value["auto_bitrate"]), (0, &serde_json::Value::Null));
}

#[test]
fn a_frame_that_never_comes_is_counted_and_repaired() {
    let ways = Ways { withhold: Some(20), ..Ways::default() };
    let (client, host) = (Client::new(), Host::start(ways));
    let streamed = connect(&client, &host, &["--seconds", "1.2"]);
    assert_eq!(streamed.exit, 0, "{}", streamed.stderr);
    assert_eq!(streamed.count("frames_lost"), 1);
    let requests = streamed.count("reference_requests") + streamed.count("keyframe_requests");
    assert!(requests >= 1, "{}", streamed.value);
    // Held back from the gap until the repair, not to the end.
    assert!(streamed.count("frames_hidden") < 15, "{}", streamed.value);
    let strict = connect(&client, &host, &["--seconds", "0.8", "--max-lost", "0"]);
    assert_eq!(strict.exit, 6);
    assert!(strict.message().contains("at most 0 frames are lost ("), "{}", strict.message());
}

#[test]
fn a_mode_that_the_host_takes_back_fails_the_session() {
    let ways = Ways { refuse_modes: true, ..Ways::default() };
    let (client, host) = (Client::new(), Host::start(ways));
    let streamed = connect(&client, &host, &["--at", "300ms:mode=320x240@30", "--seconds", "1"]);
    assert_eq!(streamed.exit, 6, "{}", streamed.stderr);
    assert!(
        streamed.message().contains("every mode is seen in the picture (none of 320x240@30)"),
        "{}",
        streamed.message()
    );
}

#[test]
fn a_change_of_the_rate_alone_counts_as_seen() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let streamed = connect(&client, &host, &["--at", "200ms:mode=640x360@30", "--seconds", "0.6"]);
    assert_eq!(streamed.exit, 0, "{}", streamed.stderr);
    assert_eq!(streamed.value["modes"][1]["mode"], "640x360@30");
}

#[test]
fn an_interrupt_ends_the_session_properly_with_its_report() {
    use std::io::BufRead as _;
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let (address, fingerprint) = (host.address(), host.fingerprint.to_string());
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_punktfunk"));
    command.arg("--state-dir").arg(client.dir().join("state")).args(["--mdns", "off", "connect", &address]);
    let step = format!("100ms:snapshot={}", client.path("a.png"));
    command.args(["--fingerprint", &fingerprint, "--mode", "320x180@30", "--at", &step]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The snapshot is told of on standard error: the session runs.
    let told = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    assert!(told.into_iter().any(|line| line.starts_with("saved ")));
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("frames    received") && text.contains("latency (ms)"), "{text}");
}

#[test]
fn a_host_that_ends_the_session_is_told_apart_by_its_code() {
    let ways = Ways { close_after: Some((15, CloseCode::AccessExpired)), ..Ways::default() };
    let (client, host) = (Client::new(), Host::start(ways));
    let streamed = connect(&client, &host, &[]);
    assert_eq!((streamed.exit, streamed.close_code()), (5, Some(0x69)), "{}", streamed.stderr);
    assert_eq!(streamed.value["ended"]["by"], "host");
    assert!(streamed.count("frames_decoded") > 0);
    let ways = Ways { close_after: Some((15, CloseCode::ApplicationExited)), ..Ways::default() };
    let (client, host) = (Client::new(), Host::start(ways));
    assert_eq!(connect(&client, &host, &[]).exit, 0, "the application's end is a good end");
}

#[test]
fn a_snapshot_that_cannot_be_written_fails_the_session_and_not_the_stream() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    let step = format!("200ms:snapshot={}", client.path("absent/a.png"));
    let streamed = connect(&client, &host, &["--at", &step, "--seconds", "0.6"]);
    assert_eq!(streamed.exit, 6, "{}", streamed.stderr);
    assert!(streamed.message().contains("No such file"), "{}", streamed.message());
    assert_eq!(streamed.value["ended"]["by"], "plan");
}

#[test]
fn the_speed_of_the_way_is_measured_from_both_ends() {
    let (client, host) = (Client::new(), Host::start(Ways::default()));
    assert_eq!(connect(&client, &host, &["--seconds", "0.1"]).exit, 0);
    let probed = client.run(&["probe", &host.address(), "--speed", "--rate", "20000", "--duration", "0.5"]);
    assert_eq!(probed.exit, 0, "{}", probed.stderr);
    let speed = &probed.value["speed"];
    assert_eq!(speed["received_packets"], speed["sent_packets"]);
    assert!(speed["received_mbit_per_s"].as_f64().unwrap() > 1.0, "{speed}");
}
