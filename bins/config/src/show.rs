//! The commands that the configuration stands for.

use std::ffi::{OsStr, OsString};

use config::{Caller, Config, Line, List};
use failure::Failure;
use options::{Call, typed};

/// The commands of a backup of all sources, in their order, one a line.
pub(crate) fn commands(config: &Config) -> Result<String, Failure> {
    let caller = caller(config);
    let backups = config.calls("backup", &Call::default(), &caller)?;
    let mut lines: Vec<String> = hooks(&config.before).collect();
    for (name, source) in &config.sources {
        lines.extend(hooks(&source.before));
        for one in backups.iter().filter(|one| one.source == *name) {
            lines.push(line("backup", &one.words));
            let prune = config.prune_after(one, None, &caller)?;
            lines.extend(prune.map(|prune| line("prune", &prune.words)));
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
    commands.iter().map(|command| format!("sh -c {}", typed(OsStr::new(&**command))))
}

fn line(command: &str, words: &[OsString]) -> String {
    let words = words.iter().map(|word| typed(word));
    ["moo", command].map(str::to_owned).into_iter().chain(words).collect::<Vec<_>>().join(" ")
}
