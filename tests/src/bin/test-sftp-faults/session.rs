//! A session: what passes between the client and the server, and what does not.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Stdout, Write};
use std::path::Path;
use std::process::exit;
use std::sync::Mutex;

use rustix::process::{Pid, Signal, getppid, kill_process};
use tests::sshd::Action;

use crate::log::Log;
use crate::packet::Packet;

/// SSH_FX_OK.
const OK: u32 = 0;

pub(crate) struct Session {
    log: Log,
    server: u32,
    client: Mutex<Stdout>,
    /// What happens to answers, by their number.
    answers: Mutex<BTreeMap<u32, Action>>,
}

impl Session {
    pub(crate) fn new(folder: &Path, server: u32, client: Stdout) -> Session {
        let (client, answers) = (Mutex::new(client), Mutex::default());
        Session { log: Log::new(folder), server, client, answers }
    }

    /// Passes requests until the client has no more.
    pub(crate) fn pass_requests(&self, mut client: impl Read, mut server: impl Write) {
        while let Ok(packet) = Packet::read(&mut client) {
            let action = self.log.note(&packet.kind(), &packet.about());
            if self.pass_on(packet.id(), action) && server.write_all(&packet.bytes).is_err() {
                return;
            }
        }
    }

    /// Passes answers until the server has no more.
    pub(crate) fn pass_answers(&self, mut server: impl Read) {
        while let Ok(packet) = Packet::read(&mut server) {
            let id = packet.id();
            let action = self.answers.lock().unwrap().remove(&id);
            match action {
                Some(Action::Deny(status)) => self.say(&Packet::status(id, status)),
                Some(_) => self.cut(),
                None => self.say(&packet),
            }
        }
    }

    /// Whether the server gets that request.
    fn pass_on(&self, id: u32, action: Option<Action>) -> bool {
        match action {
            None => return true,
            Some(action @ (Action::Deny(_) | Action::CutAfter)) => {
                self.answers.lock().unwrap().insert(id, action);
                return true;
            }
            Some(Action::Status(status)) => self.say(&Packet::status(id, status)),
            Some(Action::Stall) => {}
            Some(Action::Garbage) => self.say(&Packet::of(&[0xee; 40])),
            Some(Action::WrongId) => self.say(&Packet::status(id.wrapping_add(99_999), OK)),
            Some(Action::Length) => self.say(&Packet { bytes: vec![0xff; 64] }),
            Some(Action::Short) => self.say(&Packet::of(&Packet::status(id, OK).bytes[4..8])),
            Some(Action::Cut) => self.cut(),
            Some(Action::Exit) => self.end(),
        }
        false
    }

    fn say(&self, packet: &Packet) {
        let mut client = self.client.lock().unwrap();
        if client.write_all(&packet.bytes).and_then(|()| client.flush()).is_err() {
            self.end();
        }
    }

    /// Ends this session's sshd, and thereby the connection.
    fn cut(&self) {
        let parent = getppid().expect("a parent");
        let name = fs::read_to_string(format!("/proc/{}/comm", parent.as_raw_nonzero())).unwrap();
        assert!(name.starts_with("sshd"), "runs below {name}, not sshd");
        let _ = kill_process(parent, Signal::KILL);
        self.end()
    }

    /// Ends the session; the connection is sshd's.
    fn end(&self) -> ! {
        if let Some(server) = self.server.try_into().ok().and_then(Pid::from_raw) {
            let _ = kill_process(server, Signal::KILL);
        }
        exit(1)
    }
}
