//! What `ssh -G` makes of a host: OpenSSH reads its configuration itself, with all that is in it.

use std::collections::HashMap;
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use stream::{Failure, OrFail, Status};
use tempfile::NamedTempFile;
use uzers::os::unix::UserExt;

use super::address::Address;
use super::settings::home;
use crate::Options;

/// The configuration of all users.
const SYSTEM: &str = "/etc/ssh/ssh_config";

/// The settings of a host: each keyword in lower case, and its values in order.
#[derive(Debug, Default)]
pub(crate) struct SshSays(HashMap<String, Vec<String>>);

/// Which configuration ssh reads.
#[derive(Debug)]
pub(crate) enum Source {
    /// The one that it finds itself.
    Own,
    /// The file that was given.
    Given(PathBuf),
    /// ssh goes by the home of its user in passwd; this file leads it to the one of HOME.
    Led(NamedTempFile),
}

impl Source {
    /// The one that the options name, or that of HOME.
    fn of(options: &Options) -> Result<Source, Failure> {
        let given = options.ssh_config.as_ref();
        if let Some(file) = given {
            fs::read(file).or_fail(Status::Usage, file.display())?;
        }
        let user = uzers::get_user_by_uid(uzers::get_current_uid());
        if user.is_some_and(|user| user.home_dir() == home()) {
            return Ok(given.map_or(Source::Own, |file| Source::Given(file.clone())));
        }
        Source::led(given.map(PathBuf::as_path))
    }

    fn led(given: Option<&Path>) -> Result<Source, Failure> {
        let ssh = home().join(".ssh");
        let read = match given {
            Some(file) => {
                let file = std::path::absolute(file).or_fail(Status::Usage, file.display())?;
                format!("Include \"{}\"\n", file.display())
            }
            None => format!("Include \"{}/config\"\nInclude {SYSTEM}\n", ssh.display()),
        };
        let ssh = ssh.display();
        let lists = format!("UserKnownHostsFile \"{ssh}/known_hosts\" \"{ssh}/known_hosts2\"\n");
        let mut file = NamedTempFile::new().or_fail(Status::Failed, "temporary file")?;
        let written = write!(file, "{read}Host *\n{lists}");
        written.or_fail(Status::Failed, "temporary file")?;
        Ok(Source::Led(file))
    }

    /// The words that make ssh read it.
    pub(crate) fn words(&self) -> Vec<PathBuf> {
        match self {
            Source::Own => Vec::new(),
            Source::Given(file) => vec!["-F".into(), file.clone()],
            Source::Led(file) => vec!["-F".into(), file.path().to_owned()],
        }
    }
}

impl SshSays {
    /// Asks ssh. Where there is none, and nothing that only it could read, nothing is set.
    ///
    /// # Errors
    /// [`Status::Usage`] for what ssh does not understand, or where it is needed and missing.
    pub(crate) fn of(address: &Address, options: &Options) -> Result<(SshSays, Source), Failure> {
        check_options(options)?;
        let source = Source::of(options)?;
        let mut command = Command::new("ssh");
        command.arg("-G").args(source.words());
        // The first to name a setting decides.
        command.args(address.user.iter().map(|user| format!("-oUser={user}")));
        command.args(address.port.iter().map(|port| format!("-oPort={port}")));
        command.args(options.ssh_options.iter().map(|option| format!("-o{option}")));
        command.args(["--", &address.host]).stdin(Stdio::null());
        match command.output() {
            Ok(output) => Ok((SshSays::read(output)?, source)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                not_needed(options).map(|()| (SshSays::default(), source))
            }
            Err(error) => Err(Failure::new(Status::Failed, format!("ssh: {error}"))),
        }
    }

    fn read(output: Output) -> Result<SshSays, Failure> {
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            // The first says what, the last only that it ends.
            let why = said.lines().map(str::trim).find(|line| !line.is_empty());
            let why = why.unwrap_or("ssh -G fails, and does not say why");
            return Err(Failure::new(Status::Usage, format!("configuration of ssh: {why}")));
        }
        Ok(SshSays::parse(&String::from_utf8_lossy(&output.stdout)))
    }

    fn parse(text: &str) -> SshSays {
        let mut says = SshSays::default();
        for (key, value) in text.lines().filter_map(|line| line.split_once(' ')) {
            says.0.entry(key.to_lowercase()).or_default().push(value.trim().to_owned());
        }
        says
    }

    /// All values of a keyword.
    pub(crate) fn all(&self, key: &str) -> &[String] {
        self.0.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The value of a keyword that has one; none if it is `none` or `no`.
    pub(crate) fn one(&self, key: &str) -> Option<&str> {
        let value = self.all(key).first().map(String::as_str);
        value.filter(|value| !matches!(*value, "none" | "no" | "false" | ""))
    }

    /// The files in the value of a keyword. ssh does not quote the blanks in them.
    pub(crate) fn files(&self, key: &str) -> Vec<String> {
        let mut files: Vec<String> = Vec::new();
        for word in self.all(key).iter().flat_map(|line| line.split(' ')) {
            match files.last_mut() {
                Some(last)
                    if !word.starts_with(['/', '~', '%']) && last.starts_with(['/', '~']) =>
                {
                    last.push(' ');
                    last.push_str(word);
                }
                _ => files.push(word.to_owned()),
            }
        }
        files.retain(|file| !file.is_empty() && file != "none");
        files
    }
}

fn check_options(options: &Options) -> Result<(), Failure> {
    match options.ssh_options.iter().find(|option| !option.contains('=')) {
        None => Ok(()),
        Some(option) => {
            let why = "a setting is KEY=VALUE, such as Port=2222";
            Err(Failure::new(Status::Usage, format!("--ssh-option {option}: {why}")))
        }
    }
}

/// Without ssh, nobody can say what a configuration means.
fn not_needed(options: &Options) -> Result<(), Failure> {
    let why = "there is no ssh in PATH, which reads the settings of SSH: install openssh-client";
    let needs = |which: String| Err(Failure::new(Status::Usage, format!("{which}: {why}")));
    if let Some(file) = &options.ssh_config {
        return needs(file.display().to_string());
    }
    if let Some(option) = options.ssh_options.first() {
        return needs(format!("--ssh-option {option}"));
    }
    let files = [home().join(".ssh/config"), Path::new(SYSTEM).to_owned()];
    match files.into_iter().find(|file| file.exists()) {
        Some(file) => needs(file.display().to_string()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_says_is_read_with_repeated_keywords_and_blanks_in_files() {
        let says = SshSays::parse(
            "host box\nidentityfile ~/.ssh/a\nidentityfile ~/.ssh/b\nproxyjump none\n\
             userknownhostsfile /home/a b/.ssh/known_hosts /x ~/y z\nport 22\n",
        );
        assert_eq!(says.all("identityfile"), ["~/.ssh/a", "~/.ssh/b"]);
        assert_eq!((says.one("proxyjump"), says.one("port")), (None, Some("22")));
        let files = ["/home/a b/.ssh/known_hosts", "/x", "~/y z"];
        assert_eq!(says.files("userknownhostsfile"), files);
    }
}
