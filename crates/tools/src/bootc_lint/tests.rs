//! Each rule on a root that keeps it and on one that breaks it.

use std::{
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{chown, symlink},
    },
    path::Path,
};

use tempfile::TempDir;

use super::{Options, RULES, Tree, run};

#[test]
fn a_root_that_keeps_every_rule_passes() {
    let root = good();
    for rule in &RULES {
        let found = (rule.look)(&Tree::at(root.path())).unwrap();
        assert!(found.is_empty(), "{}: {found:?}", rule.name);
    }
    run(&Options { root: root.path().to_owned() }).unwrap();
}

#[test]
fn every_rule_is_broken_by_what_it_is_against_and_no_other_rule_is() {
    for (rule, how, break_it) in &BREAKS {
        let root = good();
        break_it(root.path());
        let tree = Tree::at(root.path());
        let broken = RULES.iter().filter(|rule| !(rule.look)(&tree).unwrap().is_empty()).map(|rule| rule.name);
        let broken: Vec<&str> = broken.collect();
        // A log is a file in /var, too.
        let expected = if *rule == "var-log" { vec!["var-log", "var-tmpfiles"] } else { vec![*rule] };
        assert_eq!(broken, expected, "{how}");
        assert!(run(&Options { root: root.path().to_owned() }).is_err(), "{how}");
    }
    for rule in &RULES {
        assert!(BREAKS.iter().any(|(name, ..)| *name == rule.name), "nothing breaks {}", rule.name);
    }
}

#[test]
fn users_with_a_fixed_number_may_own_files_in_etc() {
    let root = good();
    write(root.path(), "usr/lib/sysusers.d/own.conf", "u ada 990 \"Ada\"\ng tea 991\n");
    let tree = Tree::at(root.path());
    let lines = tree.lines("sysusers.d").unwrap();
    assert!(lines.iter().any(|line| line.starts_with("u ada")));
    let mut declared = super::accounts::Declared::default();
    lines.iter().for_each(|line| declared.take(line));
    assert_eq!(
        (declared.users["ada"], declared.groups["ada"], declared.groups["tea"]),
        (Some(990), Some(990), Some(991))
    );
}

#[test]
fn a_file_in_etc_stands_in_for_one_of_its_name() {
    let root = good();
    write(root.path(), "usr/lib/tmpfiles.d/a.conf", "d /var/theirs\n# d /var/comment\n");
    write(root.path(), "etc/tmpfiles.d/a.conf", "d /var/ours\n");
    let lines = Tree::at(root.path()).lines("tmpfiles.d").unwrap();
    assert!(lines.contains(&"d /var/ours".to_owned()));
    assert!(!lines.iter().any(|line| line.contains("theirs") || line.contains("comment")));
}

/// A rule, what is done to a good root, and the doing.
type Break = (&'static str, &'static str, fn(&Path));

