//! The daemon `punktfunk-host`: configuration, administration, supervisor, session plan and pipeline.
//!
//! The parts below meet in [`serve`], which starts, runs and stops a host. Read [`config`] first for what can be
//! set, then [`serve`], then [`supervisor`] (who gets in) and [`session::pipeline`] (what a client sees); [`admin`] is how `punktfunk-host ctl` talks to the running host. Media and protocol live
//! in the crates below this one.
#![forbid(unsafe_code)]

pub mod admin;
pub mod cli;
pub mod config;
pub mod console;
pub mod directories;
pub mod discovery;
pub mod error;
pub mod exit;
pub mod gamestream;
pub mod gate;
pub mod log;
pub mod media;
pub mod serve;
pub mod service;
pub mod session;
pub mod settings;
pub mod supervisor;
