//! Rules of who owns what: users are made on the machine, by sysusers.d, and not brought by the image.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    os::unix::fs::MetadataExt as _,
};

use super::tree::Tree;

type Verdict = io::Result<Vec<String>>;

/// What sysusers.d declares: names, with their numbers where those are fixed.
#[derive(Default)]
pub(super) struct Declared {
    pub(super) users: BTreeMap<String, Option<u32>>,
    pub(super) groups: BTreeMap<String, Option<u32>>,
}

impl Declared {
    fn read(tree: &Tree) -> io::Result<Self> {
        let mut declared = Self::default();
        for line in tree.lines("sysusers.d")? {
            declared.take(&line);
        }
        Ok(declared)
    }

    /// `u NAME UID[:GID] …`, `g NAME GID …`; see sysusers.d(5). A user brings a group of its name, if it names no other one.
    pub(super) fn take(&mut self, line: &str) {
        let mut words = line.split_whitespace();
        let (Some(kind), Some(name), id) = (words.next(), words.next(), words.next().unwrap_or("-")) else {
            return;
        };
        match kind.trim_end_matches('!') {
            "u" => {
                let (user, group) = id.split_once(':').unwrap_or((id, id));
                self.users.insert(name.to_owned(), user.parse().ok());
                if !id.contains(':') {
                    self.groups.insert(name.to_owned(), group.parse().ok());
                }
            }
            "g" => drop(self.groups.insert(name.to_owned(), id.parse().ok())),
            _ => {}
        }
    }
}

pub(super) fn undeclared(tree: &Tree) -> Verdict {
    let declared = Declared::read(tree)?;
    let (users, groups) = (tree.text("etc/passwd")?, tree.text("etc/group")?);
    let of = |what: &str, text: &str, known: &BTreeMap<String, Option<u32>>| -> Vec<String> {
        let names = text.lines().filter_map(|line| line.split(':').next()).filter(|name| !name.is_empty());
        names.filter(|name| !known.contains_key(*name)).map(|name| format!("{what} {name}")).collect()
    };
    Ok([of("user", &users, &declared.users), of("group", &groups, &declared.groups)].concat())
}

/// A number that was drawn while the image was built means somebody else on a machine that drew its own.
pub(super) fn drift(tree: &Tree) -> Verdict {
    let declared = Declared::read(tree)?;
    let fixed = |known: &BTreeMap<String, Option<u32>>| known.values().flatten().copied().collect::<BTreeSet<u32>>();
    let (users, groups) = (fixed(&declared.users), fixed(&declared.groups));
    let tended: Vec<String> = tree.lines("tmpfiles.d")?.iter().filter_map(|line| tended_by(line)).collect();
    let mut drifting = Vec::new();
    for found in tree.below("etc")?.iter().filter(|found| !found.is.is_symlink()) {
        let (user, group) = (found.is.uid(), found.is.gid());
        let is_known = (user == 0 || users.contains(&user)) && (group == 0 || groups.contains(&group));
        if !is_known && !tended.contains(&found.name()) {
            drifting.push(format!("{} belongs to {user}:{group}", found.name()));
        }
    }
    Ok(drifting)
}

/// The path whose owner a line of tmpfiles.d sets.
fn tended_by(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let sets = words.next()?.starts_with(['z', 'Z']);
    let path = words.next()?;
    sets.then(|| path.to_owned())
}
