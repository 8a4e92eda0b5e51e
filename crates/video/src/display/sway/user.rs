//! The user that sway and its application run as.

use std::{fs, path::PathBuf};

use crate::display::DisplayError;

/// Another user's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
}

impl User {
    /// Whom to become before starting sway: nobody else, unless we are root. sway before 1.8 refuses to run as root,
    /// and no application ought to.
    pub(super) fn to_become() -> Result<Option<Self>, DisplayError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        find(&passwd, UNPRIVILEGED).map(Some).ok_or_else(|| DisplayError::Missing {
            what: format!("the user `{UNPRIVILEGED}`, which sway runs as when the host is root"),
            remedy: "run the host as a normal user".into(),
        })
    }

    /// Where runtime directories are made: a place that this user can reach.
    pub(super) fn base(user: Option<Self>) -> PathBuf {
        let own = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_dir());
        own.filter(|_| user.is_none()).unwrap_or_else(|| PathBuf::from("/tmp"))
    }
}

const UNPRIVILEGED: &str = "nobody";

/// Reads one user from passwd(5).
fn find(passwd: &str, name: &str) -> Option<User> {
    let mut fields = passwd.lines().map(|line| line.split(':')).find_map(|mut fields| {
        let found = fields.next() == Some(name);
        found.then_some(fields)
    })?;
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    Some(User { uid, gid })
}

#[cfg(test)]
mod tests {
    use super::{User, find};

    #[test]
    fn a_user_is_found_by_name_and_only_by_the_whole_of_it() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\nnobody2:x:7:8::/:\nnobody:x:65534:65533::/:\nbroken:x:a:\n";
        assert_eq!(find(passwd, "nobody"), Some(User { uid: 65534, gid: 65533 }));
        assert_eq!(find(passwd, "nob"), None);
        assert_eq!(find(passwd, "broken"), None);
    }
}
