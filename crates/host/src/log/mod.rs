//! Structured logs to standard error, and the last lines of them in memory for the console.
//!
//! What is secret never gets here: types that hold secrets redact their `Debug`, and messages name devices by the
//! first digits of their fingerprint.

mod ring;

use std::{
    io::{self, IsTerminal as _},
    sync::Arc,
};

use tracing::{Level, level_filters::LevelFilter};
use tracing_subscriber::{Layer, Registry, filter::Targets, fmt, layer::SubscriberExt as _};

pub use ring::LogRing;

use crate::config::{LogConfig, LogFormat, LogLevel};

/// Sends everything logged in this process to standard error as `config` says, and keeps the last lines in `ring` if there
/// is one. The first call counts; later ones change nothing.
pub fn init(config: &LogConfig, ring: Option<Arc<LogRing>>) {
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.format {
        LogFormat::Json => Box::new(fmt::layer().json().flatten_event(true).with_writer(io::stderr)),
        LogFormat::Text => Box::new(fmt::layer().with_ansi(io::stderr().is_terminal()).with_writer(io::stderr)),
    };
    let kept = ring.map(|ring| ring::RingLayer(ring).with_filter(targets(config.level)));
    let subscriber = Registry::default().with(lines.with_filter(targets(config.level))).with(kept);
    let _ = tracing::subscriber::set_global_default(subscriber);
}

/// Our own crates at `level`; those of others only from warnings on, at most.
fn targets(level: LogLevel) -> Targets {
    let ours = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
        LogLevel::Trace => Level::TRACE,
    };
    Targets::new().with_target("punktfunk", ours).with_default(LevelFilter::from_level(ours.min(Level::WARN)))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::{LogLevel, targets};

    #[test]
    fn other_crates_are_quieter_than_ours() {
        let targets = targets(LogLevel::Debug);
        assert!(targets.would_enable("punktfunk_host::serve", &Level::DEBUG));
        assert!(!targets.would_enable("quinn_proto", &Level::INFO));
        assert!(targets.would_enable("quinn_proto", &Level::WARN));
        assert!(!super::targets(LogLevel::Error).would_enable("quinn_proto", &Level::WARN));
    }
}
