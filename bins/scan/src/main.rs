//! `moo-scan`: reads a source tree.

fn main() -> std::process::ExitCode {
    cli::main::<scan::Scan>()
}
