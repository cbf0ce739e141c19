//! `moo-list`: what a store holds, and what is in a backup.

fn main() -> std::process::ExitCode {
    cli::main::<list::List>()
}
