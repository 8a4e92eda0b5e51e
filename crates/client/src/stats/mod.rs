//! What a session measured: how long each stage of a frame took, and what it cost this process.

mod cpu;
mod histogram;
mod stages;

pub use cpu::CpuTime;
pub use histogram::Histogram;
pub use stages::{FrameTimes, HostTimes, Stage, StageLog, StageRow, StageTable};
