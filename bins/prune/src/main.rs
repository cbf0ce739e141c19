//! `moo-prune`: removes old sets from a store.

fn main() -> std::process::ExitCode {
    cli::main::<prune::Prune>()
}
