//! What the owner set in the console, kept in `settings.toml` of the state directory.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use punktfunk_api::{
    SettingsRefusal,
    model::{AdminError, AdminErrorCode, Settings},
};
use serde_json::Value;

use crate::config::{
    Config,
    load::{DEFAULT_PATH, Loaded, Source},
    settings::{self, Declared, Values},
};

/// The stored settings. A file that cannot be used is set aside: it never stops the start.
pub struct SettingsStore {
    path: PathBuf,
    declared: Declared,
    force: Config,
    warnings: Vec<String>,
    stored: Mutex<Stored>,
}

struct Stored {
    values: Values,
    /// The configuration of the next start.
    next: Config,
}

impl SettingsStore {
    /// Reads what is stored in `state_dir`, below `loaded`.
    pub fn open(state_dir: &Path, loaded: &Loaded) -> Self {
        let file = match &loaded.source {
            Source::File(path) => path.as_path(),
            Source::Defaults => Path::new(DEFAULT_PATH),
        };
        let declared = Declared::new(file, &loaded.text);
        let path = state_dir.join(FILE);
        let mut warnings = Vec::new();
        let (values, force) = usable(&path, &declared, &mut warnings).unwrap_or_else(|fault| {
            warnings.push(set_aside(&path, &fault));
            (Values::new(), loaded.config.clone())
        });
        let stored = Mutex::new(Stored { values, next: force.clone() });
        Self { path, declared, force, warnings, stored }
    }

    /// The configuration in force: the file's keys, below them the stored ones, below them the defaults.
    pub fn config(&self) -> &Config {
        &self.force
    }

    /// What is wrong with what was stored.
    pub fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        self.warnings.iter().cloned()
    }

    /// Every key.
    pub fn list(&self) -> Settings {
        let stored = self.stored();
        let settings = settings::list(&self.declared, &self.force, &stored.next);
        Settings { settings, restart_needed: stored.next != self.force }
    }

    /// Stores `changes`; what changed, for the audit log.
    ///
    /// # Errors
    /// Nothing was changed.
    pub fn change(&self, changes: &BTreeMap<String, Value>) -> Result<Vec<String>, SettingsRefusal> {
        let mut stored = self.stored();
        let (values, next) =
            settings::changed(&self.declared, &stored.values, changes).map_err(SettingsRefusal::Wrong)?;
        if values != stored.values {
            write(&self.path, &settings::write(&values)).map_err(|fault| not_stored(&self.path, &fault))?;
        }
        let (before, after) = (stored.next.effective(), next.effective());
        *stored = Stored { values, next };
        let said = |key: &String| {
            let text = |of: &BTreeMap<String, String>| of.get(key).cloned().unwrap_or_else(|| "unset".to_owned());
            let (before, after) = (text(&before), text(&after));
            (before != after).then(|| format!("{key}: {before} → {after}"))
        };
        Ok(changes.keys().filter_map(said).collect())
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The stored values and what they make with the file. Values that do not fit the file are left out with a warning.
fn usable(path: &Path, declared: &Declared, warnings: &mut Vec<String>) -> Result<(Values, Config), String> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error.to_string()),
    };
    let mut values = settings::read(&text)?;
    loop {
        let problems = match declared.merge(&values) {
            Ok(config) => return Ok((values, config)),
            Err(problems) => problems,
        };
        let misfit = problems.iter().find(|problem| values.contains_key(&problem.key));
        let Some(problem) = misfit else {
            let said: Vec<String> = problems.iter().map(ToString::to_string).collect();
            return Err(said.join("; "));
        };
        warnings.push(format!(
            "the stored setting {} is not used: found {}, allowed is {}; set it anew in the console",
            problem.key, problem.found, problem.allowed
        ));
        values.remove(&problem.key);
    }
}

