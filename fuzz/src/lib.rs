//! What the fuzz targets do with the fuzzer's bytes.
//!
//! Nothing here knows a fuzzer: `crates/proto/tests/fuzz_corpus.rs` includes this file and replays the checked-in
//! corpora through the same functions on every test run. A `run` returns, or panics because a promise was broken.

pub mod control;
pub mod datagrams;
pub mod media;
pub mod pairing;
pub mod script;
