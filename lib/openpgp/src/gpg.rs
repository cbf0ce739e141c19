//! Calls of `gpg`: for certificates of its keyring, and for what only its agent can do.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::{Builder, Scope, scope};

use failure::{Failure, OrFail, Status, legible};

use crate::passphrase::Passphrase;

/// How a call of gpg ended, and what it printed.
pub(crate) struct GpgOutcome {
    pub(crate) success: bool,
    pub(crate) stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl GpgOutcome {
    /// What follows that keyword in gpg's status lines, once for each line.
    pub(crate) fn statuses<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a str> {
        let lines = self.lines().filter_map(|line| line.strip_prefix(b"[GNUPG:] "));
        lines.filter_map(|line| str::from_utf8(line).ok()).filter_map(move |line| {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            (word == keyword).then_some(rest)
        })
    }

    /// The last message that gpg printed.
    pub(crate) fn reason(&self) -> String {
        let messages = self.lines().filter_map(|line| line.strip_prefix(b"gpg: "));
        let last = messages.last().unwrap_or(b"failed without a message");
        legible::line(last.trim_ascii())
    }

    fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.stderr.split(|byte| *byte == b'\n')
    }
}

/// A running gpg that is fed through its standard input.
pub(crate) struct Gpg {
    child: Child,
    stdin: Option<ChildStdin>,
}

impl Gpg {
    /// Starts gpg. A passphrase goes in as the first line of its input: gpg reads it byte by
    /// byte and leaves the rest alone. Without one, its agent asks whom it likes.
    pub(crate) fn start<A: AsRef<OsStr>>(
        args: impl IntoIterator<Item = A>,
        passphrase: Option<&Passphrase>,
    ) -> Result<Gpg, Failure> {
        let mut command = command();
        if passphrase.is_some() {
            command.args(["--pinentry-mode", "loopback", "--passphrase-fd", "0"]);
        }
        let mut child = command.args(args).spawn().map_err(|error| not_started(&error))?;
        let mut gpg = Gpg { stdin: child.stdin.take(), child };
        if let Some(Passphrase(password)) = passphrase {
            password.map(|secret| gpg.feed(secret));
            gpg.feed(b"\n");
        }
        Ok(gpg)
    }

