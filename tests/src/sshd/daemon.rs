//! The server's processes.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};

/// How long a server may take to listen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs until it is dropped.
pub(super) struct Daemon {
    child: Child,
    pub(super) port: u16,
}

impl Daemon {
    /// Starts one on a free port, with its files in that folder.
    pub(super) fn start(folder: &Path, config: &str) -> Daemon {
        if geteuid().is_root() {
            // Debian's service makes it when it starts.
            fs::create_dir_all("/run/sshd").unwrap();
        }
        for _ in 0..20 {
            if let Some(daemon) = Daemon::attempt(folder, config) {
                return daemon;
            }
        }
        panic!("no port is free for sshd")
    }

    /// None if somebody has taken the port before it could.
    fn attempt(folder: &Path, config: &str) -> Option<Daemon> {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let (file, log) = (folder.join("config"), folder.join("log"));
        fs::write(&file, format!("{config}Port {port}\n")).unwrap();
        fs::write(&log, "").unwrap();
        // It dies with the test, however that ends.
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "/usr/sbin/sshd", "-D", "-f"]).arg(file);
        command.arg("-E").arg(&log).env_clear().env("PATH", "/usr/bin:/bin");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let daemon = Daemon { child: command.spawn().unwrap(), port };
        daemon.listens(&log).then_some(daemon)
    }

    fn listens(&self, log: &Path) -> bool {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            let text = fs::read_to_string(log).unwrap();
            if text.contains("Server listening on") {
                return true;
            }
            if text.contains("Cannot bind any address") {
                return false;
            }
            sleep(Duration::from_millis(2));
        }
        panic!("sshd does not start:\n{}", fs::read_to_string(log).unwrap())
    }

    /// Kills all but the listener.
    pub(super) fn end_sessions(&self) {
        let mut found = children(self.child.id());
        while let Some(process) = found.pop() {
            found.extend(children(process));
            kill(process);
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.end_sessions();
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Kills a process, which may have ended.
pub(super) fn kill(process: u32) {
    if let Some(process) = process.try_into().ok().and_then(Pid::from_raw) {
        let _ = kill_process(process, Signal::KILL);
    }
}

fn children(process: u32) -> Vec<u32> {
    let numbers = fs::read_dir("/proc").unwrap().flatten();
    let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|number| parent(*number) == Some(process)).collect()
}

/// From a line like `12 (sshd) S 1 …`, the fourth word of which is the parent.
fn parent(process: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}
