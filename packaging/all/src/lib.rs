//! All programs in one file, as a package contains them: what they share is there once. Hard links with
//! the names of the programs lead to it. Each process still is one program.

pub mod completions;

use std::ffi::OsStr;
use std::process::ExitCode;

use clap::{Command, CommandFactory};

/// A program.
pub struct Program {
    /// Its name, such as `moo-scan`.
    pub name: &'static str,
    /// Its `main`.
    pub main: fn() -> ExitCode,
    /// The definition of its arguments.
    pub command: fn() -> Command,
}

impl Program {
    const fn stage<P: cli::Program>() -> Program {
        Program { name: P::NAME, main: cli::main::<P>, command: P::command }
    }

    const fn other<P: CommandFactory>(name: &'static str, main: fn() -> ExitCode) -> Program {
        Program { name, main, command: P::command }
    }

    /// The program of that name.
    #[must_use]
    pub fn named(name: &OsStr) -> Option<&'static Program> {
        // Clients of duplicity look for it by this name: a link is enough.
        let name = if name == "duplicity" { OsStr::new("moobacker-duplicity") } else { name };
        PROGRAMS.iter().find(|program| program.name == name)
    }
}

/// All programs, in the order in which data flows through them.
pub static PROGRAMS: [Program; 27] = [
    Program::other::<snapshot::Snapshot>("moo-snapshot", snapshot::main),
    Program::stage::<scan::Scan>(),
    Program::stage::<sign::Sign>(),
    Program::stage::<delta::Delta>(),
    Program::stage::<pack::Pack>(),
    Program::stage::<encrypt::Encrypt>(),
    Program::stage::<moo_parity::Parity>(),
    Program::stage::<upload::Upload>(),
    Program::stage::<commit::Commit>(),
    Program::stage::<fetch::Fetch>(),
    Program::stage::<decrypt::Decrypt>(),
    Program::stage::<matching::Match>(),
    Program::stage::<patch::Patch>(),
    Program::stage::<compare::Compare>(),
    Program::stage::<replay::Replay>(),
    Program::stage::<list::List>(),
    Program::stage::<mount::Mount>(),
    Program::stage::<status::Status>(),
    Program::stage::<check::Check>(),
    Program::stage::<repair::Repair>(),
    Program::stage::<prune::Prune>(),
    Program::stage::<keygen::Keygen>(),
    Program::other::<options::Options>("moo-options", options::main),
    Program::other::<run::Run>("moo-run", run::main),
    Program::other::<each::Each>("moo-each", each::main),
    Program::other::<moo_config::Options>("moo-config", moo_config::main),
    Program::other::<duplicity::Duplicity>("moobacker-duplicity", duplicity::main),
];
