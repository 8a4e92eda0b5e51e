//! The one table of the trial.

use std::{fmt, time::Instant};

use anyhow::{Context as _, Result};

/// What was tried, how long it took, what came of it.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<Row>,
    notes: Vec<String>,
}

struct Row {
    step: String,
    seconds: f64,
    good: bool,
    found: String,
}

impl Table {
    /// Takes a step; what it returns beside its value is what was found. A step that fails is listed, and is the
    /// caller's to live with.
    pub(crate) fn step<T>(&mut self, step: &str, take: impl FnOnce() -> Result<(T, String)>) -> Option<T> {
        let begun = Instant::now();
        let (value, good, found) = match take() {
            Ok((value, found)) => (Some(value), true, found),
            Err(error) => (None, false, format!("{error:#}")),
        };
        let seconds = begun.elapsed().as_secs_f64();
        eprintln!("image-test: {} {step} ({seconds:.1} s): {found}", if good { "ok  " } else { "FAIL" });
        self.rows.push(Row { step: step.to_owned(), seconds, good, found });
        value
    }

    /// A step that the rest cannot do without.
    pub(crate) fn need<T>(&mut self, step: &str, take: impl FnOnce() -> Result<(T, String)>) -> Result<T> {
        self.step(step, take).context("the trial ended there")
    }

    /// A fact that has to be so.
    pub(crate) fn fact(&mut self, what: &str, good: bool, found: &str) {
        eprintln!("image-test: {} {what}: {found}", if good { "ok  " } else { "FAIL" });
        self.rows.push(Row { step: what.to_owned(), seconds: 0.0, good, found: found.to_owned() });
    }

    /// Something to read below the table.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.push(note);
    }

    /// Whether no step failed.
    pub(crate) fn is_good(&self) -> bool {
        self.rows.iter().all(|row| row.good)
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.rows.iter().map(|row| row.step.chars().count()).max().unwrap_or(0);
        for Row { step, seconds, good, found } in &self.rows {
            let mark = if *good { "ok  " } else { "FAIL" };
            let time = if *seconds > 0.05 { format!("{seconds:.1} s") } else { String::new() };
            writeln!(f, "{mark} {step:<width$} {time:>9}  {found}")?;
        }
        for note in &self.notes {
            writeln!(f, "\n{note}")?;
        }
        let failed = self.rows.iter().filter(|row| !row.good).count();
        writeln!(f, "\n{} passed, {failed} failed", self.rows.len() - failed)
    }
}
