//! `moo-sign`: adds signatures to a tree stream.

fn main() -> std::process::ExitCode {
    cli::main::<sign::Sign>()
}
