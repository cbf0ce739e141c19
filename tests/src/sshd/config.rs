//! How a server is set up.

use std::fs;

use rustix::fs::{Gid, Uid, chown};

use super::daemon::Daemon;
use super::{Faults, Kind, Site, Sshd, keys};
use crate::sandbox::Sandbox;

/// What OpenSSH offers to let nobody change or delete what is there: files are unwritable once
/// they are closed, and of all requests only those remain that add.
const APPEND_ONLY: &str = "-u 0377 \
    -P remove,rmdir,mkdir,setstat,fsetstat,lsetstat,posix-rename,symlink,hardlink,copy-data";

/// A server that is about to start.
pub struct Setup<'a> {
    sandbox: &'a Sandbox,
    host_keys: Vec<Kind>,
    command: Option<String>,
    options: String,
    lines: String,
}

impl<'a> Setup<'a> {
    /// With an ed25519 host key, and SFTP alone.
    pub fn new(sandbox: &'a Sandbox) -> Setup<'a> {
        let (options, lines) = (String::new(), String::new());
        Setup { sandbox, host_keys: vec![Kind::Ed25519], command: None, options, lines }
    }

    /// With those host keys instead.
    #[must_use]
    pub fn host_keys(mut self, kinds: &[Kind]) -> Self {
        self.host_keys = kinds.to_vec();
        self
    }

    /// Forces that command, which the user's shell runs, in place of SFTP.
    #[must_use]
    pub fn command(mut self, command: &str) -> Self {
        self.command = Some(command.to_owned());
        self
    }

    /// Serves SFTP with faults.
    #[must_use]
    pub fn faults(self, faults: &Faults) -> Self {
        let start = self.sandbox.path("");
        self.command(&faults.command(&start))
    }

    /// With a folder that only grows. Root can change it all the same: see [`Setup::chroot`].
    #[must_use]
    pub fn append_only(self) -> Self {
        self.options(APPEND_ONLY)
    }

    /// With more options for `internal-sftp`, such as `-R` for a read-only server.
    #[must_use]
    pub fn options(mut self, words: &str) -> Self {
        self.options = format!("{} {words}", self.options);
        self
    }

    /// With one more line of `sshd_config`.
    #[must_use]
    pub fn line(mut self, line: &str) -> Self {
        self.lines = format!("{}{line}\n", self.lines);
        self
    }

    /// Starts it for this user's own account.
    pub fn start(self) -> Sshd<'a> {
        let site = Site::own(self.sandbox);
        self.start_at(site)
    }

    /// Starts it for the user `nobody`, locked into a folder where only these folders are theirs;
    /// none, which is said, where this is not root.
    pub fn chroot(self, folders: &[&str]) -> Option<Sshd<'a>> {
        let site = Site::chroot()?;
        let id = |flag: &str| self.sandbox.sh(&format!("id {flag} nobody")).succeeds().out();
        let (user, group) = (id("-u").trim().parse().unwrap(), id("-g").trim().parse().unwrap());
        for folder in folders {
            let folder = site.start.join(folder);
            fs::create_dir_all(&folder).unwrap();
            chown(&folder, Some(Uid::from_raw(user)), Some(Gid::from_raw(group))).unwrap();
        }
        Some(self.start_at(site))
    }

    fn start_at(self, site: Site) -> Sshd<'a> {
        keys::configure(self.sandbox);
        for kind in &self.host_keys {
            let file = site.folder.join(format!("host_{}", kind.name()));
            keys::make(self.sandbox, &file, *kind);
        }
        fs::write(site.accepted(), "").unwrap();
        let daemon = Daemon::start(&site.folder, &self.config(&site));
        let sshd = Sshd { sandbox: self.sandbox, site, daemon };
        sshd.known_at(sshd.port());
        sshd.client_key(Kind::Ed25519);
        sshd
    }

    /// The lines of `sshd_config`, all but the port; the first of a keyword counts.
    fn config(&self, site: &Site) -> String {
        let folder = site.folder.display();
        let host_keys = self.host_keys.iter().map(|kind| kind.name());
        let host_keys: String =
            host_keys.map(|name| format!("HostKey {folder}/host_{name}\n")).collect();
        let (lines, place) = (&self.lines, self.place(site));
        format!(
            "{lines}{host_keys}{place}ListenAddress 127.0.0.1
AuthorizedKeysFile {folder}/authorized_keys
Subsystem sftp internal-sftp
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
PermitUserRC no
DisableForwarding yes
StrictModes no
UsePAM no
UseDNS no
MaxStartups 100
PidFile none
LogLevel VERBOSE
"
        )
    }

    /// What depends on who logs in where.
    fn place(&self, site: &Site) -> String {
        let (start, options) = (site.start.display(), &self.options);
        let internal = format!("internal-sftp -d {start}{options}");
        let command = self.command.as_ref().unwrap_or(&internal);
        if site.chroot {
            return format!("ChrootDirectory {start}\nForceCommand internal-sftp{options}\n");
        }
        let home = self.sandbox.path(".home");
        format!("SetEnv HOME={}\nForceCommand {command}\n", home.display())
    }
}
