//! The way to a host, as the configuration names it.

use std::ffi::OsString;

use failure::Failure;

use super::place::{Place, refused};
use super::ssh_says::{Source, SshSays};

/// How the bytes get there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// By TCP, over addresses of that kind.
    Direct(Family),
    /// Through the standard input and output of a command: the program and its arguments.
    Through(Vec<OsString>),
}

/// The kinds of addresses to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Any,
    Inet,
    Inet6,
}

impl Way {
    /// The route of a configuration.
    ///
    /// # Errors
    /// [`Status::Usage`] for a command with unknown tokens, which ssh refuses too.
    pub(crate) fn of(says: &SshSays, source: &Source, at: &Place<'_>) -> Result<Way, Failure> {
        let unknown = |key: &str, text: &str| refused(&format!("{key} {text}: an unknown % in it"));
        if let Some(jumps) = says.one("proxyjump") {
            let jumps = at.expand(jumps).ok_or_else(|| unknown("ProxyJump", jumps))?;
            // ssh leaves quotes of the configuration to the shell that runs its command.
            return Ok(Way::Through(by_jump(jumps.trim_matches('"'), source, at)?));
        }
        if let Some(command) = says.one("proxycommand") {
            let text = at.expand(command).ok_or_else(|| unknown("ProxyCommand", command))?;
            let shell = std::env::var_os("SHELL").filter(|shell| !shell.is_empty());
            let shell = shell.unwrap_or_else(|| "/bin/sh".into());
            return Ok(Way::Through(vec![shell, "-c".into(), format!("exec {text}").into()]));
        }
        Ok(Way::Direct(match says.one("addressfamily") {
            Some("inet") => Family::Inet,
            Some("inet6") => Family::Inet6,
            _ => Family::Any,
        }))
    }
}

/// The command that goes through other hosts to the last of them, and on from there.
fn by_jump(jumps: &str, source: &Source, at: &Place<'_>) -> Result<Vec<OsString>, Failure> {
    let (before, last) = jumps.rsplit_once(',').unwrap_or(("", jumps));
    let last = if last.starts_with("ssh://") { last.to_owned() } else { format!("ssh://{last}") };
    let mut words: Vec<OsString> = vec!["ssh".into()];
    words.extend(source.words()?.into_iter().map(OsString::from));
    // Batch mode: nobody can answer questions.
    words.push("-oBatchMode=yes".into());
    if !before.is_empty() {
        words.extend(["-J".into(), before.into()]);
    }
    words.extend(["-W".into(), format!("[{}]:{}", at.host, at.port).into()]);
    words.extend(["--".into(), last.into()]);
    Ok(words)
}
