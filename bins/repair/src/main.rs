//! `moo-repair`: rebuilds what a store has damaged or lost.

fn main() -> std::process::ExitCode {
    cli::main::<repair::Repair>()
}
