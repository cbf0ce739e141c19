//! We read what GnuPG writes.

use std::io::{Read, Write};

use failure::{Failure, Status};
use openpgp::{Decryption, read_secret_key};
use sequoia_openpgp::serialize::stream::{Encryptor, LiteralWriter, Message};
use sequoia_openpgp::types::{AEADAlgorithm, SymmetricAlgorithm};

use crate::home::{Home, certs, environment, open, sample, source_of, test_in_home, with_gnupg};

const LOOPBACK: [&str; 4] = ["--pinentry-mode", "loopback", "--passphrase", "meow"];

fn with_file(home: &Home, id: &str) -> Decryption {
    let mut decryption = Decryption::new(environment());
    decryption.keys.secrets = vec![read_secret_key(&home.secret_file(id, "")).unwrap()];
    decryption
}

#[test]
fn every_compression_and_cipher_of_gpg_is_read() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let readers = [with_file(home, &cat), with_gnupg()];
        let content = sample(1_500_000);
        for compression in ["none", "zip", "zlib", "bzip2"] {
            for cipher in ["AES256", "AES192", "AES128", "3DES"] {
                let options = ["--compress-algo", compression, "--cipher-algo", cipher];
                let sealed = home.gpg(&[&options[..], &["-e", "-r", &cat]].concat(), &content);
                for reader in &readers {
                    assert!(open(reader, &sealed).unwrap() == content, "{options:?}");
                }
            }
        }
    });
}

#[test]
fn ciphers_and_protection_that_are_left_to_sequoia_are_read() {
    test_in_home(&[], |home| {
        let (content, reader) = (sample(200_000), Decryption::new(source_of(home, "meow")));
        let mut messages = [Vec::new(), Vec::new()];
        for (sealed, is_new) in messages.iter_mut().zip([false, true]) {
            let mut encryptor = Encryptor::with_passwords(Message::new(sealed), Some("meow"));
            encryptor = match is_new {
                true => encryptor.aead_algo(AEADAlgorithm::OCB),
                false => encryptor.symmetric_algo(SymmetricAlgorithm::Camellia256),
            };
            let mut message = LiteralWriter::new(encryptor.build().unwrap()).build().unwrap();
            message.write_all(&content).unwrap();
            message.finalize().unwrap();
        }
        for sealed in messages {
            assert!(open(&reader, &sealed).unwrap() == content);
            for at in [sealed.len() / 2, sealed.len() - 1] {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert_eq!(open(&reader, &changed).unwrap_err().status(), Status::Integrity);
                assert!(open(&reader, &sealed[..at]).is_err(), "{at}");
            }
        }
    });
}

#[test]
fn armor_signatures_several_and_hidden_recipients_of_gpg_are_read() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let kit = home.new_key("kit", "");
        let content = sample(200_000);
        let ways: [&[&str]; 5] = [
            &["-e", "--armor", "-r", "cat"],
            &["-e", "--sign", "-u", "cat", "-r", "cat"],
            &["-e", "-r", "kit", "-r", "cat"],
            &["-e", "-R", "cat"],
            &["-e", "--armor", "--sign", "-u", "kit", "-R", "kit", "-R", "cat", "-r", "kit"],
        ];
        for way in ways {
            let sealed = home.gpg(way, &content);
            for reader in [with_file(home, &cat), with_gnupg()] {
                assert!(open(&reader, &sealed).unwrap() == content, "{way:?}");
            }
            let mut strict = with_file(home, &cat);
            strict.signers_wanted = certs(&[&cat, &kit]);
            assert_eq!(open(&strict, &sealed).is_ok(), way.contains(&"--sign"), "{way:?}");
        }
    });
}

#[test]
fn a_message_that_gpg_encrypted_with_a_passphrase_is_read() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let content = sample(200_000);
        for rest in [&["-c"][..], &["-c", "-e", "-r", "cat"], &["-c", "--armor", "-z", "0"]] {
            let sealed = home.gpg(&[&LOOPBACK[..], rest].concat(), &content);
            let right = Decryption::new(source_of(home, "meow"));
            assert!(open(&right, &sealed).unwrap() == content, "{rest:?}");
            let wrong = Decryption::new(source_of(home, "woof"));
            assert_eq!(open(&wrong, &sealed).unwrap_err().status(), Status::Key, "{rest:?}");
            let none = Decryption::new(environment());
            assert_eq!(open(&none, &sealed).unwrap_err().status(), Status::Key, "{rest:?}");
        }
        let both = home.gpg(&[&LOOPBACK[..], &["-c", "-e", "-r", "cat"]].concat(), &content);
        assert!(open(&with_file(home, &cat), &both).unwrap() == content);
    });
}

