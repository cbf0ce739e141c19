//! Sealing and unsealing files with OpenPGP; keys and where they come from.
//!
//! What is written here is read by GnuPG 2.2 and thereby by duplicity; what GnuPG 2.2 writes is
//! read here. Packets are sequoia's work, but for those that hold the bulk of the data; secret keys
//! that live in GnuPG stay there, and its agent is asked for a session key or a signature.

mod body;
mod certificates;
mod decrypt;
mod encrypt;
mod frame;
mod framed_text;
mod generate;
mod gnupg_key;
mod gnupg_recipients;
mod gpg;
mod head;
mod identity;
mod keys;
mod mark;
mod parts;
mod passphrase;
mod protect;
mod seal;
mod session;
mod signature;
mod signer;
mod trouble;
mod unprotect;
mod unprotected;
mod unsigned;
mod usable;
mod weak;

pub use certificates::{find_certificate, read_certificate, read_secret_key};
pub use decrypt::Decryption;
pub use encrypt::{Compression, Encryption};
pub use generate::{Generated, generate};
pub use identity::{known_identity, new_identity};
pub use passphrase::{Passphrase, PassphraseOptions, PassphraseSource};
pub use seal::{SealState, read_seal, read_text, sign_text};
pub use sequoia_openpgp::{Cert, Fingerprint};
pub use signer::Signer;
pub use usable::encryption_key;
pub use weak::{WeakKeys, refuse_weak_signers};
