//! Calls of rclone: each is a process.

use std::io::{self, Read};
use std::process::{Child, Command, Output, Stdio};
use std::thread;

use failure::{Failure, OrFail, Status};

use super::messages;
use crate::{Options, Tries};

/// More bytes than the largest list of files has in rclone's output, at about 250 bytes per file.
const MOST_TOLD: u64 = 768 << 20;
/// Bytes of standard error that are kept.
const MOST_SAID: u64 = 1 << 20;

/// rclone, and the folder of a remote that it is called for.
#[derive(Clone)]
pub(crate) struct Rclone {
    url: String,
    remote: String,
    flags: Vec<String>,
    pub(crate) tries: u32,
}

impl Rclone {
    pub(crate) fn new(url: &str, remote: &str, options: &Options) -> Rclone {
        let seconds = format!("{}s", options.timeout().as_secs());
        let tries = options.num_retries;
        let mut flags = vec!["--ask-password=false".to_owned(), "--retries=1".to_owned()];
        flags.push(format!("--low-level-retries={tries}"));
        flags.push(format!("--timeout={seconds}"));
        flags.push(format!("--contimeout={seconds}"));
        flags.extend(options.rate().map(|rate| format!("--bwlimit={}K", rate >> 10)));
        let url = url.trim_end_matches('/').to_owned();
        Rclone { url, remote: remote.to_owned(), flags, tries }
    }

    /// A file of the folder as messages name it; the folder itself if the name is empty.
    pub(crate) fn which(&self, name: &str) -> String {
        let slash = if name.is_empty() || self.url.ends_with(':') { "" } else { "/" };
        format!("{}{slash}{name}", self.url)
    }

    /// The same as rclone names it.
    pub(crate) fn place(&self, name: &str) -> String {
        let plain = name.is_empty() || self.remote.ends_with([':', '/']);
        format!("{}{}{name}", self.remote, if plain { "" } else { "/" })
    }

    /// Calls rclone, repeatedly if the remote cannot be reached, and returns its output.
    pub(crate) fn run(&self, name: &str, words: &[&str]) -> Result<Vec<u8>, Failure> {
        Tries::new(self.tries).run(|_| self.try_once(name, words))
    }

    /// The same, once.
    pub(crate) fn try_once(&self, name: &str, words: &[&str]) -> Result<Vec<u8>, Failure> {
        let mut child = self.start(words, Stdio::null())?;
        let (stdout, stderr) = told(&mut child).or_fail(Status::Failed, "rclone")?;
        let status = child.wait().or_fail(Status::Failed, "rclone")?;
        if stdout.len() as u64 == MOST_TOLD {
            let why = format!("{}: has too many files for a store", self.which(name));
            return Err(Failure::new(Status::Refused, why));
        }
        self.check(name, Output { status, stdout, stderr })
    }

    /// Starts it.
    pub(crate) fn start(&self, words: &[&str], input: Stdio) -> Result<Child, Failure> {
        let mut command = Command::new("rclone");
        command.args(words).args(&self.flags);
        command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                let why = "rclone is not in PATH (this store needs it)";
                Failure::of(Status::Failed, &self.url, why)
            }
            _ => Failure::new(Status::Failed, format!("rclone: {error}")),
        })
    }

    pub(crate) fn check(&self, name: &str, output: Output) -> Result<Vec<u8>, Failure> {
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(self.failure(name, &output))
    }

    /// Why a call for a file has failed. Names from the user or from this program are ignored in
    /// its messages.
    pub(crate) fn failure(&self, name: &str, output: &Output) -> Failure {
        let path = self.remote.rsplit(':').next().unwrap_or_default();
        let own = [self.place(name), self.url.clone(), self.remote.clone(), path.to_owned()];
        let own: Vec<&str> = own.iter().map(String::as_str).chain([name]).collect();
        messages::failure(&self.which(name), output.status.code(), &output.stderr, &own)
    }
}

/// The output of rclone, up to a limit, and its messages on standard error.
fn told(child: &mut Child) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (stdout, mut stderr) = (child.stdout.take(), child.stderr.take());
    let (mut printed, mut said) = (Vec::new(), Vec::new());
    thread::scope(|scope| {
        let listening = || {
            let from = stderr.as_mut()?;
            from.take(MOST_SAID).read_to_end(&mut said).ok()?;
            io::copy(from, &mut io::sink()).ok()
        };
        let listener = thread::Builder::new().spawn_scoped(scope, listening)?;
        let read = stdout.map_or(Ok(0), |from| from.take(MOST_TOLD).read_to_end(&mut printed));
        if printed.len() as u64 == MOST_TOLD || read.is_err() {
            child.kill()?;
        }
        let _ = listener.join();
        read
    })?;
    Ok((printed, said))
}
