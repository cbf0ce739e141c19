//! `moo-upload`: sends files to a store.

fn main() -> std::process::ExitCode {
    cli::main::<upload::Upload>()
}
