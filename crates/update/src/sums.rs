//! `SHA256SUMS`: what an update consists of. Its signature is checked before it is read here.

use std::fmt;

use crate::version::Version;

/// The list of an update's files.
pub const SUMS: &str = "SHA256SUMS";
/// The detached OpenPGP signature of [`SUMS`].
pub const SIGNATURE: &str = "SHA256SUMS.gpg";

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(pub [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The file's name, without any folder.
    pub name: String,
    /// What it has to hold.
    pub digest: Digest,
}

/// Why a list cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SumsFault {
    /// Not a line of `sha256sum`.
    #[error("line {0} is no checksum with a file name")]
    Line(usize),
    /// More than an update has.
    #[error("it lists more than {MOST} files")]
    TooMany,
}

/// Reads the list that `sha256sum` writes.
///
/// # Errors
/// A line is none, or there are too many.
pub fn parse(text: &str) -> Result<Vec<Listed>, SumsFault> {
    let lines = text.lines().enumerate().filter(|(_, line)| !line.is_empty());
    let listed: Vec<Listed> =
        lines.map(|(number, line)| entry(line).ok_or(SumsFault::Line(number + 1))).collect::<Result<_, _>>()?;
    if listed.len() > MOST { Err(SumsFault::TooMany) } else { Ok(listed) }
}

const MOST: usize = 1_000;

fn entry(line: &str) -> Option<Listed> {
    let (digest, name) = line.split_once(' ')?;
    let name = name.strip_prefix([' ', '*'])?;
    is_plain_name(name).then(|| Some(Listed { name: name.to_owned(), digest: hex(digest)? }))?
}

fn hex(text: &str) -> Option<Digest> {
    let mut digest = [0; 32];
    let digits = text.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, at) in digest.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(text.get(at..at + 2)?, 16).ok()?;
    }
    Some(Digest(digest))
}

/// A file's name that leads nowhere else: letters, digits and `. _ + ~ ^ -`, 200 bytes at most.
pub fn is_plain_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._+~^-".contains(&byte);
    (1..=200).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(fits)
}

/// The files of the newest update in a list: the kernel image that names the version, the partitions, the packages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contents {
    /// Of the update.
    pub version: Version,
    /// What is put into the slot.
    pub parts: Vec<Listed>,
    /// The list of its packages, if it ships one.
    pub packages: Option<Listed>,
}

/// What of `listed` is an update of the image `id`: `ID_VERSION.efi` names the version, `ID_VERSION_UUID.root.raw`,
/// `ID_VERSION_UUID.verity.raw` and `ID_VERSION.packages` belong to it. `None`: there is no update of this image in it.
pub fn newest(listed: &[Listed], id: &str) -> Option<Contents> {
    let of_kernel = |file: &Listed| {
        let version = file.name.strip_prefix(id)?.strip_prefix('_')?.strip_suffix(".efi")?;
        version.parse::<Version>().ok()
    };
    let version = listed.iter().filter_map(of_kernel).max()?;
    let prefix = format!("{id}_{version}");
    let mut contents = Contents { version, parts: Vec::new(), packages: None };
    for file in listed {
        match file.name.strip_prefix(&prefix) {
            Some(".packages") => contents.packages = Some(file.clone()),
            Some(rest) if rest == ".efi" || is_partition(rest) => contents.parts.push(file.clone()),
            _ => {}
        }
    }
    Some(contents)
}

/// `_UUID.root.raw`, `_UUID.verity.raw`: the UUID is the partition's, from the image's verity hash.
fn is_partition(rest: &str) -> bool {
    let uuid =
        rest.strip_prefix('_').and_then(|rest| rest.strip_suffix(".root.raw").or(rest.strip_suffix(".verity.raw")));
    uuid.is_some_and(|uuid| !uuid.is_empty() && uuid.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Digest, SumsFault, is_plain_name, newest, parse};

    fn line(name: &str) -> String {
        format!("{} *{name}\n", "ab".repeat(32))
    }

    #[test]
    fn both_forms_of_sha256sum_are_read() {
        let text = format!("{0}  a.efi\n{0} *b.efi\n", "0f".repeat(32));
        let listed = parse(&text).unwrap();
        assert_eq!(listed.iter().map(|file| file.name.as_str()).collect::<Vec<_>>(), ["a.efi", "b.efi"]);
        assert_eq!(listed[0].digest, Digest([0x0f; 32]));
    }

    #[test]
    fn a_name_that_leads_elsewhere_is_refused() {
        for wrong in ["../x", "/x", "a/b", ".hidden", "", "a b", "ä", &"x".repeat(201)] {
            assert!(!is_plain_name(wrong), "{wrong}");
            assert_eq!(parse(&line(wrong)), Err(SumsFault::Line(1)), "{wrong}");
        }
    }

    #[test]
    fn the_newest_update_of_our_image_is_found_among_others() {
        let names = [
            "punktfunk_9.efi",
            "punktfunk_9.raw",
            "punktfunk_10.efi",
            "punktfunk_10_8484822d-6b3f.root.raw",
            "punktfunk_10_e3a14907-0001.verity.raw",
            "punktfunk_10.packages",
            "punktfunk_10.raw",
            "punktfunk_10.cdx.json",
            "punktfunk-lite_11.efi",
            "other_12.efi",
        ];
        let listed = parse(&names.map(line).concat()).unwrap();
        let contents = newest(&listed, "punktfunk").unwrap();
        assert_eq!(contents.version.as_str(), "10");
        assert_eq!(contents.parts.len(), 3);
        assert_eq!(contents.packages.unwrap().name, "punktfunk_10.packages");
        assert_eq!(newest(&listed, "nothing"), None);
    }

    proptest! {
        #[test]
        fn no_list_breaks_the_parser(text in "\\PC{0,200}") {
            let _ = parse(&text);
        }
    }
}
