//! Has `systemd-sysupdate` put an update into the slot that does not run, from files that were verified before.
//!
//! Its definitions are those of the image (`/usr/lib/sysupdate.d`), which say what goes where and how many tries it gets.
//! They are given to it with one change: the source is the folder with the verified files, whatever they name.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{
    model::{UpdateRefusal, UpdateRefusalCode as Code},
    places::Places,
    store,
    version::Version,
};

/// Puts `version` into the other slot. Takes as long as writing it does.
///
/// # Errors
/// There are no definitions, or systemd-sysupdate failed: its last lines say why.
pub fn install(places: &Places, version: &Version) -> Result<(), UpdateRefusal> {
    let machine = |what: String| UpdateRefusal::new(Code::Machine, what);
    let definitions = prepare(places)
        .map_err(|error| machine(format!("the definitions of updates in {}: {error}", places.definitions.display())))?;
    let output = Command::new(&places.sysupdate)
        .arg("--definitions")
        .arg(&definitions)
        .args(["update", version.as_str()])
        .env("SYSTEMD_LOG_LEVEL", "info")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| machine(format!("{} cannot be started: {error}", places.sysupdate.display())))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(3)..].join("; ").chars().take(600).collect::<String>();
    Err(machine(format!("the slot could not be written, and what runs is untouched: {last}")))
}

/// Copies the definitions, each with our folder as its source.
fn prepare(places: &Places) -> io::Result<PathBuf> {
    let ours = places.state_dir.join("definitions");
    match fs::remove_dir_all(&ours) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => fs::create_dir_all(&ours)?,
    }
    let mut found = false;
    for entry in fs::read_dir(&places.definitions)? {
        let path = entry?.path();
        let is_definition = path.extension().is_some_and(|kind| kind == "transfer" || kind == "conf");
        if let Some(name) = path.file_name().filter(|_| is_definition) {
            let text = with_source(&fs::read_to_string(&path)?, &places.offer());
            store::replace(&ours.join(name), text.as_bytes())?;
            found = true;
        }
    }
    if found { Ok(ours) } else { Err(io::Error::other("there are none")) }
}

/// `text` with the folder `from` as its source; what of it is installed stays as it says.
fn with_source(text: &str, from: &Path) -> String {
    let mut section = "";
    let mut out = String::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with('[') {
            section = trimmed;
            out.push_str(line);
            out.push('\n');
            if section == "[Source]" {
                out.push_str(&format!("Type=regular-file\nPath={}\n", from.display()));
            }
            continue;
        }
        let key = trimmed.split('=').next().unwrap_or_default().trim();
        if section != "[Source]" || !["Type", "Path", "PathRelativeTo"].contains(&key) {
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::with_source;

    #[test]
    fn only_where_files_come_from_is_changed_in_a_definition() {
        let text = "[Transfer]\nProtectVersion=%A\n[Source]\nType=url-file\nPath=https://example.org/\n\
                    MatchPattern=punktfunk_@v.efi\n\n[Target]\nType=regular-file\nPath=/EFI/Linux\nPathRelativeTo=boot\n";
        let expected = "[Transfer]\nProtectVersion=%A\n[Source]\nType=regular-file\nPath=/offer\n\
                        MatchPattern=punktfunk_@v.efi\n\n[Target]\nType=regular-file\nPath=/EFI/Linux\n\
                        PathRelativeTo=boot\n";
        assert_eq!(with_source(text, Path::new("/offer")), expected);
    }
}
