//! `moo-status`: lists the sets of a store.

fn main() -> std::process::ExitCode {
    cli::main::<status::Status>()
}
