//! `moo-options`: reads the options of a command of `moo`.

fn main() -> std::process::ExitCode {
    options::main()
}
