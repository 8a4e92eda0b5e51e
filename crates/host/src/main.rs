//! `punktfunk-host`: parses the command line and hands over.

use std::process::ExitCode;

fn main() -> ExitCode {
    punktfunk_host::cli::main().into()
}
