//! `moo-replay`: writes the state of a chain as a full set.

fn main() -> std::process::ExitCode {
    cli::main::<replay::Replay>()
}
