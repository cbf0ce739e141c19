//! The settings for a host: from the URL, else `-o`, else the configurations of SSH, as resolved by
//! `ssh -G`.

use std::path::PathBuf;
use std::time::Duration;

use failure::{Failure, Status};

use super::address::Address;
use super::place::{Place, refused};
use super::ssh_says::{Source, SshSays};
use super::way::Way;
use crate::Options;

/// The settings for a host and the user there.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    /// The name of its keys in the lists, whatever its port, if it is not the host's own.
    pub(crate) alias: Option<String>,
    pub(crate) known_hosts: Vec<PathBuf>,
    /// The accepted kinds of host keys; all supported ones if empty.
    pub(crate) host_key_kinds: Vec<String>,
    /// Keys that were named; without any, the user's usual ones.
    pub(crate) identities: Vec<PathBuf>,
    /// Whether keys that only the agent has are not to be tried.
    pub(crate) identities_only: bool,
    pub(crate) agent: Agent,
    pub(crate) way: Way,
    /// The longest that connecting may take, if that was set.
    pub(crate) connect_timeout: Option<Duration>,
    /// Kept for as long as a program on the way may read it.
    _source: Source,
}

/// Where the agent with the keys is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Agent {
    /// The agent at `SSH_AUTH_SOCK`.
    Environment,
    Socket(PathBuf),
    Off,
}

/// Settings that we can't follow: without them ssh would go another way, or trust others.
const REFUSED: [&str; 5] =
    ["ProxyUseFdpass", "KnownHostsCommand", "RevokedHostKeys", "BindAddress", "BindInterface"];

/// The default keys of ssh, which it prints like configured ones.
const USUAL: [&str; 7] = ["rsa", "ecdsa", "ecdsa_sk", "ed25519", "ed25519_sk", "xmss", "dsa"];

impl Settings {
    /// Combines the settings.
    ///
    /// # Errors
    /// [`Status::Usage`] for a configuration that cannot be read, or has an unsupported setting.
    pub(crate) fn of(address: &Address, options: &Options) -> Result<Settings, Failure> {
        let (says, source) = SshSays::of(address, options)?;
        for setting in REFUSED {
            if let Some(value) = says.one(&setting.to_lowercase()) {
                return Err(refused(&format!("{setting} {value}: is not supported here")));
            }
        }
        let host = says.one("hostname").unwrap_or(&address.host).to_owned();
        let user = says.one("user").map(str::to_owned).map_or_else(own_name, Ok)?;
        let port = says.one("port").and_then(|port| port.parse().ok());
        let port = address.port.or(port).unwrap_or(22);
        check_words(&host, &user)?;
        let place = Place { name: &address.host, host: &host, user: &user, port };
        let way = Way::of(&says, &source, &place)?;
        let alias = says.one("hostkeyalias").map(str::to_owned);
        let files = |key: &str, usual: &str| match says.all(key) {
            [] => vec![place.file(usual)],
            _ => says.files(key).iter().map(|file| place.file(file)).collect(),
        };
        let mut known_hosts = files("userknownhostsfile", "~/.ssh/known_hosts");
        known_hosts.extend(files("globalknownhostsfile", "/etc/ssh/ssh_known_hosts"));
        let identities = named_identities(&says);
        let kinds = says.one("hostkeyalgorithms").unwrap_or_default();
        let seconds = says.one("connecttimeout").and_then(|seconds| seconds.parse().ok());
        Ok(Settings {
            alias,
            known_hosts,
            host_key_kinds: kinds.split(',').map(str::to_owned).filter(|k| !k.is_empty()).collect(),
            identities: identities.iter().map(|file| place.file(file)).collect(),
            identities_only: says.one("identitiesonly") == Some("yes"),
            agent: match says.all("identityagent").first().map(String::as_str) {
                None | Some("SSH_AUTH_SOCK") => Agent::Environment,
                Some("none") => Agent::Off,
                Some(path) => Agent::Socket(place.file(path)),
            },
            way,
            connect_timeout: seconds.filter(|s| *s > 0).map(Duration::from_secs),
            port,
            host,
            user,
            _source: source,
        })
    }

    /// The name of the host in a list of known hosts.
    pub(crate) fn known_name(&self) -> String {
        match (&self.alias, self.port) {
            (Some(alias), _) => alias.to_lowercase(),
            (None, 22) => self.host.to_lowercase(),
            (None, port) => format!("[{}]:{port}", self.host.to_lowercase()),
        }
    }

    /// The second name to look up in the lists: the host alone, as in ssh.
    pub(crate) fn second_name(&self) -> Option<String> {
        (self.alias.is_none() && self.port != 22).then(|| self.host.to_lowercase())
    }
}

/// The keys of a configuration, or none if ssh prints the default ones.
fn named_identities(says: &SshSays) -> &[String] {
    let all = says.all("identityfile");
    let is_usual =
        |file: &String| file.strip_prefix("~/.ssh/id_").is_some_and(|kind| USUAL.contains(&kind));
    if all.len() > 3 && all.iter().all(is_usual) { &[] } else { all }
}

/// Commands of a configuration are given these words, and a shell reads the commands.
fn check_words(host: &str, user: &str) -> Result<(), Failure> {
    let is_bad = |c: char| c.is_control() || c.is_whitespace() || "'`\"$\\;&<>|(){},".contains(c);
    if host.starts_with('-') || host.contains(is_bad) {
        return Err(refused(&format!("{host}: not the name of a host")));
    }
    if user.starts_with('-') || user.contains(|c| c != '\\' && is_bad(c)) || user.ends_with('\\') {
        return Err(refused(&format!("{user}: not the name of a user")));
    }
    Ok(())
}

fn own_name() -> Result<String, Failure> {
    let name = uzers::get_current_username().and_then(|name| name.into_string().ok());
    name.ok_or_else(|| {
        Failure::new(Status::Usage, "the url names no user, and this one has no name")
    })
}
