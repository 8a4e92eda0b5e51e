//! What the harness prints and draws.

use std::{path::Path, time::Duration};

use anyhow::Result;
use punktfunk_proto::simulation::{Outcome, Stream};
use serde_json::{Value, json};

use crate::svg::{Plot, Series, Shape};

/// One case, played.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) outcome: Outcome,
    /// Whether what is promised was kept, where something is.
    pub(super) kept: Option<bool>,
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Prints one line a case.
pub(super) fn print_table(stream: &Stream, rows: &[Row]) {
    let parity = if stream.adaptive { "follows the losses" } else { "stays" };
    println!(
        "{} kbit/s, {} pictures a second, {} s a case; parity begins at {} % and {parity}\n",
        stream.bitrate.kbps(),
        stream.frames_per_second,
        stream.length.as_secs(),
        stream.fec_percent
    );
    println!(
        "{:<18} {:>8} {:>6} {:>9} {:>9} {:>6} {:>9} {:>24} {:>9} {:>9}",
        "case",
        "packets",
        "lost",
        "frames",
        "restored",
        "lost",
        "after 1 s",
        "added ms p50/p99/max",
        "overhead",
        "promise"
    );
    for Row { name, outcome, kept } in rows {
        let (packets, lost) = outcome.datagrams;
        let added = [50, 99, 100].map(|percent| ms(outcome.added_latency(percent)));
        println!(
            "{name:<18} {packets:>8} {:>5.1}% {:>9} {:>9} {:>6} {:>9} {:>24} {:>8.1}% {:>9}",
            lost as f64 * 100.0 / packets.max(1) as f64,
            outcome.delivered,
            outcome.restored,
            outcome.lost(),
            outcome.lost_after(Duration::from_secs(1)),
            format!("{:.1} / {:.1} / {:.1}", added[0], added[1], added[2]),
            outcome.overhead * 100.0,
            verdict(*kept)
        );
    }
}

fn verdict(kept: Option<bool>) -> &'static str {
    match kept {
        Some(true) => "kept",
        Some(false) => "BROKEN",
        None => "-",
    }
}

/// Prints everything as one JSON document.
pub(super) fn print_json(stream: &Stream, rows: &[Row]) -> Result<()> {
    let document = json!({
        "bitrate_kbps": stream.bitrate.kbps(),
        "frames_per_second": stream.frames_per_second,
        "seconds": stream.length.as_secs(),
        "fec_start_percent": stream.fec_percent,
        "adaptive": stream.adaptive,
        "cases": rows.iter().map(Row::to_json).collect::<Vec<_>>(),
    });
    println!("{}", serde_json::to_string_pretty(&document)?);
    Ok(())
}

impl Row {
    fn to_json(&self) -> Value {
        let Self { name, outcome, kept } = self;
        json!({
            "case": name,
            "promise_kept": kept,
            "packets_sent": outcome.datagrams.0,
            "packets_lost": outcome.datagrams.1,
            "frames_sent": outcome.sent,
            "frames_delivered": outcome.delivered,
            "frames_recovered": outcome.restored,
            "frames_lost": outcome.lost(),
            "frames_lost_after_first_second": outcome.lost_after(Duration::from_secs(1)),
            "frames_not_shown": outcome.hidden,
            "added_latency_ms": {
                "p50": ms(outcome.added_latency(50)),
                "p95": ms(outcome.added_latency(95)),
                "p99": ms(outcome.added_latency(99)),
                "max": ms(outcome.added_latency(100)),
            },
            "repairs": outcome.repairs.len(),
            "longest_repair_ms": ms(outcome.longest_repair()),
            "overhead_percent": outcome.overhead * 100.0,
            "fec_percent_each_second": outcome.fec_percents,
        })
    }

    /// Parity and lost frames over time.
    fn plot(&self) -> Plot {
        let seconds = self.outcome.fec_percents.len();
        let parity =
            self.outcome.fec_percents.iter().enumerate().map(|(at, percent)| (at as f64 + 1.0, f64::from(*percent)));
        let lost = (0..seconds).map(|second| {
            let frames = self.outcome.lost_at.iter().filter(|at| at.as_secs() == second as u64).count();
            (second as f64 + 0.5, frames as f64)
        });
        Plot {
            title: format!("{}: {} of {} frames arrived", self.name, self.outcome.delivered, self.outcome.sent),
            x_label: "seconds".into(),
            y_label: String::new(),
            series: vec![
                Series { label: "parity, %".into(), shape: Shape::Line, points: parity.collect() },
                Series { label: "frames lost".into(), shape: Shape::Bars, points: lost.collect() },
            ],
        }
    }

    /// How many frames took how much longer than the link.
    fn latency_plot(&self) -> Plot {
        let points = (0..=100).map(|percent| (ms(self.outcome.added_latency(percent)), percent as f64)).collect();
        Plot {
            title: format!("{}: added latency", self.name),
            x_label: "milliseconds beyond the link's own".into(),
            y_label: "% of frames".into(),
            series: vec![Series { label: String::new(), shape: Shape::Line, points }],
        }
    }
}

/// Draws two plots a case.
pub(super) fn save_plots(dir: &Path, rows: &[Row]) -> Result<()> {
    for row in rows {
        row.plot().save(&dir.join(format!("{}.svg", row.name)))?;
        row.latency_plot().save(&dir.join(format!("{}-latency.svg", row.name)))?;
    }
    Ok(())
}
