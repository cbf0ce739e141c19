//! `moo-check`: checks a store against its seals.

fn main() -> std::process::ExitCode {
    cli::main::<check::Check>()
}
