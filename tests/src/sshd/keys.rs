//! Keys of hosts and of clients, and the files that name them.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::sandbox::Sandbox;

/// The algorithm of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// ed25519: fast.
    Ed25519,
    /// ECDSA on NIST P-256.
    Ecdsa,
    /// RSA with 3072 bits: slow to make.
    Rsa,
}

impl Kind {
    /// As `ssh-keygen -t` has it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Ed25519 => "ed25519",
            Kind::Ecdsa => "ecdsa",
            Kind::Rsa => "rsa",
        }
    }
}

/// Makes a key without passphrase, unless it is there.
pub(super) fn make(sandbox: &Sandbox, file: &Path, kind: Kind) {
    if file.exists() {
        return;
    }
    let bits = if kind == Kind::Rsa { "-b 3072" } else { "" };
    let make = format!("ssh-keygen -q -t {} {bits} -N '' -C test -f", kind.name());
    sandbox.sh(&format!("{make} '{}'", file.display())).silent();
}

/// The client's key of that kind in HOME, where clients look for it.
pub(super) fn of_client(sandbox: &Sandbox, kind: Kind) -> PathBuf {
    let folder = home(sandbox);
    let file = folder.join(format!("id_{}", kind.name()));
    make(sandbox, &file, kind);
    file
}

/// The public part, as `ssh-ed25519 AAAA…`.
pub(super) fn public(key: &Path) -> String {
    let text = fs::read_to_string(format!("{}.pub", key.display())).unwrap();
    text.split(' ').take(2).collect::<Vec<_>>().join(" ")
}

/// Makes all host keys of a folder known at that port.
pub(super) fn know(sandbox: &Sandbox, folder: &Path, port: u16) {
    let mut keys: Vec<_> = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    keys.retain(|file| file.extension().is_some_and(|extension| extension == "pub"));
    keys.sort();
    for key in keys {
        let line = format!("[127.0.0.1]:{port} {}", public(&key.with_extension("")));
        append(&home(sandbox).join("known_hosts"), &line);
    }
}

/// Writes what stock `ssh` has to be told, since it takes HOME from the list of users.
pub(super) fn configure(sandbox: &Sandbox) {
    let folder = home(sandbox);
    let folder = folder.display();
    let text = format!(
        "Host *
    IdentityFile {folder}/id_ed25519
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    GlobalKnownHostsFile /dev/null
    UpdateHostKeys no
    StrictHostKeyChecking yes
    BatchMode yes
"
    );
    fs::write(home(sandbox).join("config"), text).unwrap();
}

/// Appends a line to a file.
pub(super) fn append(file: &Path, line: &str) {
    let mut file = File::options().create(true).append(true).open(file).unwrap();
    writeln!(file, "{line}").unwrap();
}

fn home(sandbox: &Sandbox) -> PathBuf {
    let folder = sandbox.path(".home/.ssh");
    fs::create_dir_all(&folder).unwrap();
    fs::set_permissions(&folder, PermissionsExt::from_mode(0o700)).unwrap();
    folder
}
