//! `moo-mount`: mounts all states of a backup.

fn main() -> std::process::ExitCode {
    cli::main::<mount::Mount>()
}
