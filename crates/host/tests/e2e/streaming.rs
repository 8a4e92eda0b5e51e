//! What a stock client sees of a stream: the lines of the wire specification's sections 6 and 7 that need a running
//! host.

use std::time::{Duration, Instant};

use punktfunk_proto::{
    session::client_control::{ClientClosed, ClientCommand, ClientEvent},
    units::{Bitrate, Mode},
    wire::{CodecSet, Hello, VideoCaps, WireMode},
};
use punktfunk_transport::MediaSocket;

use crate::fixture::{Device, Host, SYNTHETIC, Session, Stream, Unit, hello};

/// A paired device, streaming.
async fn streaming(host: &Host) -> (Session, Stream) {
    let device = Device::new("Viewer");
    device.pair_now(host).await;
    let mut session = device.hello(host).await;
    let welcome = session.welcome().await;
    let stream = session.start(&welcome).await;
    (session, stream)
}

fn in_order(units: &[Unit]) -> bool {
    units.windows(2).all(|pair| pair[1].frame_index == pair[0].frame_index.wrapping_add(1))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_unit_is_an_idr_of_index_0_and_the_others_follow_without_a_gap() {
    let host = Host::start(SYNTHETIC);
    let (_session, mut stream) = streaming(&host).await;
    let units = stream.take(60).await;
    assert_eq!((units[0].frame_index, units[0].user_flags), (0, 0x5));
    assert!(in_order(&units));
    assert!(units[1..].iter().all(|unit| unit.user_flags == 0x1));
    // Annex B: parameter sets before the IDR.
    assert_eq!(units[0].bytes[..4], [0, 0, 0, 1]);
    assert_eq!(units[0].bytes[4] & 0x1F, 7, "a sequence parameter set comes first");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_keyframe_request_is_answered_by_an_idr() {
    let host = Host::start(SYNTHETIC);
    let (session, mut stream) = streaming(&host).await;
    stream.take(60).await;
    session.tell(ClientCommand::RequestKeyframe).await;
    stream.find(Unit::is_idr).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keyframe_requests_are_rate_limited_and_the_last_one_is_answered() {
    let host = Host::start(SYNTHETIC);
    let (session, mut stream) = streaming(&host).await;
    stream.take(60).await;
    for _ in 0..20 {
        session.tell(ClientCommand::RequestKeyframe).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let last_request = Instant::now();
    let mut idrs = Vec::new();
    while idrs.last().is_none_or(|at: &Instant| *at < last_request) {
        idrs.push(stream.find(Unit::is_idr).await.arrived);
    }
    let apart = idrs.windows(2).map(|pair| pair[1] - pair[0]).min().expect("two");
    assert!(apart > Duration::from_millis(700), "{apart:?} between two IDRs");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_frames_are_repaired_by_an_idr_within_a_few_frames() {
    let host = Host::start(SYNTHETIC);
    let (session, mut stream) = streaming(&host).await;
    let index = stream.take(60).await.last().unwrap().frame_index;
    session.tell(ClientCommand::FramesLost { first: index, last: index }).await;
    let repaired = stream.find(|unit| unit.is_idr() && unit.frame_index > index).await;
    assert!(repaired.frame_index - index < 30, "{} frames later", repaired.frame_index - index);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mode_changes_mid_stream_without_reconnecting() {
    let host = Host::start(SYNTHETIC);
    let (mut session, mut stream) = streaming(&host).await;
    let before = stream.take(30).await.last().unwrap().frame_index;
    let wanted: Mode = "1920x1080@30".parse().unwrap();
    session.tell(ClientCommand::Reconfigure(wanted)).await;
    let answer = session
        .wait_for(|event| match event {
            ClientEvent::Reconfigured { accepted, mode } => Some((*accepted, *mode)),
            _ => None,
        })
        .await;
    assert_eq!(answer, (true, WireMode::from(wanted)));
    // The index goes on: it does not start again at 0.
    stream.find(|unit| unit.is_idr() && unit.frame_index > before).await;
    session.wait_for(|event| matches!(event, ClientEvent::PipelineGap(_)).then_some(())).await;
    assert_eq!(host.ctl_json(&["sessions", "list"])["sessions"][0]["mode"], "1920x1080@30");
    stream.take(10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bitrate_changes_mid_stream_and_is_answered() {
    let host = Host::start(SYNTHETIC);
    let (mut session, mut stream) = streaming(&host).await;
    stream.take(30).await;
    for (asked, given) in [(4_000, 4_000), (0, 20_000), (4_000_000, 100_000), (1, 500)] {
        session.tell(ClientCommand::SetBitrate(Bitrate::from_kbps(asked))).await;
        let told = session
            .wait_for(|event| match event {
                ClientEvent::BitrateChanged(rate) => Some(rate.kbps()),
                _ => None,
            })
            .await;
        assert_eq!(told, given);
    }
    stream.take(10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_speed_test_is_answered_with_what_was_sent_and_video_goes_on() {
    let host = Host::start(SYNTHETIC);
    let (mut session, mut stream) = streaming(&host).await;
    stream.take(30).await;
    let probe = ClientCommand::Probe { rate: Bitrate::from_mbps(50), duration: Duration::from_millis(400) };
    session.tell(probe).await;
    let result = session
        .wait_for(|event| match event {
            ClientEvent::ProbeResult(result) => Some(*result),
            _ => None,
        })
        .await;
    let kbps = result.bytes * 8 / u64::from(result.duration_ms.max(1));
    assert!((40_000..60_000).contains(&kbps), "{kbps} kbit/s: {result:?}");
    assert!(result.units > 0 && result.wire_packets > result.units);
    let index = stream.next().await.frame_index;
    stream.drain();
    assert!(stream.find(|unit| unit.frame_index > index).await.user_flags & 0x8 == 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn host_timing_is_sent_for_every_unit_to_a_client_that_asked() {
    let host = Host::start(SYNTHETIC);
    let (mut session, mut stream) = streaming(&host).await;
    stream.take(10).await;
    let timing = session
        .wait_for(|event| match event {
            ClientEvent::HostTiming(timing) => Some(*timing),
            _ => None,
        })
        .await;
    let stages = timing.stages.expect("all stages");
    assert!(timing.total_us >= stages.encode_us);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_did_not_ask_gets_no_host_timing() {
    let host = Host::start(&format!("{SYNTHETIC}[pairing]\npolicy = \"open\"\n"));
    let quiet = Hello { video_caps: VideoCaps::default(), ..hello("1280x720@60") };
    let mut session = Device::new("Quiet").hello_with(&host, quiet).await;
    let welcome = session.welcome().await;
    let mut stream = session.start(&welcome).await;
    stream.take(30).await;
    while let Ok(event) = session.events.try_recv() {
        assert!(!matches!(event, ClientEvent::HostTiming(_)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_datagram_in_seventeen_lost_costs_no_frame_at_twenty_percent_parity() {
    let host = Host::start(&format!("{SYNTHETIC}[fec]\nstart_percent = 20\n"));
    let device = Device::new("Lossy");
    device.pair_now(&host).await;
    let mut session = device.hello(&host).await;
    let welcome = session.welcome().await;
    let socket = MediaSocket::bind([127, 0, 0, 1].into(), 0).unwrap();
    let media_port = socket.local_addr().unwrap().port();
    session.tell(ClientCommand::Start { media_port }).await;
    session.wait_for(|event| matches!(event, ClientEvent::Ready(_)).then_some(())).await;
    let to = std::net::SocketAddr::new(session.host.ip(), welcome.media_port);
    let mut stream = Stream::lossy(socket, to, &welcome, session.commands.clone(), |n| n % 17 == 0);
    let units = stream.take(120).await;
    assert!(in_order(&units));
    assert_eq!(units.iter().filter(|unit| unit.is_idr()).count(), 1, "no keyframe was needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_punches_late_or_never_is_streamed_to_at_its_announced_port() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("No punch");
    device.pair_now(&host).await;
    let mut session = device.hello(&host).await;
    session.welcome().await;
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let media_port = socket.local_addr().unwrap().port();
    session.tell(ClientCommand::Start { media_port }).await;
    let length = tokio::task::spawn_blocking(move || socket.recv(&mut [0; 2048]).unwrap()).await.unwrap();
    assert_eq!(length, 1472, "a sealed shard of 1408 bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_user_s_quit_ends_the_session_at_once() {
    let host = Host::start(SYNTHETIC);
    let (mut session, mut stream) = streaming(&host).await;
    stream.take(5).await;
    session.tell(ClientCommand::Close { quit: true }).await;
    assert_eq!(session.closed().await, ClientClosed::ByUs);
    let history = host.wait_for_count(&["sessions", "history"], "sessions", 1).await;
    assert_eq!(history["sessions"][0]["end"], "closed by the client (0x51)");
    assert!(host.ctl_json(&["sessions", "list"])["sessions"].as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_can_stop_a_session_and_the_client_hears_why() {
    let host = Host::start(SYNTHETIC);
    let (mut session, mut stream) = streaming(&host).await;
    stream.take(5).await;
    let id = host.ctl_json(&["sessions", "list"])["sessions"][0]["id"].to_string();
    host.ctl_json(&["sessions", "stop", &id]);
    let ClientClosed::ByHost { code: 0, reason } = session.closed().await else { panic!("closed otherwise") };
    assert!(reason.contains("owner"), "{reason}");
    let history = host.wait_for_count(&["sessions", "history"], "sessions", 1).await;
    let ended = &history["sessions"][0];
    assert!(ended["end"].as_str().unwrap().contains("owner"), "{ended}");
    assert!(ended["frames_sent"].as_u64().unwrap() >= 5, "{ended}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopping_host_tells_its_clients_and_leaves_in_time() {
    let mut host = Host::start(SYNTHETIC);
    let (mut session, mut stream) = streaming(&host).await;
    stream.take(5).await;
    let began = Instant::now();
    let status = tokio::task::spawn_blocking(move || host.stop()).await.unwrap();
    assert!(status.success());
    assert!(began.elapsed() < Duration::from_secs(8));
    assert_eq!(session.close_code().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_shared_codec_is_told_so_with_0x68() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("HEVC only");
    device.pair_now(&host).await;
    for codecs in [CodecSet::default(), CodecSet::from_bits(0x02)] {
        let mut session = device.hello_with(&host, Hello { codecs, ..hello("1280x720@60") }).await;
        let ClientClosed::ByHost { code: 0x68, reason } = session.closed().await else { panic!("admitted") };
        assert!(reason.contains("H.264"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_launch_id_is_looked_up_and_never_run() {
    let host = Host::start(SYNTHETIC);
    let device = Device::new("Injector");
    device.pair_now(&host).await;
    for launch in ["; touch /tmp/pwned", "-rf", "../../bin/sh", "steam:570"] {
        let asked = Hello { launch: Some(launch.into()), ..hello("1280x720@60") };
        assert_eq!(device.hello_with(&host, asked).await.close_code().await, 0x68);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fifth_session_is_told_that_the_host_is_busy() {
    let host = Host::start(&format!("{SYNTHETIC}[session]\nmax_sessions = 1\n"));
    let device = Device::new("Family");
    device.pair_now(&host).await;
    let mut first = device.hello(&host).await;
    let welcome = first.welcome().await;
    // One that never says Start loses its place after as long as the second waits for it.
    let _stream = first.start(&welcome).await;
    let mut second = device.hello(&host).await;
    assert_eq!(second.close_code().await, 0x42);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_comes_free_goes_to_the_client_that_waits() {
    let host = Host::start(&format!("{SYNTHETIC}[session]\nmax_sessions = 1\n"));
    let device = Device::new("Family");
    device.pair_now(&host).await;
    let mut first = device.hello(&host).await;
    first.welcome().await;
    let mut second = device.hello(&host).await;
    second.stays_silent(Duration::from_millis(500)).await;
    first.tell(ClientCommand::Close { quit: true }).await;
    second.welcome().await;
}
