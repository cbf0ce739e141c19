//! `moo-config`: reads and checks the configuration.

fn main() -> std::process::ExitCode {
    moo_config::main()
}
