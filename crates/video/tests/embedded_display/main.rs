//! The embedded display with real applications on it: foot, weston's demos, X11 programs.

mod client;
mod companions;
mod hostile;
mod life;
mod screen;
mod service;
mod wayland;
mod windows;
mod x11;
