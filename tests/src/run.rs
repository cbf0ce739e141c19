//! What a shell snippet did: its exit status and its output, with assertions that print it all.

use std::os::unix::process::ExitStatusExt;
use std::process::Output;

/// A loop of sh, for a snippet with a background process `$job`: it ends as soon as a condition holds. A
/// process that ends before ends the snippet with 99, which would otherwise wait until the time limit.
pub fn until(condition: &str) -> String {
    format!(
        "until {condition}; do
            kill -0 $job 2>/dev/null || {{ echo 'the process has ended too early' >&2; exit 99; }}
            sleep 0.01
        done"
    )
}

/// A snippet that has ended.
pub struct Run {
    script: String,
    /// The exit status; 124 after the time limit, 128 and more after a signal.
    pub status: i32,
    /// The signal that the program itself died of.
    signal: Option<i32>,
    /// What it wrote on standard output.
    pub stdout: Vec<u8>,
    /// What it wrote on standard error.
    pub stderr: Vec<u8>,
}

impl Run {
    pub(crate) fn new(script: &str, output: Output) -> Run {
        Run {
            script: script.to_owned(),
            status: output.status.code().unwrap_or(-1),
            signal: output.status.signal(),
            stdout: output.stdout,
            stderr: output.stderr,
        }
    }

    /// It exited with 0.
    #[track_caller]
    pub fn succeeds(self) -> Run {
        self.exits_with(0)
    }

    /// It exited with 0 and printed nothing on either stream: what a good backup does.
    #[track_caller]
    pub fn silent(self) -> Run {
        let quiet = self.stdout.is_empty() && self.stderr.is_empty();
        self.succeeds().holds(quiet, "prints nothing")
    }

    /// It exited with that status, which is not 0.
    #[track_caller]
    pub fn fails_with(self, status: i32) -> Run {
        assert_ne!(status, 0, "0 is not a failure");
        self.exits_with(status)
    }

    /// It exited with some other status than 0.
    #[track_caller]
    pub fn fails(self) -> Run {
        let failed = self.status != 0;
        self.holds(failed, "fails")
    }

    /// Standard error is this text, apart from white space at its ends.
    #[track_caller]
    pub fn stderr_is(self, text: &str) -> Run {
        let same = self.err().trim() == text.trim();
        self.holds(same, &format!("says exactly {text:?}"))
    }

    /// Standard error holds this text.
    #[track_caller]
    pub fn stderr_has(self, part: &str) -> Run {
        let has = self.err().contains(part);
        self.holds(has, &format!("says {part:?}"))
    }

    /// Standard error is one line: one failure gives one message.
    #[track_caller]
    pub fn one_message(self) -> Run {
        let one = self.err().lines().count() == 1;
        self.holds(one, "says one line")
    }

    /// Standard error is one line of a stage, and one that names which of several has failed.
    #[track_caller]
    pub fn one_message_of(self, name: &str) -> Run {
        let text = self.err();
        let lines: Vec<_> = text.lines().collect();
        let named = format!("{name}: exit status {}", self.status);
        let holds = lines.len() == 2 && lines[1].ends_with(&named);
        self.holds(holds, &format!("says one line, and {named:?}"))
    }

    /// Standard output is this text, apart from white space at its ends.
    #[track_caller]
    pub fn stdout_is(self, text: &str) -> Run {
        let same = self.out().trim() == text.trim();
        self.holds(same, &format!("prints exactly {text:?}"))
    }

    /// Standard output holds this text.
    #[track_caller]
    pub fn stdout_has(self, part: &str) -> Run {
        let has = self.out().contains(part);
        self.holds(has, &format!("prints {part:?}"))
    }

    /// Standard output as text.
    pub fn out(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text.
    pub fn err(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }

    /// The signal, for people: a shell shows one as a status above 128.
    fn ending(&self) -> String {
        let shown = (self.status > 128).then(|| self.status - 128);
        self.signal.or(shown).map(|signal| format!(", signal {signal}")).unwrap_or_default()
    }

    #[track_caller]
    fn exits_with(self, status: i32) -> Run {
        let same = self.status == status;
        self.holds(same, &format!("exits with {status}"))
    }

    #[track_caller]
    fn holds(self, truth: bool, expected: &str) -> Run {
        assert!(
            truth,
            "expected that it {expected}:\n$ {}\n--- status {}{}\n--- stdout\n{}\n--- stderr\n{}",
            self.script,
            self.status,
            self.ending(),
            self.out(),
            self.err()
        );
        self
    }
}
