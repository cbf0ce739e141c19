//! A client of SFTP version 3 (draft-ietf-secsh-filexfer-02) without any manners: it sends whatever
//! packet it is given, through `ssh` on a [`Machine`], and hands out what is answered.

mod packet;

use std::io::{BufReader, Read, Write};
use std::path::Component;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

pub use packet::{Answer, Attributes, Request, flags};

use crate::machine::Machine;

/// How long to wait for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before one more request is sent behind one that nobody may answer, and how
/// often that is done.
const NUDGE: Duration = Duration::from_millis(50);
const NUDGES: usize = 100;

/// A session, until it is dropped.
pub struct RawSftp {
    ssh: Child,
    input: Option<ChildStdin>,
    answers: Receiver<Answer>,
    number: u32,
    /// What was sent at last.
    last: Vec<u8>,
    /// What the server announced, in order.
    pub extensions: Vec<String>,
}

impl RawSftp {
    /// A session of root's on that machine; `words` follow `ssh`, such as `-s store sftp`. None if
    /// nobody answers in SFTP.
    pub fn start(machine: &Machine, words: &str) -> Option<RawSftp> {
        let mut session = RawSftp::silent(machine, words);
        session.bytes(&Request::of(INIT).number(3).packet());
        let version = session.answer()?;
        session.extensions = version.extensions();
        (version.kind == VERSION).then_some(session)
    }

    /// A session that has sent nothing yet.
    pub fn silent(machine: &Machine, words: &str) -> RawSftp {
        let mut ssh = command(machine, words).spawn().unwrap();
        let (input, output) = (ssh.stdin.take(), ssh.stdout.take().unwrap());
        let (sender, answers) = channel();
        thread::spawn(move || pass(BufReader::new(output), &sender));
        RawSftp { ssh, input, answers, number: 0, last: Vec::new(), extensions: Vec::new() }
    }

    /// Sends a request, with a number of its own, and waits for the answer; none if the session
    /// has ended.
    pub fn ask(&mut self, request: &Request) -> Option<Answer> {
        self.number += 1;
        self.bytes(&request.numbered(self.number));
        while let Some(answer) = self.answer() {
            if answer.number() == Some(self.number) {
                return Some(answer);
            }
        }
        None
    }

    /// Whether a request is granted that may not be answered at all: what comes before the answer
    /// to another one counts.
    pub fn may_grant(&mut self, request: &Request) -> bool {
        self.number += 1;
        let asked = self.number;
        self.bytes(&request.numbered(asked));
        let mut granted = false;
        for _ in 0..NUDGES {
            // OpenSSH looks at a packet behind one that it does not answer when more comes.
            self.number += 1;
            self.bytes(&Request::of(REALPATH).text(".").numbered(self.number));
            loop {
                match self.answers.recv_timeout(NUDGE) {
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return granted,
                    Ok(answer) if answer.number() > Some(asked) => return granted,
                    Ok(answer) => granted |= answer.granted(),
                }
            }
        }
        panic!("no answer to {NUDGES} requests behind {:?}", self.last)
    }

    /// The handle that a request is answered with, if it is.
    pub fn handle(&mut self, request: &Request) -> Option<Vec<u8>> {
        self.ask(request)?.handle()
    }

    /// Whether a request is granted.
    pub fn grants(&mut self, request: &Request) -> bool {
        self.ask(request).is_some_and(|answer| answer.granted())
    }

    /// Sends bytes as they are. That nobody takes them any more shows in the answers.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.last = bytes.to_vec();
        if let Some(input) = &mut self.input {
            let _ = input.write_all(bytes).and_then(|()| input.flush());
        }
    }

    /// Ends the input, as who goes away in the middle of a packet.
    pub fn hang_up(&mut self) {
        self.input = None;
    }

    /// The next answer; none at the end.
    pub fn answer(&mut self) -> Option<Answer> {
        match self.answers.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Timeout) => {
                panic!("no answer in {PATIENCE:?} to {:?}", self.last)
            }
            answer => answer.ok(),
        }
    }
}

impl Drop for RawSftp {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.ssh.kill();
        let _ = self.ssh.wait();
    }
}

/// SSH_FXP_INIT and SSH_FXP_VERSION.
const INIT: u8 = 1;
const VERSION: u8 = 2;

/// SSH_FXP_REALPATH
const REALPATH: u8 = 16;

/// `ssh` inside the machine, whose root folder is known by the process that keeps it.
fn command(machine: &Machine, words: &str) -> Command {
    let root = machine.path("/");
    let keeper = root.components().find_map(|part| match part {
        Component::Normal(name) => name.to_str().filter(|name| name.parse::<u32>().is_ok()),
        _ => None,
    });
    let mut command = Command::new("nsenter");
    command.args(["--target", keeper.unwrap(), "--mount", "--net", "--uts", "--pid", "--wdns=/"]);
    command.args(["setsid", "--wait", "timeout", "600", "sh", "-c", &format!("exec ssh {words}")]);
    command.env_clear().env("HOME", "/root").env("PATH", "/usr/bin:/bin");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command
}

/// Hands on all packets until the end, or until what comes is none.
fn pass(mut from: impl Read, to: &Sender<Answer>) {
    while let Some(answer) = Answer::receive(&mut from) {
        if to.send(answer).is_err() {
            return;
        }
    }
}
