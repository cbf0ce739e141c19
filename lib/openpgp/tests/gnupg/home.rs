//! A GnuPG home of its own for each test.

use std::io::Write;
use std::num::NonZero;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use deflate::Effort;
use failure::Failure;
use openpgp::{
    Cert, Compression, Decryption, Encryption, Passphrase, PassphraseSource, find_certificate,
};

const INSIDE: &str = "TEST_RUNS_IN_ITS_HOME";

/// Runs the calling test once more, in a process that has its own GnuPG home, these variables and
/// no terminal, and then the body there.
pub(crate) fn test_in_home(variables: &[(&str, &str)], body: impl FnOnce(&Home)) {
    if let Some(folder) = std::env::var_os(INSIDE) {
        return body(&Home { folder: folder.into() });
    }
    // A short path: the socket of the agent is in it.
    let private = std::fs::Permissions::from_mode(0o700);
    let mut folder = tempfile::Builder::new();
    let folder = folder.prefix("g").permissions(private).tempdir_in("/tmp").unwrap();
    let name = std::thread::current().name().unwrap().to_owned();
    let output = Command::new("setsid")
        .args(["--wait".as_ref(), std::env::current_exe().unwrap().as_os_str()])
        .args([name.as_str(), "--exact", "--nocapture", "--test-threads=1"])
        .env("GNUPGHOME", folder.path())
        .env("HOME", folder.path())
        .env(INSIDE, folder.path())
        .env_remove("PASSPHRASE")
        .env_remove("SIGN_PASSPHRASE")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("setsid of util-linux is needed");
    kill_agent(folder.path());
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name} failed in its own process:\n{said}");
}

fn kill_agent(folder: &Path) {
    let mut gpgconf = Command::new("gpgconf");
    gpgconf.env("GNUPGHOME", folder).args(["--kill", "gpg-agent"]);
    gpgconf.status().expect("gpgconf is needed");
}

/// A GnuPG home.
pub(crate) struct Home {
    pub folder: PathBuf,
}

impl Home {
    /// Runs gpg with that input.
    pub(crate) fn try_gpg(&self, args: &[&str], input: &[u8]) -> Output {
        let mut child = Command::new("gpg")
            .args(["--batch", "--no-tty", "--trust-model", "always"])
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gpg is needed");
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_vec();
        let feeder = std::thread::spawn(move || stdin.write_all(&input).ok());
        let output = child.wait_with_output().unwrap();
        feeder.join().unwrap();
        output
    }

    /// The same, and it must succeed.
    pub(crate) fn gpg(&self, args: &[&str], input: &[u8]) -> Vec<u8> {
        let output = self.try_gpg(args, input);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "gpg {args:?}: {said}");
        output.stdout
    }

    /// Makes a key pair with an encryption subkey; its fingerprint.
    pub(crate) fn new_key(&self, name: &str, passphrase: &str) -> String {
        self.new_key_of(name, passphrase, "ed25519", "cv25519")
    }

    /// The same, of those algorithms.
    pub(crate) fn new_key_of(
        &self,
        name: &str,
        passphrase: &str,
        sign: &str,
        encrypt: &str,
    ) -> String {
        let loopback = ["--quiet", "--pinentry-mode", "loopback", "--passphrase", passphrase];
        let first = ["--quick-gen-key", name, sign, "cert,sign", "never"];
        self.gpg(&[&loopback[..], &first[..]].concat(), b"");
        let id = self.fingerprints(name)[0].clone();
        let second = ["--quick-add-key", &id, encrypt, "encr", "never"];
        self.gpg(&[&loopback[..], &second[..]].concat(), b"");
        id
    }

    /// The fingerprints of a certificate's primary key and subkeys.
    pub(crate) fn fingerprints(&self, name: &str) -> Vec<String> {
        let list = self.gpg(&["--with-colons", "--list-keys", name], b"");
        let list = String::from_utf8(list).unwrap();
        let fingerprints = list.lines().filter(|line| line.starts_with("fpr:"));
        fingerprints.map(|line| line.split(':').nth(9).unwrap().to_owned()).collect()
    }

    /// Forgets all passphrases that the agent remembers.
    pub(crate) fn forget_passphrases(&self) {
        kill_agent(&self.folder);
    }

    /// A file in this home.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// The secret key as gpg gives it out, in a file.
    pub(crate) fn secret_file(&self, id: &str, passphrase: &str) -> PathBuf {
        let args =
            ["--pinentry-mode", "loopback", "--passphrase", passphrase, "--export-secret-keys", id];
        self.file(&format!("{id}.secret"), &self.gpg(&args, b""))
    }
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn passphrase(text: &str) -> Passphrase {
    Passphrase::from_bytes(text.into()).unwrap()
}

/// No passphrase but what the environment has.
pub(crate) fn environment() -> PassphraseSource {
    PassphraseSource::new(None, None, "PASSPHRASE")
}

pub(crate) fn source_of(home: &Home, passphrase: &str) -> PassphraseSource {
    PassphraseSource::new(Some(home.file("passphrase", passphrase.as_bytes())), None, "PASSPHRASE")
}

pub(crate) fn encryption_to(ids: &[&str]) -> Encryption {
    Encryption { recipients: certs(ids), ..Encryption::default() }
}

pub(crate) fn zlib(level: u8) -> Compression {
    Compression::Zlib(Effort { level, jobs: NonZero::new(2).unwrap() })
}

pub(crate) fn certs(ids: &[&str]) -> Vec<Cert> {
    ids.iter().map(|id| find_certificate(id).unwrap()).collect()
}

pub(crate) fn with_gnupg() -> Decryption {
    let mut decryption = Decryption::new(environment());
    decryption.keys.gnupg = true;
    decryption
}

pub(crate) fn seal(encryption: &Encryption, content: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::new();
    encryption
        .encrypt_into(&mut sealed, |out| {
            content.chunks(100_000).try_for_each(|piece| out.write_all(piece)).unwrap();
            Ok(())
        })
        .unwrap();
    sealed
}

pub(crate) fn open(decryption: &Decryption, message: &[u8]) -> Result<Vec<u8>, Failure> {
    let mut content = Vec::new();
    decryption.open("vol1", message, &mut content)?;
    Ok(content)
}

/// Neither quite random nor quite regular.
pub(crate) fn sample(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32;
    let step = |i: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        if i % 5 < 2 { (state >> 24) as u8 } else { b'm' }
    };
    (0..length).map(step).collect()
}
