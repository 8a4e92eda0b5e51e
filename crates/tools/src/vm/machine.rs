//! A virtual machine with UEFI firmware, without acceleration: it runs wherever QEMU does.

use std::{
    cell::Cell,
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};

use super::{entries::Entry, shell::Shell};

/// A machine with the image on its disk, switched off.
pub(crate) struct Machine {
    dir: PathBuf,
    /// Where its ports are forwarded to: one of the sixteen million addresses of loopback.
    address: Ipv4Addr,
    starts: Cell<u32>,
    loader: Loader,
}

/// What starts the system on the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loader {
    /// UEFI firmware, and the boot loader on the disk.
    Firmware,
    /// QEMU itself, which is given what the newest boot entry of the deployments on the disk says. When the system restarts,
    /// QEMU ends.
    Entries,
}

/// What a start is given beside the machine itself.
#[derive(Default)]
pub(crate) struct Start {
    /// Look at the system from inside once it is up; where there are deployments, [`Running::shell`] can at any time.
    pub(crate) looked_at: bool,
}

/// A machine that is switched on; dropped, its power is cut.
pub(crate) struct Running {
    qemu: Child,
    monitor: PathBuf,
    serial: PathBuf,
    inside: PathBuf,
    since: Instant,
    address: Ipv4Addr,
}

impl Machine {
    /// A machine whose disk is a copy of `image`, with room for what it makes at its first start.
    pub(crate) fn flash(image: &Path, dir: &Path) -> Result<Self> {
        let disk = dir.join("disk.raw");
        fs::copy(image, &disk).with_context(|| format!("copying {}", image.display()))?;
        File::options().write(true).open(&disk)?.set_len(DISK)?;
        fs::copy(FIRMWARE_VARIABLES, dir.join("variables.fd"))
            .with_context(|| format!("{FIRMWARE_VARIABLES}: crates/tools/scripts/setup.sh vm installs it"))?;
        Ok(Self::new(dir, Loader::Firmware))
    }

    /// A machine whose disk is a copy of `disk`: a file system with an ostree deployment.
    pub(crate) fn deployed(disk: &Path, dir: &Path) -> Result<Self> {
        // A file with holes, which stay.
        let copied = Command::new("cp").arg("--sparse=always").arg(disk).arg(dir.join("disk.raw")).status()?;
        ensure!(copied.success(), "{} cannot be copied", disk.display());
        Ok(Self::new(dir, Loader::Entries))
    }

    fn new(dir: &Path, loader: Loader) -> Self {
        let id = std::process::id();
        let address = Ipv4Addr::new(127, 6, (id >> 8) as u8, id as u8);
        Self { dir: dir.to_owned(), address, starts: Cell::new(0), loader }
    }

    /// Where it writes its logs and pictures.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Its disk becomes larger, as when it is moved to another one.
    pub(crate) fn grow(&self, bytes: u64) -> Result<()> {
        let disk = File::options().write(true).open(self.dir.join("disk.raw"))?;
        Ok(disk.set_len(disk.metadata()?.len() + bytes)?)
    }

    /// Switches it on.
    pub(crate) fn start(&self, start: &Start) -> Result<Running> {
        let number = self.starts.get() + 1;
        self.starts.set(number);
        let file = |name: &str| self.dir.join(format!("{number:02}-{name}"));
        let (serial, inside) = (file("serial.log"), file("inside.log"));
        let monitor = self.dir.join("monitor.sock");
        let _ = fs::remove_file(&monitor);
        let (inside_device, loads) = match self.loader {
            Loader::Firmware => {
                let looks = if start.looked_at { look_from_inside() } else { Vec::new() };
                (format!("file:{}", inside.display()), [self.firmware(), looks].concat())
            }
            Loader::Entries => (format!("unix:{},server=on,wait=off", inside.display()), self.newest_entry()?),
        };
        let qemu = Command::new("qemu-system-x86_64")
            .args(self.arguments(&serial, &inside_device, &monitor))
            .args(loads)
            .stdin(Stdio::null())
            .stderr(File::create(file("qemu.log"))?)
            .spawn()
            .context("qemu-system-x86_64: crates/tools/scripts/setup.sh vm installs it")?;
        Ok(Running { qemu, monitor, serial, inside, since: Instant::now(), address: self.address })
    }

