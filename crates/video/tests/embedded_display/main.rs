//! The embedded display with real applications on it: foot, weston's demos, X11 programs.

mod life;
mod screen;
mod wayland;
mod x11;
