//! `moo-match`: finds what of a state is there already.

fn main() -> std::process::ExitCode {
    cli::main::<matching::Match>()
}
