//! Displays, capture and encoders.
//!
//! [`display`] makes a virtual output at exactly the client's mode, runs an application on it and hands on the
//! frames it paints; [`encode`] turns a frame into an access unit. They meet in the host's pipeline, on two
//! threads, joined by a [`frame::FrameReceiver`] that holds the newest frame and counts what it dropped. With
//! [`test_picture`] on the display and [`decode`] at the other end the host checks itself.

pub mod decode;
pub mod display;
pub mod encode;
pub mod frame;
pub mod test_picture;