    fn firmware(&self) -> Vec<String> {
        let dir = self.dir.display();
        [
            "-drive",
            &format!("if=pflash,format=raw,readonly=on,file={FIRMWARE}"),
            "-drive",
            &format!("if=pflash,format=raw,file={dir}/variables.fd"),
            // What slows a processor that is emulated, and protects nothing there.
            "-smbios",
            "type=11,value=io.systemd.stub.kernel-cmdline-extra=mitigations=off",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    fn newest_entry(&self) -> Result<Vec<String>> {
        let Entry { kernel, initrd, arguments } = Entry::newest(&self.dir.join("disk.raw"), &self.dir)?;
        let (kernel, initrd) = (kernel.display().to_string(), initrd.display().to_string());
        let arguments = format!("{arguments} mitigations=off");
        let loads = ["-no-reboot", "-kernel", &kernel, "-initrd", &initrd, "-append", &arguments].map(str::to_owned);
        Ok([loads.to_vec(), shell_inside()].concat())
    }

    fn arguments(&self, serial: &Path, inside: &str, monitor: &Path) -> Vec<String> {
        let at = self.address;
        let forwarded: String = [("tcp", CONSOLE), ("udp", CONTROL)]
            .into_iter()
            .chain((0..4).map(|n| ("udp", MEDIA + n)))
            .map(|(kind, port)| format!(",hostfwd={kind}:{at}:{port}-:{port}"))
            .collect();
        let dir = self.dir.display();
        [
            "-accel",
            "tcg,thread=multi",
            "-cpu",
            "Nehalem",
            "-machine",
            "q35,smm=off",
            "-m",
            "2048",
            "-smp",
            "2",
            "-nodefaults",
            "-display",
            "none",
            "-vga",
            "std",
            "-device",
            "virtio-rng-pci",
            "-device",
            "virtio-net-pci,netdev=n0",
            "-netdev",
            &format!("user,id=n0{forwarded}"),
            "-drive",
            &format!("if=virtio,format=raw,cache=unsafe,file={dir}/disk.raw"),
            "-serial",
            &format!("file:{}", serial.display()),
            "-serial",
            inside,
            "-monitor",
            &format!("unix:{},server=on,wait=off", monitor.display()),
        ]
        .map(str::to_owned)
        .to_vec()
    }
}

/// A unit that looks at the system, handed over by the firmware: the image knows nothing of it.
fn look_from_inside() -> Vec<String> {
    credentials([
        ("systemd.extra-unit.trial.service", include_str!("../../vm/trial.service")),
        ("systemd.unit-dropin.multi-user.target", "[Unit]\nWants=trial.service\n"),
        ("trial.sh", include_str!("../../vm/trial.sh")),
    ])
}

/// Likewise one that does what [`Running::ask`] says.
fn shell_inside() -> Vec<String> {
    credentials([
        ("systemd.extra-unit.shell.service", include_str!("../../vm/shell.service")),
        ("systemd.unit-dropin.multi-user.target", "[Unit]\nWants=shell.service\n"),
        ("shell.sh", include_str!("../../vm/shell.sh")),
    ])
}

fn credentials(credentials: [(&str, &str); 3]) -> Vec<String> {
    credentials
        .into_iter()
        .flat_map(|(name, text)| {
            let value = base64(text.as_bytes());
            ["-smbios".to_owned(), format!("type=11,value=io.systemd.credential.binary:{name}={value}")]
        })
        .collect()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let letters = |chunk: &[u8]| {
        let bits = (0..3).fold(0_u32, |bits, n| bits << 8 | u32::from(chunk.get(n).copied().unwrap_or(0)));
        let letter = |n: usize| LETTERS[(bits >> (18 - 6 * n) & 63) as usize] as char;
        (0..4).map(|n| if n <= chunk.len() { letter(n) } else { '=' }).collect::<String>()
    };
    bytes.chunks(3).map(letters).collect()
}

impl Running {
    /// Since it was switched on.
    pub(crate) fn age(&self) -> Duration {
        self.since.elapsed()
    }

    /// Where its console is reached.
    pub(crate) fn console(&self) -> SocketAddr {
        SocketAddrV4::new(self.address, CONSOLE).into()
    }

    /// Where clients reach it.
    pub(crate) fn control(&self) -> SocketAddr {
        SocketAddrV4::new(self.address, CONTROL).into()
    }

    /// All that the serial port showed so far, without what steers a terminal.
    pub(crate) fn shown(&self) -> String {
        plain(&fs::read(&self.serial).unwrap_or_default())
    }

    /// Waits until `found` finds something in what the serial port shows.
    pub(crate) fn await_shown<T>(&mut self, what: &str, found: impl Fn(&str) -> Option<T>) -> Result<T> {
        let serial = self.serial.clone();
        self.wait(what, || found(&plain(&fs::read(&serial).unwrap_or_default())))
    }

    /// What the look from inside said, once it is through.
    pub(crate) fn await_look(&mut self) -> Result<String> {
        let inside = self.inside.clone();
        self.wait("the look from inside", || {
            let said = plain(&fs::read(&inside).unwrap_or_default());
            said.contains("trial done").then_some(said)
        })
    }

    fn wait<T>(&mut self, what: &str, mut found: impl FnMut() -> Option<T>) -> Result<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = found() {
                return Ok(found);
            }
            if let Some(status) = self.qemu.try_wait()? {
                bail!("QEMU ended with {status} while waiting for {what}");
            }
            if Instant::now() > deadline {
                let shown = self.shown();
                let tail: Vec<&str> = shown.lines().rev().take(15).collect();
                bail!(
                    "{what} did not come within {PATIENCE:?}; the serial port ends with (last line first):\n{}",
                    tail.join("\n")
                );
            }
            sleep(POLL);
        }
    }

