//! `moo-keygen`: makes a key pair.

fn main() -> std::process::ExitCode {
    cli::main::<keygen::Keygen>()
}
