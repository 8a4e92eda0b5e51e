//! What an attack brought to light.

use std::{
    fmt, fs,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

/// One promise and what was seen of it.
#[derive(Clone, Debug)]
pub struct Check {
    /// The promise, a sentence.
    pub promise: &'static str,
    /// Whether it was kept.
    pub kept: bool,
    /// What was seen.
    pub seen: String,
}

/// What one attack brought to light.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its name on the command line.
    pub attack: &'static str,
    /// The abuse cases it is about.
    pub cases: &'static [u8],
    /// The promises.
    pub checks: Vec<Check>,
    /// The host's memory meanwhile, if it was watched.
    pub memory: Option<Memory>,
}

impl Finding {
    /// A finding without checks.
    pub fn new(attack: &'static str, cases: &'static [u8]) -> Self {
        Self { attack, cases, checks: Vec::new(), memory: None }
    }

    /// Adds a promise and what was seen of it.
    pub fn check(&mut self, promise: &'static str, kept: bool, seen: impl fmt::Display) {
        self.checks.push(Check { promise, kept, seen: seen.to_string() });
    }

    /// Adds the host's memory; it must not have grown by more than `bound` KiB at its peak.
    pub fn check_memory(&mut self, memory: Memory, bound: u64) {
        let seen = format!("{memory}; bound {bound} KiB");
        self.check("the host's memory stays flat", memory.peak <= memory.first + bound, seen);
        self.memory = Some(memory);
    }

    /// Whether every promise was kept.
    pub fn is_kept(&self) -> bool {
        self.checks.iter().all(|check| check.kept)
    }

    /// Prints it, and stops the test if a promise was broken.
    ///
    /// # Panics
    /// A promise was broken.
    pub fn hold(self) {
        print!("{self}");
        assert!(self.is_kept(), "a promise was broken\n{self}");
    }

    /// It for programs.
    pub fn to_json(&self) -> Value {
        let checks: Vec<Value> = self
            .checks
            .iter()
            .map(|check| json!({ "promise": check.promise, "kept": check.kept, "seen": check.seen }))
            .collect();
        let memory = self
            .memory
            .map(|Memory { first, peak, last }| json!({ "first_kib": first, "peak_kib": peak, "last_kib": last }));
        json!({ "attack": self.attack, "abuse_cases": self.cases, "checks": checks, "memory": memory })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cases: Vec<String> = self.cases.iter().map(u8::to_string).collect();
        let noun = if cases.len() == 1 { "case" } else { "cases" };
        writeln!(f, "{} (abuse {noun} {})", self.attack, cases.join(", "))?;
        for check in &self.checks {
            let mark = if check.kept { "ok  " } else { "FAIL" };
            writeln!(f, "  {mark} {:<66} {}", check.promise, check.seen)?;
        }
        Ok(())
    }
}

/// Resident memory of a process, in KiB.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// When the watch began.
    pub first: u64,
    /// The most seen.
    pub peak: u64,
    /// When it ended.
    pub last: u64,
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} KiB first, {} peak, {} last", self.first, self.peak, self.last)
    }
}

/// Looks at a process's memory again and again.
#[derive(Debug)]
pub struct MemoryWatch {
    process: u32,
    over: Arc<AtomicBool>,
    watcher: JoinHandle<Memory>,
}

impl MemoryWatch {
    /// Begins to watch this process.
    pub(super) fn begin(process: u32) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let first = resident(process);
        let is_over = Arc::clone(&over);
        let watcher = thread::spawn(move || {
            let mut memory = Memory { first, peak: first, last: first };
            while !is_over.load(Ordering::Relaxed) {
                memory.last = resident(process);
                memory.peak = memory.peak.max(memory.last);
                thread::sleep(EVERY);
            }
            memory
        });
        Self { process, over, watcher }
    }

    /// Ends the watch.
    pub fn end(self) -> Memory {
        self.over.store(true, Ordering::Relaxed);
        let mut memory = self.watcher.join().expect("the watcher does not panic");
        memory.last = resident(self.process);
        memory.peak = memory.peak.max(memory.last);
        memory
    }
}

/// 0 when the process is gone.
fn resident(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}

const EVERY: Duration = Duration::from_millis(20);
