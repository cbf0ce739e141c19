//! Where passphrases come from.

use std::process::{Command, Stdio};

use failure::Status;
use openpgp::{PassphraseOptions, PassphraseSource};

use crate::home::{passphrase, test_in_home};

#[test]
fn the_environment_gives_one_passphrase_for_all_or_another_for_signing() {
    test_in_home(&[("PASSPHRASE", "meow"), ("SIGN_PASSPHRASE", "purr")], |_| {
        let options = PassphraseOptions::default();
        assert_eq!(options.source().given().unwrap(), Some(passphrase("meow")));
        assert_eq!(options.signing_source().given().unwrap(), Some(passphrase("purr")));
    });
}

#[test]
fn signing_falls_back_to_the_common_variable() {
    test_in_home(&[("PASSPHRASE", "meow")], |_| {
        let source = PassphraseOptions::default().source().for_signing();
        assert_eq!(source.given().unwrap(), Some(passphrase("meow")));
    });
}

#[test]
fn without_any_source_and_terminal_there_is_none() {
    test_in_home(&[("PASSPHRASE", "")], |_| {
        assert_eq!(PassphraseOptions::default().source().given().unwrap(), None);
        assert_eq!(PassphraseOptions::default().source().get_new("").unwrap(), None);
    });
}

#[test]
fn a_file_or_descriptor_goes_before_the_environment() {
    test_in_home(&[("PASSPHRASE", "meow")], |home| {
        let file = home.file("p", b"purr\nmore\n");
        let source = PassphraseSource::new(Some(file.clone()), None, "PASSPHRASE");
        assert_eq!(source.given().unwrap(), Some(passphrase("purr")));
        std::fs::remove_file(file).unwrap();
        // Read once, also for signing.
        assert_eq!(source.for_signing().given().unwrap(), Some(passphrase("purr")));
        let closed = PassphraseSource::new(None, Some(99), "PASSPHRASE").given().unwrap_err();
        assert_eq!(closed.status(), Status::Key);
    });
}

#[test]
fn a_descriptor_gives_its_first_line_and_keeps_the_rest() {
    if std::env::var_os("READS_STDIN").is_some() {
        let source = PassphraseSource::new(None, Some(0), "PASSPHRASE");
        assert_eq!(source.given().unwrap(), Some(passphrase("purr")));
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut std::io::stdin(), &mut rest).unwrap();
        return assert_eq!(rest, "the stream");
    }
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["sources::a_descriptor_gives_its_first_line_and_keeps_the_rest", "--exact"])
        .env("READS_STDIN", "1")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"purr\nthe stream").unwrap();
    drop(stdin);
    assert!(child.wait().unwrap().success());
}
