//! `moo-fetch`: fetches files from a store.

fn main() -> std::process::ExitCode {
    cli::main::<fetch::Fetch>()
}
