//! `moo-encrypt`: compresses, encrypts and seals the files of a set.

fn main() -> std::process::ExitCode {
    cli::main::<encrypt::Encrypt>()
}
