//! What anybody can send: no bytes panic, and what is refused is said to be.

use proptest::prelude::{any, proptest};
use punktfunk_gamestream::{
    control::{ClientMessage, ControlSeal},
    input::ClientInput,
    rtsp::{
        AnnounceError, Handshake, Marks, MediaPorts, Offer, Request, RequestError, RtspSeal, Status, Step,
        StreamRequest,
    },
};

const PORTS: MediaPorts = MediaPorts { video: 1, control: 2, audio: 3 };
const MARKS: Marks = Marks { session: 1, ping: 2, connect: 3 };

const ANNOUNCE: &str = "a=x-ss-general.encryptionEnabled:1 \r\na=x-nv-video[0].clientViewportWd:1280 \r\n\
    a=x-nv-video[0].clientViewportHt:720 \r\na=x-nv-video[0].maxFPS:60 \r\na=x-nv-video[0].packetSize:1392 \r\n\
    a=x-nv-vqos[0].bw.maximumBitrateKbps:8000 \r\n";

fn status(handshake: &mut Handshake, request: &str) -> Status {
    match handshake.handle(&Request::parse(request.as_bytes()).unwrap()) {
        Step::Reply(response) | Step::Refused(response, _) => response.status(),
        Step::Announced { .. } => Status::Ok,
    }
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Request::parse(&bytes);
        let _ = ClientMessage::parse(&bytes);
        let _ = ClientInput::parse(&bytes);
        let _ = RtspSeal::new(&[0; 16]).open(&bytes);
        let _ = ControlSeal::new(&[0; 16]).open(&bytes);
        let _ = StreamRequest::parse(&String::from_utf8_lossy(&bytes), "");
    }

    #[test]
    fn no_number_in_an_announcement_panics(at in 0_usize..6, value in any::<u32>(), percent in any::<u8>()) {
        let mut lines: Vec<String> = ANNOUNCE.lines().map(Into::into).collect();
        let name = lines[at].split_once(':').unwrap().0.to_owned();
        lines[at] = format!("{name}:{value}");
        if let Ok(wanted) = StreamRequest::parse(&lines.join("\r\n"), "") {
            assert!(wanted.video_bitrate(percent) <= wanted.bitrate);
            assert!(wanted.packet_size >= 128);
        }
    }

    #[test]
    fn input_of_every_kind_survives_any_body(magic in 0_u32..0x20, far in any::<bool>(), body in proptest::collection::vec(any::<u8>(), 0..40)) {
        let magic = if far { 0x5500_0000 + magic } else { magic };
        let mut payload = (body.len() as u32 + 4).to_be_bytes().to_vec();
        payload.extend_from_slice(&magic.to_le_bytes());
        payload.extend_from_slice(&body);
        if let Ok(event) = ClientInput::parse(&payload) {
            let _ = event.seat_event();
        }
    }
}

#[test]
fn an_announcement_without_what_is_needed_names_it() {
    for (at, line) in ANNOUNCE.lines().enumerate() {
        let rest: Vec<&str> =
            ANNOUNCE.lines().enumerate().filter(|(other, _)| *other != at).map(|(_, line)| line).collect();
        let error = StreamRequest::parse(&rest.join("\r\n"), "").unwrap_err();
        let name = line.trim_start_matches("a=").split_once(':').unwrap().0;
        match error {
            AnnounceError::Unencrypted => assert_eq!(at, 0),
            AnnounceError::Missing(missing) => assert_eq!(missing, name),
            other => panic!("{other}"),
        }
    }
}

#[test]
fn wishes_out_of_bounds_are_refused() {
    let cases = [
        ("clientViewportWd:1280", "clientViewportWd:0"),
        ("clientViewportHt:720", "clientViewportHt:99999"),
        ("maxFPS:60", "maxFPS:0"),
        ("packetSize:1392", "packetSize:64"),
        ("packetSize:1392", "packetSize:1393"),
        ("packetSize:1392", "packetSize:65536"),
    ];
    for (was, is) in cases {
        assert!(StreamRequest::parse(&ANNOUNCE.replace(was, is), "").is_err(), "{is}");
    }
    assert!(StreamRequest::parse(ANNOUNCE, "").is_ok());
}

#[test]
fn requests_out_of_order_are_refused() {
    let mut handshake = Handshake::new(Offer::default(), PORTS, MARKS);
    let announce = format!("ANNOUNCE streamid=control/13/0 RTSP/1.0\r\nCSeq: 6\r\n\r\n{ANNOUNCE}");
    assert_eq!(status(&mut handshake, "PLAY / RTSP/1.0\r\nCSeq: 1\r\n\r\n"), Status::BadRequest);
    assert_eq!(status(&mut handshake, "SETUP streamid=lights/0/0 RTSP/1.0\r\nCSeq: 1\r\n\r\n"), Status::NotFound);
    assert_eq!(status(&mut handshake, "TEARDOWN / RTSP/1.0\r\nCSeq: 1\r\n\r\n"), Status::NotFound);
    let open = announce.replace("encryptionEnabled:1", "encryptionEnabled:0");
    assert_eq!(status(&mut handshake, &open), Status::Forbidden);
    assert_eq!(status(&mut handshake, &announce), Status::Ok);
    assert_eq!(status(&mut handshake, &announce), Status::BadRequest, "a second one");
    assert_eq!(status(&mut handshake, "PLAY / RTSP/1.0\r\nCSeq: 7\r\n\r\n"), Status::Ok);
}

#[test]
fn requests_that_are_none_are_told_apart() {
    let parse = |text: &str| Request::parse(text.as_bytes()).map(drop).unwrap_err();
    assert_eq!(parse("GET / HTTP/1.1\r\nCSeq: 1\r\n\r\n"), RequestError::FirstLine);
    assert_eq!(parse("PLAY / RTSP/1.0\r\n\r\n"), RequestError::Number);
    assert_eq!(parse("PLAY / RTSP/1.0\r\nCSeq: 1"), RequestError::Headers);
    assert_eq!(parse("PLAY / RTSP/1.0\r\nCSeq: 1\r\nContent-length: 9\r\n\r\nshort"), RequestError::Body);
    let many = "X: y\r\n".repeat(40);
    assert_eq!(parse(&format!("PLAY / RTSP/1.0\r\nCSeq: 1\r\n{many}\r\n")), RequestError::Headers);
    assert_eq!(Request::parse(&[0xFF; 40]).unwrap_err(), RequestError::NotText);
}
