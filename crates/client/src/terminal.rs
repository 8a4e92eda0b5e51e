//! What the user sees while something takes its time: a line on standard error that comes and goes.

use std::{
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressStyle};
/// How results and progress are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// For people; progress only on a terminal.
    Text,
    /// One JSON object, nothing else.
    Json,
}

impl Output {
    /// A line that says what is waited for; hidden where nobody would see it.
    pub fn spinner(self, message: impl Into<String>) -> ProgressBar {
        if self == Self::Json || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(message.into());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// A bar over `length` of time; hidden where nobody would see it.
    pub fn time_bar(self, length: Duration) -> ProgressBar {
        if self == Self::Json || !io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new(u64::try_from(length.as_millis()).unwrap_or(u64::MAX));
        let style = ProgressStyle::with_template("{wide_bar} {elapsed_precise} {msg}");
        bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }

    /// A line for people that is worth reading even where there is no terminal.
    pub fn note(self, bar: &ProgressBar, text: &str) {
        if self == Self::Text {
            // A closed standard error is no reason to end a session.
            bar.suspend(|| drop(writeln!(io::stderr(), "{text}")));
        }
    }

    /// The result: `text` for people, nothing if empty, `value` for programs.
    ///
    /// # Errors
    /// Standard output cannot be written.
    pub fn result(self, text: &str, value: &serde_json::Value) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match (self, text.trim_end()) {
            (Self::Text, "") => Ok(()),
            (Self::Text, text) => writeln!(out, "{text}"),
            (Self::Json, _) => writeln!(out, "{value}"),
        }
    }
}
