//! The completions of `moo` and of all programs for bash, zsh and fish.

use std::fs;
use std::io;
use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::{Shell, generate};

use crate::PROGRAMS;

/// The commands of `moo` that are scripts without a definition: their names are all that completes.
const SCRIPTS: [(&str, &str); 3] = [
    ("setup-remote", "Set up this machine to keep backups"),
    ("prune-remote", "Delete old sets on the machine that keeps them"),
    ("help", "Print the list of commands"),
];

/// Writes the completions below the folder `share`, where the shells look for them.
///
/// # Errors
/// A file or folder can't be written.
pub fn write(share: &Path) -> io::Result<()> {
    for (shell, folder) in [
        (Shell::Bash, "bash-completion/completions"),
        (Shell::Zsh, "zsh/site-functions"),
        (Shell::Fish, "fish/vendor_completions.d"),
    ] {
        let folder = share.join(folder);
        fs::create_dir_all(&folder)?;
        let programs = PROGRAMS.iter().map(|program| (program.command)());
        for mut command in programs.chain([moo()]) {
            let name = command.get_name().to_owned();
            let file = match shell {
                Shell::Zsh => format!("_{name}"),
                Shell::Fish => format!("{name}.fish"),
                _ => name.clone(),
            };
            let mut text = Vec::new();
            generate(shell, &mut command, name, &mut text);
            fs::write(folder.join(file), text)?;
        }
    }
    Ok(())
}

/// `moo` with all its commands.
fn moo() -> Command {
    let commands = options::commands().filter(|command| !command.get_name().contains('.'));
    let keygen = keygen::Keygen::command().name("keygen").bin_name("moo keygen");
    let config = moo_config::Options::command().name("config").bin_name("moo config");
    let scripts = SCRIPTS.map(|(name, about)| Command::new(name).about(about));
    Command::new("moo")
        .about("Back up directories, restore them, and check the backups")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_help_subcommand(true)
        .subcommands(commands.chain([config, keygen]).chain(scripts))
}
