//! The last lines of the log, bounded in number and bytes.

use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
    sync::{Arc, Mutex, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use punktfunk_api::{
    HostEvent,
    model::{LogLevel, LogLine, LogQuery},
};
use tokio::sync::broadcast;
use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context};

/// The last lines of the log.
#[derive(Debug)]
pub struct LogRing {
    lines: Mutex<Lines>,
    listeners: broadcast::Sender<HostEvent>,
}

#[derive(Debug, Default)]
struct Lines {
    lines: VecDeque<LogLine>,
    bytes: usize,
    last: u64,
}

/// Lines that are kept.
const LINES: usize = 2_000;
/// Their bytes.
const BYTES: usize = 1 << 20;
/// A longer line is cut.
const LINE_BYTES: usize = 4 << 10;

impl LogRing {
    /// An empty log that tells `listeners` of each line.
    pub fn new(listeners: broadcast::Sender<HostEvent>) -> Self {
        Self { lines: Mutex::default(), listeners }
    }

    /// The lines that `query` asks for, the oldest first.
    pub fn lines(&self, query: &LogQuery) -> Vec<LogLine> {
        let needle = query.contains.as_ref().map(|text| text.to_lowercase());
        let fits = |line: &&LogLine| {
            query.level.is_none_or(|level| line.level <= level)
                && query.after.is_none_or(|after| line.number > after)
                && needle.as_ref().is_none_or(|needle| holds(line, needle))
        };
        let limit = query.limit.map_or(MOST, |limit| limit as usize).clamp(1, MOST);
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let mut found: Vec<LogLine> = lines.lines.iter().rev().filter(fits).take(limit).cloned().collect();
        found.reverse();
        found
    }

    fn add(&self, level: LogLevel, target: &str, mut text: String) {
        text.truncate(text.floor_char_boundary(LINE_BYTES));
        let unix_ms = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64);
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.last += 1;
        let line = LogLine { number: lines.last, unix_ms, level, target: target.to_owned(), text };
        lines.bytes += weight(&line);
        lines.lines.push_back(line.clone());
        while lines.lines.len() > LINES || lines.bytes > BYTES {
            let Some(oldest) = lines.lines.pop_front() else { break };
            lines.bytes -= weight(&oldest);
        }
        drop(lines);
        if self.listeners.receiver_count() > 0 {
            let _ = self.listeners.send(HostEvent::Logged(line));
        }
    }
}

/// Lines in one answer.
const MOST: usize = 1_000;

fn weight(line: &LogLine) -> usize {
    size_of::<LogLine>() + line.target.len() + line.text.len()
}

fn holds(line: &LogLine, needle: &str) -> bool {
    line.text.to_lowercase().contains(needle) || line.target.to_lowercase().contains(needle)
}

/// Writes what is logged into the ring.
pub(super) struct RingLayer(pub(super) Arc<LogRing>);

impl<S: Subscriber> Layer<S> for RingLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        let Text { message, fields } = text;
        self.0.add(level(*event.metadata().level()), event.metadata().target(), message + &fields);
    }
}

#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message.push_str(value),
            name => drop(write!(self.fields, " {name}={value:?}")),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG => LogLevel::Debug,
        Level::TRACE => LogLevel::Trace,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use punktfunk_api::{
        HostEvent,
        model::{LogLevel, LogQuery},
    };
    use tokio::sync::broadcast;
    use tracing_subscriber::{Registry, layer::SubscriberExt as _};

    use super::{BYTES, LINES, LogRing, RingLayer, weight};

    fn ring() -> Arc<LogRing> {
        Arc::new(LogRing::new(broadcast::channel(8).0))
    }

    #[test]
    fn a_line_has_its_message_and_its_fields() {
        let ring = ring();
        let mut heard = ring.listeners.subscribe();
        let subscriber = Registry::default().with(RingLayer(Arc::clone(&ring)));
        tracing::subscriber::with_default(subscriber, || tracing::warn!(port = 7, name = "den", "in use"));
        let lines = ring.lines(&LogQuery::default());
        assert_eq!((lines.len(), lines[0].text.as_str()), (1, "in use port=7 name=\"den\""));
        assert_eq!(lines[0].level, LogLevel::Warn);
        assert_eq!(heard.try_recv(), Ok(HostEvent::Logged(lines[0].clone())));
    }

    #[test]
    fn lines_are_found_by_level_text_and_number() {
        let ring = ring();
        ring.add(LogLevel::Info, "a", "First".into());
        ring.add(LogLevel::Error, "b", "second".into());
        ring.add(LogLevel::Debug, "c", "third".into());
        let numbers = |query: LogQuery| ring.lines(&query).iter().map(|line| line.number).collect::<Vec<_>>();
        assert_eq!(numbers(LogQuery { level: Some(LogLevel::Info), ..Default::default() }), [1, 2]);
        assert_eq!(numbers(LogQuery { contains: Some("FIRST".into()), ..Default::default() }), [1]);
        assert_eq!(numbers(LogQuery { after: Some(1), limit: Some(1), ..Default::default() }), [3]);
    }

    #[test]
    fn memory_is_bounded_in_lines_and_in_bytes() {
        let ring = ring();
        for size in [1, 100_000] {
            (0..3 * LINES).for_each(|_| ring.add(LogLevel::Info, "t", "ü".repeat(size)));
            let lines = ring.lines.lock().unwrap();
            assert!(lines.lines.len() <= LINES && lines.bytes <= BYTES);
            assert_eq!(lines.bytes, lines.lines.iter().map(weight).sum::<usize>());
        }
    }
}