#[test]
fn a_locked_key_is_opened_by_our_passphrase_or_by_that_of_the_agent() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "meow");
        let sealed = home.gpg(&["-e", "-r", &cat], b"purr");
        let file = home.secret_file(&cat, "meow");
        let reader = |passphrase: Option<&str>, gnupg: bool| {
            let source = passphrase.map_or(environment(), |text| source_of(home, text));
            let mut decryption = Decryption::new(source);
            decryption.keys.gnupg = gnupg;
            if !gnupg {
                decryption.keys.secrets = vec![read_secret_key(&file).unwrap()];
            }
            open(&decryption, &sealed)
        };
        assert_eq!(reader(Some("meow"), false).unwrap(), b"purr");
        assert!(reader(Some("woof"), false).unwrap_err().message().contains("another passphrase"));
        assert!(reader(None, false).unwrap_err().message().contains("no passphrase is given"));
        home.forget_passphrases();
        for passphrase in [None, Some("woof")] {
            assert_eq!(reader(passphrase, true).unwrap_err().status(), Status::Key);
        }
        assert_eq!(reader(Some("meow"), true).unwrap(), b"purr");
        // The agent remembers now.
        assert_eq!(reader(None, true).unwrap(), b"purr");
        assert_eq!(reader(Some("woof"), true).unwrap(), b"purr");
    });
}

#[test]
fn a_missing_key_is_named() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let kit = home.new_key("kit", "");
        let sealed = home.gpg(&["-e", "-r", "cat"], b"purr");
        let reader = with_file(home, &kit);
        let subkey = &home.fingerprints(&cat)[1][24..];
        let failure = open(&reader, &sealed).unwrap_err();
        assert_eq!(failure.status(), Status::Key);
        assert_eq!(
            failure.message(),
            format!("vol1: encrypted to {subkey}, but there is no key to open it")
        );
        home.gpg(&["--yes", "--delete-secret-keys", &cat], b"");
        let failure = open(&with_gnupg(), &sealed).unwrap_err();
        assert_eq!(failure.status(), Status::Key);
        assert!(failure.message().contains("No secret key"), "{failure}");
        assert!(failure.message().contains(subkey), "{failure}");
        let mut twice = Decryption::new(source_of(home, "meow"));
        twice.keys.gnupg = true;
        let failure = open(&twice, &sealed).unwrap_err();
        assert_eq!(failure.message().matches("No secret key").count(), 1, "{failure}");
    });
}

#[test]
fn gpg_is_asked_ahead_only_if_that_is_allowed_and_it_knew_the_last_session_key() {
    test_in_home(&[], |home| {
        let (cat, kit) = (home.new_key("cat", ""), home.new_key("kit", ""));
        let content = sample(300_000);
        let sealed = |id: &str| home.gpg(&["-e", "-r", id], &content);
        let [first, next, denied] = std::array::from_fn(|_| sealed(&cat));
        let other = sealed(&kit);
        let (fresh, reader) = (with_gnupg(), with_gnupg());
        fresh.prepare(&next[..], true);
        assert!(open(&reader, &first).unwrap() == content);
        reader.prepare(&denied[..], false);
        reader.prepare(&other[..], true);
        reader.prepare(&next[..], true);
        for id in [&cat, &kit] {
            home.gpg(&["--yes", "--delete-secret-keys", id], b"");
        }
        assert!(open(&reader, &next).unwrap() == content);
        for (reader, sealed) in [(&fresh, &next), (&reader, &denied), (&reader, &other)] {
            assert_eq!(open(reader, sealed).unwrap_err().status(), Status::Key);
        }
    });
}

#[test]
fn a_gpg_that_is_missing_is_named() {
    test_in_home(&[], |home| {
        if let Some(sealed) = std::env::var_os("SEALED") {
            let failure = open(&with_gnupg(), &std::fs::read(sealed).unwrap()).unwrap_err();
            assert_eq!(failure.status(), Status::Key);
            return assert!(failure.message().starts_with("gpg: not installed"), "{failure}");
        }
        let cat = home.new_key("cat", "");
        let sealed = home.gpg(&["-e", "-r", &cat], b"purr");
        let without = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["reading::a_gpg_that_is_missing_is_named", "--exact"])
            .env("PATH", "/nonexistent")
            .env("SEALED", home.file("sealed", &sealed))
            .status();
        assert!(without.unwrap().success());
    });
}

#[test]
fn a_failure_of_the_input_or_the_output_comes_out_as_it_was() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(Failure::new(Status::Lost, "store: gone").into())
        }
    }
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let sealed = home.gpg(&["-z", "0", "-e", "-r", &cat], &sample(4_000_000));
        for at in [0, 500, 100_000, 3_900_000] {
            let message = sealed[..at].chain(Broken);
            let failure = with_gnupg().open("vol1", message, &mut Vec::new()).unwrap_err();
            assert_eq!(failure, Failure::new(Status::Lost, "store: gone"), "{at}");
        }
        struct Full;
        impl std::io::Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(Failure::closed_pipe().into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let failure = with_gnupg().open("vol1", &*sealed, &mut Full).unwrap_err();
        assert_eq!(failure, Failure::closed_pipe());
    });
}
