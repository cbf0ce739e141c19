//! The commands that the configuration stands for.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use archive::escape;
use config::{Caller, Config, Line, List};
use failure::{Failure, Status};
use options::{Call, typed};
use serde::Serialize;

/// A command of a backup of all sources.
pub(crate) struct Command {
    /// The source that it belongs to, if not to the whole run.
    source: Option<String>,
    words: Vec<OsString>,
}

/// The same as an object, `config.json` of the schemas: what is no UTF-8 is escaped as in a manifest.
#[derive(Serialize)]
struct Object<'a> {
    source: Option<&'a str>,
    words: Vec<String>,
}

/// The commands of a backup of all sources, in their order.
pub(crate) fn commands(config: &Config) -> Result<Vec<Command>, Failure> {
    let caller = caller(config);
    let backups = config.calls("backup", &Call::default(), &caller)?;
    let mut commands: Vec<_> = hooks(None, &config.before).collect();
    for (name, source) in &config.sources {
        commands.extend(hooks(Some(name), &source.before));
        for one in backups.iter().filter(|one| one.source == *name) {
            commands.push(of_moo(name, "backup", &one.words));
            let prune = config.prune_after(one, None, &caller)?;
            commands.extend(prune.map(|prune| of_moo(name, "prune", &prune.words)));
        }
        commands.extend(hooks(Some(name), &source.after));
    }
    commands.extend(hooks(None, &config.after));
    Ok(commands)
}

/// A line for each that can be typed as it stands.
pub(crate) fn lines(commands: &[Command]) -> String {
    let line = |command: &Command| {
        let words: Vec<_> = command.words.iter().map(|word| typed(word)).collect();
        words.join(" ") + "\n"
    };
    commands.iter().map(line).collect()
}

/// A line of JSON for each.
pub(crate) fn json(commands: &[Command]) -> Result<String, Failure> {
    let line = |command: &Command| {
        let words = command.words.iter().map(|word| escape(word.as_bytes())).collect();
        let object = Object { source: command.source.as_deref(), words };
        let text = serde_json::to_string(&object);
        let text = text.map_err(|e| Failure::new(Status::Failed, format!("json: {e}")))?;
        Ok(cli::shown::in_json(&text) + "\n")
    };
    commands.iter().map(line).collect()
}

/// Who calls this; root without a user to leave the work to is shown what that user would type.
fn caller(config: &Config) -> Caller {
    let caller = Caller::of_process();
    if config.user.is_none() && caller.sudo.is_none() { Caller::plain() } else { caller }
}

fn hooks(source: Option<&str>, hooks: &List<Line>) -> impl Iterator<Item = Command> {
    hooks.iter().map(move |hook| Command {
        source: source.map(str::to_owned),
        words: ["sh", "-c", hook].map(OsString::from).into(),
    })
}

fn of_moo(source: &str, command: &str, words: &[OsString]) -> Command {
    let moo = ["moo", command].map(OsString::from);
    Command {
        source: Some(source.to_owned()),
        words: moo.into_iter().chain(words.to_vec()).collect(),
    }
}
