//! Child processes that do not outlive the session, whatever happens to it.

use std::{
    fs, io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::{
            ffi::OsStrExt as _,
            process::{CommandExt as _, ExitStatusExt as _},
        },
    },
    path::Path,
    process::{Child, Command, ExitStatus},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open, pidfd_send_signal},
};

use super::user::User;

/// A child that leads its own process group. Dropping it ends the group.
#[derive(Debug)]
pub(super) struct Group {
    child: Child,
    leader: Pid,
    watch: OwnedFd,
}

impl Group {
    /// Starts `command` as `user`. The calling thread has to live as long as the child: the kernel kills the child
    /// when that thread ends, so that not even a killed host leaves it behind.
    pub(super) fn start(mut command: Command, user: Option<User>) -> io::Result<Self> {
        command.process_group(0);
        if let Some(User { uid, gid }) = user {
            command.uid(uid).gid(gid);
        }
        // SAFETY: between fork and exec only async-signal-safe calls are allowed; prctl is a bare system call. It
        // comes after the change of user, which would clear what it sets.
        unsafe {
            command.pre_exec(|| Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?));
        }
        let child = command.spawn()?;
        let leader = Pid::from_child(&child);
        let watch = pidfd_open(leader, PidfdFlags::empty())?;
        Ok(Self { child, leader, watch })
    }

    /// A descriptor that becomes readable when the leader exits.
    pub(super) fn watch(&self) -> BorrowedFd<'_> {
        self.watch.as_fd()
    }

    /// How the leader ended; waits for it.
    pub(super) fn wait(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }
}

/// What is left of a group after its leader gets this long between SIGTERM and SIGKILL.
const LAST_WORDS: Duration = Duration::from_millis(300);

impl Drop for Group {
    fn drop(&mut self) {
        // As long as the leader is not reaped its number names this group and no other. A group that is gone
        // already is what was asked for.
        let _ = kill_process_group(self.leader, Signal::TERM);
        let mut watch = [PollFd::new(&self.watch, PollFlags::IN)];
        let patience = Timespec { tv_sec: 0, tv_nsec: LAST_WORDS.subsec_nanos().into() };
        let _ = poll(&mut watch, Some(&patience));
        let _ = kill_process_group(self.leader, Signal::KILL);
        let _ = self.child.wait();
    }
}

/// How a process ended, for the client and the log.
pub(super) fn describe(who: &str, status: io::Result<ExitStatus>) -> String {
    match status.as_ref().map(|status| (status.code(), status.signal())) {
        Ok((Some(code), _)) => format!("{who} exited with status {code}"),
        Ok((None, Some(signal))) => format!("{who} was ended by signal {signal}"),
        Ok((None, None)) | Err(_) => format!("{who} ended"),
    }
}

/// Kills every process that was started with `runtime_dir` as its `XDG_RUNTIME_DIR`: what left its process group to
/// live on in the background.
pub(super) fn sweep(runtime_dir: &Path) {
    let mark = [b"XDG_RUNTIME_DIR=", runtime_dir.as_os_str().as_bytes()].concat();
    // What is killed may have been about to fork: look again until nothing is found, but not for ever.
    for _ in 0..8 {
        if fs::read_dir("/proc").into_iter().flatten().flatten().filter(|entry| kill_marked(entry, &mark)).count() == 0
        {
            return;
        }
    }
    tracing::warn!(path = %runtime_dir.display(), "processes of an ended session keep starting new ones");
}

/// Whether the process bears the mark and was still alive to be killed.
fn kill_marked(entry: &fs::DirEntry, mark: &[u8]) -> bool {
    let number = entry.file_name().to_str().and_then(|name| name.parse().ok()).and_then(Pid::from_raw);
    let Some(process) = number.and_then(|number| pidfd_open(number, PidfdFlags::empty()).ok()) else { return false };
    // Read after the process is held by its descriptor: a number that was reused meanwhile bears no mark.
    let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
    let marked = environment.split(|&byte| byte == 0).any(|variable| variable == mark);
    marked && pidfd_send_signal(process, Signal::KILL).is_ok()
}
