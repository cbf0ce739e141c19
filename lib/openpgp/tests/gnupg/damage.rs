//! Nothing that was changed, cut off or never protected counts as read.

use std::io::Write;

use failure::{Failure, Status};
use openpgp::{Compression, Decryption, Encryption, Signer, read_secret_key};
use sequoia_openpgp::packet::key::{PublicParts, UnspecifiedRole};
use sequoia_openpgp::serialize::stream::{Encryptor, Message, Recipient};
use sequoia_openpgp::types::Features;

use crate::home::{
    Home, certs, encryption_to, environment, open, passphrase, sample, seal, source_of,
    test_in_home, with_gnupg, zlib,
};

/// Where the encrypted data begins: behind one session key.
fn start_of_data(message: &[u8]) -> usize {
    assert!(message[1] < 192, "a session key with a short length");
    2 + usize::from(message[1])
}

fn reader(home: &Home, id: &str) -> Decryption {
    let mut decryption = Decryption::new(environment());
    decryption.keys.secrets = vec![read_secret_key(&home.secret_file(id, "")).unwrap()];
    decryption
}

fn refused(reader: &Decryption, message: &[u8], how: &str) -> Failure {
    match open(reader, message) {
        Ok(_) => panic!("counts as read: {how}, {} bytes", message.len()),
        Err(failure) => failure,
    }
}

/// In a short run one bit of each place, and of a large message fewer places: each costs the reading
/// of all before it.
fn check_every_change(reader: &Decryption, message: &[u8], content: &[u8]) {
    let data = start_of_data(message);
    let short = std::env::var_os("MOO_LONG").is_none();
    let sample = short && message.len() > 100_000;
    let (edge, places, step) = if sample { (12, 12, 7) } else { (60, 150, 1) };
    let near = (0..data).step_by(step).chain(data..data + edge);
    let near = near.chain(message.len().saturating_sub(edge)..message.len());
    let offsets = near.chain((0..message.len()).step_by(message.len() / places + 1));
    for at in offsets.filter(|at| *at < message.len()) {
        let bits = if short { vec![[0, 3, 7][at % 3]] } else { vec![0, 3, 7] };
        for bit in bits {
            let mut changed = message.to_vec();
            changed[at] ^= 1 << bit;
            match open(reader, &changed) {
                // A session key may have its header written in more than one way.
                Ok(read) => assert!(at < data && read == content, "bit {bit} of byte {at}"),
                Err(failure) if at < data => {
                    assert!([Status::Key, Status::Integrity].contains(&failure.status()));
                }
                Err(failure) => assert_eq!(failure.status(), Status::Integrity, "{at}: {failure}"),
            }
        }
        let cut = refused(reader, &message[..at], &format!("cut at {at}"));
        assert_eq!(cut.status(), Status::Integrity, "cut at {at}: {cut}");
    }
    for junk in [&b"\0"[..], b"junk", &[0; 50_000], b"\xcb\x08b\0\0\0\0\0hi", message] {
        let failure =
            refused(reader, &[message, junk].concat(), &format!("{} bytes of junk", junk.len()));
        assert_eq!(failure.status(), Status::Integrity, "{failure}");
    }
}

#[test]
fn every_changed_or_cut_message_of_ours_is_refused() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let reader = reader(home, &cat);
        for size in [10, 3_000, 3_000_000] {
            let content = sample(size);
            for compression in [Compression::None, zlib(6)] {
                let encryption = Encryption { compression, ..encryption_to(&[&cat]) };
                check_every_change(&reader, &seal(&encryption, &content), &content);
            }
        }
    });
}

#[test]
fn every_changed_or_cut_signed_message_is_refused() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let mut reader = reader(home, &cat);
        let signer = Signer::from_gnupg(&cat, &environment(), openpgp::WeakKeys::Never).unwrap();
        let encryption = Encryption { signer: Some(signer), ..encryption_to(&[&cat]) };
        let content = sample(3_000);
        for wanted in [vec![], certs(&[&cat])] {
            reader.signers_wanted = wanted;
            check_every_change(&reader, &seal(&encryption, &content), &content);
        }
    });
}

#[test]
fn every_changed_or_cut_message_of_gpg_is_refused() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let reader = reader(home, &cat);
        let content = sample(40_000);
        for compression in ["none", "zip", "bzip2"] {
            let options = ["--compress-algo", compression, "-e", "-r", "cat"];
            check_every_change(&reader, &home.gpg(&options, &content), &content);
        }
    });
}

#[test]
fn a_changed_or_cut_message_in_armor_gives_no_other_content() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let reader = reader(home, &cat);
        let content = sample(5_000);
        let armored = home.gpg(&["--armor", "-e", "-r", "cat"], &content);
        for at in 0..armored.len() {
            let mut changed = armored.clone();
            changed[at] ^= 2;
            let cut = &armored[..at];
            for message in [&changed[..], cut] {
                assert!(!open(&reader, message).is_ok_and(|read| read != content), "{at}");
            }
        }
    });
}

