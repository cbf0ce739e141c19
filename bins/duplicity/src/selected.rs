//! duplicity's selection as options of `moo`: the filters say how the patterns that follow are meant.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use selection::{Sign, filelist};

use crate::action::Action;
use crate::code::Refusal;
use crate::command_line::{CommandLine, Given};
use crate::option::Use;

/// What a filter says that duplicity assumes anyway.
const DEFAULTS: [&str; 2] = ["filter-globbing", "filter-strictcase"];

/// Selections that ask the source for more than paths.
const OF_SOURCES: [&str; 5] = [
    "exclude-if-present",
    "exclude-older-than",
    "exclude-other-filesystems",
    "exclude-device-files",
    "files-from",
];

/// How patterns are meant.
#[derive(Clone, Copy, Debug, Default)]
struct Mode {
    form: Form,
    ignore_case: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Form {
    #[default]
    Glob,
    Literal,
    Regexp,
}

/// The options of `moo` that select the same.
///
/// # Errors
/// Filters without an effect, lists that cannot be read, and selections that look at more than paths for a
/// restore.
pub(crate) fn options(line: &CommandLine, action: &Action) -> Result<Vec<OsString>, Refusal> {
    check_filters(line)?;
    if *action == Action::Restore {
        check_restore(line)?;
    }
    let mut mode = Mode::default();
    let mut options = Vec::new();
    for given in &line.options {
        match given.option.does {
            Use::Filter => mode = mode.after(given.option.long),
            Use::Selection => mode.add(given, line.has("null-separator"), &mut options)?,
            _ => {}
        }
    }
    Ok(options)
}

/// A restore selects by path alone.
fn check_restore(line: &CommandLine) -> Result<(), Refusal> {
    let selections = line.options.iter().filter(|given| given.option.does == Use::Selection);
    let mut others =
        selections.map(|given| given.option.long).filter(|long| OF_SOURCES.contains(long));
    match others.next() {
        Some(long) => Err(Refusal::usage(format!("--{long}: not supported for restore"))),
        None => Ok(()),
    }
}

/// Filters that change nothing are mistakes, as duplicity has it.
fn check_filters(line: &CommandLine) -> Result<(), Refusal> {
    let counts = |given: &&Given| matches!(given.option.does, Use::Selection | Use::Filter);
    let counting: Vec<_> = line.options.iter().filter(counts).collect();
    let filters = || counting.iter().filter(|given| given.option.does == Use::Filter);
    if let Some(last) = counting.last().filter(|last| last.option.does == Use::Filter) {
        let which = last.option.long;
        let text = format!(
            "The last file selection option is the filter option --{which}, which will have no\n\
             effect as there are no subsequent file selection options."
        );
        return Err(Refusal::new(71, "", text));
    }
    let changes = |given: &Given| !DEFAULTS.contains(&given.option.long);
    if filters().next().is_some() && !filters().any(|given| changes(given)) {
        let names: Vec<_> = filters().map(|given| format!("--{}", given.option.long)).collect();
        let text = format!("{} is the default behaviour and so has no effect.", names.join(" "));
        return Err(Refusal::new(70, "", text));
    }
    Ok(())
}

impl Mode {
    fn after(self, filter: &str) -> Mode {
        match filter {
            "filter-globbing" => Mode { form: Form::Glob, ..self },
            "filter-literal" => Mode { form: Form::Literal, ..self },
            "filter-regexp" => Mode { form: Form::Regexp, ..self },
            "filter-ignorecase" => Mode { ignore_case: true, ..self },
            _ => Mode { ignore_case: false, ..self },
        }
    }

    fn is_plain(self) -> bool {
        self.form == Form::Glob && !self.ignore_case
    }

    /// Adds a selection as options of `moo`, each in one word. A list whose patterns are no plain globs is read
    /// here: each of its patterns is an option.
    fn add(self, given: &Given, null: bool, options: &mut Vec<OsString>) -> Result<(), Refusal> {
        let long = given.option.long.trim_end_matches("-stdin");
        if self.is_plain() || !matches!(long, "include-filelist" | "exclude-filelist") {
            options.push(self.option(given));
            return Ok(());
        }
        let is_input = long != given.option.long;
        let path = if is_input { Some(OsStr::new("/dev/stdin")) } else { given.value() };
        let text = filelist::read(Path::new(path.unwrap_or_default()));
        let text = text.map_err(|failure| Refusal::usage(failure.to_string()))?;
        let sign = if long.starts_with("include") { Sign::Include } else { Sign::Exclude };
        options.extend(filelist::patterns(&text, sign, null).map(|line| {
            let sign = if line.sign == Sign::Include { "include" } else { "exclude" };
            self.pattern(sign, line.pattern)
        }));
        Ok(())
    }

