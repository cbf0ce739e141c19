//! `moo-snapshot`: runs a program on a snapshot of a source.

fn main() -> std::process::ExitCode {
    snapshot::main()
}
