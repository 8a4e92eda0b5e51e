//! Updates of the system image: signed, staged to the slot that does not run, kept only when the new system is proven to
//! stream, and otherwise taken back by the boot counter, with the reason kept for the console.
//!
//! What decides knows neither disk nor clock: [`version`] (which is newer), [`sums`] and [`packages`] (what an update
//! holds), [`state`] (staged, on trial, kept, taken back). Around it: [`machine`] (which slot runs and how it was booted),
//! [`offer`] (is this update signed, whole, ours, newer), [`fetch`], [`sysupdate`] (puts it into the slot), [`store`] (the
//! state survives a power cut), [`service`] (answers the host over a socket). [`client`] is the other end of that, and
//! [`model`] what goes over it. Read [`state`] first.
//!
//! This is no boot loader and no updater of its own: `systemd-sysupdate` writes the slots, `systemd-boot` counts the tries,
//! `systemd-bless-boot` ends the trial. On NixOS `nixos-rebuild` stages, and a generation is a version: of this, [`machine`],
//! [`state`] and [`gate`] do the same work there.
#![forbid(unsafe_code)]

pub mod client;
pub mod fetch;
pub mod gate;
mod generations;
pub mod machine;
pub mod model;
pub mod offer;
pub mod packages;
pub mod places;
pub mod service;
pub mod state;
pub mod store;
pub mod sums;
pub mod sysupdate;
pub mod version;
