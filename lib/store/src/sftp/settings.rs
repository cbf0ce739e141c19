//! How to reach a host: what the URL says, else `-o`, else the user's configuration of SSH, else
//! the system's; as OpenSSH does it, as far as it concerns us.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Cursor};
use std::path::{Path, PathBuf};

use ssh2_config::{HostParams, ParseRule, SshConfig};
use stream::{Failure, OrFail, Status};

use super::address::Address;
use crate::Options;

/// The configuration of all users.
const SYSTEM: &str = "/etc/ssh/ssh_config";

/// How to reach a host, and as whom.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    /// The name that its keys are known by, whatever its port, if that is not its own.
    pub(crate) alias: Option<String>,
    pub(crate) known_hosts: Vec<PathBuf>,
    /// Keys that were named; without any, the user's usual ones.
    pub(crate) identities: Vec<PathBuf>,
    /// Whether keys that only the agent has are not to be tried.
    pub(crate) identities_only: bool,
    pub(crate) agent: Agent,
}

/// Where the agent with the keys is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Agent {
    /// Where `SSH_AUTH_SOCK` says.
    Environment,
    Socket(PathBuf),
    Off,
}

impl Settings {
    /// Puts them together.
    ///
    /// # Errors
    /// [`Status::Usage`] for a configuration that can't be read, or that asks for what we can't.
    pub(crate) fn of(address: &Address, options: &Options) -> Result<Settings, Failure> {
        let params = configuration(address, options)?;
        let given = Given { unsupported: &params.unsupported_fields };
        refuse_what_is_not_understood(&params, &given)?;
        let host = params.host_name.clone().unwrap_or_else(|| address.host.clone());
        let host = host.replace("%h", &address.host);
        let user = address.user.clone().or_else(|| params.user.clone());
        let user = user.map_or_else(own_name, Ok)?;
        let expand = |text: &str| expanded(text, &host, &user);
        let identities = params.identity_file.clone().unwrap_or_default();
        Ok(Settings {
            port: address.port.or(params.port).unwrap_or(22),
            alias: given.word("hostkeyalias").map(str::to_owned),
            known_hosts: known_hosts(&given, expand),
            identities: identities.iter().map(|file| expand(&file.to_string_lossy())).collect(),
            identities_only: given.word("identitiesonly") == Some("yes"),
            agent: match given.word("identityagent") {
                None | Some("SSH_AUTH_SOCK") => Agent::Environment,
                Some("none") => Agent::Off,
                Some(path) => Agent::Socket(expand(path)),
            },
            host,
            user,
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
}

/// What the parser passes on as it was written.
struct Given<'a> {
    unsupported: &'a HashMap<String, Vec<String>>,
}

impl Given<'_> {
    fn words(&self, key: &str) -> &[String] {
        self.unsupported.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    fn word(&self, key: &str) -> Option<&str> {
        self.words(key).first().map(String::as_str)
    }
}

/// The options and the files, the first of which to name a setting decides.
fn configuration(address: &Address, options: &Options) -> Result<HostParams, Failure> {
    let mut text = String::new();
    for option in &options.ssh_options {
        let Some((key, value)) = option.split_once('=') else {
            let why = "a setting is KEY=VALUE, such as Port=2222";
            return Err(Failure::new(Status::Usage, format!("--ssh-option {option}: {why}")));
        };
        text.push_str(&format!("{key} {value}\n"));
    }
    let user = match &options.ssh_config {
        Some(file) => (file.clone(), fs::read(file).or_fail(Status::Usage, file.display())?),
        None => read_if_there(&home().join(".ssh/config"))?,
    };
    let system = read_if_there(Path::new(SYSTEM))?;
    let of_options = (PathBuf::from("--ssh-option"), text.into_bytes());
    let mut params: Option<HostParams> = None;
    for (file, text) in [of_options, user, system] {
        let read = parsed(&text, &file)?.query(&address.host);
        params = Some(params.map_or(read.clone(), |params| merged(params, &read)));
    }
    params.ok_or_else(|| Failure::new(Status::Failed, "no configuration"))
}

fn merged(mut params: HostParams, further: &HostParams) -> HostParams {
    params.overwrite_if_none(further);
    for (ours, theirs) in [
        (&mut params.unsupported_fields, &further.unsupported_fields),
        (&mut params.ignored_fields, &further.ignored_fields),
    ] {
        for (key, value) in theirs {
            ours.entry(key.clone()).or_insert_with(|| value.clone());
        }
    }
    params
}

fn parsed(text: &[u8], file: &Path) -> Result<SshConfig, Failure> {
    let rules = ParseRule::ALLOW_UNKNOWN_FIELDS | ParseRule::ALLOW_UNSUPPORTED_FIELDS;
    let text = String::from_utf8_lossy(text);
    let config = SshConfig::default().home_dir(home());
    config.parse(&mut Cursor::new(text.as_bytes()), rules).or_fail(Status::Usage, file.display())
}

fn read_if_there(file: &Path) -> Result<(PathBuf, Vec<u8>), Failure> {
    let text = match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        text => text.or_fail(Status::Usage, file.display())?,
    };
    Ok((file.to_owned(), text))
}

/// Going on without these would reach another host, or the host in another way, than was meant.
fn refuse_what_is_not_understood(params: &HostParams, given: &Given<'_>) -> Result<(), Failure> {
    let is_match = |key: &String| key.eq_ignore_ascii_case("match");
    let jump = params.proxy_jump.as_ref().is_some_and(|hosts| hosts != &["none"]);
    let command = given.word("proxycommand").is_some_and(|command| command != "none");
    let (setting, hint) = match () {
        () if jump => ("ProxyJump", "set it to none for this host, or forward a port with ssh -L"),
        () if command => ("ProxyCommand", "set it to none for this host"),
        () if params.ignored_fields.keys().any(is_match) => {
            ("Match", "give a file without it with --ssh-config")
        }
        () => return Ok(()),
    };
    let why = format!("{setting} is not supported ({hint})");
    Err(Failure::new(Status::Usage, format!("configuration of ssh: {why}")))
}

fn known_hosts(given: &Given<'_>, expand: impl Fn(&str) -> PathBuf) -> Vec<PathBuf> {
    let files = |key: &str, usual: &[&str]| -> Vec<PathBuf> {
        match given.words(key) {
            [] => usual.iter().map(|file| expand(file)).collect(),
            words => words.iter().filter(|word| *word != "none").map(|file| expand(file)).collect(),
        }
    };
    let mut all = files("userknownhostsfile", &["~/.ssh/known_hosts", "~/.ssh/known_hosts2"]);
    all.extend(files("globalknownhostsfile", &["/etc/ssh/ssh_known_hosts"]));
    all
}

/// The home of who runs the program, as the environment says.
pub(crate) fn home() -> PathBuf {
    std::env::home_dir().unwrap_or_default()
}

fn own_name() -> Result<String, Failure> {
    let name = uzers::get_current_username().and_then(|name| name.into_string().ok());
    name.ok_or_else(|| {
        Failure::new(Status::Usage, "the url names no user, and this one has no name")
    })
}

/// A path of the configuration: `~`, and the tokens that people use there.
fn expanded(text: &str, host: &str, user: &str) -> PathBuf {
    let text = text.replace("%h", host).replace("%r", user);
    let text = text.replace("%d", &home().to_string_lossy()).replace("%%", "%");
    match text.strip_prefix("~/") {
        Some(rest) => home().join(rest),
        None => text.into(),
    }
}
