//! Logging in, with the given keys, the keys of the agent, and the default ones.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use failure::{Failure, Status};
use ssh_key::{PrivateKey, PublicKey};
use ssh2::{ErrorCode, Session};

use super::error::{SftpError, is_lost};
use super::place::home;
use super::settings::{Agent, Settings};

/// The keys that everybody has, if no other is named.
const USUAL: [&str; 3] = [".ssh/id_ed25519", ".ssh/id_ecdsa", ".ssh/id_rsa"];

/// Logs in, or returns an error that lists the attempts.
pub(crate) fn log_in(session: &Session, settings: &Settings) -> Result<(), SftpError> {
    let mut login = Login { session, settings, tried: Vec::new() };
    let usual: Vec<_> = USUAL.iter().map(|name| home().join(name)).collect();
    let done = login.with_files(&settings.identities)?
        || login.with_agent()?
        || (settings.identities.is_empty() && login.with_files(&usual)?);
    if done { Ok(()) } else { Err(SftpError::Final(login.refused())) }
}

struct Login<'a> {
    session: &'a Session,
    settings: &'a Settings,
    /// What did not work, and why.
    tried: Vec<String>,
}

impl Login<'_> {
    fn with_files(&mut self, files: &[PathBuf]) -> Result<bool, SftpError> {
        for file in files {
            if self.with_file(file)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn with_file(&mut self, file: &Path) -> Result<bool, SftpError> {
        let which = failure::shown(file);
        if let Some(why) = unusable(file) {
            // A missing default key is not reported.
            if file.exists() || !self.settings.identities.is_empty() {
                self.tried.push(format!("{which}: {why}"));
            }
            return Ok(false);
        }
        let user = &self.settings.user;
        match self.session.userauth_pubkey_file(user, None, file, None) {
            Ok(()) => Ok(true),
            Err(error) if is_lost(&error) => Err(error.into()),
            Err(error) if error.code() == ErrorCode::Session(FILE) => {
                self.tried.push(format!("{which}: not a readable private key"));
                Ok(false)
            }
            Err(_) => {
                self.tried.push(format!("{which}: not accepted"));
                Ok(false)
            }
        }
    }

    fn with_agent(&mut self) -> Result<bool, SftpError> {
        let Ok(mut agent) = self.session.agent() else { return Ok(false) };
        match &self.settings.agent {
            Agent::Off => return Ok(false),
            Agent::Socket(path) => {
                let _ = agent.set_identity_path(path);
            }
            Agent::Environment if std::env::var_os("SSH_AUTH_SOCK").is_none() => return Ok(false),
            Agent::Environment => {}
        }
        // An agent that is not there has no keys.
        let keys = agent.connect().and_then(|()| agent.list_identities());
        let keys = keys.and_then(|()| agent.identities()).unwrap_or_default();
        let named = self.named();
        for key in keys {
            if self.settings.identities_only && !named.iter().any(|named| named == key.blob()) {
                continue;
            }
            match agent.userauth(&self.settings.user, &key) {
                Ok(()) => return Ok(true),
                Err(error) if is_lost(&error) => return Err(error.into()),
                Err(_) => self.tried.push(format!("agent: {}: not accepted", key.comment())),
            }
        }
        Ok(false)
    }

    /// The public halves of the keys that were named.
    fn named(&self) -> Vec<Vec<u8>> {
        let public = |file: &PathBuf| {
            let mut beside = file.clone().into_os_string();
            beside.push(".pub");
            let beside = Path::new(&beside);
            let key = PublicKey::read_openssh_file(beside)
                .or_else(|_| PublicKey::read_openssh_file(file));
            key.ok().and_then(|key| key.to_bytes().ok())
        };
        self.settings.identities.iter().filter_map(public).collect()
    }

    fn refused(&self) -> Failure {
        let why = match self.tried.as_slice() {
            [] => "there is no key to log in with (make one with ssh-keygen -t ed25519)".to_owned(),
            tried => format!("can't log in ({})", tried.join("; ")),
        };
        Failure::new(Status::Key, format!("{}@{}: {why}", self.settings.user, self.settings.host))
    }
}

/// `LIBSSH2_ERROR_FILE`.
const FILE: i32 = -16;

/// Why a file can't serve as a key, if that shows before it is tried.
fn unusable(file: &Path) -> Option<String> {
    let facts = match fs::metadata(file) {
        Ok(facts) => facts,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Some("not there".into());
        }
        Err(error) => return Some(error.to_string().to_lowercase()),
    };
    if facts.mode() & 0o077 != 0 {
        return Some("others may read it (chmod 600 makes it private)".into());
    }
    let text = fs::read(file).unwrap_or_default();
    let locked = PrivateKey::from_openssh(&text).is_ok_and(|key| key.is_encrypted());
    let old_and_locked = text.windows(9).any(|part| part == b"ENCRYPTED");
    (locked || old_and_locked)
        .then(|| "locked by a passphrase (ssh-add gives it to an agent)".into())
}
