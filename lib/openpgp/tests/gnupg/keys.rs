//! Which certificate and key are meant, and which may be used.

use std::time::Duration;

use failure::Status;
use openpgp::{encryption_key, find_certificate, generate, read_secret_key};

use crate::home::{
    encryption_to, environment, open, passphrase, seal, source_of, test_in_home, text, with_gnupg,
};

#[test]
fn a_certificate_is_found_by_file_fingerprint_key_id_subkey_and_name() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat <cat@example.org>", "");
        home.new_key("catherine", "");
        let subkey = &home.fingerprints("=cat <cat@example.org>")[1];
        let plain = home.file("plain", &home.gpg(&["--export", &cat], b""));
        let armored = home.file("armored", &home.gpg(&["--export", "--armor", &cat], b""));
        let spaced = cat.as_bytes().chunks(4).map(|four| std::str::from_utf8(four).unwrap());
        let spaced = spaced.collect::<Vec<_>>().join(" ");
        let hex = format!("0x{}", &subkey[24..]);
        let specs = [
            &cat,
            &cat[24..],
            &cat[32..],
            &spaced,
            &cat.to_lowercase(),
            subkey,
            &subkey[24..],
            &hex,
            "cat@example.org",
            text(&plain),
            text(&armored),
        ];
        for spec in specs {
            let found = find_certificate(spec).unwrap();
            assert_eq!(found.fingerprint().to_hex(), cat, "{spec}");
        }
        for spec in ["cat", "nobody", "0123456789ABCDEF", "/no/file", "", "--version", "é"] {
            let failure = find_certificate(spec).unwrap_err();
            assert_eq!(failure.status(), Status::Key, "{failure}");
            assert!(failure.message().starts_with(spec), "{failure}");
        }
        let no_secret = read_secret_key(&plain).unwrap_err();
        assert!(no_secret.message().ends_with("without its secret key"), "{no_secret}");
    });
}

#[test]
fn the_newest_usable_subkey_is_taken_as_gpg_does() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let add = |time: &str, expires: &str| {
            let options = ["--passphrase", "", "--faked-system-time", time];
            let add = ["--quick-add-key", &cat, "cv25519", "encr", expires];
            home.gpg(&[&options[..], &add[..]].concat(), b"");
        };
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        let a_while_ago = format!("{}!", now + 5);
        add(&a_while_ago, "never");
        std::thread::sleep(Duration::from_secs(7));
        let ids = home.fingerprints(&cat);
        let taken = encryption_key(&find_certificate(&cat).unwrap()).unwrap();
        assert_eq!(taken.fingerprint().to_hex(), ids[2]);
        let by_gpg = home.gpg(&["-e", "-r", &cat], b"purr");
        let list = home.gpg(&["--list-packets"], &by_gpg);
        assert!(String::from_utf8(list).unwrap().contains(&ids[2][24..]));
    });
}

#[test]
fn an_expired_revoked_or_sign_only_certificate_is_refused_by_name() {
    test_in_home(&[], |home| {
        let old = ["--faked-system-time", "20200101T000000!", "--passphrase", ""];
        home.gpg(
            &[&old[..], &["--quick-gen-key", "old", "rsa2048", "default", "1y"]].concat(),
            b"",
        );
        let host = generate("host", false, None, None).unwrap();
        let gone = generate("gone", true, None, None).unwrap();
        for bytes in [&host.certificate, &gone.certificate, &gone.revocation] {
            home.gpg(&["--trust-model", "pgp", "--import"], bytes);
        }
        for (name, why) in [
            ("old", "(old): it expired on 2020-12-31"),
            ("host", "(host): it has no encryption key"),
            ("gone", "(gone): it is revoked"),
        ] {
            let failure = encryption_key(&find_certificate(name).unwrap()).unwrap_err();
            assert_eq!(failure.status(), Status::Key);
            assert!(failure.message().contains(why), "{failure}");
        }
    });
}

#[test]
fn gpg_takes_a_generated_key_and_both_use_it() {
    test_in_home(&[], |home| {
        let made =
            generate("new <cat@example.org>", true, Some(&passphrase("meow")), None).unwrap();
        home.gpg(&["--import"], &made.certificate);
        home.gpg(&["--import"], &made.secret);
        let id = made.fingerprint.to_hex();
        let loopback = ["--pinentry-mode", "loopback", "--passphrase", "meow"];
        let by_gpg = home.gpg(&["-e", "-r", &id], b"purr");
        let by_us = seal(&encryption_to(&[&id]), b"purr");
        for sealed in [&by_gpg, &by_us] {
            assert_eq!(home.gpg(&[&loopback[..], &["-d"]].concat(), sealed), b"purr");
            let mut decryption = openpgp::Decryption::new(source_of(home, "meow"));
            let file = home.file("secret", &made.secret);
            decryption.keys.secrets = vec![read_secret_key(&file).unwrap()];
            assert_eq!(open(&decryption, sealed).unwrap(), b"purr");
        }
        home.gpg(&[&loopback[..], &["-s", "-u", &id]].concat(), b"purr");
        let packets = String::from_utf8(home.gpg(&["--list-packets"], &made.secret)).unwrap();
        assert!(packets.contains("iter+salt S2K, algo: 9, SHA1 protection"), "{packets}");
        assert!(packets.contains("pref-zip-algos: 2 1"), "{packets}");
        assert!(packets.contains("features: 01"), "{packets}");
        home.gpg(&["--trust-model", "pgp", "--import"], &made.revocation);
        let list = String::from_utf8(home.gpg(&["--with-colons", "-k", &id], b"")).unwrap();
        assert!(list.contains("\npub:r:"), "{list}");
    });
}

#[test]
fn a_generated_key_expires_and_needs_no_passphrase_if_none_is_given() {
    test_in_home(&[], |home| {
        let made = generate("brief", true, None, Some(Duration::from_secs(86_400 * 30))).unwrap();
        home.gpg(&["--import"], &made.secret);
        let id = made.fingerprint.to_hex();
        let sealed = seal(&encryption_to(&[&id]), b"purr");
        assert_eq!(home.gpg(&["-d"], &sealed), b"purr");
        assert_eq!(open(&with_gnupg(), &sealed).unwrap(), b"purr");
        let list = String::from_utf8(home.gpg(&["--with-colons", "-k", &id], b"")).unwrap();
        let fields: Vec<u64> = list
            .lines()
            .filter(|line| line.starts_with("pub:") || line.starts_with("sub:"))
            .flat_map(|line| line.split(':').skip(5).take(2))
            .map(|time| time.parse().unwrap())
            .collect();
        assert_eq!(fields.len(), 4);
        assert!(fields.chunks(2).all(|times| times[1] - times[0] == 86_400 * 30));
        let unlocked = environment();
        assert!(
            openpgp::Signer::from_file(
                &home.file("s", &made.secret),
                &unlocked,
                openpgp::WeakKeys::Never
            )
            .is_ok()
        );
    });
}
