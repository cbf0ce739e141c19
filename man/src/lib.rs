//! The pages of the programs: names, options and examples from the definitions that the programs
//! parse their arguments with, the rest from the prose beside this crate.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use clap_mangen::Man;

/// The date of the last revision of the pages.
const DATE: &str = "2026-11-29";

/// The line of the prose that is replaced by the examples.
const EXAMPLES: &str = ".\\\" EXAMPLES\n";

/// A page as it is kept in `man1`.
pub struct Page {
    /// The file's name, such as `moo-scan.1`.
    pub name: String,
    /// Its content.
    pub text: String,
}

/// The folder of the manual.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// The commands of all programs, in the order in which data flows through them.
pub fn commands() -> Vec<Command> {
    vec![
        scan::Scan::command(),
        sign::Sign::command(),
        delta::Delta::command(),
        pack::Pack::command(),
        encrypt::Encrypt::command(),
        upload::Upload::command(),
        commit::Commit::command(),
        fetch::Fetch::command(),
        decrypt::Decrypt::command(),
        patch::Patch::command(),
        compare::Compare::command(),
        replay::Replay::command(),
        list::List::command(),
        check::Check::command(),
        prune::Prune::command(),
        keygen::Keygen::command(),
        run::Run::command(),
    ]
}

/// The page of a program.
///
/// # Errors
/// There is no prose for it.
pub fn page(mut command: Command) -> io::Result<Page> {
    let program = command.get_name().to_owned();
    let prose = std::fs::read_to_string(folder().join(format!("prose/{program}.roff")))?;
    let head = head(&mut command);
    let examples = examples(&command);
    let title = format!("moobacker {}", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command).date(DATE).source(title).manual("moobacker");
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    text.extend(head.into_bytes());
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned() + &prose.replace(EXAMPLES, &examples);
    Ok(Page { name: format!("{program}.1"), text: in_ascii(&text) })
}

/// Name and synopsis, as pages of Unix have them.
fn head(command: &mut Command) -> String {
    let program = escaped(command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let about = about.chars().take(1).flat_map(char::to_lowercase).chain(about.chars().skip(1));
    let about = escaped(&about.collect::<String>());
    let usage = command.render_usage().to_string();
    let words = usage.split_whitespace().skip(2).map(|word| match word {
        "[OPTIONS]" => r"[\fIoptions\fR]".to_owned(),
        word => format!(r"\fI{}\fR", escaped(word.trim_matches(['<', '>']))),
    });
    let words = words.collect::<Vec<_>>().join(" ");
    format!(".SH NAME\n{program} \\- {about}\n.SH SYNOPSIS\n.B {program}\n{words}\n")
}

/// The examples that `--help` ends with, as a section.
fn examples(command: &Command) -> String {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut section = ".SH EXAMPLES\n.EX\n".to_owned();
    for line in help.lines().skip(1) {
        let _ = writeln!(section, "{}", escaped(line.strip_prefix("  ").unwrap_or(line)));
    }
    section + ".EE\n"
}

/// A text as every roff can read it.
fn in_ascii(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut ascii, letter| {
        if letter.is_ascii() {
            ascii.push(letter);
        } else {
            let _ = write!(ascii, "\\[u{:04X}]", u32::from(letter));
        }
        ascii
    })
}

/// A text in which nothing is a command or an ornament of roff's.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-").replace('~', "\\(ti");
    text.replace('\'', "\\(aq").replace('`', "\\(ga").replace('^', "\\(ha")
}
