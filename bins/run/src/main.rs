//! `moo-run`: runs a pipe of stages as one process.

fn main() -> std::process::ExitCode {
    run::main()
}
