//! `moo-parity`: adds parity files to the files of a set.

fn main() -> std::process::ExitCode {
    cli::main::<moo_parity::Parity>()
}
