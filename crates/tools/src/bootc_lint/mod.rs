//! Whether a root file system is laid out as bootc wants it: the rules of `bootc container lint`, by their names there.
//!
//! bootc itself is in no registry that this repository builds from, so this stands in where it is not installed. Every rule
//! counts here, also those that bootc only warns of. Some ask for more: a kernel has to be there, with its initial RAM disk.

mod accounts;
mod layout;
#[cfg(test)]
mod tests;
mod tree;

use std::{io, path::PathBuf};

use anyhow::{Result, ensure};

use self::tree::Tree;

/// What is looked at.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The root file system, as the container has it
    root: PathBuf,
}

/// A rule: its name, what it asks for, and how it is looked at. What it finds is in its way.
struct Rule {
    name: &'static str,
    asks: &'static str,
    look: fn(&Tree) -> io::Result<Vec<String>>,
}

const fn rule(name: &'static str, asks: &'static str, look: fn(&Tree) -> io::Result<Vec<String>>) -> Rule {
    Rule { name, asks, look }
}

const RULES: [Rule; 15] = [
    rule("api-base-directories", "/dev, /proc, /sys, /run, /tmp and /var are directories", layout::api_directories),
    rule("baseimage-composefs", "/usr/lib/ostree/prepare-root.conf allows composefs", layout::composefs),
    rule("baseimage-root", "/sysroot is a directory, /ostree leads to sysroot/ostree", layout::ostree_root),
    rule("bootc-kargs", "/usr/lib/bootc/kargs.d holds kernel arguments that can be read", layout::kernel_arguments),
    rule("buildah-injected", "/etc/hostname and /etc/resolv.conf are no empty files", layout::injected),
    rule("etc-uid-drift", "files in /etc belong to users whose number is fixed", accounts::drift),
    rule("etc-usretc", "/etc and /usr/etc are not both there", layout::two_etc),
    rule("kernel", "one kernel, in /usr/lib/modules, with its initial RAM disk", layout::kernel),
    rule("nonempty-boot", "/boot is an empty directory", layout::boot),
    rule("nonempty-run-tmp", "/run and /tmp are empty", layout::run_and_tmp),
    rule("sysusers", "users and groups stand in sysusers.d", accounts::undeclared),
    rule("utf8", "names of files, and what links lead to, are UTF-8", layout::names),
    rule("var-log", "/var/log holds no logs", layout::logs),
    rule("var-run", "/var/run is a link", layout::var_run),
    rule("var-tmpfiles", "what is in /var is made by tmpfiles.d", layout::var),
];

/// Looks at every rule, says what it found, fails if something was.
pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(options.root.is_dir(), "{} is no directory", options.root.display());
    let tree = Tree::at(&options.root);
    let mut broken = 0;
    for Rule { name, asks, look } in &RULES {
        let found = look(&tree)?;
        println!("{} {name:<20}  {asks}", if found.is_empty() { "ok  " } else { "FAIL" });
        for found in found.iter().take(LISTED) {
            println!("       {found}");
        }
        if found.len() > LISTED {
            println!("       and {} more", found.len() - LISTED);
        }
        broken += usize::from(!found.is_empty());
    }
    ensure!(broken == 0, "{broken} of {} rules are broken in {}", RULES.len(), options.root.display());
    Ok(())
}

/// Of what a rule found.
const LISTED: usize = 10;
