//! The session's side of the shared memory: where pictures are copied to.

use std::{
    io,
    os::fd::{AsRawFd as _, OwnedFd},
    ptr::NonNull,
};

use punktfunk_proto::units::Mode;

use crate::display::gamescope::{
    memory::picture_bytes,
    wire::{SLOTS, Slot},
};

/// Memory for pictures of one mode, and which places are free.
#[derive(Debug)]
pub(super) struct Canvas {
    base: NonNull<u8>,
    mode: Mode,
    free: [bool; SLOTS],
}

/// A picture in memory of somebody else's, who may write there meanwhile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source {
    /// Where the mapped memory begins.
    pub(super) base: *const u8,
    /// Bytes mapped.
    pub(super) len: usize,
    /// Where the picture begins.
    pub(super) offset: usize,
    /// Bytes from row to row; 0 for rows without gaps.
    pub(super) stride: usize,
}

impl Canvas {
    /// Maps the host's memory.
    pub(super) fn new(memory: &OwnedFd, mode: Mode) -> io::Result<Self> {
        let len = picture_bytes(mode) * SLOTS;
        if rustix::fs::fstat(memory)?.st_size.cast_unsigned() != len as u64 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the host's memory is of another mode"));
        }
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: a new mapping at a place that the kernel chooses; the host sealed the size of what is mapped.
        let base =
            unsafe { libc::mmap(std::ptr::null_mut(), len, protection, libc::MAP_SHARED, memory.as_raw_fd(), 0) };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let base = NonNull::new(base.cast()).ok_or(io::ErrorKind::InvalidData)?;
        Ok(Self { base, mode, free: [true; SLOTS] })
    }

    /// A place to paint in, until it is released.
    pub(super) fn claim(&mut self) -> Option<Slot> {
        let slot = Slot::ALL.into_iter().find(|slot| self.free[slot.index()])?;
        self.free[slot.index()] = false;
        Some(slot)
    }

    /// The host has no more need of this place.
    pub(super) fn release(&mut self, slot: Slot) {
        self.free[slot.index()] = true;
    }

    /// Copies a picture of the mode; false if `source` holds none.
    ///
    /// # Safety
    /// `source.len` bytes from `source.base` can be read. Somebody else may be writing them.
    pub(super) unsafe fn paint(&mut self, slot: Slot, source: Source) -> bool {
        let (row, height) = (self.mode.width() as usize * 4, self.mode.height() as usize);
        let stride = if source.stride == 0 { row } else { source.stride };
        let needed = stride.checked_mul(height - 1).and_then(|rows| rows.checked_add(row)?.checked_add(source.offset));
        if stride < row || needed.is_none_or(|needed| needed > source.len) {
            return false;
        }
        let target = slot.index() * picture_bytes(self.mode);
        // SAFETY: the caller answers for what is read, as far as `needed` reaches; the place lies within our own mapping,
        // of SLOTS pictures, and neither overlaps the other. No reference is made to either.
        unsafe {
            let (from, to) = (source.base.add(source.offset), self.base.as_ptr().add(target));
            if stride == row {
                std::ptr::copy_nonoverlapping(from, to, row * height);
            } else {
                for y in 0..height {
                    std::ptr::copy_nonoverlapping(from.add(y * stride), to.add(y * row), row);
                }
            }
        }
        true
    }
}

impl Drop for Canvas {
    fn drop(&mut self) {
        // SAFETY: our own mapping, of this length, to which nobody has a reference.
        unsafe { libc::munmap(self.base.as_ptr().cast(), picture_bytes(self.mode) * SLOTS) };
    }
}

#[cfg(test)]
mod tests {
    use super::{Canvas, Source};
    use crate::{
        display::gamescope::{memory::Memory, wire::Slot},
        frame::Pixels,
    };

    fn source(bytes: &[u8], offset: usize, stride: usize) -> Source {
        Source { base: bytes.as_ptr(), len: bytes.len(), offset, stride }
    }

    #[test]
    fn rows_arrive_without_the_gaps_between_them_and_pictures_that_do_not_fit_are_refused() {
        let mode = "64x64@60".parse().unwrap();
        let memory = Memory::new(mode).unwrap();
        let mut canvas = Canvas::new(&memory.file().try_clone_to_owned().unwrap(), mode).unwrap();
        let slot = canvas.claim().unwrap();
        let bytes: Vec<u8> = (0..64 * 300 + 8).map(|at| (at / 300) as u8).collect();
        // SAFETY: each source is as long as the bytes that it lies in.
        let mut paint = |source| unsafe { canvas.paint(slot, source) };
        assert!(paint(source(&bytes, 8, 300)));
        assert!(!paint(source(&bytes, 0, 255)), "rows shorter than the picture's");
        assert!(!paint(source(&bytes, 0, 310)), "rows beyond the end");
        assert!(!paint(source(&bytes, usize::MAX, 0)), "an offset that overflows");
        let mut pixels = Pixels::default();
        memory.read(slot, &mut pixels).unwrap();
        assert_eq!((pixels.bytes[0], pixels.bytes[10 * 256]), (0, 10));
        let dense = vec![9; 64 * 256];
        assert!(paint(source(&dense, 0, 0)));
        memory.read(slot, &mut pixels).unwrap();
        assert!(pixels.bytes == dense);
    }

    #[test]
    fn a_place_is_free_again_when_it_is_released() {
        let mode = "64x64@60".parse().unwrap();
        let memory = Memory::new(mode).unwrap().file().try_clone_to_owned().unwrap();
        assert!(Canvas::new(&memory, "128x64@60".parse().unwrap()).is_err(), "memory of another mode");
        let mut canvas = Canvas::new(&memory, mode).unwrap();
        let claimed: Vec<Slot> = std::iter::from_fn(|| canvas.claim()).collect();
        assert_eq!(claimed, Slot::ALL);
        canvas.release(Slot::ALL[1]);
        assert_eq!((canvas.claim(), canvas.claim()), (Some(Slot::ALL[1]), None));
    }
}
