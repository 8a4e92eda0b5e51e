//! The service manager and signals.
//!
//! | Signal | Effect |
//! |---|---|
//! | SIGTERM, SIGINT | graceful stop; a second one ends the process at once |
//! | SIGHUP | none but a log line: the configuration is read once, restart the host to apply a change |

use std::{io, os::unix::process::CommandExt as _, path::PathBuf, process::Command, time::Duration};

use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Tells systemd how the host is. Without systemd every call does nothing.
#[derive(Clone, Copy, Debug)]
pub struct ServiceNotifier {
    watchdog: Option<Duration>,
}

impl ServiceNotifier {
    /// The service manager that started this process, if one did. That systemd says by environment variables is
    /// its protocol, not configuration.
    pub fn new() -> Self {
        Self { watchdog: sd_notify::watchdog_enabled().filter(|interval| !interval.is_zero()) }
    }

    /// The host serves.
    pub fn ready(&self) {
        send(&[NotifyState::Ready]);
    }

    /// One line for `systemctl status`.
    pub fn status(&self, line: &str) {
        let line = line.replace(['\n', '\r'], " ");
        send(&[NotifyState::Status(&line)]);
    }

    /// The host began to stop.
    pub fn stopping(&self) {
        send(&[NotifyState::Stopping]);
    }

    /// A sign of life.
    pub fn alive(&self) {
        send(&[NotifyState::Watchdog]);
    }

    /// How often systemd wants a sign of life at the latest; `None` when it wants none.
    pub fn watchdog(&self) -> Option<Duration> {
        self.watchdog
    }

    /// Gives signs of life, twice as often as systemd wants, as long as `healthy` holds. Never ends; without
    /// watchdog it only waits. Run it on the runtime whose health it vouches for.
    pub async fn keep_alive(self, mut healthy: impl FnMut() -> bool) {
        let Some(interval) = self.watchdog else { return std::future::pending().await };
        let mut ticks = tokio::time::interval(interval / 2);
        loop {
            ticks.tick().await;
            if healthy() {
                send(&[NotifyState::Watchdog]);
            }
        }
    }
}

impl Default for ServiceNotifier {
    fn default() -> Self {
        Self::new()
    }
}

/// Replaces this process by a new one of the same program, arguments and environment; returns only if the system
/// refuses. A program that was replaced on the disk meanwhile is started in its new version.
pub fn start_anew() -> io::Error {
    let program = match std::env::current_exe() {
        Ok(path) => path,
        Err(error) => return error,
    };
    let replaced = program.to_string_lossy().strip_suffix(" (deleted)").map(PathBuf::from);
    Command::new(replaced.unwrap_or(program)).args(std::env::args_os().skip(1)).exec()
}

fn send(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "the service manager could not be told");
    }
}

/// The signals that mean something to the host.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Starts to catch them; from here on SIGTERM does not end the process by itself.
    ///
    /// # Errors
    /// The system refused.
    pub fn catch() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits until the host is asked to stop; the name of the signal that did. May be cancelled and called again.
    pub async fn stop_requested(&mut self) -> &'static str {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return "SIGTERM",
                _ = self.interrupt.recv() => return "SIGINT",
                _ = self.hangup.recv() => {
                    tracing::info!("SIGHUP: the configuration is read once, restart the host to apply a change");
                }
            }
        }
    }
}