#[test]
fn changed_messages_of_a_passphrase_are_refused_too() {
    test_in_home(&[], |home| {
        let reader = Decryption::new(source_of(home, "meow"));
        let encryption =
            Encryption { passphrases: vec![passphrase("meow")], ..Encryption::default() };
        let sealed = seal(&encryption, &sample(500));
        let data = start_of_data(&sealed);
        for at in (data..sealed.len()).step_by(40) {
            let mut changed = sealed.clone();
            changed[at] ^= 4;
            assert!(open(&reader, &changed).is_err(), "{at}");
            assert!(open(&reader, &sealed[..at]).is_err(), "{at}");
        }
    });
}

#[test]
fn a_message_that_thousands_of_passphrases_open_is_refused_within_seconds() {
    test_in_home(&[], |home| {
        let dear =
            ["--pinentry-mode", "loopback", "--passphrase", "meow", "--s2k-count", "65011712"];
        let sealed = home.gpg(&[&dear[..], &["-c"]].concat(), &sample(500));
        let (head, data) = sealed.split_at(start_of_data(&sealed));
        let many = [&head.repeat(5000), data].concat();
        let start = std::time::Instant::now();
        let wrong = Decryption::new(source_of(home, "woof"));
        assert_eq!(refused(&wrong, &many, "another passphrase").status(), Status::Key);
        // Each of them takes about a third of a second.
        assert!(start.elapsed().as_secs() < 60, "{:?}", start.elapsed());
        let right = Decryption::new(source_of(home, "meow"));
        assert_eq!(open(&right, &[head, &sealed].concat()).unwrap(), sample(500));
    });
}

#[test]
fn what_is_not_protected_is_refused_unless_allowed() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let kit = home.new_key("kit", "");
        let content = sample(2_500_000);
        let old = ["--rfc2440", "--disable-mdc", "-e", "-r", "cat"];
        let old_signed = ["--rfc2440", "--disable-mdc", "-e", "-r", "cat", "-u", "cat", "-s"];
        let ways: [&[&str]; 6] = [
            &old,
            &old_signed,
            &["-s", "-u", "cat"],
            &["--store"],
            &["--store", "-z", "0"],
            &["-sa", "-u", "cat"],
        ];
        for way in ways {
            let message = home.gpg(way, &content);
            let mut reader = with_gnupg();
            let failure = open(&reader, &message).unwrap_err();
            assert_eq!(failure.message(), "vol1: not protected against changes", "{way:?}");
            assert_eq!(failure.status(), Status::Integrity);
            reader.allow_unprotected = true;
            assert!(open(&reader, &message).unwrap() == content, "{way:?}");
            let signed = way.iter().any(|word| word.starts_with("-s"));
            reader.signers_wanted = certs(&[&cat]);
            assert_eq!(open(&reader, &message).is_ok(), signed, "{way:?}");
            reader.signers_wanted = certs(&[&kit]);
            assert!(open(&reader, &message).is_err(), "{way:?}");
        }
    });
}

#[test]
fn garbage_is_refused() {
    let reader = Decryption::new(environment());
    let all: [&[u8]; 5] = [b"", b"garbage", b"\x1f\x8b\x08", &[0; 70_000], &[0xff; 70_000]];
    for garbage in all {
        assert_eq!(open(&reader, garbage).unwrap_err().status(), Status::Integrity);
    }
    proptest::proptest!(|(bytes in proptest::collection::vec(0u8.., 0..300))| {
        proptest::prop_assert!(open(&reader, &bytes).is_err());
    });
}

#[test]
fn hostile_content_inside_the_encryption_is_an_error_or_content_but_never_a_panic() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let reader = reader(home, &cat);
        let key = openpgp::encryption_key(&certs(&[&cat])[0]).unwrap();
        let ways: [&[&str]; 4] =
            [&["--store", "-z", "0"], &["--store"], &["-s", "-u", "cat"], &["-e", "-r", "cat"]];
        for way in ways {
            let content = home.gpg(way, &sample(3_000));
            let encrypted = |content: &[u8]| encrypt_raw(&key, content);
            for at in (0..content.len()).step_by(content.len() / 200 + 1).chain(0..40) {
                for bit in 0..8 {
                    let mut changed = content.clone();
                    changed[at] ^= 1 << bit;
                    let _ = open(&reader, &encrypted(&changed));
                }
                assert!(open(&reader, &encrypted(&content[..at])).is_err(), "{way:?} {at}");
            }
            let nested = open(&reader, &encrypted(&content));
            assert_eq!(nested.is_err(), way[0] == "-e", "{way:?}");
        }
    });
}

/// An encrypted message around any bytes.
fn encrypt_raw(
    key: &sequoia_openpgp::packet::Key<PublicParts, UnspecifiedRole>,
    content: &[u8],
) -> Vec<u8> {
    let mut out = Vec::new();
    let features = Features::empty().set_seipdv1();
    let recipient = Recipient::new(features, key.key_handle(), key);
    let mut message =
        Encryptor::for_recipients(Message::new(&mut out), [recipient]).build().unwrap();
    message.write_all(content).unwrap();
    message.finalize().unwrap();
    out
}