const BREAKS: [Break; 24] = [
    ("api-base-directories", "no /proc", |root| fs::remove_dir(root.join("proc")).unwrap()),
    ("api-base-directories", "/sys is a link", |root| {
        fs::remove_dir(root.join("sys")).unwrap();
        symlink("/elsewhere", root.join("sys")).unwrap();
    }),
    ("baseimage-composefs", "refused", |root| write(root, PREPARE_ROOT, "[composefs]\nenabled = no\n")),
    ("baseimage-composefs", "of another section", |root| write(root, PREPARE_ROOT, "[sysroot]\nenabled = yes\n")),
    ("baseimage-root", "no /sysroot", |root| fs::remove_dir(root.join("sysroot")).unwrap()),
    ("baseimage-root", "/ostree leads elsewhere", |root| {
        fs::remove_file(root.join("ostree")).unwrap();
        symlink("/sysroot/ostree", root.join("ostree")).unwrap();
    }),
    ("bootc-kargs", "a text where a list belongs", |root| {
        write(root, "usr/lib/bootc/kargs.d/10-x.toml", "kargs = \"quiet\"\n");
    }),
    ("bootc-kargs", "a key that nobody reads", |root| {
        write(root, "usr/lib/bootc/kargs.d/10-x.toml", "kargs = []\narch = \"x86_64\"\n");
    }),
    ("buildah-injected", "an empty resolv.conf", |root| write(root, "etc/resolv.conf", "")),
    ("etc-uid-drift", "somebody's files", |root| {
        fs::remove_file(root.join("usr/lib/sysusers.d/builder.conf")).unwrap();
        // Refused to anybody but root, whose files these are nobody else's then.
        let _ = chown(root.join("etc/passwd"), Some(4_321), Some(4_321));
    }),
    ("etc-usretc", "both", |root| fs::create_dir(root.join("usr/etc")).unwrap()),
    ("kernel", "two", |root| {
        write(root, "usr/lib/modules/6.2/vmlinuz", "k");
        write(root, "usr/lib/modules/6.2/initramfs.img", "i");
    }),
    ("kernel", "none", |root| fs::remove_dir_all(root.join("usr/lib/modules/6.1")).unwrap()),
    ("kernel", "without initial RAM disk", |root| {
        fs::remove_file(root.join("usr/lib/modules/6.1/initramfs.img")).unwrap();
    }),
    ("nonempty-boot", "a kernel in it", |root| write(root, "boot/vmlinuz", "k")),
    ("nonempty-run-tmp", "left by a build", |root| write(root, "tmp/build.log", "x")),
    ("sysusers", "a user", |root| write(root, "etc/passwd", "root:x:0:0::/:\nbob:x:998:998::/:\n")),
    ("sysusers", "a group", |root| write(root, "etc/group", "root:x:0:\nbobs:x:998:\n")),
    ("utf8", "a name", |root| fs::write(root.join(OsStr::from_bytes(b"usr/\xff")), "x").unwrap()),
    ("utf8", "what a link leads to", |root| symlink(OsStr::from_bytes(b"\xff"), root.join("usr/link")).unwrap()),
    ("var-log", "a log", |root| {
        write(root, "usr/lib/tmpfiles.d/log.conf", "d /var/log\n");
        write(root, "var/log/build.log", "x");
    }),
    ("var-run", "a directory", |root| {
        fs::create_dir(root.join("var/run")).unwrap();
        write(root, "usr/lib/tmpfiles.d/run.conf", "d /var/run\n");
    }),
    ("var-tmpfiles", "a directory that nothing makes", |root| fs::create_dir(root.join("var/cache")).unwrap()),
    ("var-tmpfiles", "a file", |root| write(root, "var/file", "")),
];

fn good() -> TempDir {
    let root = tempfile::tempdir().unwrap();
    for name in ["dev", "proc", "sys", "run", "tmp", "var/lib", "boot", "sysroot", "etc"] {
        fs::create_dir_all(root.path().join(name)).unwrap();
    }
    symlink("sysroot/ostree", root.path().join("ostree")).unwrap();
    symlink("../run/systemd/resolve/stub-resolv.conf", root.path().join("etc/resolv.conf")).unwrap();
    for (path, text) in [
        (PREPARE_ROOT, "[sysroot]\nreadonly = true\n[composefs]\nenabled = maybe\n"),
        ("usr/lib/bootc/kargs.d/10-console.toml", "kargs = [\"console=tty0\"]\nmatch-architectures = [\"x86_64\"]\n"),
        ("usr/lib/modules/6.1/vmlinuz", "kernel"),
        ("usr/lib/modules/6.1/initramfs.img", "initial RAM disk"),
        ("usr/lib/sysusers.d/basic.conf", "u root 0:0 \"Super User\" /root\ng root 0\n"),
        ("usr/lib/tmpfiles.d/var.conf", "d /var/lib 0755 root root -\n"),
        ("etc/passwd", "root:x:0:0::/:\n"),
        ("etc/group", "root:x:0:\n"),
    ] {
        write(root.path(), path, text);
    }
    // The files are those of whoever runs the tests.
    let (user, group) = (rustix::process::getuid().as_raw(), rustix::process::getgid().as_raw());
    let builder = format!("u builder {user}:{group}\ng builder {group}\n");
    write(root.path(), "usr/lib/sysusers.d/builder.conf", &builder);
    root
}

fn write(root: &Path, path: &str, text: &str) {
    let file = root.join(path);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let _ = fs::remove_file(&file);
    fs::write(file, text).unwrap();
}

const PREPARE_ROOT: &str = "usr/lib/ostree/prepare-root.conf";
