//! `docs/reference/cli.md`, made from the command line itself.

use std::fmt::Write as _;

use crate::exit::Exit;

const INTRODUCTION: &str = "\
<!-- Generated: punktfunk-host reference cli > docs/reference/cli.md -->
# punktfunk-host

The daemon and its orders in one program. What is configured stands in [configuration](configuration.md).
";

/// The page, as Markdown.
pub fn page() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut command = super::command().term_width(100).disable_help_subcommand(true);
    command.build();
    section(&mut page, &mut command, 2);
    page.push_str("\n## Exit codes\n\nValues above 63 are those of `sysexits.h`; systemd prints them by name.\n\n");
    page.push_str("| Code | Meaning |\n|---|---|\n");
    for exit in Exit::ALL {
        let _ = writeln!(page, "| {} | {} |", exit.code(), exit.meaning());
    }
    page
}

fn section(page: &mut String, command: &mut clap::Command, depth: usize) {
    let name = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let help = command.render_long_help().to_string();
    let help: Vec<&str> = help.lines().map(str::trim_end).collect();
    let _ = write!(page, "\n{} `{name}`\n\n```text\n{}\n```\n", "#".repeat(depth), help.join("\n").trim_end());
    for inner in command.get_subcommands_mut().filter(|inner| !inner.is_hide_set()) {
        section(page, inner, 3);
    }
}
