//! `moo-patch`: builds a tree out of its sets.

fn main() -> std::process::ExitCode {
    cli::main::<patch::Patch>()
}
