//! `moo-delta`: replaces content by deltas.

fn main() -> std::process::ExitCode {
    cli::main::<delta::Delta>()
}
