//! `moo-each`: runs a command of moo for each source and store that is meant.

fn main() -> std::process::ExitCode {
    each::main()
}
