//! What a client hears of a session, from a real PipeWire with a real application that plays.
#![allow(unreachable_pub, reason = "a module of a test")]

use std::{
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use punktfunk_audio::{
    Layout,
    opus::Decoder,
    receive::{Order, Piece},
    tone::{Tone, strength},
    wav::Wav,
};
use punktfunk_proto::{
    session::client_control::ClientCommand,
    wire::{ClientCaps, Hello, HostCaps, datagram::HostDatagram},
};

use crate::fixture::{Device, Host, PATIENCE, Session, hello};

/// The tone that applications play, in hertz, and its amplitude.
pub const TONE: u16 = 997;
const AMPLITUDE: f32 = 0.25;

/// What a client heard.
#[derive(Default)]
struct Heard {
    order: Order,
    plain: u32,
    redundant: u32,
    pcm: Vec<f32>,
}

impl Heard {
    fn take(&mut self, decoder: &mut Decoder, datagram: &[u8]) {
        match HostDatagram::decode(datagram) {
            Ok(HostDatagram::Audio(audio)) => {
                self.plain += 1;
                self.order.push(audio.seq, audio.data, None);
            }
            Ok(HostDatagram::AudioRedundant(audio)) => {
                self.redundant += 1;
                self.order.push(audio.seq, audio.primary, Some(audio.previous));
            }
            _ => {}
        }
        let mut pcm = Vec::new();
        while let Some(piece) = self.order.poll() {
            let packet = match piece {
                Piece::Packet(packet) => Some(packet),
                Piece::Lost => None,
            };
            decoder.decode(packet, &mut pcm).unwrap();
            self.pcm.extend_from_slice(&pcm);
        }
    }

    /// The tone's strength on `channel` in the last half second.
    fn tone(&self, layout: Layout, channel: usize) -> f64 {
        let recent = self.pcm.len().saturating_sub(24_000 * layout.channels());
        strength(self.pcm[recent..].iter().copied().skip(channel).step_by(layout.channels()), TONE)
    }
}

/// A client that listens.
struct Listener {
    session: Session,
    heard: Arc<Mutex<Heard>>,
    layout: Layout,
}

impl Listener {
    async fn start(host: &Host, device: &Device, hello: Hello) -> Self {
        let layout = Layout::of_channels(hello.audio_channels).unwrap();
        let heard = Arc::new(Mutex::new(Heard::default()));
        let mut decoder = Decoder::new(layout).unwrap();
        let ear = Arc::clone(&heard);
        let link = device.link(host).await.unwrap();
        let mut session =
            Session::overheard(link, &hello, move |datagram| ear.lock().unwrap().take(&mut decoder, datagram));
        let welcome = session.welcome().await;
        assert_eq!(welcome.audio_channels, hello.audio_channels);
        let is_redundant = hello.client_caps.contains(ClientCaps::AUDIO_REDUNDANCY);
        assert_eq!(welcome.host_caps.contains(HostCaps::AUDIO_REDUNDANCY), is_redundant);
        session.start(&welcome).await;
        Self { session, heard, layout }
    }

    /// Waits until the tone is heard on every channel at about its strength.
    async fn wait_for_tone(&self, host: &Host) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let found: Vec<f64> = {
                let heard = self.heard.lock().unwrap();
                (0..self.layout.channels()).map(|channel| heard.tone(self.layout, channel)).collect()
            };
            if found.iter().all(|strength| (0.2..0.3).contains(strength)) {
                return;
            }
            assert!(Instant::now() < deadline, "the tone is not heard: {found:?}\n{}", host.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Writes a WAV of the tone, `seconds` long.
pub fn write_tone(path: &Path, layout: Layout, seconds: usize) {
    let mut pcm = vec![0.0; 48_000 * seconds * layout.channels()];
    Tone::new(TONE, AMPLITUDE, layout.channels()).write(&mut pcm);
    let mut wav = Wav::create(path, layout).unwrap();
    wav.write(&pcm).unwrap();
    wav.finish().unwrap();
}

/// A host whose application plays the tone with `player`, and a paired device.
async fn playing(dir: &Path, player: &str, layout: Layout) -> (Host, Device) {
    let tone = dir.join("tone.wav");
    write_tone(&tone, layout, 30);
    let command = match player.strip_prefix("until ") {
        Some(player) => format!("until {player} {}; do sleep 0.2; done", tone.display()),
        None => format!("exec {player} {}", tone.display()),
    };
    let host = with_application(dir, &command);
    let device = Device::new("Listener");
    device.pair_now(&host).await;
    (host, device)
}

fn with_application(dir: &Path, script: &str) -> Host {
    Host::start_in(
        dir,
        &format!("[audio]\n[session]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n[display]\nbackend = \"embedded\"\n"),
    )
}

fn with_redundancy(hello: Hello) -> Hello {
    Hello { client_caps: hello.client_caps.with(ClientCaps::AUDIO_REDUNDANCY), ..hello }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_application_plays_is_heard_by_the_client_at_its_level() {
    let dir = tempfile::tempdir().unwrap();
    // It starts at once, before its sound server is there.
    let (host, device) = playing(dir.path(), "paplay", Layout::Stereo).await;
    let listener = Listener::start(&host, &device, hello("640x480@30")).await;
    listener.wait_for_tone(&host).await;
    let heard = listener.heard.lock().unwrap();
    assert_eq!(heard.redundant, 0, "nobody asked for redundancy");
    assert_eq!(heard.order.counts().lost, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn surround_arrives_on_every_channel_with_every_packet_twice() {
    let dir = tempfile::tempdir().unwrap();
    // What speaks PipeWire itself is refused for want of an output until the server is all there.
    let (host, device) = playing(dir.path(), "until pw-play", Layout::Surround71).await;
    let wish = Hello { audio_channels: 8, ..hello("640x480@30") };
    let listener = Listener::start(&host, &device, with_redundancy(wish)).await;
    listener.wait_for_tone(&host).await;
    let heard = listener.heard.lock().unwrap();
    assert_eq!(heard.plain, 0, "redundancy was agreed on");
    assert!(heard.redundant > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_server_that_dies_leaves_the_picture_and_is_named_until_a_session_has_one_again() {
    let dir = tempfile::tempdir().unwrap();
    let tone = dir.path().join("tone.wav");
    write_tone(&tone, Layout::Stereo, 60);
    let host = with_application(
        dir.path(),
        &format!("while :; do paplay {}; sleep 0.1; done & exec foot --config=/dev/null sleep 1000", tone.display()),
    );
    let device = Device::new("Listener");
    device.pair_now(&host).await;
    let mut listener = Listener::start(&host, &device, hello("640x480@30")).await;
    listener.wait_for_tone(&host).await;
    kill_server(dir.path());
    let fault = wait_for_fault(&host, true).await.unwrap();
    assert!(fault.contains("pipewire has ended; start a new session"), "{fault}");
    // The picture goes on: a key press changes it, and the host paints when it is asked to.
    let before = host.ctl_json(&["sessions", "list"])["sessions"][0]["frames_sent"].as_u64().unwrap();
    let deadline = Instant::now() + PATIENCE;
    while host.ctl_json(&["sessions", "list"])["sessions"][0]["frames_sent"].as_u64().unwrap() == before {
        assert!(Instant::now() < deadline, "the picture stopped with the sound");
        listener.session.tell(ClientCommand::RequestKeyframe).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    listener.session.tell(ClientCommand::Close { quit: true }).await;
    listener.session.closed().await;
    let listener = Listener::start(&host, &device, hello("640x480@30")).await;
    listener.wait_for_tone(&host).await;
    assert_eq!(wait_for_fault(&host, false).await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kept_application_is_heard_again_by_the_device_that_comes_back_with_the_channels_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let tone = dir.path().join("tone.wav");
    write_tone(&tone, Layout::Stereo, 60);
    let command = format!("paplay {} & exec foot --config=/dev/null sleep 1000", tone.display());
    let host = Host::start_in(
        dir.path(),
        &format!(
            "[audio]\n[session]\nkeep_alive_s = 600\ncommand = [\"sh\", \"-c\", \"{command}\"]\n[display]\nbackend = \"embedded\"\n"
        ),
    );
    let device = Device::new("Listener");
    device.pair_now(&host).await;
    for visit in 0..2 {
        let mut listener = Listener::start(&host, &device, hello("640x480@30")).await;
        listener.wait_for_tone(&host).await;
        listener.session.tell(ClientCommand::Close { quit: false }).await;
        listener.session.closed().await;
        host.wait_for_count(&["sessions", "history"], "sessions", visit + 1).await;
    }
    // Six channels cannot be had of an application that runs with two.
    let link = device.link(&host).await.unwrap();
    let mut session = Session::over(link, &Hello { audio_channels: 6, ..hello("640x480@30") });
    assert_eq!(session.welcome().await.audio_channels, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_companion_that_floods_and_lies_costs_nobody_anything_but_its_own_sound() {
    let dir = tempfile::tempdir().unwrap();
    // The application is of the same user as its companion: it takes that one's place at the socket and floods the host.
    let script = dir.path().join("flood.py");
    std::fs::write(&script, FLOOD).unwrap();
    let host = with_application(
        dir.path(),
        &format!("python3 {} & exec foot --config=/dev/null sleep 1000", script.display()),
    );
    let device = Device::new("Listener");
    device.pair_now(&host).await;
    let listener = Listener::start(&host, &device, hello("640x480@30")).await;
    let deadline = Instant::now() + PATIENCE;
    while !dir.path().join("flooding").exists() {
        assert!(Instant::now() < deadline, "nothing floods\n{}", host.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (began, packets) = (Instant::now(), listener.heard.lock().unwrap().plain);
    let cpu = cpu_seconds(host.pid());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let spent = cpu_seconds(host.pid()) - cpu;
    let heard = listener.heard.lock().unwrap().plain - packets;
    let seconds = began.elapsed().as_secs_f64();
    assert!(f64::from(heard) < 250.0 * seconds + 50.0, "{heard} packets in {seconds} s");
    assert!(spent < seconds, "{spent} s of processor in {seconds} s");
    assert_eq!(host.ctl_json(&["sessions", "list"])["sessions"].as_array().unwrap().len(), 1);
}

/// Takes the companion's socket from it (same user: the kernel allows it with `pidfd_getfd`) and sends packets of every
/// kind and length as fast as they are taken.
const FLOOD: &str = r#"
import ctypes, os, socket, struct, time
libc = ctypes.CDLL(None, use_errno=True)
runtime = os.environ["XDG_RUNTIME_DIR"]
def companion():
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = open(f"/proc/{pid}/cmdline").read().split(chr(0))
            place = open(f"/proc/{pid}/environ").read()
        except OSError:
            continue
        if "session-sound" in words and "--channels" in words and runtime in place:
            return int(pid)
pid = None
while not pid:
    pid = companion()
    time.sleep(0.02)
handle = libc.syscall(434, pid, 0)
line = socket.socket(fileno=libc.syscall(438, handle, 0, 0))
sound = bytes([ord("s"), 0, 0, 0]) + struct.pack("<I", 7) + struct.pack("<f", 0.5) * 480
open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "flooding"), "w").close()
garbage = [b"l" * 3, os.urandom(3000), sound[:-1], sound + b"x", b"r", b"l", sound]
until = time.monotonic() + 20
while time.monotonic() < until:
    for packet in garbage:
        try:
            line.send(packet)
        except OSError:
            time.sleep(0.001)
"#;

#[test]
fn a_host_without_the_programs_says_so_and_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    crate::fixture::configure(dir.path(), &format!("{}\n[display]\nbackend = \"embedded\"\n", crate::fixture::BASE));
    let mut command = std::process::Command::new(crate::fixture::PROGRAM);
    command.env("PATH", "/nowhere");
    let host = Host::run(dir.path(), crate::fixture::serve(command, dir.path()));
    let fault = sound_fault(&host).expect("it is named");
    assert!(fault.contains("pipewire is not installed where sessions run; install pipewire"), "{fault}");
}

/// Processor time of a process so far.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let after = stat.rsplit_once(')').unwrap().1;
    let ticks: u64 = after.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// What the host says of its sound.
fn sound_fault(host: &Host) -> Option<String> {
    let status = host.ctl_json(&["status"]);
    let warnings = status["warnings"].as_array().unwrap().iter().map(|warning| warning.as_str().unwrap());
    warnings.into_iter().find(|warning| warning.contains("sessions are silent")).map(str::to_owned)
}

/// Waits until there is a fault, or none.
async fn wait_for_fault(host: &Host, wanted: bool) -> Option<String> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let fault = sound_fault(host);
        if fault.is_some() == wanted {
            return fault;
        }
        assert!(Instant::now() < deadline, "{fault:?}\n{}", host.log());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Kills the PipeWire of the session that runs in `dir`.
fn kill_server(dir: &Path) {
    let run = dir.join("run").display().to_string();
    let server = std::fs::read_dir("/proc").unwrap().flatten().find_map(|entry| {
        let pid: i32 = entry.file_name().to_string_lossy().parse().ok()?;
        let name = std::fs::read_to_string(entry.path().join("comm")).ok()?;
        let environment = std::fs::read(entry.path().join("environ")).ok()?;
        let is_ours = String::from_utf8_lossy(&environment).contains(&format!("XDG_RUNTIME_DIR={run}"));
        (name.trim() == "pipewire" && is_ours).then_some(pid)
    });
    let server = rustix::process::Pid::from_raw(server.expect("the session has a sound server")).unwrap();
    rustix::process::kill_process(server, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn the_health_check_passes_only_a_host_that_is_heard() {
    let dir = tempfile::tempdir().unwrap();
    let host = with_application(dir.path(), "exit 1");
    let gate = || {
        let mut command = std::process::Command::new(crate::fixture::PROGRAM);
        command.arg("gate").arg("--runtime-dir").arg(dir.path().join("run")).args(["--json", "--stream-within", "20"]);
        let output = command.output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (passed, said) = gate();
    assert!(passed && said.contains("packets of sound"), "{said}\n{}", host.log());
}
