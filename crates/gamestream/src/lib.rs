//! GameStream, as stock Moonlight speaks it: a second way to the same sessions.

mod launch;

pub use launch::{AudioLayout, Launch, LaunchMode};
