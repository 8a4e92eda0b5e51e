//! A client that writes what it is told to, whatever that is.

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use punktfunk_proto::{
    session::{ControlSession, Transmit},
    units::{ClientClock, ClientTime},
    wire::{FrameReader, Hello, Start, Welcome, frame},
};
use punktfunk_transport::{Link, Role, drive};
use tokio::{sync::mpsc, time::timeout};

use crate::fixture::{PATIENCE, client_clock};

/// What the host said.
#[derive(Debug, PartialEq)]
pub(super) enum Said {
    Message(Vec<u8>),
    /// Nothing is said after this. `None`: the connection was lost.
    Closed(Option<(u32, String)>),
}

/// A connection on which anything can be written.
pub(super) struct Raw {
    tell: mpsc::Sender<Transmit>,
    said: mpsc::UnboundedReceiver<Said>,
}

impl Raw {
    pub(super) fn over(link: Link) -> Self {
        let (tell, commands) = mpsc::channel(64);
        let (hear, said) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let on_event = move |event| {
                let _ = hear.send(event);
            };
            drive(RawSession::default(), client_clock, &link, Role::Opens, commands, on_event).await;
        });
        Self { tell, said }
    }

    /// These bytes on the control stream, as they are.
    pub(super) async fn write(&self, bytes: impl Into<Vec<u8>>) {
        self.send(Transmit::Stream(bytes.into())).await;
    }

    /// This payload with its length before it.
    pub(super) async fn write_framed(&self, payload: &[u8]) {
        self.write(frame(payload)).await;
    }

    pub(super) async fn datagram(&self, bytes: impl Into<Vec<u8>>) {
        self.send(Transmit::Datagram(bytes.into())).await;
    }

    /// No more is written.
    pub(super) async fn finish(&self) {
        self.send(Transmit::Finish).await;
    }

    async fn send(&self, transmit: Transmit) {
        // The host may have closed already; it is heard, not told.
        let _ = self.tell.send(transmit).await;
    }

    pub(super) async fn next(&mut self, within: Duration) -> Said {
        timeout(within, self.said.recv()).await.expect("the host says something in time").expect("closed is the last")
    }

    /// The next message.
    pub(super) async fn message(&mut self) -> Vec<u8> {
        match self.next(PATIENCE).await {
            Said::Message(payload) => payload,
            closed => panic!("{closed:?}"),
        }
    }

    /// The code and words it was closed with; messages before that are passed over.
    pub(super) async fn close(&mut self, within: Duration) -> (u32, String) {
        loop {
            if let Said::Closed(how) = self.next(within).await {
                return how.expect("closed by the host");
            }
        }
    }

    /// Goes through the handshake up to Start.
    pub(super) async fn start(&mut self, hello: &Hello, media_port: u16) -> Welcome {
        self.write_framed(&hello.encode()).await;
        let welcome = Welcome::decode(&self.message().await).unwrap();
        self.write_framed(&Start { media_port }.encode()).await;
        welcome
    }
}

#[derive(Default)]
struct RawSession {
    outbox: VecDeque<Transmit>,
    reader: FrameReader,
    events: VecDeque<Said>,
}

impl ControlSession for RawSession {
    type Clock = ClientClock;
    type Event = Said;
    type Command = Transmit;

    fn handle_stream(&mut self, _now: Instant, _clock: ClientTime, bytes: &[u8]) {
        self.reader.push(bytes);
        while let Some(payload) = self.reader.next_frame() {
            self.events.push_back(Said::Message(payload.to_vec()));
        }
    }

    fn handle_stream_end(&mut self, _now: Instant) {}

    fn handle_datagram(&mut self, _now: Instant, _datagram: &[u8]) {}

    fn handle_closed(&mut self, _now: Instant, close: Option<(u32, String)>) {
        self.events.push_back(Said::Closed(close));
    }

    fn handle_timeout(&mut self, _now: Instant) {}

    fn handle_command(&mut self, _now: Instant, command: Transmit) {
        self.outbox.push_back(command);
    }

    fn poll_transmit(&mut self, _now: Instant, _clock: ClientTime) -> Option<Transmit> {
        self.outbox.pop_front()
    }

    fn poll_event(&mut self) -> Option<Said> {
        self.events.pop_front()
    }

    fn poll_timeout(&self) -> Option<Instant> {
        None
    }
}
