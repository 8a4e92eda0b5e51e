//! How long a frame takes from capture to the client's decoder, stage by stage: the real host and client as processes of
//! their own, over real sockets, with the synthetic display as source.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde::{Deserialize, Serialize};

use crate::{
    demo::{client::Client, host::Host},
    svg::{Plot, Series, Shape},
};

/// How the probe runs.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Picture size and rate
    #[arg(long, value_name = "WxH@HZ", default_value = "1280x720@120")]
    mode: String,
    /// How long to stream, in seconds
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(2..=600))]
    seconds: u64,
    /// Where logs and state go; emptied first
    #[arg(long, default_value = "target/latency-probe")]
    dir: PathBuf,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Draw the distribution of the two sums into this folder
    #[arg(long, value_name = "DIR")]
    svg: Option<PathBuf>,
}

/// What the client says of one stage, in microseconds.
#[derive(Deserialize, Serialize)]
struct Stage {
    stage: String,
    frames: u64,
    p50_us: u64,
    p95_us: u64,
    p99_us: u64,
    max_us: u64,
    percentiles_us: Vec<u64>,
}

/// What each stage of the client's report is, in the order a frame passes them.
const STAGES: [(&str, &str); 11] = [
    ("queue", "captured until the encoder took it (host clock)"),
    ("encode", "in the encoder (host clock)"),
    ("pace", "packetize, parity, seal, send (host clock)"),
    ("host", "captured until the last packet was sent (host clock)"),
    ("network", "last packet sent until the frame was whole (both clocks)"),
    ("reassembly", "first packet until the frame was whole (client clock)"),
    ("arrival", "captured until reassembled (both clocks)"),
    ("moved", "the same without the encoder (both clocks)"),
    ("wait", "whole until the decoder took it (client clock)"),
    ("decode", "in the decoder (client clock)"),
    ("total", "captured until decoded (both clocks)"),
];

/// Runs the probe.
pub(crate) fn run(options: &Options) -> Result<()> {
    let stages = measure(options)?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&stages)?);
    } else {
        print_table(options, &stages);
    }
    if let Some(dir) = &options.svg {
        fs::create_dir_all(dir).with_context(|| format!("making {}", dir.display()))?;
        save_plots(dir, &stages)?;
    }
    Ok(())
}

fn measure(options: &Options) -> Result<Vec<Stage>> {
    if options.dir.exists() {
        fs::remove_dir_all(&options.dir).with_context(|| format!("emptying {}", options.dir.display()))?;
    }
    fs::create_dir_all(&options.dir).with_context(|| format!("making {}", options.dir.display()))?;
    let host = Host::start(&options.dir, "synthetic")?;
    let client = Client::new(&options.dir)?;
    client.pair(&host.address, &host.arm()?)?;
    let length = Duration::from_secs(options.seconds);
    // The host's own rate to the end: a client that chooses one would measure another stream each time.
    let script = ["0s:bitrate=0".to_owned()];
    let streaming = client.connect(&host.address, &options.mode, length, &script)?;
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} s").expect("a template that is right");
    let progress = ProgressBar::new(options.seconds).with_style(style);
    let began = Instant::now();
    while !streaming.is_over() {
        progress.set_position(began.elapsed().as_secs().min(options.seconds));
        std::thread::sleep(Duration::from_millis(100));
    }
    progress.finish_and_clear();
    let mut report = streaming.report()?;
    host.stop()?;
    let stages: Vec<Stage> = serde_json::from_value(report["latency"].take()).context("the client's stages")?;
    ensure!(!stages.is_empty(), "the client measured nothing; see {}", options.dir.display());
    Ok(stages)
}

fn print_table(options: &Options, stages: &[Stage]) {
    println!("{}, synthetic source, {} s; milliseconds\n", options.mode, options.seconds);
    println!("{:<12}{:>8}{:>9}{:>9}{:>9}{:>9}  what", "stage", "frames", "p50", "p95", "p99", "max");
    for Stage { stage, frames, p50_us, p95_us, p99_us, max_us, .. } in stages {
        let what = STAGES.iter().find(|(name, _)| name == stage).map_or("", |(_, what)| what);
        print!("{stage:<12}{frames:>8}");
        for micros in [p50_us, p95_us, p99_us, max_us] {
            print!("{:>9.3}", *micros as f64 / 1e3);
        }
        println!("  {what}");
    }
}

/// The share of frames in each twentieth of the way to the 99th percentile.
fn histogram(stage: &Stage) -> Vec<(f64, f64)> {
    const BARS: usize = 20;
    let width = (stage.p99_us as f64 / 1e3 / BARS as f64).max(1e-3);
    let mut bars = vec![0.0; BARS];
    for micros in stage.percentiles_us.iter().take(100) {
        bars[((*micros as f64 / 1e3 / width) as usize).min(BARS - 1)] += 1.0;
    }
    bars.into_iter().enumerate().map(|(at, share)| ((at as f64 + 0.5) * width, share)).collect()
}

fn save_plots(dir: &Path, stages: &[Stage]) -> Result<()> {
    for stage in stages {
        let plot = Plot {
            title: STAGES.iter().find(|(name, _)| *name == stage.stage).map_or("", |(_, what)| what).into(),
            x_label: "milliseconds".into(),
            y_label: "% of frames".into(),
            series: vec![Series { label: String::new(), shape: Shape::Bars, points: histogram(stage) }],
        };
        plot.save(&dir.join(format!("latency-{}.svg", stage.stage)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Stage, histogram};

    #[test]
    fn every_frame_stands_in_one_bar() {
        let percentiles_us: Vec<u64> = (0..=100).map(|percent| percent * 10).collect();
        let stage = Stage {
            stage: "total".into(),
            frames: 9,
            p50_us: 500,
            p95_us: 950,
            p99_us: 990,
            max_us: 1_000,
            percentiles_us,
        };
        let bars = histogram(&stage);
        assert_eq!((bars.len(), bars.iter().map(|bar| bar.1).sum::<f64>()), (20, 100.0));
    }
}
