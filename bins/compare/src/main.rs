//! `moo-compare`: compares a backup with its source.

fn main() -> std::process::ExitCode {
    cli::main::<compare::Compare>()
}