/// Moves a file that cannot be used out of the way; says so.
fn set_aside(path: &Path, fault: &str) -> String {
    let aside = path.with_extension("toml.damaged");
    match fs::rename(path, &aside) {
        Ok(()) => format!(
            "the settings stored in {} cannot be read ({fault}), so none of them holds; the file is kept as {}",
            path.display(),
            aside.display()
        ),
        Err(error) => {
            format!(
                "the settings stored in {} cannot be read ({fault}; {error}), so none of them holds",
                path.display()
            )
        }
    }
}

/// Writes the file whole or not at all.
fn write(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("toml.new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all())?;
    fs::rename(&new, path)?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

fn not_stored(path: &Path, fault: &io::Error) -> SettingsRefusal {
    let message = format!("{} cannot be written: {fault}; nothing was changed", path.display());
    SettingsRefusal::Fault(AdminError::new(AdminErrorCode::NotStored, message))
}

const FILE: &str = "settings.toml";

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::MetadataExt as _, path::Path};

    use punktfunk_api::SettingsRefusal;
    use serde_json::json;

    use super::{FILE, SettingsStore};
    use crate::config::load::{Loaded, Source, parse};

    fn store(dir: &Path, file: &str) -> SettingsStore {
        let source = Source::File("/etc/p.toml".into());
        SettingsStore::open(dir, &Loaded { config: parse(file).unwrap(), source, text: file.to_owned() })
    }

    fn change(store: &SettingsStore, changes: serde_json::Value) -> Result<Vec<String>, SettingsRefusal> {
        store.change(&serde_json::from_value(changes).unwrap())
    }

    #[test]
    fn what_was_set_holds_after_a_restart_and_nobody_else_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let first = store(dir.path(), "");
        assert_eq!(change(&first, json!({"host.name": "den"})).unwrap(), ["host.name: unset → \"den\""]);
        assert!(first.list().restart_needed && first.config().host.name.is_none());
        assert_eq!(fs::metadata(dir.path().join(FILE)).unwrap().mode() & 0o777, 0o600);
        let second = store(dir.path(), "");
        assert_eq!(second.config().host.name.as_deref(), Some("den"));
        assert!(!second.list().restart_needed);
        change(&second, json!({"host.name": null})).unwrap();
        assert_eq!(store(dir.path(), "").config().host.name, None);
    }

    #[test]
    fn what_the_file_sets_later_counts_instead() {
        let dir = tempfile::tempdir().unwrap();
        change(&store(dir.path(), ""), json!({"host.name": "den"})).unwrap();
        assert_eq!(store(dir.path(), "[host]\nname = \"attic\"\n").config().host.name.as_deref(), Some("attic"));
    }

    #[test]
    fn a_stored_value_that_no_longer_fits_the_file_is_left_out_with_a_warning() {
        let dir = tempfile::tempdir().unwrap();
        change(&store(dir.path(), ""), json!({"encoder.bitrate_kbps": 50_000, "host.name": "den"})).unwrap();
        let store = store(dir.path(), "[encoder]\nmax_bitrate_kbps = 30000\n");
        assert_eq!(store.config().encoder.bitrate_kbps, 20_000);
        assert_eq!(store.config().host.name.as_deref(), Some("den"));
        assert!(store.warnings().any(|warning| warning.contains("encoder.bitrate_kbps")));
    }

    #[test]
    fn a_damaged_file_is_set_aside_and_the_host_starts_without() {
        for damage in ["no toml", "[pairing]\npolicy = \"open\"\n", "[host]\nname = 7\n"] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(FILE), damage).unwrap();
            let store = store(dir.path(), "");
            assert_eq!(store.config(), &parse("").unwrap(), "{damage}");
            assert_eq!(store.warnings().count(), 1, "{damage}");
        }
    }

    #[test]
    fn a_disk_that_refuses_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir.path().join("gone"), "");
        assert!(matches!(change(&store, json!({"host.name": "den"})), Err(SettingsRefusal::Fault(_))));
        assert!(!store.list().restart_needed);
    }
}
