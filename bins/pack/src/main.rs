//! `moo-pack`: packs a tree stream into volumes, signatures and a manifest.

fn main() -> std::process::ExitCode {
    cli::main::<pack::Pack>()
}
