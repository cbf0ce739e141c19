//! What `ssh -G` makes of a host: OpenSSH reads its configuration itself, with all that is in it.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::OnceLock;

use failure::{Failure, OrFail, Status, TemporaryFile, legible};
use tempfile::NamedTempFile;
use uzers::os::unix::UserExt;

use super::address::Address;
use super::place::home;
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
    /// ssh goes by the home of its user in passwd; this configuration leads it to the one of HOME.
    Led(Led),
}

/// A configuration made by this program. It has a file name only if an ssh process keeps running.
#[derive(Debug)]
pub(crate) struct Led {
    text: Vec<u8>,
    file: OnceLock<NamedTempFile>,
}

impl Led {
    fn path(&self) -> Result<PathBuf, Failure> {
        if let Some(file) = self.file.get() {
            return Ok(file.path().to_owned());
        }
        let mut file = NamedTempFile::new().or_fail(Status::Failed, TemporaryFile)?;
        file.write_all(&self.text).or_fail(Status::Failed, TemporaryFile)?;
        Ok(self.file.get_or_init(|| file).path().to_owned())
    }

    /// A file without a name, so that a killed run leaves nothing.
    fn open(&self) -> Result<File, Failure> {
        let mut file = tempfile::tempfile().or_fail(Status::Failed, TemporaryFile)?;
        file.write_all(&self.text).or_fail(Status::Failed, TemporaryFile)?;
        file.rewind().or_fail(Status::Failed, TemporaryFile)?;
        Ok(file)
    }
}

impl Source {
    /// The configuration of the options, or else that of HOME.
    fn of(options: &Options) -> Result<Source, Failure> {
        let given = options.ssh_config.as_ref();
        if let Some(file) = given {
            fs::read(file).or_fail(Status::Usage, failure::shown(file))?;
        }
        let user = uzers::get_user_by_uid(uzers::get_current_uid());
        if user.is_some_and(|user| user.home_dir() == home()) {
            return Ok(given.map_or(Source::Own, |file| Source::Given(file.clone())));
        }
        Source::led(given.map(PathBuf::as_path))
    }

    fn led(given: Option<&Path>) -> Result<Source, Failure> {
        let ssh = home().join(".ssh");
        let mut text = Vec::new();
        let quoted = |word: &str, file: &Path| {
            [word.as_bytes(), b" \"", file.as_os_str().as_bytes(), b"\""].concat()
        };
        match given {
            Some(file) => {
                let file =
                    std::path::absolute(file).or_fail(Status::Usage, failure::shown(file))?;
                text.extend(quoted("Include", &file));
            }
            None => {
                text.extend(quoted("Include", &ssh.join("config")));
                text.extend(format!("\nInclude {SYSTEM}").bytes());
            }
        }
        text.extend(quoted("\nHost *\nUserKnownHostsFile", &ssh.join("known_hosts")));
        text.extend(quoted("", &ssh.join("known_hosts2")));
        text.push(b'\n');
        Ok(Source::Led(Led { text, file: OnceLock::new() }))
    }

    /// The arguments by which a running ssh reads it.
    ///
    /// # Errors
    /// No temporary file can be made.
    pub(crate) fn words(&self) -> Result<Vec<PathBuf>, Failure> {
        Ok(match self {
            Source::Own => Vec::new(),
            Source::Given(file) => vec!["-F".into(), file.clone()],
            Source::Led(led) => vec!["-F".into(), led.path()?],
        })
    }

    /// A call of ssh that reads it, and nothing else from standard input.
    fn command(&self) -> Result<Command, Failure> {
        let mut command = Command::new("ssh");
        match self {
            Source::Led(led) => command.args(["-F", "/dev/stdin"]).stdin(led.open()?),
            _ => command.args(self.words()?).stdin(Stdio::null()),
        };
        Ok(command)
    }
}

impl SshSays {
    /// Runs `ssh -G`. Without ssh, and without anything that only ssh can read, no setting is set.
    ///
    /// # Errors
    /// [`Status::Usage`] for a configuration that ssh refuses, or if ssh is needed and missing.
    pub(crate) fn of(address: &Address, options: &Options) -> Result<(SshSays, Source), Failure> {
        check_options(options)?;
        let source = Source::of(options)?;
        let mut command = source.command()?;
        command.arg("-G");
        // The first to name a setting decides.
        command.args(address.user.iter().map(|user| format!("-oUser={user}")));
        command.args(address.port.iter().map(|port| format!("-oPort={port}")));
        command.args(options.ssh_options.iter().map(|option| format!("-o{option}")));
        command.args(["--", &address.host]);
        match run(&mut command) {
            Ok(done) => Ok((SshSays::read(&done)?, source)),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                not_needed(options).map(|()| (SshSays::default(), source))
            }
            Err(error) => Err(error).or_fail(Status::Failed, "configuration of ssh"),
        }
    }

    fn read(done: &Done) -> Result<SshSays, Failure> {
        if !done.status.success() {
            // The first line has the reason; the last one only says that ssh stops.
            let mut lines = done.stderr.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
            let why = lines.find(|line| !line.is_empty()).map(legible::line);
            let why = why.unwrap_or_else(|| "ssh -G fails, and does not say why".to_owned());
            return Err(Failure::new(Status::Usage, format!("configuration of ssh: {why}")));
        }
        Ok(SshSays::parse(&String::from_utf8_lossy(&done.stdout)))
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

    /// The value of a keyword, or `None` if it is `none` or `no`.
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

/// What a call of ssh came to.
struct Done {
    status: ExitStatus,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

/// Runs a command to its end. (The standard library's function panics if a pipe cannot be read.)
fn run(command: &mut Command) -> io::Result<Done> {
    let mut said = tempfile::tempfile()?;
    let mut child = command.stdout(Stdio::piped()).stderr(said.try_clone()?).spawn()?;
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let read = child.stdout.take().map_or(Ok(0), |mut from| from.read_to_end(&mut stdout));
    let status = child.wait()?;
    read?;
    said.rewind()?;
    said.read_to_end(&mut stderr)?;
    Ok(Done { status, stdout, stderr })
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

/// Without ssh, the meaning of a configuration is unknown.
fn not_needed(options: &Options) -> Result<(), Failure> {
    let why = "there is no ssh in PATH, which reads the settings of SSH: install openssh-client";
    let needs = |which: String| Err(Failure::of(Status::Usage, which, why));
    if let Some(file) = &options.ssh_config {
        return needs(failure::shown(&file).to_string());
    }
    if let Some(option) = options.ssh_options.first() {
        return needs(format!("--ssh-option {option}"));
    }
    let files = [home().join(".ssh/config"), Path::new(SYSTEM).to_owned()];
    match files.into_iter().find(|file| file.exists()) {
        Some(file) => needs(failure::shown(&file).to_string()),
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
