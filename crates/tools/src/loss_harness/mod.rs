//! How a stream gets through bad weather: the real media sessions of both sides over a simulated link, on a virtual
//! clock, so a minute of stream takes a second and every run with one seed is the same.

mod cases;
mod report;

use std::{
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use punktfunk_proto::{
    simulation::{Simulation, Stream},
    units::Bitrate,
};

use cases::Case;
use report::{Row, print_json, print_table, save_plots};

/// How the harness runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only this case; may be repeated
    #[arg(long = "case", value_name = "NAME")]
    cases: Vec<String>,
    /// Rate of the stream without parity, in kbit/s
    #[arg(long, value_name = "KBPS", default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(500..=800_000))]
    bitrate: u32,
    /// Pictures per second
    #[arg(long, value_name = "HZ", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=480))]
    fps: u32,
    /// Length of each stream, in seconds
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(2..=3_600))]
    seconds: u64,
    /// One-way latency of the link, in milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=1_000))]
    latency: u64,
    /// Parity to begin with, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=90))]
    fec: u8,
    /// Keep parity as it began, for comparison; nothing is promised then
    #[arg(long)]
    fixed: bool,
    /// The encoder answers losses by keyframes instead of forgetting the lost pictures
    #[arg(long)]
    idr_only: bool,
    /// What the random numbers begin with
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Draw each case into this folder
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
}

/// Runs the harness. An error when a promise was broken.
pub(crate) fn run(options: &Options) -> Result<()> {
    let stream = options.stream();
    let cases = options.chosen(cases::all(Duration::from_millis(options.latency), stream.bitrate))?;
    let rows = play(&cases, &stream, options.seed);
    if options.json {
        print_json(&stream, &rows)?;
    } else {
        print_table(&stream, &rows);
    }
    if let Some(dir) = &options.svg {
        fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        save_plots(dir, &rows)?;
    }
    let broken: Vec<&str> = rows.iter().filter(|row| row.kept == Some(false)).map(|row| row.name).collect();
    ensure!(broken.is_empty(), "more was lost than is promised: {}", broken.join(", "));
    Ok(())
}

impl Options {
    fn stream(&self) -> Stream {
        Stream {
            bitrate: Bitrate::from_kbps(self.bitrate),
            frames_per_second: self.fps,
            length: Duration::from_secs(self.seconds),
            can_invalidate: !self.idr_only,
            fec_percent: self.fec,
            adaptive: !self.fixed,
            ..Stream::default()
        }
    }

    fn chosen(&self, mut cases: Vec<Case>) -> Result<Vec<Case>> {
        let names: Vec<&str> = cases.iter().map(|case| case.name).collect();
        if let Some(unknown) = self.cases.iter().find(|wanted| !names.contains(&wanted.as_str())) {
            bail!("there is no case {unknown}; there are {}", names.join(", "));
        }
        cases.retain(|case| self.cases.is_empty() || self.cases.iter().any(|wanted| wanted == case.name));
        Ok(cases)
    }
}

fn play(cases: &[Case], stream: &Stream, seed: u64) -> Vec<Row> {
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}").expect("a template that is right");
    let progress = ProgressBar::new(cases.len() as u64).with_style(style);
    let mut rows = Vec::new();
    for case in cases {
        progress.set_message(case.name);
        let played = case.parity.map_or(*stream, |fec_percent| Stream { fec_percent, adaptive: false, ..*stream });
        let mut simulation = Simulation::new(Instant::now(), played, case.weather, seed);
        for (share, weather) in &case.changes {
            simulation = simulation.changing(stream.length.mul_f64(*share), *weather);
        }
        let outcome = simulation.run();
        let kept = case.promise.is_kept(stream, &case.weather, &outcome).filter(|_| stream.adaptive);
        rows.push(Row { name: case.name, outcome, kept });
        progress.inc(1);
    }
    progress.finish_and_clear();
    rows
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use punktfunk_proto::{simulation::Stream, units::Bitrate};

    use super::{cases, play};

    #[test]
    fn every_promise_is_kept_for_ten_seconds_and_broken_ones_are_seen() {
        let stream = Stream { length: Duration::from_secs(10), ..Stream::default() };
        let mut cases = cases::all(Duration::from_millis(5), stream.bitrate);
        cases.retain(|case| ["fair", "random-5", "burst-30", "burst-30-halved", "duplicate"].contains(&case.name));
        for row in play(&cases, &stream, 1) {
            assert_eq!(row.kept, Some(true), "{}: {}", row.name, row.outcome);
        }
        let mut narrow = cases::all(Duration::from_millis(5), Bitrate::from_mbps(20));
        narrow.retain(|case| case.name == "rate-step-75");
        narrow[0].promise = cases::Promise::NoFrameLost;
        assert_eq!(play(&narrow, &stream, 1)[0].kept, Some(false));
    }
}
