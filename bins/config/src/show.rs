//! The commands that the configuration stands for.

use std::ffi::OsString;

use config::{Caller, Config, Line, List};
use failure::Failure;
use options::Call;

/// The commands of a backup of all sources, in their order, one a line.
pub(crate) fn commands(config: &Config) -> Result<String, Failure> {
    let caller = caller(config);
    let backups = config.calls("backup", &Call::default(), &caller)?;
    let mut lines: Vec<String> = hooks(&config.before).collect();
    for (name, source) in &config.sources {
        lines.extend(hooks(&source.before));
        for one in backups.iter().filter(|one| one.source == *name) {
            lines.push(line("backup", &one.words));
            lines.extend(prune(config, name, &one.store, &caller)?);
        }
        lines.extend(hooks(&source.after));
    }
    lines.extend(hooks(&config.after));
    Ok(lines.iter().map(|line| format!("{line}\n")).collect())
}

/// Who calls this; root without a user to leave the work to is shown what that user would type.
fn caller(config: &Config) -> Caller {
    let caller = Caller::of_process();
    if config.user.is_none() && caller.sudo.is_none() { Caller::plain() } else { caller }
}

fn hooks(commands: &List<Line>) -> impl Iterator<Item = String> {
    commands.iter().map(|command| format!("sh -c {}", typed(command)))
}

/// What deletes old sets after a backup, if something does.
fn prune(
    config: &Config,
    source: &str,
    store: &str,
    caller: &Caller,
) -> Result<Option<String>, Failure> {
    let words = ["--force", source, store].map(OsString::from);
    let Some(call) = Call::read("prune", &words) else { return Ok(None) };
    let rules = config.sources.get(source).zip(config.stores.get(store));
    if !rules.is_some_and(|(source, store)| config.prunes(source, store)) {
        return Ok(None);
    }
    let planned = config.calls("prune", &call, caller)?;
    Ok(planned.first().map(|one| line("prune", &one.words)))
}

fn line(command: &str, words: &[OsString]) -> String {
    let words = words.iter().map(|word| typed(&word.to_string_lossy()));
    ["moo", command].map(str::to_owned).into_iter().chain(words).collect::<Vec<_>>().join(" ")
}

/// A word as a person would type it.
fn typed(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:=@%+,-".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}
