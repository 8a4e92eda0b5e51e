//! The companion with a real PipeWire: what a program plays there comes out at the host's end.

use std::{
    ffi::OsString,
    os::fd::OwnedFd,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use punktfunk_audio::{
    FRAME, Layout, companion,
    line::{Part, Said, SoundFault, packet_bytes},
    playback::{Player, Remote},
    server,
    tone::{Tone, strength},
};
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, recv, socketpair};

/// What hands over a socket in place of the host's program.
fn relay() -> Vec<OsString> {
    let script = "exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$; export LISTEN_FDS LISTEN_PID; exec \"$@\"";
    ["sh", "-c", script, "sh"].map(OsString::from).into()
}

struct Session {
    dir: tempfile::TempDir,
    layout: Layout,
    host: OwnedFd,
    companion: JoinHandle<Option<SoundFault>>,
}

impl Session {
    fn start(layout: Layout) -> Self {
        assert_eq!(server::missing(), Vec::<Part>::new(), "run `make setup`");
        let dir = tempfile::tempdir().unwrap();
        let (host, theirs) =
            socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
        let place = dir.path().to_owned();
        let companion = thread::spawn(move || companion::run(&theirs, &place, layout, &relay()));
        Self { dir, layout, host, companion }
    }

    /// The next thing it says, with its samples where it is sound.
    fn next(&self) -> Option<(Said<'static>, Vec<f32>)> {
        let mut packet = vec![0; packet_bytes(self.layout) + 1];
        let (length, _) = recv(&self.host, &mut packet, RecvFlags::empty()).unwrap();
        if length == 0 {
            return None;
        }
        let mut pcm = Vec::new();
        let said = match Said::decode(&packet[..length], self.layout).expect("a companion keeps to its packets") {
            Said::Sound(sound) => {
                sound.read(&mut pcm);
                Said::Ready
            }
            Said::Listening => Said::Listening,
            Said::Ready => Said::Ready,
            Said::Fault(fault) => Said::Fault(fault),
        };
        Some((said, pcm))
    }

    /// Half a second of sound.
    fn listen(&self) -> Vec<f32> {
        let wanted = 24_000 * self.layout.channels();
        let mut heard = Vec::new();
        while heard.len() < wanted {
            heard.extend(self.next().expect("the sound goes on").1);
        }
        heard
    }
}

/// A tone for each channel.
const TONES: [u16; 6] = [300, 500, 700, 60, 1_100, 1_300];

/// Plays them until it is over, or the player has to be made anew.
fn play(player: &Player, is_over: &AtomicBool) {
    let mut pcm = vec![0.0; FRAME * 6];
    let mut tones = TONES.map(|hz| Tone::new(hz, 0.25, 1));
    while !is_over.load(Relaxed) && !player.has_ended() {
        if player.waiting() > 10 * FRAME {
            thread::sleep(Duration::from_millis(2));
            continue;
        }
        for (channel, tone) in tones.iter_mut().enumerate() {
            let mut own = [0.0; FRAME];
            tone.write(&mut own);
            pcm.iter_mut().skip(channel).step_by(6).zip(own).for_each(|(place, sample)| *place = sample);
        }
        player.play(&pcm);
    }
}

#[test]
fn what_is_played_comes_out_on_its_own_channel() {
    let session = Session::start(Layout::Surround51);
    assert_eq!(session.next().unwrap().0, Said::Listening);
    // It connects before there is a server: the socket is there.
    let socket = session.dir.path().join("pipewire-0");
    let (layout, over) = (session.layout, Arc::new(AtomicBool::new(false)));
    let is_over = Arc::clone(&over);
    let playing = thread::spawn(move || {
        while !is_over.load(Relaxed) {
            play(&Player::start(&Remote::At(socket.clone()), layout, "test").unwrap(), &is_over);
        }
    });
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        let heard = session.listen();
        let of_channel = |channel: usize| heard.iter().copied().skip(channel).step_by(6);
        let found: Vec<f64> = (0..6).map(|channel| strength(of_channel(channel), TONES[channel])).collect();
        if found.iter().all(|found| (0.2..0.3).contains(found)) {
            assert!((0..6).all(|channel| strength(of_channel(channel), TONES[(channel + 1) % 6]) < 0.02));
            break;
        }
        assert!(Instant::now() < deadline, "{found:?}");
    }
    over.store(true, Relaxed);
    drop(session.host);
    assert_eq!(session.companion.join().unwrap(), None, "the host closed");
    playing.join().unwrap();
}

#[test]
fn a_server_that_ends_is_named() {
    let session = Session::start(Layout::Stereo);
    let mut said = session.next().unwrap().0;
    while said != Said::Ready {
        said = session.next().expect("it comes up").0;
    }
    let place = session.dir.path().join("pipewire-0");
    let program = of_socket(&place);
    rustix::process::kill_process(program, rustix::process::Signal::KILL).unwrap();
    let fault = SoundFault::Ended(Part::PipeWire);
    while let Some((heard, _)) = session.next() {
        said = heard;
    }
    assert_eq!(said, Said::Fault(fault));
    assert_eq!(session.companion.join().unwrap(), Some(fault));
}

#[test]
fn a_directory_that_takes_nothing_is_a_fault_and_not_a_server() {
    let (_host, theirs) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None).unwrap();
    let fault = companion::run(&theirs, "/proc".as_ref(), Layout::Stereo, &relay());
    assert_eq!(fault, Some(SoundFault::Directory));
}

/// Who listens on a socket.
fn of_socket(path: &std::path::Path) -> rustix::process::Pid {
    let stream = std::os::unix::net::UnixStream::connect(path).unwrap();
    // The credentials are those of the process that called `listen`: this one. The server is its child of that name.
    drop(stream);
    let children = std::fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| {
        let pid: i32 = entry.file_name().to_string_lossy().parse().ok()?;
        let environment = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let name = std::fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        let needle = path.parent().unwrap().to_string_lossy().into_owned();
        let is_ours = String::from_utf8_lossy(&environment).contains(&format!("XDG_RUNTIME_DIR={needle}"));
        (is_ours && name.trim() == "pipewire").then_some(pid)
    });
    rustix::process::Pid::from_raw(children.min().expect("a server")).unwrap()
}
