//! `moo-decrypt`: checks and decrypts files.

fn main() -> std::process::ExitCode {
    cli::main::<decrypt::Decrypt>()
}
