//! A terminal to type on.

use std::{
    fs::File,
    os::fd::{FromRawFd as _, OwnedFd},
    ptr,
};

/// Our end and the program's end of a new terminal.
pub(super) fn open() -> (File, File) {
    let (mut ours, mut theirs) = (-1, -1);
    // SAFETY: both places are ours; the other arguments may be null.
    let opened = unsafe { libc::openpty(&mut ours, &mut theirs, ptr::null_mut(), ptr::null_mut(), ptr::null_mut()) };
    assert_eq!(opened, 0, "{}", std::io::Error::last_os_error());
    // SAFETY: the two descriptors are new and nobody else's.
    let [ours, theirs] = [ours, theirs].map(|fd| unsafe { OwnedFd::from_raw_fd(fd) });
    (ours.into(), theirs.into())
}
