//! GnuPG reads what we write.

use failure::{Failure, Status};
use openpgp::{Compression, Encryption, Signer, generate, read_secret_key};

use crate::home::{
    Home, certs, encryption_to, environment, open, passphrase, sample, seal, source_of,
    test_in_home, text, with_gnupg, zlib,
};

const LOOPBACK: [&str; 4] = ["--pinentry-mode", "loopback", "--passphrase", "meow"];

fn packets(home: &Home, sealed: &[u8]) -> String {
    String::from_utf8(home.gpg(&[&LOOPBACK[..], &["--list-packets"]].concat(), sealed)).unwrap()
}

#[test]
fn gpg_reads_every_size_and_compression() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        for size in [0, 1, 100, 65_536, 3_000_000] {
            let content = sample(size);
            for level in 0..=9 {
                let compression = if level > 0 { zlib(level) } else { Compression::None };
                let encryption = Encryption { compression, ..encryption_to(&[&cat]) };
                let sealed = seal(&encryption, &content);
                assert!(home.gpg(&["-d"], &sealed) == content, "{size} {level}");
                assert!(open(&with_gnupg(), &sealed).unwrap() == content, "{size} {level}");
            }
        }
    });
}

#[test]
fn gpg_reads_keys_of_every_common_algorithm() {
    test_in_home(&[], |home| {
        for (sign, encrypt) in [("rsa2048", "rsa2048"), ("nistp256", "nistp256")] {
            let id = home.new_key_of(sign, "", sign, encrypt);
            let sealed = seal(&encryption_to(&[&id]), b"purr");
            assert_eq!(home.gpg(&["-d"], &sealed), b"purr");
            assert_eq!(open(&with_gnupg(), &sealed).unwrap(), b"purr");
        }
    });
}

#[test]
fn each_of_several_recipients_hidden_or_not_and_a_passphrase_open_it() {
    test_in_home(&[], |home| {
        let ids = ["cat", "kit", "tom"].map(|name| home.new_key(name, ""));
        let mut encryption = encryption_to(&[&ids[0], &ids[1]]);
        encryption.hidden_recipients = certs(&[&ids[2]]);
        encryption.passphrases = vec![passphrase("meow")];
        let sealed = seal(&encryption, b"purr");
        let list = packets(home, &sealed);
        assert_eq!(list.matches(":pubkey enc packet: version 3").count(), 3, "{list}");
        assert_eq!(list.matches("keyid 0000000000000000").count(), 1, "{list}");
        assert_eq!(list.matches(":symkey enc packet: version 4, cipher 9").count(), 1, "{list}");
        assert!(list.contains("mdc_method: 2"), "{list}");
        let secrets = ids.each_ref().map(|id| home.secret_file(id, ""));
        for (secret, id) in secrets.iter().zip(&ids) {
            home.gpg(&["--yes", "--delete-secret-keys", id], b"");
            let mut decryption = openpgp::Decryption::new(environment());
            decryption.keys.secrets = vec![read_secret_key(secret).unwrap()];
            assert_eq!(open(&decryption, &sealed).unwrap(), b"purr");
        }
        assert_eq!(home.gpg(&[&LOOPBACK[..], &["-d"]].concat(), &sealed), b"purr");
        for secret in &secrets {
            home.gpg(&["--import", text(secret)], b"");
            assert_eq!(home.gpg(&["-d"], &sealed), b"purr");
            assert_eq!(open(&with_gnupg(), &sealed).unwrap(), b"purr");
        }
    });
}

#[test]
fn gpg_reads_what_is_encrypted_with_a_passphrase_alone() {
    test_in_home(&[], |home| {
        let encryption = Encryption {
            passphrases: vec![passphrase("meow")],
            compression: zlib(6),
            ..Encryption::default()
        };
        let content = sample(300_000);
        let sealed = seal(&encryption, &content);
        assert!(home.gpg(&[&LOOPBACK[..], &["-d"]].concat(), &sealed) == content);
        let decryption = openpgp::Decryption::new(source_of(home, "meow"));
        assert!(open(&decryption, &sealed).unwrap() == content);
    });
}

#[test]
fn a_certificate_that_asks_for_the_newer_encryption_gets_the_older_all_the_same() {
    test_in_home(&[], |home| {
        let modern = sequoia_openpgp::cert::CertBuilder::general_purpose(Some("modern"));
        let (cert, _) = modern.generate().unwrap();
        assert!(cert.primary_key().key().version() == 4);
        let encryption = Encryption { recipients: vec![cert.clone()], ..Encryption::default() };
        let sealed = seal(&encryption, b"purr");
        assert!(sealed.starts_with(&[0xc1]) && sealed[2] == 3, "no PKESK of version 3");
        let mut decryption = openpgp::Decryption::new(environment());
        decryption.keys.secrets = vec![cert];
        assert_eq!(open(&decryption, &sealed).unwrap(), b"purr");
        let list = String::from_utf8_lossy(&home.try_gpg(&["--list-packets"], &sealed).stdout)
            .into_owned();
        assert!(list.contains("mdc_method: 2"), "{list}");
    });
}

