//! What the host was configured with, so that the audit log can say what changed between two starts.

use std::collections::{BTreeMap, BTreeSet};

use super::Trust;
use crate::{
    audit::{AuditEvent, Origin},
    clock::Moment,
    store::{Entry, StoreError},
};

/// The configuration in force: key to value, as the file writes them; secrets replaced by the caller.
pub type Effective = BTreeMap<String, String>;

impl Trust {
    /// Compares what is in force with what was at the last start, and writes each key that differs into the audit log.
    /// The first start ever has nothing to compare with. Says how many keys changed.
    ///
    /// # Errors
    /// The disk refused; the next start compares with what was noted before.
    pub fn note_configuration(&mut self, now: Moment, effective: &Effective) -> Result<usize, StoreError> {
        let text: String = effective.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        if self.configuration.as_ref() == Some(&text) {
            return Ok(0);
        }
        let changes = self.configuration.as_deref().map(|before| changes(before, effective)).unwrap_or_default();
        let more = changes.len().saturating_sub(MOST_CHANGES);
        let mut said: Vec<String> = changes.iter().take(MOST_CHANGES).cloned().collect();
        if more > 0 {
            said.push(format!("and {more} more keys"));
        }
        let event = |what: &String| AuditEvent::ConfigurationChanged { what: what.into() };
        let entries: Vec<Entry> =
            said.iter().map(|what| Entry { origin: Origin::CONFIGURATION, event: event(what) }).collect();
        let time = self.clock.read(now);
        self.store.put_configuration(time, &text, &entries)?;
        self.configuration = Some(text);
        Ok(changes.len())
    }
}

/// Each key that was added, removed or changed, with both values.
fn changes(before: &str, effective: &Effective) -> Vec<String> {
    let before: BTreeMap<&str, &str> = before.lines().filter_map(|line| line.split_once(" = ")).collect();
    let keys: BTreeSet<&str> = before.keys().copied().chain(effective.keys().map(String::as_str)).collect();
    let changed = keys.into_iter().filter_map(|key| {
        let (old, new) = (before.get(key).copied(), effective.get(key).map(String::as_str));
        (old != new).then(|| format!("{key}: {} → {}", old.unwrap_or("unset"), new.unwrap_or("unset")))
    });
    changed.collect()
}

/// Rows that one start may write.
const MOST_CHANGES: usize = 32;
