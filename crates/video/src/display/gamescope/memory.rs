//! The memory through which pictures come out of the session.
//!
//! The host makes it, seals its size and only ever reads it by system call: whatever the session writes there, and
//! whenever, no memory of the host's depends on it.

use std::{
    fs::File,
    io,
    os::{
        fd::{AsFd as _, BorrowedFd},
        unix::fs::FileExt as _,
    },
};

use punktfunk_proto::units::Mode;
use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

use super::wire::{SLOTS, Slot};
use crate::frame::Pixels;

/// Bytes of one picture of `mode`: four a pixel, rows without gaps.
pub(super) fn picture_bytes(mode: Mode) -> usize {
    mode.width() as usize * mode.height() as usize * 4
}

/// Places for pictures of one mode.
#[derive(Debug)]
pub(super) struct Memory {
    file: File,
    mode: Mode,
}

impl Memory {
    pub(super) fn new(mode: Mode) -> io::Result<Self> {
        let file = File::from(memfd_create("pictures", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.set_len((picture_bytes(mode) * SLOTS) as u64)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok(Self { file, mode })
    }

    pub(super) fn file(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }

    /// Copies a picture.
    pub(super) fn read(&self, slot: Slot, pixels: &mut Pixels) -> io::Result<()> {
        pixels.resize(self.mode.width(), self.mode.height());
        self.file.read_exact_at(&mut pixels.bytes, (slot.index() * picture_bytes(self.mode)) as u64)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::{Memory, Slot, picture_bytes};
    use crate::frame::Pixels;

    #[test]
    fn its_size_is_sealed_and_each_place_is_read_alone() {
        use std::os::unix::fs::FileExt as _;
        let mode = "64x64@60".parse().unwrap();
        let memory = Memory::new(mode).unwrap();
        let theirs = File::from(memory.file().try_clone_to_owned().unwrap());
        assert!(theirs.set_len(1).is_err() && theirs.set_len(1 << 30).is_err());
        theirs.write_all_at(&vec![7; picture_bytes(mode)], picture_bytes(mode) as u64).unwrap();
        let mut pixels = Pixels::default();
        for (slot, value) in Slot::ALL.into_iter().zip([0, 7, 0]) {
            memory.read(slot, &mut pixels).unwrap();
            assert_eq!((pixels.width, pixels.height, pixels.stride), (64, 64, 256));
            assert!(pixels.bytes.iter().all(|&byte| byte == value));
        }
    }
}
