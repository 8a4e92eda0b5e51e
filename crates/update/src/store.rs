//! The state file: whole or as it was before, whatever happens meanwhile.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use crate::state::State;

/// Why the state could not be kept.
#[derive(Debug, thiserror::Error)]
#[error("the state of updates in {} cannot be written: {source}; make room on its disk", path.display())]
pub struct StoreFault {
    /// The file.
    pub path: PathBuf,
    /// The system's word.
    pub source: io::Error,
}

/// What was kept. A file that is absent or damaged is an empty state: what the machine shows outweighs it anyway.
pub fn load(path: &Path) -> State {
    fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Keeps `state`, so that it is there after a power cut.
///
/// # Errors
/// It could not be written; what was there before still is.
pub fn save(path: &Path, state: &State) -> Result<(), StoreFault> {
    let failed = |source| StoreFault { path: path.to_owned(), source };
    let mut text = serde_json::to_vec_pretty(state).map_err(|error| failed(error.into()))?;
    text.push(b'\n');
    replace(path, &text).map_err(failed)
}

/// Puts `content` in place of what `path` holds, in one step.
///
/// # Errors
/// The system's word; `path` is as it was.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let fresh = path.with_extension("new");
    let mut file = File::create(&fresh)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::{load, save};
    use crate::state::State;

    #[test]
    fn a_state_is_read_back_and_a_write_that_was_cut_off_leaves_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        let mut state = State::default();
        state.staged("2".parse().unwrap(), "1".parse().unwrap());
        save(&path, &state).unwrap();
        // What a power cut leaves before the rename.
        fs::write(path.with_extension("new"), "{\"staged\":{\"ver").unwrap();
        assert_eq!(load(&path), state);
        save(&path, &State::default()).unwrap();
        assert_eq!(load(&path), State::default());
    }

    #[test]
    fn a_damaged_or_absent_file_is_an_empty_state() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        assert_eq!(load(&path), State::default());
        fs::write(&path, "\0\0\0").unwrap();
        assert_eq!(load(&path), State::default());
    }

    #[test]
    fn a_disk_that_refuses_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("absent/state.json");
        let fault = save(&path, &State::default()).unwrap_err();
        assert!(fault.to_string().contains("make room"), "{fault}");
    }
}
