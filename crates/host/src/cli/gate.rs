//! `punktfunk-host gate`.

use std::{path::PathBuf, time::Duration};

use punktfunk_update::{model::GateReport, store};

use super::{complain, print_line};
use crate::{
    directories::RUNTIME_DIR,
    exit::Exit,
    gate::{self, GateOptions},
};

pub(super) const EXAMPLES: &str = "\
It looks at the running host from outside: whether it answers, its console answers, a device is let in and receives frames,
and a key press changes the picture. The device is let in for this once and leaves no trace. Exit code 1 if a part failed.

Examples:
  punktfunk-host gate
  punktfunk-host gate --json --ready-within 10";

#[derive(Debug, clap::Args)]
pub(super) struct GateArgs {
    /// Where the host's sockets are
    #[arg(long, value_name = "DIR", default_value = RUNTIME_DIR)]
    runtime_dir: PathBuf,
    /// Print what was found as one JSON object
    #[arg(long)]
    json: bool,
    /// Write that object into this file too
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Seconds that the host may take to answer
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    ready_within: u16,
    /// Seconds that frames and the answer to a key press may take
    #[arg(long, value_name = "SECONDS", default_value_t = 90)]
    stream_within: u16,
}

pub(super) fn run(args: &GateArgs) -> Exit {
    let options = GateOptions {
        runtime_dir: args.runtime_dir.clone(),
        ready_within: Duration::from_secs(args.ready_within.into()),
        stream_within: Duration::from_secs(args.stream_within.into()),
    };
    let report = gate::check(&options);
    let json = serde_json::to_string(&report).expect("a report is plain data");
    if let Some(path) = &args.report
        && let Err(error) = store::replace(path, json.as_bytes())
    {
        return complain(&format_error(path, &error), Exit::CannotCreate);
    }
    let printed = if args.json { print_line(&json) } else { print_line(&in_words(&report)) };
    match printed {
        Exit::Done if report.passed => Exit::Done,
        Exit::Done => Exit::Failed,
        failed => failed,
    }
}

fn format_error(path: &std::path::Path, error: &std::io::Error) -> std::io::Error {
    std::io::Error::other(format!("cannot write {}: {error}", path.display()))
}

fn in_words(report: &GateReport) -> String {
    let mark = |passed| if passed { "passed" } else { "FAILED" };
    let lines = report.parts.iter().map(|part| {
        let name = format!("{:?}", part.part).to_lowercase();
        format!("{:7}  {name:8} {}\n", mark(part.passed), part.found)
    });
    let lines: String = lines.collect();
    format!("{lines}{} after {:.1} s", mark(report.passed), report.took_ms as f64 / 1_000.0)
}
