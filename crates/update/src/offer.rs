//! Whether a folder of files is an update for this machine: signed by a key it trusts, whole, of its image, newer.
//!
//! The signature is checked here, by `gpgv`, and not left to `systemd-sysupdate`, which verifies only what it downloads
//! itself: files that somebody brings have to pass the same gate, and who is at fault has to be said. Nothing of an update
//! is read before its list is known to be signed, and no file of it before its digest is known to be right.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sha2::{Digest as _, Sha256};

use crate::{
    machine::Machine,
    model::{UpdateRefusal, UpdateRefusalCode as Code},
    places::Places,
    sums::{self, Contents, Digest, Listed},
};

/// A list whose signature is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed {
    /// The OpenPGP fingerprint of the key.
    pub by: String,
    /// The newest update of our image in it.
    pub contents: Contents,
}

/// Checks the signature of the list in `folder` and finds the newest update of this machine's image in it.
///
/// # Errors
/// Not signed by a trusted key, no list, or a list of something else.
pub fn signed(places: &Places, machine: &Machine, folder: &Path) -> Result<Signed, UpdateRefusal> {
    let list = folder.join(sums::SUMS);
    let unsigned = |what: &str| {
        let message = format!(
            "{what}: whoever offers this update is not who made this system, or the files were changed; nothing was \
             installed. Get the update from where the image came from"
        );
        UpdateRefusal::new(Code::Unsigned, message)
    };
    if !list.exists() {
        return Err(UpdateRefusal::new(Code::Damaged, missing(sums::SUMS)));
    }
    if !folder.join(sums::SIGNATURE).exists() {
        return Err(unsigned("the update has no signature (SHA256SUMS.gpg)"));
    }
    let by = verify(places, folder).map_err(|fault| match fault {
        NoSignature::Wrong => unsigned("the signature of the update is not right"),
        NoSignature::Unknown => unsigned("the update is signed by a key that this system does not know"),
        NoSignature::Machine(fault) => UpdateRefusal::new(Code::Machine, fault),
    })?;
    let text = fs::read_to_string(&list).map_err(|error| unreadable(&list, &error))?;
    let listed = sums::parse(&text).map_err(|fault| {
        UpdateRefusal::new(Code::Damaged, format!("{} is signed, but {fault}: its maker has to mend it", sums::SUMS))
    })?;
    let contents = sums::newest(&listed, &machine.image).ok_or_else(|| {
        let found = listed.iter().map(|file| file.name.as_str()).find(|name| name.ends_with(".efi"));
        let found = found.map_or_else(|| "no system".to_owned(), |name| format!("{name:?}"));
        let image = &machine.image;
        let message = format!("this is no update for {image}: it holds {found}; name a source that has {image}");
        UpdateRefusal::new(Code::WrongImage, message)
    })?;
    Ok(Signed { by, contents })
}

/// Whether the update is newer than what runs.
///
/// # Errors
/// It is older: a signature does not make that right.
pub fn is_newer(machine: &Machine, contents: &Contents) -> Result<bool, UpdateRefusal> {
    let (running, offered) = (&machine.running, &contents.version);
    if offered < running {
        let message = format!(
            "version {offered} is offered, which is older than {running}, which runs: older versions are not installed. \
             Whoever offers it is behind, or wants faults back that were mended"
        );
        return Err(UpdateRefusal::new(Code::Older, message));
    }
    Ok(offered > running)
}

/// Whether `folder` holds this file as it is listed.
///
/// # Errors
/// It is missing, cut off or changed.
pub fn check(folder: &Path, file: &Listed) -> Result<(), UpdateRefusal> {
    let path = folder.join(&file.name);
    let found = match digest(&path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(UpdateRefusal::new(Code::Damaged, missing(&file.name)));
        }
        Err(error) => return Err(unreadable(&path, &error)),
    };
    if found == file.digest {
        return Ok(());
    }
    let bytes = fs::metadata(&path).map_or(0, |found| found.len());
    let message = format!(
        "{} ({bytes} bytes) is not what its maker signed: it was cut off or changed on its way; nothing was installed. \
         Fetch it again, from another place if it stays so",
        file.name
    );
    Err(UpdateRefusal::new(Code::Damaged, message))
}

fn missing(name: &str) -> String {
    format!("{name} is missing: the update is not complete; bring or fetch all of its files")
}

fn unreadable(path: &Path, error: &io::Error) -> UpdateRefusal {
    UpdateRefusal::new(Code::Machine, format!("{} cannot be read: {error}", path.display()))
}

fn digest(path: &Path) -> io::Result<Digest> {
    let mut file = File::open(path)?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Digest(hash.finalize().into())),
            count => hash.update(&piece[..count]),
        }
    }
}

enum NoSignature {
    Wrong,
    Unknown,
    Machine(String),
}

/// The key's fingerprint, if the signature is right and the keyring has the key.
fn verify(places: &Places, folder: &Path) -> Result<String, NoSignature> {
    let Places { gpgv, keyring, .. } = places;
    if !keyring.exists() {
        let fault = format!("{}, the keys that may sign updates, is missing: reinstall the image", keyring.display());
        return Err(NoSignature::Machine(fault));
    }
    let files: [PathBuf; 2] = [folder.join(sums::SIGNATURE), folder.join(sums::SUMS)];
    let output = Command::new(gpgv)
        .args(["--status-fd", "1", "--keyring"])
        .arg(keyring)
        .args(files)
        .env_clear()
        .env("HOME", &places.state_dir)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| NoSignature::Machine(format!("{} cannot be started: {error}", gpgv.display())))?;
    let status = String::from_utf8_lossy(&output.stdout);
    let told = |word: &str| status.lines().find_map(|line| line.strip_prefix("[GNUPG:] ")?.strip_prefix(word));
    // An expired or revoked key gives no GOODSIG; gpgv's exit code covers several signatures of which one is bad.
    let valid = told("VALIDSIG ").filter(|_| output.status.success() && told("GOODSIG ").is_some());
    match valid {
        Some(rest) => Ok(rest.split(' ').next().unwrap_or_default().to_owned()),
        None if told("NO_PUBKEY ").is_some() => Err(NoSignature::Unknown),
        None => Err(NoSignature::Wrong),
    }
}
