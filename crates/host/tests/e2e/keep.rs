//! Applications that outlive their client for a while.

use std::time::{Duration, Instant};

use punktfunk_proto::session::client_control::ClientCommand;

use crate::fixture::{Device, Host, PATIENCE, Session, Stream, hello};

/// A host whose application is a terminal; what it writes down is how often it was started.
struct Kept {
    dir: tempfile::TempDir,
    host: Host,
    device: Device,
}

impl Kept {
    async fn new(session: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let script = format!("echo >>{0}/starts; exec foot --config=/dev/null sleep 1000", dir.path().display());
        let host = Host::start_in(
            dir.path(),
            &format!(
                "[session]\ncommand = [\"sh\", \"-c\", \"{script}\"]\n{session}\n[display]\nbackend = \"embedded\"\n"
            ),
        );
        let device = Device::new("Viewer");
        device.pair_now(&host).await;
        Self { dir, host, device }
    }

    /// How often the application was started.
    fn starts(&self) -> usize {
        std::fs::read(self.dir.path().join("starts")).unwrap_or_default().len()
    }

    /// How many displays there are.
    fn displays(&self) -> usize {
        let entries = std::fs::read_dir(self.dir.path().join("run")).unwrap().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("punktfunk-")).count()
    }

    /// Streams to `device` until pictures have come.
    async fn stream(&self, device: &Device, mode: &str) -> (Session, Stream) {
        let mut session = device.hello_with(&self.host, hello(mode)).await;
        let welcome = session.welcome().await;
        let mut stream = session.start(&welcome).await;
        assert!(stream.take(2).await[0].is_idr(), "the first picture of a session");
        (session, stream)
    }

    /// Streams, then leaves, with the user's word that this is the end or without.
    async fn visit(&self, mode: &str, quit: bool) {
        let (mut session, _stream) = self.stream(&self.device, mode).await;
        session.tell(ClientCommand::Close { quit }).await;
        session.closed().await;
    }

    async fn wait_for_displays(&self, count: usize) {
        let deadline = Instant::now() + PATIENCE;
        while self.displays() != count {
            assert!(Instant::now() < deadline, "{} displays\n{}", self.displays(), self.host.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn wait_for_ended_sessions(&self, count: usize) {
        self.host.wait_for_count(&["sessions", "history"], "sessions", count).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_comes_back_in_time_finds_its_application_as_it_was_in_any_mode() {
    let mut kept = Kept::new("keep_alive_s = 600").await;
    for (ended, mode) in ["640x480@60", "640x480@60", "800x600@30"].into_iter().enumerate() {
        kept.visit(mode, false).await;
        kept.wait_for_ended_sessions(ended + 1).await;
        assert_eq!((kept.starts(), kept.displays()), (1, 1), "{}", kept.host.log());
    }
    assert!(kept.host.stop().success());
    assert_eq!(kept.displays(), 0, "nothing is kept longer than the host runs");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_is_not_kept_for_a_user_who_quit() {
    let kept = Kept::new("keep_alive_s = 600").await;
    kept.visit("640x480@60", true).await;
    kept.wait_for_displays(0).await;
    kept.visit("640x480@60", true).await;
    assert_eq!(kept.starts(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_kept_ends_when_its_time_is_over() {
    let kept = Kept::new("keep_alive_s = 1").await;
    kept.visit("640x480@60", false).await;
    kept.wait_for_displays(0).await;
    kept.visit("640x480@60", true).await;
    assert_eq!(kept.starts(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_kept_ends_with_its_devices_access() {
    let kept = Kept::new("keep_alive_s = 600").await;
    kept.visit("640x480@60", false).await;
    kept.wait_for_ended_sessions(1).await;
    assert_eq!(kept.displays(), 1);
    let revoked = kept.host.ctl(&["devices", "revoke", &kept.device.fingerprint().to_string()]);
    assert!(revoked.status.success(), "{revoked:?}");
    kept.wait_for_displays(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_that_is_kept_gives_way_to_another_device() {
    let other = Device::new("Other");
    let declared = format!("[devices.other]\nfingerprint = \"{}\"", other.fingerprint());
    let kept = Kept::new(&format!("keep_alive_s = 600\nmax_sessions = 1\n{declared}")).await;
    kept.visit("640x480@60", false).await;
    kept.wait_for_ended_sessions(1).await;
    let _streaming = kept.stream(&other, "640x480@60").await;
    assert_eq!((kept.starts(), kept.displays()), (2, 1), "{}", kept.host.log());
}
