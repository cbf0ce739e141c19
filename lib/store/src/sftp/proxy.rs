//! Connections to a host: directly, or through a command, as ProxyCommand and ProxyJump say.

use std::ffi::OsString;
use std::fs::File;
use std::io::{Read, Seek};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use failure::{Failure, Status, legible};

use super::error::{SftpError, of_system};
use super::settings::Settings;
use super::way::{Family, Way};

/// An open way to a host, before anything was said on it.
pub(crate) struct Opened {
    pub(crate) socket: OwnedFd,
    pub(crate) proxy: Option<Proxy>,
}

/// A command that carries a connection. It ends with it.
pub(crate) struct Proxy {
    child: Child,
    said: File,
}

impl Proxy {
    /// What the command has said about its failure, in a line.
    pub(crate) fn reason(&mut self) -> Option<String> {
        let mut said = Vec::new();
        self.said.rewind().ok()?;
        // More than that is no message.
        self.said.by_ref().take(1 << 16).read_to_end(&mut said).ok()?;
        let mut lines = said.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
        lines.rfind(|line| !line.is_empty()).map(legible::line)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Opens the way to a host.
pub(crate) fn open(settings: &Settings, timeout: Duration) -> Result<Opened, SftpError> {
    match &settings.way {
        Way::Direct(family) => {
            let socket = connect(settings, *family, timeout)?.into();
            Ok(Opened { socket, proxy: None })
        }
        Way::Through(words) => through(words),
    }
}

fn through(words: &[OsString]) -> Result<Opened, SftpError> {
    let failed = |error: std::io::Error| {
        let which = words.first().map(|word| failure::shown(word).to_string()).unwrap_or_default();
        SftpError::Final(Failure::of(Status::Failed, which, of_system(&error)))
    };
    let (ours, theirs) = UnixStream::pair().map_err(failed)?;
    let said = tempfile::tempfile().map_err(failed)?;
    let mut words_left = words.iter();
    let program = words_left.next().cloned().unwrap_or_default();
    let mut command = Command::new(program);
    command.args(words_left);
    command.stdin(Stdio::from(OwnedFd::from(theirs.try_clone().map_err(failed)?)));
    command.stdout(Stdio::from(OwnedFd::from(theirs)));
    command.stderr(Stdio::from(said.try_clone().map_err(failed)?));
    // The proxy must not see our secrets.
    command.env_remove("PASSPHRASE").env_remove("SIGN_PASSPHRASE");
    let child = command.spawn().map_err(failed)?;
    Ok(Opened { socket: ours.into(), proxy: Some(Proxy { child, said }) })
}

fn connect(settings: &Settings, family: Family, timeout: Duration) -> Result<TcpStream, SftpError> {
    let lost = |error: std::io::Error| SftpError::Lost(of_system(&error));
    let timeout = settings.connect_timeout.map_or(timeout, |most| most.min(timeout));
    let addresses = (settings.host.as_str(), settings.port).to_socket_addrs();
    let addresses = addresses.map_err(|error| no_address(&settings.host, &error))?;
    let fits = |address: &SocketAddr| match family {
        Family::Any => true,
        Family::Inet => address.is_ipv4(),
        Family::Inet6 => address.is_ipv6(),
    };
    let mut trouble = SftpError::Lost("the host has no address".to_owned());
    for address in addresses.filter(fits) {
        match TcpStream::connect_timeout(&address, timeout) {
            Ok(socket) => {
                // Requests are small, and each is waited for.
                socket.set_nodelay(true).map_err(lost)?;
                return Ok(socket);
            }
            Err(error) => trouble = lost(error),
        }
    }
    Err(trouble)
}

/// The message of glibc's and musl's resolver for an unknown name, which will be unknown the next
/// time too.
const NO_SUCH_NAME: [&str; 3] =
    ["Name or service not known", "Name does not resolve", "No address associated with hostname"];

fn no_address(host: &str, error: &std::io::Error) -> SftpError {
    let text = error.to_string();
    if NO_SUCH_NAME.iter().any(|words| text.contains(words)) {
        let why = format!("{host}: there is no host of that name");
        return SftpError::Final(Failure::new(Status::Lost, why));
    }
    SftpError::Lost(of_system(error))
}
