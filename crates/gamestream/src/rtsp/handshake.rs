//! The seven requests that lead to a stream (GameStream spec section 3.3).

use super::{
    announce::{AnnounceError, StreamRequest},
    describe::Offer,
    message::{Method, Request, Response, Status},
};

/// Where the streams of one session are, all UDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaPorts {
    /// Video.
    pub video: u16,
    /// Control.
    pub control: u16,
    /// Audio.
    pub audio: u16,
}

/// What a client has to show to be recognised on each port: random, new for every launch.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Marks {
    /// Names the session towards RTSP.
    pub session: u64,
    /// Comes back in the pings of audio and video, as 16 hexadecimal digits.
    pub ping: u64,
    /// Comes back in ENet's CONNECT.
    pub connect: u32,
}

impl std::fmt::Debug for Marks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Marks(redacted)")
    }
}

impl Marks {
    /// The first 16 bytes of a ping.
    pub fn ping_payload(&self) -> [u8; 16] {
        let mut payload = [0; 16];
        for (at, digit) in payload.iter_mut().enumerate() {
            let value = (self.ping >> (60 - 4 * at)) as u8 & 0xF;
            *digit = if value < 10 { b'0' + value } else { b'A' + value - 10 };
        }
        payload
    }
}

/// One launch's handshake: answers requests until the client has said what it wants.
#[derive(Debug)]
pub struct Handshake {
    offer: Offer,
    ports: MediaPorts,
    marks: Marks,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before ANNOUNCE.
    Asking,
    /// ANNOUNCE was read.
    Announced,
}

/// What a request leads to.
#[derive(Debug)]
pub enum Step {
    /// Send this.
    Reply(Response),
    /// The client wants this. Make it, then answer with [`Handshake::announced`] or [`Handshake::refused`].
    Announced {
        /// What it wants.
        request: Box<StreamRequest>,
        /// The number to answer.
        cseq: u32,
    },
    /// The client wants what cannot be: send this, and tell the owner why.
    Refused(Response, AnnounceError),
}

impl Handshake {
    /// Of a launch that nothing was asked of yet.
    pub fn new(offer: Offer, ports: MediaPorts, marks: Marks) -> Self {
        Self { offer, ports, marks, stage: Stage::Asking }
    }

    /// Answers one request.
    pub fn handle(&mut self, request: &Request<'_>) -> Step {
        let reply = |status| Step::Reply(Response::new(status, request.cseq));
        match (request.method, self.stage) {
            (Method::Options, _) => reply(Status::Ok),
            (Method::Describe, _) => {
                let body = self.offer.describe();
                Step::Reply(Response::new(Status::Ok, request.cseq).with_body(body))
            }
            (Method::Setup, Stage::Asking) => Step::Reply(self.set_up(request)),
            (Method::Announce, Stage::Asking) => self.announce(request),
            (Method::Play, Stage::Announced) => reply(Status::Ok),
            (Method::Setup | Method::Announce | Method::Play, _) => reply(Status::BadRequest),
            (Method::Other, _) => reply(Status::NotFound),
        }
    }

    /// The answer to an ANNOUNCE that was carried out.
    pub fn announced(cseq: u32) -> Response {
        Response::new(Status::Ok, cseq)
    }

    /// The answer to an ANNOUNCE that could not be.
    pub fn refused(status: Status, cseq: u32) -> Response {
        Response::new(status, cseq)
    }

    fn set_up(&self, request: &Request<'_>) -> Response {
        let stream = request.target.strip_prefix("streamid=").and_then(|target| target.split('/').next());
        let port = match stream {
            Some("audio") => self.ports.audio,
            Some("video") => self.ports.video,
            Some("control") => self.ports.control,
            _ => return Response::new(Status::NotFound, request.cseq),
        };
        let response = Response::new(Status::Ok, request.cseq)
            .with("Session", format!("{:016X};timeout = 90", self.marks.session))
            .with("Transport", format!("server_port={port}"));
        if stream == Some("control") {
            response.with("X-SS-Connect-Data", self.marks.connect.to_string())
        } else {
            response.with("X-SS-Ping-Payload", format!("{:016X}", self.marks.ping))
        }
    }

    fn announce(&mut self, request: &Request<'_>) -> Step {
        match StreamRequest::parse(request.body, request.header("Host").unwrap_or_default()) {
            Ok(wanted) => {
                self.stage = Stage::Announced;
                Step::Announced { request: Box::new(wanted), cseq: request.cseq }
            }
            Err(error) => {
                let status = if error == AnnounceError::Unencrypted { Status::Forbidden } else { Status::BadRequest };
                Step::Refused(Response::new(status, request.cseq), error)
            }
        }
    }
}
