//! Whose keys are known: OpenSSH's lists of known hosts, with hashed names, patterns and revoked
//! keys. Nothing is ever added to them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use failure::{Failure, OrFail, Status};
use hmac::{Hmac, Mac};
use sha1::Sha1;
use ssh_key::PublicKey;
use ssh_key::known_hosts::{Entry, HostPatterns, Marker};
use wildmatch::WildMatch;

use super::settings::Settings;

/// What the lists say about a key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Known,
    /// The host has no key that is known.
    Unknown,
    /// The host has other keys, which that file names.
    Changed(PathBuf),
    Revoked(PathBuf),
    /// The host has no key that is known, but that file lets an authority vouch for it.
    Authority(PathBuf),
}

/// What is known of one host.
#[derive(Debug, Default)]
pub(crate) struct KnownHosts {
    keys: Vec<(PathBuf, PublicKey)>,
    revoked: Vec<(PathBuf, PublicKey)>,
    /// The first file that names an authority for the host.
    authority: Option<PathBuf>,
    /// The keys are for the host without its port, so another key is not a changed one.
    portless: bool,
}

impl KnownHosts {
    /// The entries of the lists for the host: those for `[HOST]:PORT`, or else those for `HOST`, as
    /// in ssh. Missing lists have no entries.
    pub(crate) fn of(settings: &Settings) -> Result<KnownHosts, Failure> {
        let mut known = KnownHosts::named(&settings.known_name(), &settings.known_hosts)?;
        if let Some(name) = settings.second_name()
            && known.keys.is_empty()
        {
            let second = KnownHosts::named(&name, &settings.known_hosts)?;
            known.portless = true;
            known.keys = second.keys;
            known.revoked.extend(second.revoked);
            known.authority = known.authority.or(second.authority);
        }
        Ok(known)
    }

    fn named(name: &str, files: &[PathBuf]) -> Result<KnownHosts, Failure> {
        let mut known = KnownHosts::default();
        for file in files {
            match fs::read(file) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                text => {
                    let text = text.or_fail(Status::Key, failure::shown(file))?;
                    known.add(name, file, &String::from_utf8_lossy(&text))?;
                }
            }
        }
        Ok(known)
    }

    fn add(&mut self, name: &str, file: &Path, text: &str) -> Result<(), Failure> {
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.replace('\t', " ").parse::<Entry>() {
                Ok(entry) if names(entry.host_patterns(), name) => self.take(file, entry),
                Ok(_) => {}
                // To skip the line could trust a key that it revokes.
                Err(_) if line.starts_with("@revoked") => {
                    let which = format!("{}: line {number}", failure::shown(file));
                    return Err(Failure::of(Status::Key, which, "can't be read"));
                }
                Err(error) => log::debug!("{}: line {number}: {error}", failure::shown(file)),
            }
        }
        Ok(())
    }

    fn take(&mut self, file: &Path, entry: Entry) {
        let list = match entry.marker() {
            None => &mut self.keys,
            Some(Marker::Revoked) => &mut self.revoked,
            // Certificates of hosts are beyond the library that speaks SSH for us.
            Some(Marker::CertAuthority) => {
                self.authority.get_or_insert_with(|| file.to_owned());
                return;
            }
        };
        list.push((file.to_owned(), entry.into()));
    }

    /// The algorithms to request from the host, best first: those of the known keys, because a host
    /// has several keys and shows one. The configuration can restrict them.
    pub(crate) fn algorithms(&self, allowed: &[String]) -> String {
        let is_known = |name: &str| {
            self.keys.iter().any(|(_, key)| {
                let algorithm = key.algorithm();
                name == algorithm.as_str() || (algorithm.is_rsa() && name.starts_with("rsa-"))
            })
        };
        let is_allowed = |name: &str| allowed.is_empty() || allowed.iter().any(|a| a == name);
        let (known, others): (Vec<_>, Vec<_>) =
            ALGORITHMS.into_iter().filter(|name| is_allowed(name)).partition(|name| is_known(name));
        [known, others].concat().join(",")
    }

    /// What to think of the key that the host has shown.
    pub(crate) fn verdict(&self, key: &PublicKey) -> Verdict {
        let same = |(_, known): &&(PathBuf, PublicKey)| known.key_data() == key.key_data();
        if let Some((file, _)) = self.revoked.iter().find(same) {
            return Verdict::Revoked(file.clone());
        }
        if self.keys.iter().any(|known| same(&known)) {
            return Verdict::Known;
        }
        match (self.keys.first(), &self.authority) {
            (Some((file, _)), _) if !self.portless => Verdict::Changed(file.clone()),
            (_, Some(file)) => Verdict::Authority(file.clone()),
            (_, None) => Verdict::Unknown,
        }
    }
}

