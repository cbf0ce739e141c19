//! The options with keys and passphrases: of what is made, and of what is read.

use crate::groups::{
    ALLOW_WEAK_KEYS, COMPRESS_LEVEL, Group, HIDDEN_ENCRYPT_KEY, JOBS, NO_COMPRESSION, NO_ENCRYPTION,
};
use crate::option::Takes::{Nothing, Number, Value, Values};
use crate::option::Target::{Renamed, Stage as To, Variable};
use crate::option::{CommandOption, option};
use crate::stage::Stage::{Check, Decrypt, Encrypt, Fetch, MooList, MooSync};

/// Keys of what is made.
pub(crate) const SIGNING: Group = Group {
    heading: Some("Signatures and passphrases"),
    needs: None,
    options: &[
        option(
            "sign-key",
            Value("KEY"),
            &[To(Encrypt)],
            "Sign each file inside its message with KEY, as duplicity does",
        ),
        option(
            "seal-key",
            Value("KEY"),
            &[To(Encrypt), To(MooSync), Variable("seal_key")],
            "Sign the seal of the set with KEY",
        ),
        option(
            "passphrase-file",
            Value("FILE"),
            &[To(Encrypt), To(MooSync)],
            "Read the passphrase from the first line of FILE",
        ),
        PASSPHRASE_FD,
    ],
};

const PASSPHRASE_FD: CommandOption = option(
    "passphrase-fd",
    Number("N"),
    &[Variable("passphrase_fd")],
    "Read the passphrase from file descriptor N",
);
const SECRET_KEY: CommandOption = option(
    "secret-key",
    Value("FILE"),
    &[To(Decrypt), To(MooList), Variable("decrypts")],
    "Decrypt with the secret key in FILE instead of GnuPG's keyring",
);
const ALLOW_UNPROTECTED: CommandOption = option(
    "allow-unprotected",
    Nothing,
    &[To(Fetch), To(Decrypt), To(MooList), Variable("unprotected")],
    "Accept messages without integrity protection, and unencrypted files among encrypted ones or although a key is given",
);
const IDENTITY: CommandOption = option(
    "identity",
    Value("ID"),
    &[To(Fetch), To(Check), To(MooList)],
    "Use only sets with the identity ID: 32 hexadecimal digits, from moo status or the recovery kit",
);
const OLD_PASSPHRASE_FILE: CommandOption = option(
    "passphrase-file",
    Value("FILE"),
    &[To(Decrypt), To(MooList), Variable("decrypts")],
    "Read the passphrase from the first line of FILE, not from PASSPHRASE",
);

/// Keys of what is read.
pub(crate) const DECRYPTING: Group = Group {
    heading: Some("Decryption"),
    needs: None,
    options: &[
        SECRET_KEY,
        option(
            "sign-key",
            Value("KEY"),
            &[To(Decrypt), To(MooList)],
            "Require that KEY has signed each file inside its message",
        ),
        option(
            "seal-key",
            Value("KEY"),
            &[To(Fetch), To(Decrypt), To(Check), To(MooList), Variable("seal_key")],
            "Require that KEY has signed the seal of each set",
        ),
        IDENTITY,
        ALLOW_UNPROTECTED,
        OLD_PASSPHRASE_FILE,
        PASSPHRASE_FD,
    ],
};

/// Keys of a command that reads sets and makes one with the same keys.
pub(crate) const REMAKING: Group = Group {
    heading: Some("Decryption, and signatures of the new set"),
    needs: None,
    options: &[
        SECRET_KEY,
        option(
            "sign-key",
            Value("KEY"),
            &[To(Decrypt), To(Encrypt)],
            "Require and make signatures by KEY inside each message",
        ),
        option(
            "seal-key",
            Value("KEY"),
            &[To(Fetch), To(Decrypt), To(Encrypt), Variable("seal_key")],
            "Require and make signatures by KEY on seals",
        ),
        IDENTITY,
        ALLOW_UNPROTECTED,
        option(
            "passphrase-file",
            Value("FILE"),
            &[To(Decrypt), To(Encrypt), Variable("decrypts")],
            "Read the passphrase from the first line of FILE, not from PASSPHRASE",
        ),
        PASSPHRASE_FD,
    ],
};

/// Keys of the sets that `moo rekey` reads.
pub(crate) const REKEY_FROM: Group = Group {
    heading: Some("Decryption"),
    needs: None,
    options: &[
        SECRET_KEY,
        OLD_PASSPHRASE_FILE,
        PASSPHRASE_FD,
        option(
            "old-sign-key",
            Value("KEY"),
            &[Renamed(Decrypt, "sign-key")],
            "Require that KEY has signed each file inside its message",
        ),
        option(
            "old-seal-key",
            Value("KEY"),
            &[Renamed(Fetch, "seal-key"), Renamed(Decrypt, "seal-key"), Variable("seal_key")],
            "Require that KEY has signed the seal of each set",
        ),
        IDENTITY,
        ALLOW_UNPROTECTED,
    ],
};

/// Keys of the sets that `moo rekey` makes.
pub(crate) const REKEY_TO: Group = Group {
    heading: Some("Encryption"),
    needs: None,
    options: &[
        option(
            "encrypt-key",
            Values("KEY"),
            &[To(Encrypt), Variable("encrypts")],
            "Encrypt to the certificate KEY: a file, or a fingerprint or key ID in GnuPG's keyring; can be repeated",
        ),
        HIDDEN_ENCRYPT_KEY,
        option(
            "new-passphrase-file",
            Value("FILE"),
            &[Renamed(Encrypt, "passphrase-file"), Variable("encrypts")],
            "Encrypt with the passphrase in the first line of FILE; it also unlocks the keys that sign",
        ),
        option(
            "new-passphrase-fd",
            Value("N"),
            &[Renamed(Encrypt, "passphrase-fd"), Variable("encrypts")],
            "Encrypt with the passphrase from file descriptor N",
        ),
        ALLOW_WEAK_KEYS,
        NO_ENCRYPTION,
        NO_COMPRESSION,
        COMPRESS_LEVEL,
        JOBS,
        option(
            "sign-key",
            Value("KEY"),
            &[To(Encrypt)],
            "Sign each file inside its message with KEY",
        ),
        option("seal-key", Value("KEY"), &[To(Encrypt)], "Sign the new seals with KEY"),
    ],
};
