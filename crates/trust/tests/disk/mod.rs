//! A disk between SQLite and the real one: it fails when told to, and remembers what was written and what was synced,
//! so that a test can tell what a power cut might leave.

use std::{
    collections::HashMap,
    ffi::{CStr, c_char, c_int, c_void},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, Once, PoisonError},
};

use rusqlite::ffi;

/// What happened to a file.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate(usize),
    Sync,
}

/// One act, and on which file.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) path: PathBuf,
    pub(crate) act: Act,
    /// What stands beside the database then.
    pub(crate) anchor: Option<Vec<u8>>,
}

/// How the disk fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Full,
    ReadOnly,
    Io,
}

/// When it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lasting {
    Once,
    FromThen,
}

#[derive(Default)]
struct Disk {
    paths: HashMap<usize, PathBuf>,
    /// Acts on files below here are watched.
    watched: Option<PathBuf>,
    steps: Vec<Step>,
    /// Acts until the failure.
    fault: Option<(usize, Failure, Lasting)>,
    failed: usize,
}

static DISK: Mutex<Option<Disk>> = Mutex::new(None);

fn with_disk<T>(act: impl FnOnce(&mut Disk) -> T) -> T {
    let mut disk: MutexGuard<'_, Option<Disk>> = DISK.lock().unwrap_or_else(PoisonError::into_inner);
    act(disk.get_or_insert_default())
}

/// Puts the disk under every database this process opens from now on, and watches those below `folder`.
pub(crate) fn watch(folder: &Path) {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(install);
    with_disk(|disk| {
        *disk = Disk { watched: Some(folder.to_owned()), paths: std::mem::take(&mut disk.paths), ..Disk::default() }
    });
}

/// Fails after `acts` more.
pub(crate) fn fail_after(acts: usize, how: Failure, lasting: Lasting) {
    with_disk(|disk| (disk.fault, disk.failed) = (Some((acts, how, lasting)), 0));
}

/// Works again; how many acts have failed.
pub(crate) fn repair() -> usize {
    with_disk(|disk| {
        disk.fault = None;
        disk.failed
    })
}

/// How many acts were seen.
pub(crate) fn seen() -> usize {
    with_disk(|disk| disk.steps.len())
}

/// All that were seen since [`watch`].
pub(crate) fn steps() -> Vec<Step> {
    with_disk(|disk| std::mem::take(&mut disk.steps))
}

impl Disk {
    /// Notes what is about to happen; whether it fails.
    fn act(&mut self, file: *mut ffi::sqlite3_file, act: Act) -> Option<Failure> {
        let path = self.paths.get(&file.addr())?.clone();
        let folder = self.watched.as_ref().filter(|folder| path.starts_with(folder))?;
        let failure = match &mut self.fault {
            Some((0, how, lasting)) => {
                let how = *how;
                if *lasting == Lasting::Once {
                    self.fault = None;
                }
                self.failed += 1;
                Some(how)
            }
            Some((left, ..)) => {
                *left -= 1;
                None
            }
            None => None,
        };
        if failure.is_none() {
            let anchor = std::fs::read(folder.join("audit.head")).ok();
            self.steps.push(Step { path, act, anchor });
        }
        failure
    }
}

/// The methods of a file of ours, and those of the real one behind them.
#[repr(C)]
struct Methods {
    ours: ffi::sqlite3_io_methods,
    real: *const ffi::sqlite3_io_methods,
}

fn install() {
    // SAFETY: SQLite hands out its default VFS, which lives as long as the process; ours is a copy of it that is
    // leaked and so lives as long. Only `xOpen` differs, and it calls the real one with the real VFS.
    unsafe {
        let real = ffi::sqlite3_vfs_find(std::ptr::null());
        let mut ours = *real;
        ours.zName = c"watched".as_ptr();
        ours.pNext = std::ptr::null_mut();
        ours.xOpen = Some(open);
        assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(ours)), 1), ffi::SQLITE_OK);
    }
}

unsafe extern "C" fn open(
    _vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: the arguments are SQLite's and go on to the VFS that this one is a copy of; `name` is null or a string
    // that lives as long as the file; `file` has the size the real VFS asked for, and once it is open its methods
    // are exchanged for ours, which expect nothing else of it than the real ones do.
    unsafe {
        let real = ffi::sqlite3_vfs_find(c"unix".as_ptr());
        let code = ((*real).xOpen.expect("every VFS opens"))(real, name, file, flags, out_flags);
        if code == ffi::SQLITE_OK && !name.is_null() {
            let path = PathBuf::from(CStr::from_ptr(name).to_str().expect("paths of tests are UTF-8"));
            with_disk(|disk| disk.paths.insert(file.addr(), path));
            (*file).pMethods = patched((*file).pMethods);
        }
        code
    }
}

/// Our methods over `real`.
unsafe fn patched(real: *const ffi::sqlite3_io_methods) -> *const ffi::sqlite3_io_methods {
    // SAFETY: `real` is a table of the VFS, which lives as long as the process. Ours is leaked: there are two.
    let mut ours = unsafe { *real };
    ours.xWrite = Some(write);
    ours.xTruncate = Some(truncate);
    ours.xSync = Some(sync);
    ours.xClose = Some(close);
    // Without these SQLite reads and writes through the methods above only.
    ours.iVersion = 2;
    let methods: &'static Methods = Box::leak(Box::new(Methods { ours, real }));
    &raw const methods.ours
}

/// The real methods of a file that [`open`] opened.
unsafe fn real(file: *mut ffi::sqlite3_file) -> &'static ffi::sqlite3_io_methods {
    // SAFETY: `open` gave the file methods that are the first field of a leaked `Methods`.
    unsafe { &*(*(*file).pMethods.cast::<Methods>()).real }
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, bytes: *const c_void, length: c_int, offset: i64) -> c_int {
    // SAFETY: SQLite gives `length` readable bytes; the rest as in `open`.
    unsafe {
        let real = real(file).xWrite.expect("every file is written");
        let written = std::slice::from_raw_parts(bytes.cast::<u8>(), usize::try_from(length).unwrap_or_default());
        let act = Act::Write { offset: usize::try_from(offset).unwrap_or_default(), bytes: written.to_vec() };
        match with_disk(|disk| disk.act(file, act)) {
            None => real(file, bytes, length, offset),
            Some(failure) => {
                // What a disk that runs full leaves: the first half.
                real(file, bytes, length / 2, offset);
                code(failure, ffi::SQLITE_IOERR_WRITE)
            }
        }
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    match with_disk(|disk| disk.act(file, Act::Truncate(usize::try_from(size).unwrap_or_default()))) {
        // SAFETY: as in `open`.
        None => unsafe { (real(file).xTruncate.expect("every file is truncated"))(file, size) },
        Some(failure) => code(failure, ffi::SQLITE_IOERR_TRUNCATE),
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    match with_disk(|disk| disk.act(file, Act::Sync)) {
        // SAFETY: as in `open`.
        None => unsafe { (real(file).xSync.expect("every file is synced"))(file, flags) },
        Some(failure) => code(failure, ffi::SQLITE_IOERR_FSYNC),
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    with_disk(|disk| disk.paths.remove(&file.addr()));
    // SAFETY: as in `open`.
    unsafe { (real(file).xClose.expect("every file is closed"))(file) }
}

fn code(failure: Failure, io: c_int) -> c_int {
    match failure {
        Failure::Full => ffi::SQLITE_FULL,
        Failure::ReadOnly => ffi::SQLITE_READONLY,
        Failure::Io => io,
    }
}
