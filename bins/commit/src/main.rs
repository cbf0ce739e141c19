//! `moo-commit`: turns unfinished parts of the archive into a set.

fn main() -> std::process::ExitCode {
    cli::main::<commit::Commit>()
}