    /// A selection as an option of `moo`, in one word.
    fn option(self, given: &Given) -> OsString {
        let long = given.option.long;
        let value = given.value().unwrap_or_default().as_bytes();
        match long {
            "include" | "exclude" => self.pattern(long, value),
            "include-regexp" | "exclude-regexp" => {
                let mode = Mode { form: Form::Regexp, ..self };
                mode.pattern(long.trim_end_matches("-regexp"), value)
            }
            "include-filelist-stdin" | "exclude-filelist-stdin" => {
                word(long.trim_end_matches("-stdin"), b"/dev/stdin")
            }
            // In its old name, a list is one of globs after any filter.
            "include-globbing-filelist" => word("include-filelist", value),
            "exclude-globbing-filelist" => word("exclude-filelist", value),
            "exclude-other-filesystems" | "exclude-device-files" | "null-separator" => {
                format!("--{long}").into()
            }
            _ => word(long, value),
        }
    }

    fn pattern(self, sign: &str, pattern: &[u8]) -> OsString {
        let case = |mark: &'static [u8]| if self.ignore_case { mark } else { b"" };
        match self.form {
            // A pattern may say so itself.
            Form::Glob if pattern.starts_with(b"ignorecase:") => word(sign, pattern),
            Form::Glob => word(sign, &[case(b"ignorecase:"), pattern].concat()),
            Form::Literal => word(sign, &[case(b"ignorecase:"), &literal(pattern)].concat()),
            Form::Regexp => word(&format!("{sign}-regexp"), &[case(b"(?i)"), pattern].concat()),
        }
    }
}

/// A glob that matches just this text. A slash at its end means nothing, unlike that of a glob.
fn literal(text: &[u8]) -> Vec<u8> {
    let shorter =
        text.strip_suffix(b"/").filter(|shorter| !matches!(shorter.last(), None | Some(b'/')));
    let text = shorter.unwrap_or(text);
    let mut glob = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'*' | b'?' | b'[' => glob.extend([b'[', *byte, b']']),
            _ => glob.push(*byte),
        }
    }
    if text.starts_with(b"ignorecase:") {
        glob.splice(0..1, *b"[i]");
    }
    glob
}

fn word(long: &str, value: &[u8]) -> OsString {
    OsString::from_vec([b"--", long.as_bytes(), b"=", value].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::Asked;

    fn selected(words: &str) -> Result<Vec<String>, Refusal> {
        let words = words.split(' ').map(OsString::from);
        let Asked::Work(line) = CommandLine::read(words)? else { panic!("text") };
        Ok(options(&line, &Action::Backup)?
            .into_iter()
            .map(|word| word.into_string().unwrap())
            .collect())
    }

    #[test]
    fn selections_keep_their_order_among_each_other() {
        let given = "--exclude a --exclude-device-files --include-regexp b --exclude **";
        let expected =
            ["--exclude=a", "--exclude-device-files", "--include-regexp=b", "--exclude=**"];
        assert_eq!(selected(given).unwrap(), expected);
    }

    #[test]
    fn filters_hold_for_the_patterns_that_follow() {
        let given = "--include a* --filter-literal --include a*[b] --filter-ignorecase --include B \
                     --filter-regexp --exclude c$ --filter-globbing --exclude ** --filter-strictcase \
                     --exclude d";
        let words: Vec<_> = given.split_whitespace().collect();
        let expected = [
            "--include=a*",
            "--include=a[*][[]b]",
            "--include=ignorecase:B",
            "--exclude-regexp=(?i)c$",
            "--exclude=ignorecase:**",
            "--exclude=d",
        ];
        assert_eq!(selected(&words.join(" ")).unwrap(), expected);
        assert_eq!(
            selected("--filter-ignorecase --include ignorecase:x --exclude y").unwrap(),
            ["--include=ignorecase:x", "--exclude=ignorecase:y"]
        );
        assert_eq!(
            selected("--filter-literal --exclude-globbing-filelist x --exclude y").unwrap(),
            ["--exclude-filelist=x", "--exclude=y"]
        );
        assert_eq!(
            selected("--filter-literal --include a/ --exclude / --exclude b//").unwrap(),
            ["--include=a", "--exclude=/", "--exclude=b//"]
        );
        assert_eq!(
            selected("--filter-literal --include ignorecase:x").unwrap(),
            ["--include=[i]gnorecase:x"]
        );
    }

    #[test]
    fn filters_without_an_effect_are_refused() {
        assert_eq!(selected("--filter-regexp").unwrap_err().code, 71);
        assert_eq!(selected("--exclude a --filter-literal").unwrap_err().code, 71);
        assert_eq!(selected("--filter-globbing --exclude a").unwrap_err().code, 70);
        assert!(selected("--filter-literal --exclude a").is_ok());
        assert!(selected("--filter-ignorecase --filter-strictcase --exclude a").is_ok());
    }
}
