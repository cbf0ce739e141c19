//! One connection to a server: TCP, the host's key, our key, the SFTP channel.

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use failure::{Failure, Status};
use rustix::io::Errno;
use rustix::net::{RecvFlags, Shutdown, recv, shutdown};
use ssh_key::{HashAlg, PublicKey};
use ssh2::{ErrorCode, File, MethodType, Session, Sftp};

use super::error::{SftpError, of_system};
use super::identities;
use super::known_hosts::{KnownHosts, Verdict};
use super::proxy::{self, Opened, Proxy};
use super::settings::Settings;

/// A connection that is ready for requests.
pub(crate) struct Connection {
    pub(crate) sftp: Sftp,
    pub(crate) session: Session,
    /// What is to be closed, or is being closed: the server may have been asked to.
    closing: Vec<File>,
    socket: OwnedFd,
    /// What carries it, to be ended after all that is above.
    _proxy: Option<Proxy>,
}

impl Connection {
    /// Connects and logs in, to a host whose key is known.
    pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Connection, SftpError> {
        let known = KnownHosts::of(settings).map_err(SftpError::Final)?;
        let _waiting = progress::waiting(&settings.host);
        let Opened { socket, mut proxy } = proxy::open(settings, timeout)?;
        match Connection::over(&socket, settings, &known, timeout) {
            Ok((sftp, session)) => {
                Ok(Connection { sftp, session, closing: Vec::new(), socket, _proxy: proxy })
            }
            // The command on the way knows more of it.
            Err(SftpError::Lost(why)) => {
                let more = proxy.as_mut().and_then(Proxy::reason);
                Err(SftpError::Lost(more.map_or(why.clone(), |more| format!("{why} ({more})"))))
            }
            Err(trouble) => Err(trouble),
        }
    }

    fn over(
        socket: &OwnedFd,
        settings: &Settings,
        known: &KnownHosts,
        timeout: Duration,
    ) -> Result<(Sftp, Session), SftpError> {
        // libssh2's own cipher would take half of all processor time.
        chachapoly::link();
        let mut session = Session::new()?;
        session.set_timeout(u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX));
        session.method_pref(MethodType::HostKey, &known.algorithms(&settings.host_key_kinds))?;
        session.set_tcp_stream(
            socket.try_clone().map_err(|error| SftpError::Lost(of_system(&error)))?,
        );
        session.handshake()?;
        check_host(&session, settings, known)?;
        identities::log_in(&session, settings)?;
        let start = Instant::now();
        let sftp = session.sftp().map_err(|error| {
            // If the answer came in time and the connection is alive, this is the answer. libssh2
            // counts whole seconds, and not every error says that the time is over.
            let in_time =
                error.code() != ErrorCode::Session(TIMEOUT) && start.elapsed() * 2 < timeout;
            if in_time && is_alive(socket) { no_sftp(settings) } else { error.into() }
        })?;
        Ok((sftp, session))
    }
}

impl Connection {
    /// Leaves a file to be closed with the next request: one that was only read, is synced, or is
    /// no longer needed.
    pub(crate) fn leave(&mut self, file: File) {
        self.closing.push(file);
    }

    /// Closes the files that are left. The answers are not waited for, because they have no
    /// information.
    pub(crate) fn close_left(&mut self) {
        if self.closing.is_empty() {
            return;
        }
        self.session.set_blocking(false);
        let waits = |file: &mut File| {
            file.close().is_err_and(|error| error.code() == ErrorCode::Session(AGAIN))
        };
        self.closing.retain_mut(waits);
        self.session.set_blocking(true);
    }

    /// Hangs up if a result shows that the connection is lost. Otherwise objects that are still
    /// open would wait for answers when they are closed.
    pub(crate) fn checked<T>(&self, result: Result<T, SftpError>) -> Result<T, SftpError> {
        if matches!(result, Err(SftpError::Lost(_))) {
            let _ = shutdown(&self.socket, Shutdown::Both);
        }
        result
    }
}

impl Drop for Connection {
    /// Ends the connection at once. Objects that are still open on it would wait for answers.
    fn drop(&mut self) {
        let _ = shutdown(&self.socket, Shutdown::Both);
    }
}

/// Checks that the server is the intended one.
fn check_host(session: &Session, settings: &Settings, known: &KnownHosts) -> Result<(), SftpError> {
    let refuse = |why: String| {
        let which = settings.known_name();
        Err(SftpError::Final(Failure::of(Status::Key, which, why)))
    };
    let shown = session.host_key().and_then(|(blob, _)| PublicKey::from_bytes(blob).ok());
    let Some(key) = shown else { return refuse("shows a host key of an unknown kind".into()) };
    let name = format!("{} {}", key.algorithm(), key.fingerprint(HashAlg::Sha256));
    match known.verdict(&key) {
        Verdict::Known => Ok(()),
        Verdict::Revoked(file) => {
            refuse(format!("the host key {name} is revoked in {}", failure::shown(&file)))
        }
        Verdict::Authority(file) => refuse(format!(
            "the host key {name} is not known: {} has a @cert-authority line, but certificates of hosts are \
             not supported (list the host's own key too, if its fingerprint is the one that its owner tells: {})",
            failure::shown(&file),
            accepting(&key, settings)
        )),
        Verdict::Unknown => refuse(format!(
            "the host key {name} is not known (if its owner confirms the fingerprint: {})",
            accepting(&key, settings)
        )),
        Verdict::Changed(file) => refuse(format!(
            "the host key {name} is not the one in {}: somebody may be in between (if its owner \
             confirms the new one: ssh-keygen -R '{}' -f {}; {})",
            failure::shown(&file),
            settings.known_name(),
            failure::shown(&file),
            accepting(&key, settings)
        )),
    }
}

/// The command that would make the key known: this key, and no other that may be shown later.
fn accepting(key: &PublicKey, settings: &Settings) -> String {
    let key = key.to_openssh().unwrap_or_default();
    let file = settings.known_hosts.first().map(|file| failure::shown(file).to_string());
    let file = file.unwrap_or_else(|| "~/.ssh/known_hosts".to_owned());
    format!("echo '{} {}' >>{file}", settings.known_name(), key.trim())
}

/// `LIBSSH2_ERROR_EAGAIN`.
const AGAIN: i32 = -37;
/// `LIBSSH2_ERROR_TIMEOUT`.
const TIMEOUT: i32 = -9;

/// Whether the other end has not closed the connection. libssh2 has made the socket one that does
/// not wait.
fn is_alive(socket: &OwnedFd) -> bool {
    match recv(socket, &mut [0_u8], RecvFlags::PEEK) {
        Ok((_, len)) => len > 0,
        Err(error) => error == Errno::AGAIN,
    }
}

/// A login without SFTP will have none the next time either.
fn no_sftp(settings: &Settings) -> SftpError {
    let which = format!("{}@{}", settings.user, settings.host);
    SftpError::Final(Failure::of(Status::Refused, which, "the account offers no sftp"))
}
