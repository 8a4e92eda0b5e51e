//! Pictures of the library: files of one folder, and nothing that is no picture.

use std::{
    fs::File,
    io::Read as _,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::Path,
};

/// A picture.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Picture {
    /// By its first bytes.
    pub(crate) media_type: &'static str,
    /// The file.
    pub(crate) bytes: Vec<u8>,
}

/// Why there is no picture. For the log: who asks learns only that there is none.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoPicture {
    /// The name is more than the name of a file.
    #[error("it was asked for by something that is no plain file name")]
    Name,
    /// It leads out of the folder, or is no file.
    #[error("{0:?} is no file of the folder of pictures")]
    Outside(String),
    /// It is larger than a picture may be.
    #[error("{0:?} is larger than 8 MiB")]
    TooLarge(String),
    /// It is no PNG, JPEG or WebP, whatever its name says.
    #[error("{0:?} is no PNG, JPEG or WebP")]
    Kind(String),
    /// The disk.
    #[error("a picture could not be read: {0}")]
    Disk(#[from] std::io::Error),
}

/// The picture `name` of `folder`. The file that was checked is the file that is read: links are followed once,
/// before.
///
/// # Errors
/// There is none that may be shown.
pub(crate) fn read(folder: &Path, name: &str) -> Result<Picture, NoPicture> {
    if !is_plain_name(name) {
        return Err(NoPicture::Name);
    }
    let folder = folder.canonicalize()?;
    let path = folder.join(name).canonicalize()?;
    let outside = || NoPicture::Outside(name.to_owned());
    if path.parent() != Some(&folder) {
        return Err(outside());
    }
    // Neither a link that took its place meanwhile is followed nor a pipe waited for.
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = File::options().read(true).custom_flags(flags).open(&path)?;
    let metadata = file.metadata()?;
    // A second name of the file may be one outside of the folder.
    if !metadata.is_file() || metadata.nlink() != 1 {
        return Err(outside());
    }
    let mut bytes = Vec::new();
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(NoPicture::TooLarge(name.to_owned()));
    }
    let media_type = media_type(&bytes).ok_or_else(|| NoPicture::Kind(name.to_owned()))?;
    Ok(Picture { media_type, bytes })
}

fn is_plain_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=MAX_NAME).contains(&name.len()) && !name.starts_with('.') && name.chars().all(allowed)
}

fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => None,
    }
}

/// The largest picture, in bytes.
const MAX_BYTES: u64 = 8 << 20;
/// The longest name, in bytes.
const MAX_NAME: usize = 128;

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::read;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

    #[test]
    fn a_picture_is_known_by_its_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.jpg"), PNG).unwrap();
        let picture = read(folder.path(), "a.jpg").unwrap();
        assert_eq!((picture.media_type, picture.bytes.as_slice()), ("image/png", PNG));
        fs::write(folder.path().join("a.webp"), b"RIFF\0\0\0\0WEBPVP8 ").unwrap();
        assert_eq!(read(folder.path(), "a.webp").unwrap().media_type, "image/webp");
    }

    #[test]
    fn nothing_but_pictures_of_the_folder_is_read() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("art");
        fs::create_dir(&folder).unwrap();
        fs::write(root.path().join("outside.png"), PNG).unwrap();
        fs::write(folder.join("key.png"), "-----BEGIN PRIVATE KEY-----").unwrap();
        fs::write(folder.join("empty.png"), "").unwrap();
        fs::write(folder.join(".hidden.png"), PNG).unwrap();
        fs::create_dir(folder.join("folder.png")).unwrap();
        symlink(root.path().join("outside.png"), folder.join("link.png")).unwrap();
        fs::hard_link(root.path().join("outside.png"), folder.join("hard.png")).unwrap();
        symlink("/dev/zero", folder.join("zero.png")).unwrap();
        let mut big = PNG.to_vec();
        big.resize(9 << 20, 0);
        fs::write(folder.join("big.png"), big).unwrap();
        let names = ["../outside.png", "..", ".", "", "/etc/passwd", "//server/share", "..%2foutside.png", "a\\b.png"];
        let files =
            ["key.png", "empty.png", ".hidden.png", "folder.png", "link.png", "hard.png", "zero.png", "big.png"];
        for name in names.into_iter().chain(files).chain(["missing.png", "nul\0.png"]) {
            assert!(read(&folder, name).is_err(), "{name:?}");
        }
    }
}
