//! The text of a seal.

use failure::Status;
use openpgp::{SealState, Signer, generate, read_text, sign_text};

use crate::home::{Home, certs, environment, source_of, test_in_home, text};

const TEXTS: [&str; 6] = [
    "one line\n",
    "0123  file one\n4567  file two\n",
    "- dashes\n-----BEGIN PGP MESSAGE-----\nFrom here\n",
    "\n\n\nempty lines\n\n\n",
    "\n",
    "  caf\u{e9} \u{1f408}x\n",
];

fn shown_by_gpg(home: &Home, signed: &[u8]) -> Vec<u8> {
    let file = home.file("text.seal", signed);
    home.gpg(&["-d", text(&file)], b"")
}

#[test]
fn gpg_prints_a_signed_text_and_we_read_it() {
    test_in_home(&[], |home| {
        let host = generate("host", false, None, None).unwrap();
        home.gpg(&["--import"], &host.certificate);
        let file = home.file("host", &host.secret);
        let cat = home.new_key("cat", "");
        let signers = [
            Signer::from_file(&file, &environment(), openpgp::WeakKeys::Never).unwrap(),
            Signer::from_gnupg(&cat, &environment(), openpgp::WeakKeys::Never).unwrap(),
        ];
        for signer in signers {
            let certs = [signer.certificate().clone()];
            for plain in TEXTS {
                let signed = sign_text(plain.as_bytes(), Some(&signer)).unwrap();
                assert_eq!(shown_by_gpg(home, &signed), plain.as_bytes(), "{plain:?}");
                let (read, state) = read_text("seal", &signed, &certs).unwrap();
                assert_eq!(String::from_utf8(read.into_owned()).unwrap(), plain);
                assert_eq!(state, SealState::SignedBy(certs[0].fingerprint()));
                let (read, state) = read_text("seal", &signed, &[]).unwrap();
                assert_eq!(String::from_utf8(read.into_owned()).unwrap(), plain);
                assert_eq!(state, SealState::UnknownSigner);
            }
        }
    });
}

#[test]
fn gpg_prints_an_unsigned_text_and_we_read_it() {
    test_in_home(&[], |home| {
        for plain in TEXTS {
            let armored = sign_text(plain.as_bytes(), None).unwrap();
            assert_eq!(shown_by_gpg(home, &armored), plain.as_bytes(), "{plain:?}");
            let (read, state) = read_text("seal", &armored, &[]).unwrap();
            assert_eq!((&*read, state), (plain.as_bytes(), SealState::Unsigned));
        }
    });
}

#[test]
fn what_gpg_signed_is_read() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "");
        for plain in TEXTS {
            let signed = home.gpg(&["--clear-sign", "-u", &cat], plain.as_bytes());
            let (read, state) = read_text("seal", &signed, &certs(&[&cat])).unwrap();
            assert_eq!(String::from_utf8(read.into_owned()).unwrap(), plain);
            assert!(matches!(state, SealState::SignedBy(_)));
        }
    });
}

#[test]
fn a_changed_text_or_signature_is_refused() {
    test_in_home(&[], |home| {
        let host = generate("host", false, None, None).unwrap();
        let signer = Signer::from_file(
            &home.file("h", &host.secret),
            &environment(),
            openpgp::WeakKeys::Never,
        )
        .unwrap();
        let certs = [signer.certificate().clone()];
        let plain = TEXTS[1].as_bytes();
        let signed = sign_text(plain, Some(&signer)).unwrap();
        for at in 0..signed.len() {
            for changed in [[&signed[..at], b"x", &signed[at + 1..]].concat(), signed[..at].into()]
            {
                match read_text("seal", &changed, &certs) {
                    Ok((read, SealState::SignedBy(_))) => assert_eq!(*read, *plain, "{at}"),
                    Ok((_, SealState::Unsigned)) => panic!("counts as unsigned: {at}"),
                    Ok((_, SealState::UnknownSigner)) => {}
                    Err(failure) => assert_eq!(failure.status(), Status::Integrity),
                }
            }
        }
        // Space at the end of a line is not signed.
        let spaced = String::from_utf8(signed).unwrap().replace("file one", "file one 	");
        let refused = read_text("seal", spaced.as_bytes(), &certs).unwrap_err();
        assert_eq!(refused.status(), Status::Integrity);
    });
}

#[test]
fn garbage_is_no_text_and_unclean_lines_are_not_signed() {
    for garbage in [&b""[..], b"garbage", b"-----BEGIN PGP SIGNED MESSAGE-----\n\n"] {
        assert_eq!(read_text("seal", garbage, &[]).unwrap_err().status(), Status::Integrity);
    }
    for unclean in ["", "no end", "blank \n", "tab\t\nx\n", "dos\r\n"] {
        assert!(sign_text(unclean.as_bytes(), None).is_err());
    }
}

#[test]
fn a_signature_made_with_a_locked_key_needs_its_passphrase() {
    test_in_home(&[], |home| {
        let cat = home.new_key("cat", "meow");
        home.forget_passphrases();
        let signer =
            Signer::from_gnupg(&cat, &source_of(home, "meow"), openpgp::WeakKeys::Never).unwrap();
        home.forget_passphrases();
        let signed = sign_text(b"purr\n", Some(&signer)).unwrap();
        assert_eq!(shown_by_gpg(home, &signed), b"purr\n");
    });
}
