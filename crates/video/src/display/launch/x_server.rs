//! Xwayland under the application's user.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::{
            fs::{OpenOptionsExt as _, PermissionsExt as _},
            process::CommandExt as _,
        },
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, bind, listen, socket_with},
};

/// An X server. It lets in processes of its own user alone: so it decides without a file of cookies.
#[derive(Debug)]
pub(super) struct XServer {
    child: Child,
    display: Display,
}

impl XServer {
    /// Starts it on the descriptors for Wayland, window manager and display number. This process must have one thread.
    pub(super) fn start(files: &[OwnedFd]) -> io::Result<Self> {
        let [wayland, manager, ready] = files else { return Err(rustix::io::Errno::INVAL.into()) };
        let (display, listener) = Display::claim()?;
        for file in [wayland, manager, ready, &listener] {
            // Nothing else is started meanwhile that could inherit them.
            fcntl_setfd(file, FdFlags::empty())?;
        }
        let text = |file: &OwnedFd| file.as_raw_fd().to_string();
        let child = Command::new("Xwayland")
            .arg(format!(":{}", display.number))
            .args(["-rootless", "-terminate", "-wm", &text(manager), "-displayfd", &text(ready)])
            .args(["-listenfd", &text(&listener)])
            .env("WAYLAND_SOCKET", text(wayland))
            .env_remove("NOTIFY_SOCKET")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        Ok(Self { child, display })
    }

    /// The number of its display.
    pub(super) fn number(&self) -> u32 {
        self.display.number
    }
}

impl Drop for XServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The claim to a number. Dropping it gives the number back.
#[derive(Debug)]
struct Display {
    number: u32,
    lock: PathBuf,
    socket: PathBuf,
}

impl Display {
    /// Takes the first number that nobody has, and listens there.
    fn claim() -> io::Result<(Self, OwnedFd)> {
        match fs::create_dir(SOCKETS) {
            // Everybody may put a socket there, nobody may take away another's.
            Ok(()) => fs::set_permissions(SOCKETS, Permissions::from_mode(0o1777))?,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
        let claimed = (0..=LAST_DISPLAY).find_map(|number| {
            let display = Self::lock(number).ok()?;
            // Taken by a server that made no lock: on to the next.
            let listener = display.listen().ok()?;
            Some((display, listener))
        });
        claimed.ok_or_else(|| rustix::io::Errno::ADDRINUSE.into())
    }

    fn lock(number: u32) -> io::Result<Self> {
        let lock = PathBuf::from(format!("/tmp/.X{number}-lock"));
        let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o444).open(&lock)?;
        let display = Self { number, lock, socket: Path::new(SOCKETS).join(format!("X{number}")) };
        file.write_all(format!("{:>10}\n", std::process::id()).as_bytes())?;
        Ok(display)
    }

    fn listen(&self) -> io::Result<OwnedFd> {
        let listener = socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
        bind(&listener, &SocketAddrUnix::new(&self.socket)?)?;
        listen(&listener, 128)?;
        Ok(listener)
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        // Only tidiness: both lie in a directory of temporary files that goes with the service.
        let _ = fs::remove_file(&self.socket);
        let _ = fs::remove_file(&self.lock);
    }
}

const SOCKETS: &str = "/tmp/.X11-unix";
/// The highest number to try.
const LAST_DISPLAY: u32 = 32;
