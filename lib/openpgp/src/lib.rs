//! OpenPGP: messages, seals, keys and where they come from.
//!
//! GnuPG 2.2, and thereby duplicity, reads what is written here; what GnuPG 2.2 writes is read here.
//! sequoia does the work, except for the packets that hold the bulk of the data (`packets`,
//! `seipd`, `message`). Secret keys in GnuPG stay there: its agent decrypts session keys and signs.

mod asked;
mod certificates;
mod cleartext;
mod decrypt;
mod encrypt;
mod errors;
mod gpg;
mod message;
mod packets;
mod passphrase;
mod relay;
mod seal;
mod seipd;
mod session_key;
mod signing;

pub use certificates::{
    NewKey, WeakKeys, encryption_key, find_certificate, find_signers, generate, read_certificate,
    read_secret_key,
};
pub use decrypt::Decryption;
pub use encrypt::{Compression, Encryption};
pub use passphrase::{Passphrase, PassphraseOptions, PassphraseSource};
pub use seal::{SealState, known_identity, new_identity, read_seal, read_text, sign_text};
pub use sequoia_openpgp::{Cert, Fingerprint};
pub use session_key::KeyAccess;
pub use signing::Signer;
