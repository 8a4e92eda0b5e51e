//! Brings files of an update into a folder: from the network by `curl`, or from a folder of this machine (a stick). What
//! comes is not trusted: names are checked, lengths bounded, and nothing is believed until its signature or digest is.

use std::{
    fs::{self, File},
    io::{self, Read, Write as _},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    model::{UpdateRefusal, UpdateRefusalCode as Code},
    places::{self, Places},
    sums::is_plain_name,
};

/// Where files come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A folder on the network.
    Url(String),
    /// A folder of this machine.
    Folder(PathBuf),
}

impl Source {
    /// What the configuration says.
    pub fn new(text: &str) -> Self {
        if places::is_url(text) { Self::Url(text.trim_end_matches('/').to_owned()) } else { Self::Folder(text.into()) }
    }

    /// Puts the file `name` into `folder`, in place of one that is there.
    ///
    /// # Errors
    /// There is none, the source does not answer, it is longer than `limit` bytes, or it cannot be written.
    pub fn fetch(&self, places: &Places, folder: &Path, name: &str, limit: u64) -> Result<(), UpdateRefusal> {
        match self {
            Self::Url(base) => download(places, &format!("{base}/{name}"), &mut Receiver::new(folder, name, limit)?),
            Self::Folder(from) => {
                let from = from.join(name);
                let mut file = File::open(&from).map_err(|error| {
                    let what = format!("{} cannot be read: {error}; is the stick or folder there?", from.display());
                    UpdateRefusal::new(Code::Unreachable, what)
                })?;
                let mut to = Receiver::new(folder, name, limit)?;
                to.take(&mut file)?;
                to.finish()
            }
        }
    }
}

/// A file that is being written.
#[derive(Debug)]
pub struct Receiver {
    path: PathBuf,
    part: PathBuf,
    file: File,
    left: u64,
}

impl Receiver {
    /// Begins the file `name` in `folder`, which gets `limit` bytes at most.
    ///
    /// # Errors
    /// The name leads elsewhere, there is no room, or it cannot be written.
    pub fn new(folder: &Path, name: &str, limit: u64) -> Result<Self, UpdateRefusal> {
        if !is_plain_name(name) {
            return Err(UpdateRefusal::new(
                Code::BadRequest,
                "this is no file of an update: its name has other letters",
            ));
        }
        fs::create_dir_all(folder).map_err(|error| not_written(folder, &error))?;
        let part = folder.join(format!(".{name}.part"));
        let file = File::create(&part).map_err(|error| not_written(&part, &error))?;
        Ok(Self { path: folder.join(name), part, file, left: limit })
    }

    /// Writes what `from` has until its end.
    ///
    /// # Errors
    /// It is too long, breaks off, or the disk refuses.
    pub fn take(&mut self, from: &mut impl Read) -> Result<u64, UpdateRefusal> {
        let (mut piece, mut taken) = (vec![0; 1 << 18], 0);
        loop {
            let count = from.read(&mut piece).map_err(|error| {
                UpdateRefusal::new(Code::Unreachable, format!("{} broke off: {error}", self.path.display()))
            })?;
            if count == 0 {
                return Ok(taken);
            }
            taken += count as u64;
            if taken > self.left {
                let what = format!("{} is longer than {} bytes, which no update is", self.path.display(), self.left);
                return Err(UpdateRefusal::new(Code::Damaged, what));
            }
            self.file.write_all(&piece[..count]).map_err(|error| not_written(&self.path, &error))?;
        }
    }

    /// The file is whole.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn finish(&self) -> Result<(), UpdateRefusal> {
        let done = self.file.sync_all().and_then(|()| fs::rename(&self.part, &self.path));
        done.map_err(|error| not_written(&self.path, &error))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        // A file that was finished has another name by now.
        let _ = fs::remove_file(&self.part);
    }
}

fn not_written(path: &Path, error: &io::Error) -> UpdateRefusal {
    let code = if error.kind() == io::ErrorKind::StorageFull { Code::NoSpace } else { Code::Machine };
    UpdateRefusal::new(code, format!("{} cannot be written: {error}; make room on its disk", path.display()))
}

/// curl writes into a pipe and runs as nobody, where we are root: what comes over the network is parsed by a process that
/// can read and write nothing here.
fn download(places: &Places, url: &str, to: &mut Receiver) -> Result<(), UpdateRefusal> {
    let mut command = Command::new(&places.curl);
    command
        .args(["--proto", "=https,http", "--proto-redir", "=https,http", "--location", "--max-redirs", "5"])
        .args(["--fail", "--silent", "--show-error", "--connect-timeout", "15"])
        // Slower than 1 kB/s for a minute: it has stopped.
        .args(["--speed-limit", "1000", "--speed-time", "60", "--", url])
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if rustix::process::geteuid().is_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    let failed = |what: String| UpdateRefusal::new(Code::Unreachable, what);
    let mut child = command
        .spawn()
        .map_err(|error| UpdateRefusal::new(Code::Machine, format!("{}: {error}", places.curl.display())))?;
    let taken = child.stdout.take().map_or(Ok(0), |mut body| to.take(&mut body));
    if taken.is_err() {
        let _ = child.kill();
    }
    let output = child.wait_with_output().map_err(|error| failed(format!("curl: {error}")))?;
    taken?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.lines().last().unwrap_or("no reason given").chars().take(200).collect::<String>();
        let what = format!("{url} cannot be fetched ({said}): check the machine's network, or the source's address");
        return Err(failed(what));
    }
    to.finish()
}

const NOBODY: u32 = 65_534;
