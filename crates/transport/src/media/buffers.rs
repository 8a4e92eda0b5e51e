//! Where received datagrams lie.

use std::fmt;

use super::sys::Slot;

/// Memory for one batch of received datagrams, made once per session: 2 MiB, touched only as far as it is used.
pub struct RecvBuffers {
    pub(super) bytes: Box<[u8]>,
    pub(super) slots: Box<[Slot]>,
    pub(super) filled: usize,
}

/// Receives per system call. With `UDP_GRO` each may hold many datagrams.
pub(super) const SLOTS: usize = 32;
/// The largest UDP payload, and the most the kernel coalesces.
pub(super) const SLOT_BYTES: usize = 65_536;

impl RecvBuffers {
    /// Buffers for [`MediaSocket::recv_batch`](super::MediaSocket::recv_batch).
    pub fn new() -> Self {
        let bytes = vec![0; SLOTS * SLOT_BYTES].into_boxed_slice();
        Self { bytes, slots: vec![Slot::default(); SLOTS].into_boxed_slice(), filled: 0 }
    }

    /// The datagrams of the last batch, in order of arrival. They may be opened in place.
    pub fn datagrams(&mut self) -> impl Iterator<Item = &mut [u8]> {
        let slots = self.slots[..self.filled].iter();
        slots.zip(self.bytes.chunks_exact_mut(SLOT_BYTES)).flat_map(|(slot, bytes)| {
            let segment = if slot.segment == 0 { SLOT_BYTES } else { slot.segment };
            bytes[..slot.length].chunks_mut(segment)
        })
    }
}

impl Default for RecvBuffers {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RecvBuffers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvBuffers").field("filled", &self.filled).finish_non_exhaustive()
    }
}
