//! `moobacker` is the program whose name it is called by. By another name it helps to install:
//! `--list` prints the names of the programs, and `--completions FOLDER` writes the shells' completions
//! below FOLDER, such as `/usr/local/share`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use failure::{Failure, OrFail, Status, shown};
use moobacker::{PROGRAMS, Program, completions};

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    let called = words.next().unwrap_or_default();
    let name = Path::new(&called).file_name().unwrap_or_default();
    if let Some(program) = Program::named(name) {
        return (program.main)();
    }
    let Err(failure) = install(&words.collect::<Vec<_>>()) else { return ExitCode::SUCCESS };
    // Nobody may be there to read it.
    let _ = writeln!(io::stderr(), "{}: {failure}", shown(name));
    failure.status().code().into()
}

/// Does what an installation needs besides the file.
fn install(words: &[OsString]) -> Result<(), Failure> {
    match words {
        [option] if option == "--list" => list().or_fail(Status::Failed, "--list"),
        [option, folder] if option == "--completions" => {
            completions::write(Path::new(folder)).or_fail(Status::Failed, shown(folder))
        }
        _ => {
            let why = "not the name of a program; --list prints the names to call it by";
            Err(Failure::new(Status::Usage, why))
        }
    }
}

/// Prints the names of the programs, one a line.
fn list() -> io::Result<()> {
    let mut out = io::stdout().lock();
    PROGRAMS.iter().try_for_each(|program| writeln!(out, "{}", program.name))
}
