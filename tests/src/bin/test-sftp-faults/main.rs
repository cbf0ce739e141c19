//! An SFTP server that fails when told to: it starts OpenSSH's `sftp-server`, and passes requests
//! and answers, apart from those that a rule is about.
//!
//! `test-sftp-faults FOLDER ARGUMENTS…`: the folder has the file `rules`, and gets the file
//! `log`; the arguments are for `sftp-server`.

// A test that can't go on should stop, loudly.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod log;
mod packet;
mod session;

use std::env;
use std::io::{stdin, stdout};
use std::path::Path;
use std::process::{Command, Stdio, exit};
use std::sync::Arc;
use std::thread;

use session::Session;

/// Where Debian has it.
const SERVER: &str = "/usr/lib/openssh/sftp-server";

fn main() {
    let mut arguments = env::args_os().skip(1);
    let folder = arguments.next().expect("a folder with rules");
    let mut command = Command::new(SERVER);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut server = command.spawn().expect("sftp-server");
    let (requests, answers) = (server.stdin.take().unwrap(), server.stdout.take().unwrap());
    let session = Arc::new(Session::new(Path::new(&folder), server.id(), stdout()));
    let of_thread = Arc::clone(&session);
    let answering = thread::spawn(move || of_thread.pass_answers(answers));
    session.pass_requests(stdin().lock(), requests);
    let _ = answering.join();
    exit(server.wait().ok().and_then(|status| status.code()).unwrap_or(1));
}
