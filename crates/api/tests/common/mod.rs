//! What several tests need.

#![allow(dead_code, reason = "each program uses a part of it")]

pub(crate) mod bench;
pub(crate) mod fake;
