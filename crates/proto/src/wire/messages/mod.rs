//! The bodies of typed messages that are more than a few numbers.

pub(super) mod clipboard;
pub(super) mod cursor;
pub(super) mod pairing;
pub(super) mod report;
