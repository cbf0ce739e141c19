//! OpenPGP messages and signed texts: nothing but what was written comes out of them.

use std::io::Write;
use std::sync::OnceLock;

use openpgp::{Cert, Decryption, PassphraseSource, SealState, read_text};

/// What each whole message of the corpus holds.
pub const CONTENT: &[u8] = include_bytes!("../data/content");
/// What each signed text of the corpus holds.
pub const TEXT: &[u8] = include_bytes!("../data/text");
/// Who signed it.
const SIGNER: &str = include_str!("../data/signer.asc");

/// A message that is encrypted with the passphrase `moo`.
pub fn openpgp(data: &[u8]) {
    let mut out = Vec::new();
    if Decryption::new(passphrase()).open("message", data, &mut out).is_ok() {
        assert!(out == CONTENT, "somebody else's content counts as read");
    }
}

fn passphrase() -> PassphraseSource {
    static FILE: OnceLock<tempfile::NamedTempFile> = OnceLock::new();
    let file = FILE.get_or_init(|| {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(b"moo\n").expect("room");
        file
    });
    PassphraseSource::new(Some(file.path().to_owned()), None, "PASSPHRASE")
}

/// A text that was signed, or was not.
pub fn seal_text(data: &[u8]) {
    let certs: [Cert; 1] = [SIGNER.parse().expect("the certificate beside the corpus")];
    if let Ok((text, SealState::SignedBy(signer))) = read_text("seal", data, &certs) {
        assert_eq!(signer, certs[0].fingerprint());
        assert!(text == TEXT, "somebody else's text counts as signed");
    }
}
