//! The options of duplicity that every command of `moo` gets in another form.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use crate::journal::{Journal, Level};
use crate::moo::word;
use crate::option::{Takes, Use};
use crate::request::Request;

/// Options of gpg that change what is written.
const WRITING: [&str; 6] = [
    "--cipher-algo",
    "--compress-algo",
    "--personal-cipher-preferences",
    "--s2k-cipher-algo",
    "--s2k-digest-algo",
    "--digest-algo",
];

/// The options of a command of `moo` for a request, but for those of its action.
pub(crate) fn words(request: &Request, command: &str, journal: &Journal) -> Vec<OsString> {
    let line = &request.line;
    let mut words = vec![word("archive-dir", archives(request))];
    words.push(word("name", name(request)));
    if !journal.has(Level::Warning) {
        words.push("--verbosity=error".into());
    }
    if options::has(command, "progress") {
        words.push("--progress=json".into());
    }
    for given in &line.options {
        let Use::Passed(long) = given.option.does else { continue };
        if !options::has(command, long) || is_beaten(request, long) {
            continue;
        }
        match (given.option.takes, given.values.first()) {
            // Stock takes an empty value for none.
            (Takes::Value(_), Some(value)) if value.is_empty() => {}
            (Takes::Value(_), Some(value)) => words.push(word(long, value)),
            (Takes::Two(_), _) => {
                words.push(format!("--{long}").into());
                words.extend(given.values.iter().cloned());
            }
            _ => words.push(format!("--{long}").into()),
        }
    }
    words.extend(keys(request, command));
    words.extend(ssh(request));
    words
}

/// Whether `--no-encryption` makes an option void.
fn is_beaten(request: &Request, long: &str) -> bool {
    request.line.has("no-encryption")
        && matches!(long, "encrypt-key" | "hidden-encrypt-key" | "sign-key" | "allow-weak-keys")
}

fn keys(request: &Request, command: &str) -> Vec<OsString> {
    let mut words = Vec::new();
    if request.line.has("no-encryption") {
        if options::has(command, "no-encryption") {
            words.push("--no-encryption".into());
        }
        return words;
    }
    for key in request.line.values("encrypt-sign-key") {
        let long =
            ["encrypt-key", "sign-key"].into_iter().filter(|long| options::has(command, long));
        words.extend(long.map(|long| word(long, key)));
    }
    words
}