#[test]
fn gpg_and_we_check_a_signature_by_a_key_from_a_file() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let host = generate("host", false, Some(&passphrase("meow")), None).unwrap();
        let file = home.file("host.secret", &host.secret);
        home.gpg(&["--import"], &host.certificate);
        let signer =
            Signer::find(text(&file), &source_of(home, "meow"), openpgp::WeakKeys::Never).unwrap();
        check_signed(home, &cat, &signer, &format!("{:X}", host.fingerprint));
        let wrong = Signer::from_file(&file, &source_of(home, "woof"), openpgp::WeakKeys::Never)
            .unwrap_err();
        assert_eq!(wrong.status(), Status::Key);
    });
}

#[test]
fn gpg_and_we_check_a_signature_by_a_key_in_gpg_with_subkeys() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        let rsa = home.new_key_of("rsa", "", "rsa2048", "rsa2048");
        for id in [&cat, &rsa] {
            let signer = Signer::from_gnupg(id, &environment(), openpgp::WeakKeys::Never).unwrap();
            check_signed(home, &cat, &signer, id);
        }
        home.gpg(&["--passphrase", "", "--quick-add-key", &cat, "ed25519", "sign", "never"], b"");
        let signer = Signer::from_gnupg(&cat, &environment(), openpgp::WeakKeys::Never).unwrap();
        check_signed(home, &cat, &signer, &home.fingerprints(&cat)[2]);
    });
}

#[test]
fn a_locked_key_in_gpg_signs_with_our_passphrase_or_with_that_of_the_agent() {
    test_in_home(&[("SIGN_PASSPHRASE", "meow")], |home| {
        let cat = home.new_key("cat", "meow");
        let ours = environment().for_signing();
        home.forget_passphrases();
        check_signed(
            home,
            &cat,
            &Signer::from_gnupg(&cat, &ours, openpgp::WeakKeys::Never).unwrap(),
            &cat,
        );
        // The agent remembers now: not even a wrong passphrase stops it.
        let wrong = source_of(home, "woof");
        assert!(Signer::from_gnupg(&cat, &wrong, openpgp::WeakKeys::Never).is_ok());
        assert!(Signer::from_gnupg(&cat, &environment(), openpgp::WeakKeys::Never).is_ok());
        home.forget_passphrases();
        let failure = Signer::from_gnupg(&cat, &wrong, openpgp::WeakKeys::Never).unwrap_err();
        assert_eq!(failure.status(), Status::Key, "{failure}");
        assert_eq!(
            Signer::from_gnupg(&cat, &environment(), openpgp::WeakKeys::Never)
                .unwrap_err()
                .status(),
            Status::Key
        );
    });
}

fn check_signed(home: &Home, recipient: &str, signer: &Signer, key: &str) {
    let other = home.new_key(&format!("other than {key}"), "");
    let mut trusting = with_gnupg();
    trusting.keys.passphrase = source_of(home, "meow");
    for size in [0, 20, 3_000_000] {
        let content = sample(size);
        let encryption = Encryption {
            signer: Some(signer.clone()),
            compression: zlib(1),
            ..encryption_to(&[recipient])
        };
        let sealed = seal(&encryption, &content);
        let output = home.try_gpg(&[&LOOPBACK[..], &["--status-fd=2", "-d"]].concat(), &sealed);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success() && output.stdout == content, "{said}");
        assert!(said.contains(&format!("VALIDSIG {key}")), "{said}");
        trusting.signers_wanted = vec![signer.certificate().clone()];
        assert!(open(&trusting, &sealed).unwrap() == content);
        trusting.signers_wanted = certs(&[&other]);
        assert_eq!(open(&trusting, &sealed).unwrap_err().status(), Status::Integrity);
        trusting.signers_wanted.clear();
        assert!(open(&trusting, &sealed).unwrap() == content);
    }
    trusting.signers_wanted = vec![signer.certificate().clone()];
    let unsigned = seal(&encryption_to(&[recipient]), b"purr");
    assert_eq!(open(&trusting, &unsigned).unwrap_err().status(), Status::Integrity);
}

#[test]
fn a_failure_on_either_side_of_the_encryption_comes_out_as_it_was() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(Failure::new(Status::Refused, "disk: full").into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let encryption = Encryption { passphrases: vec![passphrase("meow")], ..Encryption::default() };
    let failure = encryption
        .encrypt_into(Full, |out| {
            out.write_all(&sample(100)).map_err(|error| Failure::of_output(&error))
        })
        .unwrap_err();
    assert_eq!(failure, Failure::new(Status::Refused, "disk: full"));
    let upstream = Failure::upstream("moo-pack", Status::Partial, "x");
    let failure = encryption.encrypt_into(Vec::new(), |_| Err(upstream.clone())).unwrap_err();
    assert_eq!(failure, upstream);
    let nobody = Encryption::default().encrypt_into(Vec::new(), |_| Ok(())).unwrap_err();
    assert_eq!(nobody.status(), Status::Usage);
}
