//! An SFTP server of OpenSSH on loopback, with keys of its own.

mod config;
mod daemon;
pub mod faults;
mod keys;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{geteuid, getpid};

pub use config::Setup;
use daemon::Daemon;
pub use faults::{Action, Faults};
pub use keys::Kind;

use crate::log::not_tried;
use crate::run::Run;
use crate::sandbox::Sandbox;

/// A server that runs until it is dropped. The sandbox's user gets in with `HOME/.ssh/id_ed25519`;
/// `HOME/.ssh/known_hosts` knows its host keys, and `HOME/.ssh/config` has all that stock `ssh`
/// needs (with `-F`: it takes no HOME).
pub struct Sshd<'a> {
    sandbox: &'a Sandbox,
    site: Site,
    daemon: Daemon,
}

/// Where a server keeps its files, and where it lets its user in.
struct Site {
    /// Its host keys, configuration, log and accepted keys.
    folder: PathBuf,
    /// The folder that a session starts in.
    start: PathBuf,
    user: String,
    chroot: bool,
}

impl<'a> Sshd<'a> {
    /// A server with nothing special: this user's own account, the sandbox as its folder.
    pub fn start(sandbox: &'a Sandbox) -> Sshd<'a> {
        Setup::new(sandbox).start()
    }

    /// The `sftp:` URL of a folder where sessions start, as moobacker takes it.
    pub fn url(&self, name: &str) -> String {
        self.url_at(self.port(), name)
    }

    /// The same URL at another port, which [`Sshd::known_at`] makes known.
    pub fn url_at(&self, port: u16, name: &str) -> String {
        let user = &self.site.user;
        if self.site.chroot {
            return format!("sftp://{user}@127.0.0.1:{port}/{name}");
        }
        format!("sftp://{user}@127.0.0.1:{port}/{}", self.path(name).display())
    }

    /// Where that folder is on this machine.
    pub fn path(&self, name: &str) -> PathBuf {
        self.site.start.join(name)
    }

    /// The user who logs in.
    pub fn user(&self) -> &str {
        &self.site.user
    }

    /// The port of 127.0.0.1 that it listens on.
    pub fn port(&self) -> u16 {
        self.daemon.port
    }

    /// What it has logged, line by line.
    pub fn log(&self) -> String {
        fs::read_to_string(self.site.log()).unwrap()
    }

    /// Ends all sessions at once, as if the server had crashed; new ones may begin.
    pub fn end_sessions(&self) {
        self.daemon.end_sessions();
    }

    /// Adds its host keys to `known_hosts` at another port too, such as a relay's.
    pub fn known_at(&self, port: u16) {
        keys::know(self.sandbox, &self.site.folder, port);
    }

    /// The public host key of that kind, as `ssh-ed25519 AAAA…`.
    pub fn host_key(&self, kind: Kind) -> String {
        keys::public(&self.site.folder.join(format!("host_{}", kind.name())))
    }

    /// Makes a key without passphrase in `HOME/.ssh`, unless it is there, and lets it in.
    pub fn client_key(&self, kind: Kind) -> PathBuf {
        let key = keys::of_client(self.sandbox, kind);
        self.accept(&key);
        key
    }

    /// Lets a key in, by the path of its secret part.
    pub fn accept(&self, key: &Path) {
        keys::append(&self.site.accepted(), &keys::public(key));
    }

    /// Lets no key in any more that was let in so far.
    pub fn accept_none(&self) {
        fs::write(self.site.accepted(), "").unwrap();
    }

    /// The words behind stock `sftp` or `ssh` that bring it here: options, and `USER@127.0.0.1`.
    pub fn words(&self) -> String {
        let config = self.sandbox.path(".home/.ssh/config");
        format!("-F {} -o Port={} {}@127.0.0.1", config.display(), self.port(), self.user())
    }

    /// Runs lines of stock `sftp`, up to the first that fails.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub fn sftp(&self, lines: &str) -> Run {
        self.sandbox.sh(&format!("sftp -b - {} <<'END'\n{lines}\nEND", self.words()))
    }
}

impl Site {
    /// The account of this user, in the sandbox.
    fn own(sandbox: &Sandbox) -> Site {
        let folder = sandbox.path(format!(".sshd{}", number()));
        let user = sandbox.sh("id -un").succeeds().out().trim().to_owned();
        fs::create_dir(&folder).unwrap();
        Site { folder, start: sandbox.path(""), user, chroot: false }
    }

    /// The account of nobody, who sees only a folder that root alone can write in; none, which is
    /// said, where this is not root.
    fn chroot() -> Option<Site> {
        if !geteuid().is_root() {
            not_tried("not root: nobody can be locked in");
            return None;
        }
        let name = format!("moo-test-{}-{}", getpid().as_raw_nonzero(), number());
        let folder = Path::new("/srv").join(name);
        let start = folder.join("root");
        fs::create_dir_all(&start).unwrap();
        Some(Site { folder, start, user: "nobody".to_owned(), chroot: true })
    }

    fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    fn accepted(&self) -> PathBuf {
        self.folder.join("authorized_keys")
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        // The others go with their sandbox.
        if self.chroot {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Another one in each call.
fn number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