/// The folder of archive directories.
fn archives(request: &Request) -> OsString {
    if let Some(given) = request.line.value("archive-dir") {
        return given.to_owned();
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").filter(|cache| !cache.is_empty());
    let home = || std::env::home_dir().map(|home| home.join(".cache"));
    let cache = cache.map(PathBuf::from).or_else(home).unwrap_or_default();
    cache.join("duplicity").into_os_string()
}

/// The name of the archive directory.
fn name(request: &Request) -> OsString {
    let given = request.line.value("name").map(OsStr::to_owned);
    given.unwrap_or_else(|| request.url.archive_name().into())
}

/// The archive directory, as collection-status shows it.
pub(crate) fn archive(request: &Request) -> PathBuf {
    PathBuf::from(archives(request)).join(name(request))
}

/// The variables for all commands.
pub(crate) fn variables(request: &Request) -> Vec<(&'static str, Option<OsString>)> {
    let line = &request.line;
    let mut variables = Vec::new();
    if let Some(folder) = line.value("tempdir") {
        variables.push(("TMPDIR", Some(folder.to_owned())));
    }
    let tokens: Vec<_> = line.values("gpg-options").flat_map(tokens).collect();
    if let Some(home) = after(&tokens, "--homedir") {
        variables.push(("GNUPGHOME", Some(home)));
    }
    // As with duplicity: the key that encrypts and signs has one passphrase.
    let signs: Vec<_> = line.values("sign-key").chain(line.values("encrypt-sign-key")).collect();
    let both = |key: &&OsStr| {
        line.values("encrypt-key").chain(line.values("encrypt-sign-key")).any(|other| other == *key)
    };
    if let Some(passphrase) = std::env::var_os("PASSPHRASE")
        && std::env::var_os("SIGN_PASSPHRASE").is_none()
        && signs.iter().any(both)
    {
        variables.push(("SIGN_PASSPHRASE", Some(passphrase)));
    }
    variables
}

/// Says which options have no effect.
pub(crate) fn tell(request: &Request, journal: &Journal) {
    for given in &request.line.options {
        if given.option.does == Use::Tuning {
            journal.info(&format!("--{}: accepted, without an effect", given.option.long));
        }
    }
    for token in request.line.values("gpg-options").flat_map(tokens) {
        let text = String::from_utf8_lossy(&token).into_owned();
        let name = text.split('=').next().unwrap_or_default();
        if WRITING.contains(&name) {
            let why = "has no effect; moobacker encrypts with AES-256";
            journal.info(&format!("--gpg-options: {name}: {why}"));
        }
    }
    if request.url.password || std::env::var_os("FTP_PASSWORD").is_some() {
        journal.info("the password of the store is not used: moobacker logs in with keys only");
    }
}

/// The options of SSH, from `--ssh-options` and from the remote shell in `--rsync-options`.
fn ssh(request: &Request) -> Vec<OsString> {
    let line = &request.line;
    let mut all: Vec<_> = line.values("ssh-options").flat_map(tokens).collect();
    for text in line.values("rsync-options") {
        let tokens = tokens(text);
        let shell = after(&tokens, "-e").or_else(|| after(&tokens, "--rsh"));
        let words = shell.map(|shell| self::tokens(&shell)).unwrap_or_default();
        all.extend(words.into_iter().skip(1));
    }
    let mut words = Vec::new();
    let mut rest = &all[..];
    while let [token, after @ ..] = rest {
        let (setting, used) = setting(token, after.first());
        words.extend(setting);
        rest = &after[usize::from(used)..];
    }
    words
}

/// An option of ssh as one of `moo`, and whether the next token is its value.
fn setting(token: &[u8], next: Option<&Vec<u8>>) -> (Option<OsString>, bool) {
    let Some((letter, inside)) = token.strip_prefix(b"-").and_then(|rest| rest.split_first())
    else {
        return (None, false);
    };
    let alone = inside.is_empty();
    let value = if alone { next.map(Vec::as_slice) } else { Some(inside) };
    let Some(value) = value else { return (None, false) };
    let option = |key: &[u8]| Some(word("ssh-option", os(&[key, b"=", value].concat())));
    match letter {
        b'o' => (Some(word("ssh-option", os(value))), alone),
        b'p' => (option(b"Port"), alone),
        b'i' => (option(b"IdentityFile"), alone),
        b'l' => (option(b"User"), alone),
        b'J' => (option(b"ProxyJump"), alone),
        b'F' => (Some(word("ssh-config", os(value))), alone),
        _ => (None, false),
    }
}

fn os(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

/// The value of an option among tokens: the next one, or what follows `=`.
fn after(tokens: &[Vec<u8>], name: &str) -> Option<OsString> {
    let at = tokens.iter().position(|token| token == name.as_bytes());
    let next = at.and_then(|at| tokens.get(at + 1)).map(Vec::as_slice);
    let joined = [name.as_bytes(), b"="].concat();
    let inside = || tokens.iter().find_map(|token| token.strip_prefix(&joined[..]));
    next.or_else(inside).map(os)
}

/// The words of a text in which quotes and backslashes count, as in a shell.
fn tokens(text: &OsStr) -> Vec<Vec<u8>> {
    let (mut tokens, mut token, mut quote) = (Vec::new(), None::<Vec<u8>>, None);
    let mut bytes = text.as_bytes().iter();
    while let Some(byte) = bytes.next() {
        match (byte, quote) {
            (b'\\', None | Some(b'"')) => token.get_or_insert_default().extend(bytes.next()),
            (byte, Some(mark)) if *byte == mark => quote = None,
            (b'\'' | b'"', None) => {
                quote = Some(*byte);
                token.get_or_insert_default();
            }
            (byte, None) if byte.is_ascii_whitespace() => tokens.extend(token.take()),
            _ => token.get_or_insert_default().push(*byte),
        }
    }
    tokens.extend(token);
    tokens
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command_line::{Asked, CommandLine};

    fn request(words: &[&str]) -> Request {
        let words = words.iter().map(OsString::from).chain(["/".into(), "file:///s".into()]);
        match CommandLine::read(words) {
            Ok(Asked::Work(line)) => Request::of(line).unwrap(),
            other => panic!("{other:?}"),
        }
    }

    fn strings(words: Vec<OsString>) -> Vec<String> {
        words.into_iter().map(|word| word.into_string().unwrap()).collect()
    }

    #[test]
    fn options_reach_the_commands_that_have_them() {
        let request =
            request(&["--encrypt-key", "K", "--numeric-owner", "--volsize=5", "--name=n"]);
        let words =
            |command| strings(super::words(&request, command, &Journal::plain()))[2..].join(" ");
        assert_eq!(words("backup"), "--progress=json --encrypt-key=K --volsize=5");
        assert_eq!(words("restore"), "--progress=json --numeric-owner");
        assert_eq!(words("status"), "");
    }

    #[test]
    fn no_encryption_beats_keys_and_one_key_can_do_both() {
        let of = |words: &[&str]| {
            strings(super::words(&request(words), "backup", &Journal::plain()))[3..].join(" ")
        };
        assert_eq!(
            of(&["--no-encryption", "--encrypt-key=K", "--encrypt-sign-key=L"]),
            "--no-encryption"
        );
        assert_eq!(of(&["--encrypt-sign-key=L"]), "--encrypt-key=L --sign-key=L");
    }

    #[test]
    fn options_of_ssh_are_understood_wherever_they_stand() {
        let of = |words: &[&str]| strings(ssh(&request(words))).join(" ");
        assert_eq!(
            of(&["--ssh-options", "-oPort=22 -o User=tom -oIdentityFile='/my id' -q"]),
            "--ssh-option=Port=22 --ssh-option=User=tom --ssh-option=IdentityFile=/my id"
        );
        assert_eq!(
            of(&["--rsync-options", "-e \"ssh -oBatchMode=yes -p 22 -i /id\""]),
            "--ssh-option=BatchMode=yes --ssh-option=Port=22 --ssh-option=IdentityFile=/id"
        );
        assert_eq!(of(&["--ssh-options", "-p"]), "");
    }

    #[test]
    fn the_keyring_of_gpg_options_is_used() {
        let home = |text: &str| variables(&request(&["--gpg-options", text])).pop();
        assert_eq!(home("--homedir /x --cipher-algo AES"), Some(("GNUPGHOME", Some("/x".into()))));
        assert_eq!(home("--homedir='/x y'"), Some(("GNUPGHOME", Some("/x y".into()))));
    }
}
