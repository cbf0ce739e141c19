//! The pages of the programs and of the commands of `moo`: names, options and examples from the
//! definitions that their arguments are parsed with, the rest from the prose beside this crate.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use clap::Command;
use clap_mangen::Man;

/// The date of the last revision of the pages.
const DATE: &str = "2026-11-29";

/// The line of the prose that is replaced by the examples.
const EXAMPLES: &str = ".\\\" EXAMPLES\n";
/// The line of a command's prose that is replaced by its options.
const OPTIONS: &str = ".\\\" OPTIONS\n";

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

/// The definitions of all programs, in the order in which data flows through them.
pub fn programs() -> Vec<Command> {
    moobacker::PROGRAMS.iter().map(|program| (program.command)()).collect()
}

/// All pages that come from definitions. A command and a program of the same name share one.
///
/// # Errors
/// There is no prose for one of them.
pub fn pages() -> io::Result<Vec<Page>> {
    let mut programs = programs();
    let mut pages = Vec::new();
    for command in options::commands() {
        let name = page_name(&command);
        let mut page = of_command(command, &name)?;
        if let Some(at) = programs.iter().position(|program| program.get_name() == name) {
            page.text += &second_part(&of_program(programs.remove(at))?);
        }
        pages.push(page);
    }
    for program in programs {
        pages.push(of_program(program)?);
    }
    Ok(pages)
}

/// What a person types for a command's page, as git's pages are called.
fn page_name(command: &Command) -> String {
    let name = command.get_name();
    if name.ends_with(".sh") { name.to_owned() } else { format!("moo-{name}") }
}

/// The page of a program.
fn of_program(mut command: Command) -> io::Result<Page> {
    let program = command.get_name().to_owned();
    let prose = prose(&program)?;
    let head = head(&mut command, &program);
    let examples = examples(&command);
    let man = manual(command, &program);
    let mut text = Vec::new();
    man.render_title(&mut text)?;
    text.extend(head.into_bytes());
    man.render_description_section(&mut text)?;
    man.render_options_section(&mut text)?;
    let text = String::from_utf8_lossy(&text).into_owned() + &prose.replace(EXAMPLES, &examples);
    Ok(Page { name: format!("{program}.1"), text: in_ascii(&text) })
}

/// The page of a command of `moo`, whose prose has a place for its options.
fn of_command(mut command: Command, name: &str) -> io::Result<Page> {
    let prose = prose(command.get_name())?;
    let head = head(&mut command, name);
    let examples = examples(&command);
    let man = manual(command, name);
    let (mut title, mut options) = (Vec::new(), Vec::new());
    man.render_title(&mut title)?;
    man.render_options_section(&mut options)?;
    let options = String::from_utf8_lossy(&options).into_owned();
    let text = String::from_utf8_lossy(&title).into_owned()
        + &head
        + &prose.replace(OPTIONS, &options).replace(EXAMPLES, &examples);
    Ok(Page { name: format!("{name}.1"), text: in_ascii(&text) })
}

/// A page as a part of another one: its sections under a heading with its name.
fn second_part(page: &Page) -> String {
    let program = page.name.trim_end_matches(".1");
    let (_, text) = page.text.split_once(".SH SYNOPSIS\n").unwrap_or_default();
    let text = text.replace("\n.SS ", "\n.PP\n.B ").replace("\n.SH ", "\n.SS ");
    format!(".SH THE PROGRAM {}\n.SS SYNOPSIS\n{text}", escaped(program))
}

fn prose(name: &str) -> io::Result<String> {
    std::fs::read_to_string(folder().join(format!("prose/{name}.roff")))
}

fn manual(command: Command, name: &str) -> Man {
    let title = format!("moobacker {}", env!("CARGO_PKG_VERSION"));
    Man::new(command).title(name).date(DATE).source(title).manual("moobacker")
}

/// Name and synopsis, as pages of Unix have them.
fn head(command: &mut Command, page: &str) -> String {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let about = about.chars().take(1).flat_map(char::to_lowercase).chain(about.chars().skip(1));
    let about = escaped(&about.collect::<String>());
    let called = command.get_bin_name().unwrap_or(command.get_name()).to_owned();
    let usage = command.render_usage().to_string();
    let ways = usage.trim_start_matches("Usage:").lines().map(|way| synopsis(way.trim(), &called));
    let ways = ways.collect::<Vec<_>>().join(".br\n");
    format!(".SH NAME\n{} \\- {about}\n.SH SYNOPSIS\n{ways}", escaped(page))
}

/// One way to call a program or command. What explains it, behind some blanks, is left out.
fn synopsis(way: &str, called: &str) -> String {
    let way = way.split_once("   ").map_or(way, |(way, _)| way);
    let words = way.strip_prefix(called).unwrap_or(way).split_whitespace().map(|word| match word {
        "[OPTIONS]" | "[options]" => r"[\fIoptions\fR]".to_owned(),
        word if word.starts_with("--") => format!(r"\fB{}\fR", escaped(word)),
        word => format!(r"\fI{}\fR", escaped(word.trim_matches(['<', '>']))),
    });
    format!(".B {}\n{}\n", escaped(called), words.collect::<Vec<_>>().join(" "))
}

/// The examples that `--help` ends with, as a section.
fn examples(command: &Command) -> String {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let mut section = ".SH EXAMPLES\n.EX\n".to_owned();
    let (_, examples) = help.split_once("Examples:\n").unwrap_or_default();
    for line in examples.lines() {
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
