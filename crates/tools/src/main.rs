//! Development glue. `make demo` is the only part a newcomer meets.

mod bootc_lint;
mod demo;
mod latency_probe;
mod loss_harness;
mod svg;
mod vm;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use punktfunk_tools::rogue;

/// Tools for working on punktfunk.
#[derive(Parser)]
#[command(name = "punktfunk-tools", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Streams a real desktop from a host to a client on this machine and checks what arrives
    ///
    /// Starts a host with its embedded defaults in a fresh directory, pairs a client with a PIN over the wire, streams
    /// an application, types and clicks into it, changes the mode, and prints one table. Exits with 1 if anything is
    /// not as it should be, and says what.
    Demo(demo::Options),
    /// Attacks a real host over real sockets and says which promises it kept
    ///
    /// Somebody between client and host, replay, reflection, malformed and hostile key exchanges, floods of attempts
    /// and knocks, odd and stolen certificates: the abuse cases of docs/reference/security.md, with the host's memory
    /// before, at the peak and after.
    #[command(after_help = rogue::EXAMPLES)]
    Rogue(rogue::Options),
    /// Measures how long a frame takes from capture to the decoder, stage by stage
    ///
    /// A real host and a real client, each a process, over loopback, with a synthetic picture source.
    LatencyProbe(latency_probe::Options),
    /// Sends streams through simulated losses and shows what arrives
    ///
    /// The real sessions of host and client over a simulated link, on a virtual clock. Exits with 1 if more is lost than
    /// is promised.
    LossHarness(loss_harness::Options),
    /// Boots the image in a virtual machine, claims it, pairs, streams, cuts the power, resets it
    ///
    /// QEMU without acceleration, UEFI firmware, forwarded ports. Prints one table; exits with 1 if a step failed. Pictures
    /// of the screen and logs of every start stay in the directory.
    Vm(vm::Options),
    /// Boots a deployment of the bootc flavour in a virtual machine, uses it, upgrades it, rolls it back
    ///
    /// QEMU without acceleration, which loads what the newest boot entry names. Prints one table; exits with 1 if a step failed.
    VmBootc(vm::deployments::Options),
    /// Looks whether a root file system keeps the rules of `bootc container lint`
    ///
    /// One line a rule; exits with 1 if one is broken.
    BootcLint(bootc_lint::Options),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Demo(options) => demo::run(&options),
        Command::Rogue(options) => rogue::run(&options),
        Command::LatencyProbe(options) => latency_probe::run(&options),
        Command::LossHarness(options) => loss_harness::run(&options),
        Command::Vm(options) => vm::run(&options),
        Command::VmBootc(options) => vm::deployments::run(&options),
        Command::BootcLint(options) => bootc_lint::run(&options),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