/// What hosts may sign with; RSA only with SHA-2.
const ALGORITHMS: [&str; 6] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
];

fn names(patterns: &HostPatterns, name: &str) -> bool {
    match patterns {
        HostPatterns::HashedName { salt, hash } => {
            // An HMAC accepts a key of any length.
            Hmac::<Sha1>::new_from_slice(salt)
                .is_ok_and(|mac| mac.chain_update(name).verify_slice(hash).is_ok())
        }
        HostPatterns::Patterns(patterns) => {
            let fits = |pattern: &str| WildMatch::new(&pattern.to_lowercase()).matches(name);
            let excluded =
                patterns.iter().filter_map(|pattern| pattern.strip_prefix('!')).any(fits);
            !excluded && patterns.iter().any(|pattern| fits(pattern))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";
    const OTHER: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4bYzHT8YYlrZ05JHBcQEqxdOpd4oCrdVGgRHNpfXF7";

    fn verdict(name: &str, text: &str) -> Result<Verdict, Failure> {
        let mut known = KnownHosts::default();
        known.add(name, Path::new("list"), text)?;
        Ok(known.verdict(&KEY.parse().unwrap()))
    }

    #[track_caller]
    fn assert_verdict(name: &str, text: &str, expected: &Verdict) {
        assert_eq!(&verdict(name, text).unwrap(), expected, "{name} in {text}");
    }

    #[test]
    fn names_ports_patterns_and_exceptions_are_as_openssh_has_them() {
        assert_verdict("store", &format!("store,other {KEY} comment"), &Verdict::Known);
        assert_verdict("store", &format!("# x\n\n  store\t{KEY}"), &Verdict::Known);
        assert_verdict("[store]:2222", &format!("[store]:2222 {KEY}"), &Verdict::Known);
        assert_verdict("[store]:2222", &format!("store {KEY}"), &Verdict::Unknown);
        assert_verdict("a.example", &format!("*.EXAMPLE {KEY}"), &Verdict::Known);
        assert_verdict("a.example", &format!("*.example,!a.* {KEY}"), &Verdict::Unknown);
        assert_verdict("store", &format!("nonsense\nstore {KEY}"), &Verdict::Known);
    }

    #[test]
    fn another_key_is_a_change_and_a_revoked_one_is_never_known() {
        assert_verdict("store", &format!("store {OTHER}"), &Verdict::Changed("list".into()));
        assert_verdict("store", &format!("store {OTHER}\nstore {KEY}"), &Verdict::Known);
        let both = format!("store {KEY}\n@revoked * {KEY}");
        assert_verdict("store", &both, &Verdict::Revoked("list".into()));
        assert_verdict(
            "store",
            &format!("@cert-authority * {KEY}"),
            &Verdict::Authority("list".into()),
        );
        assert!(verdict("store", &format!("store {KEY}\n@revoked * damaged")).is_err());
    }

    #[test]
    fn a_hashed_name_is_found() {
        // Made by ssh-keygen -H.
        let hashed = "|1|F1E1KeoE/eEWhi10WpGv4OdiO6Y=|3988QV0VE8wmZL7suNrYQLITLCg=";
        assert_verdict("192.168.1.61", &format!("{hashed} {KEY}"), &Verdict::Known);
        assert_verdict("192.168.1.62", &format!("{hashed} {KEY}"), &Verdict::Unknown);
    }

    #[test]
    fn the_kind_of_the_known_key_is_asked_for_first() {
        let mut known = KnownHosts::default();
        known.add("store", Path::new("list"), &format!("store {KEY}")).unwrap();
        assert!(known.algorithms(&[]).starts_with("ssh-ed25519,ecdsa"));
    }
}
