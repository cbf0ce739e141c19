//! Commands that run one after another, each to its end, and signals that end them.

use std::io::{Read, pipe};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::thread::Builder;

use cli::signals;
use failure::{Failure, OrFail, Status, shown};
use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// A process that a signal has killed counts as this and the signal's number.
const SIGNALED: u8 = 128;
/// What is for the stages alone.
const SECRETS: [&str; 4] = ["PASSPHRASE", "SIGN_PASSPHRASE", "NEW_PASSPHRASE", "MOO_NOTE"];

/// The exit status of several commands: the first that is not 0, where 3 gives way to what is worse.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Worst(u8);

impl Worst {
    pub(crate) fn note(&mut self, status: u8) {
        let partial = Status::Partial.code();
        if self.0 == 0 || self.0 == partial && status != 0 {
            self.0 = status;
        }
    }

    pub(crate) fn status(self) -> u8 {
        self.0
    }
}

/// What runs, and what has asked it to end.
#[derive(Debug, Default)]
struct State {
    /// The process that runs, below 0 if it leads a group of its own; 0 if none does.
    running: AtomicI32,
    /// The signal that came.
    signal: AtomicI32,
}

impl State {
    /// Asks what runs how far it is; a hook would not know what to say.
    fn ask(&self) {
        if let Some(pid) = Pid::from_raw(self.running.load(Ordering::SeqCst).max(0)) {
            let _ = kill_process(pid, Signal::USR1);
        }
    }

    /// Ends what runs.
    fn end(&self, signal: i32) {
        let running = self.running.load(Ordering::SeqCst);
        let (Some(pid), Some(signal)) =
            (Pid::from_raw(running.abs()), Signal::from_named_raw(signal))
        else {
            return;
        };
        // One that has just ended is not there any more.
        let _ =
            if running < 0 { kill_process_group(pid, signal) } else { kill_process(pid, signal) };
    }
}

/// Runs commands until a signal comes.
#[derive(Debug)]
pub struct Jobs {
    /// The command that messages name.
    name: String,
    /// Whether it runs for several, so that a message of one does not tell which one it is of.
    several: bool,
    state: Arc<State>,
}

impl Jobs {
    /// From here on a signal ends what runs, and then the rest.
    ///
    /// # Errors
    /// The system refuses a handler or a thread.
    pub fn start(name: &str, several: bool) -> Result<Jobs, Failure> {
        let state = Arc::new(State::default());
        let wanted = signals::ENDING.into_iter().chain([signals::ASKING]);
        let mut handled = signals::handled(wanted).or_fail(Status::Failed, "signals")?;
        let other = Arc::clone(&state);
        let watching = Builder::new().spawn(move || {
            for signal in handled.forever() {
                if signal == signals::ASKING {
                    other.ask();
                    continue;
                }
                other.signal.store(signal, Ordering::SeqCst);
                other.end(signal);
            }
        });
        watching.or_fail(Status::Failed, "a thread can't be started")?;
        Ok(Jobs { name: name.to_owned(), several, state })
    }

    /// The exit status that a signal has asked for.
    #[must_use]
    pub fn stopped(&self) -> Option<u8> {
        let signal = self.state.signal.load(Ordering::SeqCst);
        u8::try_from(signal).ok().filter(|signal| *signal != 0).map(|signal| SIGNALED + signal)
    }

    /// Runs a command of `moo` to its end, and returns its exit status. What a signal has killed could
    /// not say so itself: that is said, with what it was for. Which one of several has failed is said, too.
    ///
    /// # Errors
    /// It can't be started.
    pub fn run(&self, command: Command, what: &str) -> Result<u8, Failure> {
        let status = self.run_silently(command)?;
        self.tell(status, what);
        Ok(status)
    }

    /// Says how a command has ended, as far as it could not.
    pub(crate) fn tell(&self, status: u8, what: &str) {
        if self.stopped().is_some() {
            return;
        }
        let name = format!("moo {}", self.name);
        match status.checked_sub(SIGNALED) {
            Some(signal) => cli::say(&name, &format!("{what}: ended by signal {signal}")),
            None if status != 0 && self.several => {
                cli::say(&name, &format!("{what}: exit status {status}"));
            }
            None => {}
        }
    }

    /// Runs a command to its end, and returns its exit status.
    pub(crate) fn run_silently(&self, command: Command) -> Result<u8, Failure> {
        let name = shown(command.get_program()).to_string();
        Ok(code(self.wait(command, 1).or_fail(Status::Failed, name)?))
    }

    /// Runs a command of `moo` as `run` does, and returns what it prints on standard output, too.
    pub(crate) fn output(
        &self,
        mut command: Command,
        what: &str,
    ) -> Result<(u8, Vec<u8>), Failure> {
        let (mut from, to) = pipe().or_fail(Status::Failed, "a pipe")?;
        command.stdout(to);
        let reader = Builder::new().spawn(move || {
            let mut bytes = Vec::new();
            from.read_to_end(&mut bytes).map(|_| bytes)
        });
        let reader = reader.or_fail(Status::Failed, "a thread can't be started")?;
        let status = self.run(command, what)?;
        // The thread has nothing that panics.
        let bytes = reader.join().unwrap_or_else(|_| Ok(Vec::new()));
        Ok((status, bytes.or_fail(Status::Failed, what)?))
    }

    /// Runs a hook: a command of the shell, in a session of its own, so that it can be ended as a whole
    /// and gets at no terminal.
    pub(crate) fn hook(&self, line: &str, result: Option<u8>) -> Result<u8, Failure> {
        let mut command = Command::new("setsid");
        command.args(["sh", "-c", line]).stdin(Stdio::null()).env_remove("MOO_STATUS");
        for name in SECRETS {
            command.env_remove(name);
        }
        if let Some(result) = result {
            command.env("MOO_STATUS", result.to_string());
        }
        Ok(code(self.wait(command, -1).or_fail(Status::Failed, "setsid")?))
    }

    fn wait(&self, mut command: Command, sign: i32) -> std::io::Result<std::process::ExitStatus> {
        command.env_remove(cli::lifeline::VARIABLE);
        let mut child = command.spawn()?;
        let pid = i32::try_from(child.id()).unwrap_or_default();
        self.state.running.store(sign * pid, Ordering::SeqCst);
        // One that came before it could be ended.
        let signal = self.state.signal.load(Ordering::SeqCst);
        if signal != 0 && sign > 0 {
            self.state.end(signal);
        }
        let status = child.wait();
        self.state.running.store(0, Ordering::SeqCst);
        status
    }
}

fn code(status: std::process::ExitStatus) -> u8 {
    let code =
        status.code().unwrap_or_else(|| i32::from(SIGNALED) + status.signal().unwrap_or_default());
    u8::try_from(code).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_counts_and_a_partial_one_gives_way() {
        let worst = |statuses: &[u8]| {
            let mut worst = Worst::default();
            statuses.iter().for_each(|status| worst.note(*status));
            worst.status()
        };
        assert_eq!(worst(&[0, 0]), 0);
        assert_eq!(worst(&[0, 3, 0]), 3);
        assert_eq!(worst(&[3, 8, 5]), 8);
        assert_eq!(worst(&[5, 3]), 5);
    }
}
