//! Input from the control plane to the display: through the seat, which checks grants and knows what is held.

use std::sync::{Mutex, PoisonError};

use punktfunk_proto::{
    input::{RefusedInput, Seat},
    wire::{Grants, datagram::InputEvent},
};

use super::pipeline::DisplayControls;

/// The client's hands on the display. Runs on the control connection's task; no call blocks.
pub struct InputPath {
    seat: Mutex<Seat>,
    display: DisplayControls,
}

impl InputPath {
    /// A seat with these grants on that display.
    pub fn new(grants: Grants, display: DisplayControls) -> Self {
        Self { seat: Mutex::new(Seat::new(grants)), display }
    }

    /// Acts on one event, if the client may.
    pub fn handle(&self, event: &InputEvent) {
        if let Some(event) = self.seat().apply(event) {
            self.display.with(|controls| controls.input(event));
        }
    }

    /// Changes what the client may do; lets go of what it may no longer hold.
    pub fn set_grants(&self, grants: Grants) {
        for event in self.seat().set_grants(grants) {
            self.display.with(|controls| controls.input(event));
        }
    }

    /// Lets go of every key and button: the client is gone.
    pub fn release_all(&self) {
        for event in self.seat().release_all() {
            self.display.with(|controls| controls.input(event));
        }
    }

    /// What was dropped so far, by kind.
    pub fn refused(&self) -> RefusedInput {
        self.seat().refused()
    }

    fn seat(&self) -> std::sync::MutexGuard<'_, Seat> {
        // A seat is whole between two calls; a panic elsewhere cannot leave it half changed.
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
