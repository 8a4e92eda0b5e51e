//! Which packages a system consists of, and in what two systems differ: a line each, name, version and what else is known,
//! with spaces or tabs between.

use std::collections::BTreeMap;

use crate::model::PackageChange;

/// Packages by name. What is no line of a list is left out: the list is shown, nothing is decided by it.
pub fn parse(text: &str) -> BTreeMap<&str, &str> {
    let lines = text.lines().map(str::split_whitespace);
    lines.filter_map(|mut words| Some((words.next()?, words.next()?))).take(MOST).collect()
}

/// What is added, removed or changed from `before` to `after`, by name.
pub fn difference(before: &str, after: &str) -> Vec<PackageChange> {
    let (before, after) = (parse(before), parse(after));
    let names: std::collections::BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let change = |name: &str| {
        let (from, to) = (before.get(name), after.get(name));
        (from != to).then(|| PackageChange {
            name: shown(name),
            from: from.map(|version| shown(version)),
            to: to.map(|version| shown(version)),
        })
    };
    names.into_iter().filter_map(change).collect()
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// More than a system has.
const MOST: usize = 10_000;

#[cfg(test)]
mod tests {
    use super::difference;

    #[test]
    fn what_came_went_or_changed_is_listed_by_name() {
        let before = "bash 5.2 7000\nlibc6 2.41 13000\nfoot 1.0 800\n";
        let after = "bash\t5.2\tamd64\t7100\nlibc6\t2.42\tamd64\t13000\nmesa\t25.0\tamd64\t1\n";
        let lines: Vec<String> = difference(before, after)
            .iter()
            .map(|change| format!("{} {:?} {:?}", change.name, change.from.as_deref(), change.to.as_deref()))
            .collect();
        assert_eq!(
            lines,
            [r#"foot Some("1.0") None"#, r#"libc6 Some("2.41") Some("2.42")"#, r#"mesa None Some("25.0")"#]
        );
    }

    #[test]
    fn what_is_no_list_is_an_empty_one() {
        assert!(difference("", "\0\n\n  \nonlyaname\n").is_empty());
    }
}
