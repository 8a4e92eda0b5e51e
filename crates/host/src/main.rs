//! `punktfunk-host`: parses the command line and hands over.

use std::process::ExitCode;

use punktfunk_video::display::launch::relay;

fn main() -> ExitCode {
    if relay::is_asked_for() {
        return relay::run().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS);
    }
    punktfunk_host::cli::main().into()
}
