//! The daemon as its operator meets it: real files, real sockets, the real program.

mod admin_socket;
mod common;
mod configuration;
mod console;
mod ctl;
mod reference;
mod service;
mod start_errors;
