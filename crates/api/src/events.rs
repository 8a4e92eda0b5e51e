//! Streams of events. Each has a task and a bounded queue of its own, so that a reader who does not read holds up
//! nobody: it misses events and is told how many.

use std::{
    collections::HashMap,
    convert::Infallible,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use axum::response::sse::Event;
use futures_core::Stream;
use punktfunk_proto::units::Fingerprint;
use serde::Serialize;
use tokio::{
    sync::{
        broadcast::{self, error::RecvError},
        mpsc,
    },
    time::{Instant, MissedTickBehavior, interval},
};
use utoipa::ToSchema;

use crate::{
    app::App,
    caller::{Caller, Credential},
    host::{HostEvent, Topic},
    problem::{Problem, ProblemCode},
    routes::redacted,
};

/// Something changed: who shows it asks again.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChangedEvent {
    /// What.
    topic: Topic,
}

/// The reader was too slow.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DroppedEvent {
    /// How many events it missed, at most.
    count: u64,
}

/// The open streams, counted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Streams(Arc<Mutex<HashMap<Holder, usize>>>);

/// Whose streams are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Holder {
    Login(u64),
    Bearer,
    Device(Fingerprint),
}

/// A place for a stream. Free again when dropped.
#[derive(Debug)]
struct Place {
    streams: Streams,
    holder: Holder,
}

impl Streams {
    /// How many are open.
    fn open(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }

    fn take(&self, holder: Holder) -> Option<Place> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = counts.values().sum();
        let own = counts.entry(holder).or_default();
        if *own >= MAX_OF_ONE || all >= MAX_OF_ALL {
            return None;
        }
        *own += 1;
        Some(Place { streams: self.clone(), holder })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = self.streams.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.holder) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.holder);
            }
        }
    }
}

/// What the reader reads.
pub(crate) struct EventStream(mpsc::Receiver<Event>);

impl Stream for EventStream {
    type Item = Result<Event, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|event| event.map(Ok))
    }
}

/// Opens a stream for `caller`.
///
/// # Errors
/// Too many are open.
pub(crate) async fn open(app: &App, caller: Caller, with_logs: bool) -> Result<EventStream, Problem> {
    let holder = match &caller.credential {
        Credential::Login { id, .. } => Holder::Login(id.number()),
        Credential::Device(device) => Holder::Device(device.fingerprint),
        Credential::Bearer | Credential::Stranger => Holder::Bearer,
    };
    let place = app.streams.take(holder).ok_or_else(|| {
        tracing::debug!(open = app.streams.open(), "a stream of events was refused");
        Problem::new(ProblemCode::TooMany, "too many streams of events are open: close one").retry_after(10)
    })?;
    let events = app.ask(|host| host.listen()).await?;
    let (queue, reader) = mpsc::channel(QUEUE);
    let pump =
        Pump { app: app.clone(), caller, with_logs, queue, dropped: 0, took_last: Instant::now(), _place: place };
    tokio::spawn(pump.run(events));
    Ok(EventStream(reader))
}

/// Moves events from the host into the queue of one reader.
struct Pump {
    app: App,
    caller: Caller,
    with_logs: bool,
    queue: mpsc::Sender<Event>,
    /// Events that the reader missed and was not told of yet.
    dropped: u64,
    /// When the queue last had room.
    took_last: Instant,
    _place: Place,
}

impl Pump {
    /// Ends when the reader is gone, does not read for too long, or may not any more, and when the host ends.
    async fn run(mut self, mut events: broadcast::Receiver<HostEvent>) {
        let mut check = interval(CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = self.queue.closed() => return,
                _ = check.tick() => {
                    self.flush_dropped();
                    if self.is_stuck() || !self.may_go_on().await {
                        return;
                    }
                }
                event = events.recv() => match event {
                    Ok(event) => self.offer(event),
                    Err(RecvError::Lagged(missed)) => self.dropped = self.dropped.saturating_add(missed),
                    Err(RecvError::Closed) => return,
                },
            }
        }
    }

    fn offer(&mut self, event: HostEvent) {
        let event = match event {
            HostEvent::Changed(topic) => named("changed", &ChangedEvent { topic }),
            HostEvent::Samples(samples) => named("samples", &samples),
            HostEvent::Logged(line) if self.with_logs => named("log", &redacted(line)),
            HostEvent::Logged(_) => return,
        };
        self.flush_dropped();
        if self.dropped > 0 || self.queue.try_send(event).is_err() {
            self.dropped = self.dropped.saturating_add(1);
        } else {
            self.took_last = Instant::now();
        }
    }

    /// Tells the reader what it missed, before it gets anything newer.
    fn flush_dropped(&mut self) {
        let count = self.dropped;
        if count > 0 && self.queue.try_send(named("dropped", &DroppedEvent { count })).is_ok() {
            self.dropped = 0;
            self.took_last = Instant::now();
        }
    }

    fn is_stuck(&self) -> bool {
        self.dropped > 0 && self.took_last.elapsed() > PATIENCE
    }

    /// Whether the login, the token or the device still counts. A host that is too busy to say is asked later.
    async fn may_go_on(&self) -> bool {
        let caller = self.caller.clone();
        self.app.ask(move |host| caller.still_administers(host)).await.unwrap_or(true)
    }
}

fn named(name: &str, data: &impl Serialize) -> Event {
    let event = Event::default().event(name);
    event.json_data(data).expect("events are plain data")
}

/// Between two comments that keep the connection open.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(15);
/// Events that wait for one reader.
const QUEUE: usize = 64;
/// Streams of one login, token or device: a tab each.
const MAX_OF_ONE: usize = 8;
/// Streams in all.
const MAX_OF_ALL: usize = 64;
/// Between two looks at whether the reader still may.
const CHECK: Duration = Duration::from_secs(5);
/// A reader with a full queue that takes nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(60);
