//! One streaming session: what was decided ([`plan`]) and the threads that carry it out ([`pipeline`]).

pub mod encode;
pub mod histogram;
pub mod input;
pub mod pipeline;
pub mod plan;
pub mod selftest;
pub mod send;
pub mod sound;
pub mod stats;
