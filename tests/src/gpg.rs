//! Keys of GnuPG in a sandbox's keyring.

use std::fmt;

use crate::sandbox::Sandbox;

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// ed25519 to sign and cv25519 to encrypt: fast.
    Curve,
    /// RSA of 2048 bits for both, what most old keys are.
    Rsa,
}

/// A certificate in the sandbox's keyring: a primary key that signs and a subkey that encrypts.
#[derive(Clone, Debug)]
pub struct Key {
    /// The primary key's fingerprint.
    pub fingerprint: String,
}

impl Key {
    /// A key whose secret part needs no passphrase.
    pub fn open(sandbox: &Sandbox, user: &str) -> Key {
        Key::make(sandbox, user, Algorithm::Curve, "")
    }

    /// A key whose secret part is locked by that passphrase.
    pub fn locked(sandbox: &Sandbox, user: &str, passphrase: &str) -> Key {
        Key::make(sandbox, user, Algorithm::Curve, passphrase)
    }

    /// A key of that algorithm; no passphrase if it is empty. The user ID has no quotes in it.
    pub fn make(sandbox: &Sandbox, user: &str, algorithm: Algorithm, passphrase: &str) -> Key {
        let (primary, subkey) = match algorithm {
            Algorithm::Curve => ("ed25519", "cv25519"),
            Algorithm::Rsa => ("rsa2048", "rsa2048"),
        };
        let gpg = format!("gpg -q --batch --pinentry-mode loopback --passphrase '{passphrase}'");
        let make = format!("{gpg} --quick-generate-key '{user}' {primary} sign never");
        sandbox.sh(&make).succeeds();
        let fingerprint = fingerprint(sandbox, user);
        let add = format!("{gpg} --quick-add-key {fingerprint} {subkey} encr never");
        sandbox.sh(&add).succeeds();
        Key { fingerprint }
    }

    /// Writes the public part to a file in the sandbox.
    pub fn export(&self, sandbox: &Sandbox, file: &str) {
        sandbox.sh(&format!("gpg --batch --export {self} >'{file}'")).succeeds();
    }

    /// Writes the secret part to a file in the sandbox.
    pub fn export_secret(&self, sandbox: &Sandbox, file: &str, passphrase: &str) {
        let gpg = format!("gpg --batch --pinentry-mode loopback --passphrase '{passphrase}'");
        sandbox.sh(&format!("{gpg} --export-secret-keys {self} >'{file}'")).succeeds();
    }

    /// Deletes the secret part from the keyring: a machine that can only encrypt.
    pub fn forget_secret(&self, sandbox: &Sandbox) {
        sandbox.sh(&format!("gpg --batch --yes --delete-secret-keys {self}")).succeeds();
    }

    /// Deletes the whole key from the keyring.
    pub fn forget(&self, sandbox: &Sandbox) {
        sandbox.sh(&format!("gpg --batch --yes --delete-secret-and-public-key {self}")).succeeds();
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fingerprint)
    }
}

fn fingerprint(sandbox: &Sandbox, user: &str) -> String {
    let list = sandbox.sh(&format!("gpg --batch --with-colons -k '={user}'")).succeeds().out();
    let line = list.lines().find(|line| line.starts_with("fpr:"));
    line.and_then(|line| line.split(':').nth(9)).expect("a fingerprint").to_owned()
}