    /// Somebody inside, in a machine with deployments.
    pub(crate) fn shell(&self) -> Result<Shell> {
        Shell::over(self.connect(&self.inside).context("the second serial port")?)
    }

    /// Waits until it has switched itself off, or wants to start anew.
    pub(crate) fn await_end(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while self.qemu.try_wait()?.is_none() {
            ensure!(Instant::now() < deadline, "it did not switch itself off within {PATIENCE:?}");
            sleep(POLL);
        }
        Ok(())
    }

    /// Gives the monitor a command.
    pub(crate) fn order(&self, command: &str) -> Result<()> {
        let mut stream = self.connect(&self.monitor).context("QEMU's monitor")?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        writeln!(stream, "{command}")?;
        // The prompt after the echo says that it was carried out.
        let mut lines = BufReader::new(stream);
        let (mut said, mut prompts) = (Vec::new(), 0);
        while prompts < 2 && lines.read_until(b')', &mut said)? > 0 {
            prompts += usize::from(said.ends_with(b"(qemu)"));
        }
        Ok(())
    }

    /// A moment after the start a socket of QEMU's is there.
    fn connect(&self, socket: &Path) -> std::io::Result<UnixStream> {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            match UnixStream::connect(socket) {
                Err(_) if Instant::now() < deadline => sleep(POLL),
                connected => return connected,
            }
        }
    }

    /// Keeps what the screen shows.
    pub(crate) fn photograph(&self, file: &Path) -> Result<()> {
        self.order(&format!("screendump {} -f png", file.display()))
    }

    /// Presses the power button and waits until it is off.
    pub(crate) fn shut_down(mut self) -> Result<()> {
        self.order("system_powerdown")?;
        self.await_end()
    }

    /// Pulls the plug.
    pub(crate) fn cut(self) {}

    /// Pulls the plug, for whoever goes on to start it again.
    pub(crate) fn lose_power(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lose_power();
    }
}

/// Text without escape sequences and carriage returns.
fn plain(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut plain = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\x1b' => skip_sequence(&mut letters),
            '\r' => {}
            other => plain.push(other),
        }
    }
    plain
}

/// `[…letter`, or one letter.
fn skip_sequence(letters: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if letters.next() == Some('[') {
        while letters.next().is_some_and(|letter| !letter.is_ascii_alphabetic()) {}
    }
}

/// Debian's package `ovmf`.
const FIRMWARE: &str = "/usr/share/OVMF/OVMF_CODE_4M.fd";
const FIRMWARE_VARIABLES: &str = "/usr/share/OVMF/OVMF_VARS_4M.fd";
/// Room for both slots and some state.
const DISK: u64 = 6 << 30;
/// A quiet boot takes about a minute, one beside other builds three.
const PATIENCE: Duration = Duration::from_secs(400);
const POLL: Duration = Duration::from_millis(100);
/// The ports of the image.
const CONSOLE: u16 = 47_990;
const CONTROL: u16 = 9_777;
const MEDIA: u16 = 9_778;

#[cfg(test)]
mod tests {
    use super::{base64, plain};

    #[test]
    fn what_steers_a_terminal_is_no_text() {
        assert_eq!(plain(b"\x1b[H\x1b[2Ja\r\n\x1b[0;1mb\x1b[0m"), "a\nb");
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        let known =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
        for (bytes, text) in known {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }
}