    /// Gives gpg more input. If it takes no more, its outcome says why.
    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        let Some(stdin) = &mut self.stdin else { return };
        if stdin.write_all(bytes).is_err() {
            self.stdin = None;
        }
    }

    /// Ends gpg's input and waits for it. For calls whose output is short.
    pub(crate) fn finish(mut self) -> Result<GpgOutcome, Failure> {
        self.stdin = None;
        self.collect()
    }

    /// Feeds gpg from a reader while its output goes to a writer.
    pub(crate) fn pump(
        mut self,
        mut from: impl Read + Send,
        to: &mut dyn Write,
    ) -> Result<GpgOutcome, Failure> {
        let stdin = self.stdin.take();
        let mut stdout = self.child.stdout.take();
        let mut stderr = self.child.stderr.take();
        let mut said = Vec::new();
        scope(|scope| {
            let listening = beside(scope, || stderr.as_mut().map(|s| s.read_to_end(&mut said)));
            let feeding = || stdin.map(|mut stdin| io::copy(&mut from, &mut stdin));
            let pumped = listening.and_then(|()| beside(scope, feeding)).and_then(|()| {
                let copied = stdout.as_mut().map_or(Ok(0), |stdout| io::copy(stdout, to));
                copied.or_fail(Status::Failed, "gpg")
            });
            if pumped.is_err() {
                // Else the threads would wait for it.
                self.child.kill().ok();
            }
            pumped
        })?;
        self.outcome(Vec::new(), said)
    }

    /// Feeds gpg by a function while its output goes to a writer. An error of the function is returned
    /// unchanged. If gpg takes no more, its outcome says why.
    pub(crate) fn filter(
        mut self,
        mut to: impl Write + Send,
        feed: impl FnOnce(&mut GpgInput) -> anyhow::Result<()>,
    ) -> anyhow::Result<GpgOutcome> {
        let mut input = GpgInput { stdin: self.stdin.take(), refused: false };
        let (stdout, mut stderr) = (self.child.stdout.take(), self.child.stderr.take());
        let (mut said, mut copied) = (Vec::new(), Ok(0));
        let fed = scope(|scope| {
            let listening = || stderr.as_mut().map(|s| s.read_to_end(&mut said));
            let copying = || copied = stdout.map_or(Ok(0), |mut from| io::copy(&mut from, &mut to));
            let begun = beside(scope, listening).and_then(|()| beside(scope, copying));
            let fed = begun.map_err(anyhow::Error::from).and_then(|()| feed(&mut input));
            input.stdin = None;
            if fed.is_err() && !input.refused {
                // Else the threads would wait for it.
                self.child.kill().ok();
            }
            fed
        });
        copied?;
        match fed {
            Err(error) if !input.refused => Err(error),
            _ => Ok(self.outcome(Vec::new(), said)?),
        }
    }

    fn collect(&mut self) -> Result<GpgOutcome, Failure> {
        let mut stdout = self.child.stdout.take();
        let mut stderr = self.child.stderr.take();
        let (mut output, mut said) = (Vec::new(), Vec::new());
        scope(|scope| {
            beside(scope, || stderr.as_mut().map(|stderr| stderr.read_to_end(&mut said)))?;
            let read = stdout.as_mut().map_or(Ok(0), |stdout| stdout.read_to_end(&mut output));
            read.or_fail(Status::Failed, "gpg")
        })?;
        self.outcome(output, said)
    }

    fn outcome(&mut self, stdout: Vec<u8>, stderr: Vec<u8>) -> Result<GpgOutcome, Failure> {
        let success = self.child.wait().or_fail(Status::Failed, "gpg")?.success();
        Ok(GpgOutcome { success, stdout, stderr })
    }
}

/// The input of a running gpg.
pub(crate) struct GpgInput {
    stdin: Option<ChildStdin>,
    /// Whether gpg takes no more.
    refused: bool,
}

impl Write for GpgInput {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(stdin) = &mut self.stdin else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let written = stdin.write(bytes);
        self.refused |=
            matches!(&written, Err(error) if error.kind() != io::ErrorKind::Interrupted);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        self.stdin = None;
        if !matches!(self.child.try_wait(), Ok(Some(_))) {
            self.child.kill().ok();
            self.child.wait().ok();
        }
    }
}

/// Runs `work` in a thread, if the system has room for one.
fn beside<'scope, T: Send + 'scope>(
    scope: &'scope Scope<'scope, '_>,
    work: impl FnOnce() -> T + Send + 'scope,
) -> Result<(), Failure> {
    Builder::new().spawn_scoped(scope, work).map(drop).or_fail(Status::Failed, "thread")
}

/// One call with all its input at hand.
pub(crate) fn run<A: AsRef<OsStr>>(
    args: impl IntoIterator<Item = A>,
    passphrase: Option<&Passphrase>,
    input: &[u8],
) -> Result<GpgOutcome, Failure> {
    let mut output = Vec::new();
    let gpg = Gpg::start(args, passphrase)?;
    let outcome = gpg.pump(input, &mut output)?;
    Ok(GpgOutcome { stdout: output, ..outcome })
}

fn command() -> Command {
    let mut command = Command::new("gpg");
    command.args(["--batch", "--no-tty", "--status-fd", "2"]);
    // Its messages are passed on; our secrets are not.
    command.env("LC_ALL", "C.UTF-8").env_remove("PASSPHRASE").env_remove("SIGN_PASSPHRASE");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn not_started(error: &io::Error) -> Failure {
    if error.kind() == io::ErrorKind::NotFound {
        let why = "not installed, but needed for this key";
        return Failure::new(Status::Key, format!("gpg: {why}"));
    }
    Failure::new(Status::Failed, format!("gpg: {error}"))
}
