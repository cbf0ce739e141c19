//! The URL of a store: as duplicity has it, and as moobacker has it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use failure::shown;
use md5::{Digest, Md5};
use percent_encoding::percent_decode;

use crate::code::Refusal;

/// The schemes of duplicity that are SFTP here.
const SSH: [&str; 12] = [
    "sftp",
    "ssh",
    "scp",
    "rsync",
    "paramiko+sftp",
    "paramiko+ssh",
    "paramiko+scp",
    "pexpect+sftp",
    "pexpect+ssh",
    "pexpect+scp",
    "ssh+rsync",
    "lftp+sftp",
];

/// The URL of a store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    /// As it was given: its MD5 is the name of the archive directory.
    pub(crate) given: OsString,
    /// As `moo` takes it.
    pub(crate) ours: OsString,
    /// Whether it had a password, which can't be used.
    pub(crate) password: bool,
}

/// Whether a word is a URL.
pub(crate) fn is_url(word: &OsStr) -> bool {
    split(word.as_bytes()).is_some()
}

/// The scheme, and what follows its colon.
fn split(word: &[u8]) -> Option<(&str, &[u8])> {
    let end = word.iter().position(|byte| *byte == b':')?;
    let scheme = std::str::from_utf8(&word[..end]).ok()?;
    let rest = &word[end + 1..];
    let is_scheme = !scheme.is_empty()
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    (is_scheme && (rest.starts_with(b"//") || scheme == "rclone")).then_some((scheme, rest))
}

impl Url {
    /// Reads a URL.
    ///
    /// # Errors
    /// A word that is none, or a store that moobacker can't reach; with a hint how it could.
    pub(crate) fn read(word: &OsStr) -> Result<Url, Refusal> {
        let Some((scheme, rest)) = split(word.as_bytes()) else {
            return Err(Refusal::usage(format!("Argument '{}' is not a URL.", shown(word))));
        };
        let scheme = scheme.to_ascii_lowercase();
        let given = word.to_owned();
        let plain = |ours: Vec<u8>| Url { given: given.clone(), ours: os(ours), password: false };
        match &*scheme {
            "file" | "gio+file" => Ok(plain([b"file:", &*path(rest)].concat())),
            "rclone" => Ok(plain([b"rclone:", rest.strip_prefix(b"//").unwrap_or(rest)].concat())),
            ssh if SSH.contains(&ssh) => over_ssh(word, rest),
            _ => Err(unsupported(word, &scheme)),
        }
    }

    /// The name of its archive directory: the MD5 of the URL as it was given.
    pub(crate) fn archive_name(&self) -> String {
        Md5::digest(self.given.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The path of a URL of this machine: duplicity reads it as RFC 3986 says, and moobacker as it is.
fn path(rest: &[u8]) -> Vec<u8> {
    let end = rest.iter().position(|byte| b"?#".contains(byte)).unwrap_or(rest.len());
    percent_decode(&rest[..end]).collect()
}

fn os(bytes: Vec<u8>) -> OsString {
    OsString::from_vec(bytes)
}

/// `//[USER[:PASSWORD]@]HOST[:PORT]/PATH` as the URL of SFTP.
fn over_ssh(word: &OsStr, rest: &[u8]) -> Result<Url, Refusal> {
    let rest = rest.strip_prefix(b"//").unwrap_or(rest);
    let end = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let (place, path) = rest.split_at(end);
    if place.ends_with(b"::") || path.starts_with(b"/:") || contains(rest, b"::/") {
        let why = "a module of an rsync server is not supported; use sftp://";
        return Err(scheme_error(&format!("{}: {why}", shown(word))));
    }
    let (user, host) = match place.iter().rposition(|byte| *byte == b'@') {
        Some(at) => (&place[..at], &place[at..]),
        None => (&b""[..], place),
    };
    let name_end = user.iter().position(|byte| *byte == b':');
    let name = &user[..name_end.unwrap_or(user.len())];
    Ok(Url {
        given: word.to_owned(),
        ours: os([b"sftp://", name, host, path].concat()),
        password: name_end.is_some(),
    })
}

fn contains(text: &[u8], part: &[u8]) -> bool {
    text.windows(part.len()).any(|window| window == part)
}

fn scheme_error(text: &str) -> Refusal {
    let text = format!("UnsupportedBackendScheme: {text}");
    Refusal::new(23, "UnsupportedBackendScheme", text)
}

fn unsupported(word: &OsStr, scheme: &str) -> Refusal {
    let word = shown(word);
    if scheme.starts_with("par2+") {
        let why = "moobacker makes no parity files; leave out par2+";
        return scheme_error(&format!("scheme not supported in url: {word}: {why}"));
    }
    let how = "make a remote of it with rclone config, and use rclone:REMOTE:PATH";
    scheme_error(&format!("scheme not supported in url: {word}: {how}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(word: &str) -> Result<String, Refusal> {
        let url = Url::read(word.as_ref())?;
        Ok(url.ours.into_string().unwrap())
    }

    #[test]
    fn stores_of_duplicity_are_reached_in_our_way() {
        for (given, expected) in [
            ("file:///srv/x/", "file:///srv/x/"),
            ("gio+file:///srv/x", "file:///srv/x"),
            ("sftp://u@h:22//x", "sftp://u@h:22//x"),
            ("ssh://u:secret@h/x", "sftp://u@h/x"),
            ("scp://h/x", "sftp://h/x"),
            ("paramiko+sftp://h/x", "sftp://h/x"),
            ("rsync://u@h//x", "sftp://u@h//x"),
            ("rclone:cloud:a/b", "rclone:cloud:a/b"),
            ("rclone://cloud:/a", "rclone:cloud:/a"),
        ] {
            assert_eq!(ours(given).unwrap(), expected);
        }
        assert!(Url::read("ssh://u:p@h/x".as_ref()).unwrap().password);
    }

    #[test]
    fn other_stores_are_refused_with_a_hint() {
        for (given, hint) in [
            ("s3://h/b", "rclone config"),
            ("par2+file:///x", "par2+"),
            ("rsync://h::/module/x", "sftp://"),
        ] {
            let refused = ours(given).unwrap_err();
            assert_eq!((refused.code, &*refused.extra), (23, "UnsupportedBackendScheme"));
            assert!(refused.text.contains(hint), "{}", refused.text);
        }
        assert!(!is_url("a:b".as_ref()) && !is_url("/x".as_ref()) && !is_url("://".as_ref()));
    }

    #[test]
    fn the_archive_directory_is_named_by_the_url_as_it_was_given() {
        let name = |word: &str| Url::read(word.as_ref()).unwrap().archive_name();
        assert_eq!(name("file:///tmp/bb/tr1/"), "d2d7cb8475570191b750f7e06657e79f");
        assert_eq!(name("file:///tmp/bb/tr1"), "6986d95c99d7bf1e4db3c3513a998733");
    }
}
