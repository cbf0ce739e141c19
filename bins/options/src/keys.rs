//! The options with keys and passphrases: of what is made, and of what is read.

use crate::groups::{Group, option, to};
use crate::option::CommandOption;
use crate::option::Takes::{Nothing, Number, Value, Values};
use crate::option::Target::{Renamed, Variable};
use crate::stage::Stage::{Check, Decrypt, Encrypt, Fetch, MooList, MooSync};

/// Keys of what is made.
pub(crate) const SIGNING: Group = Group {
    heading: "Signatures and passphrases",
    needs: None,
    options: &[
        option(
            "sign-key",
            Value("KEY"),
            &[to(Encrypt)],
            "Sign each file inside its message with KEY, as duplicity does",
        ),
        option(
            "seal-key",
            Value("KEY"),
            &[to(Encrypt), to(MooSync), Variable("seal_key")],
            "Sign the seal of the set with KEY",
        ),
        option(
            "passphrase-file",
            Value("FILE"),
            &[to(Encrypt), to(MooSync)],
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
    &[to(Decrypt), to(MooList), Variable("decrypts")],
    "Decrypt with the secret key in FILE instead of GnuPG's keyring",
);
const ALLOW_UNPROTECTED: CommandOption = option(
    "allow-unprotected",
    Nothing,
    &[to(Fetch), to(Decrypt), to(MooList), Variable("unprotected")],
    "Accept messages without integrity protection, and unencrypted files among encrypted ones or although a key is given",
);
const IDENTITY: CommandOption = option(
    "identity",
    Value("ID"),
    &[to(Fetch), to(Check), to(MooList)],
    "Use only sets with the identity ID: 32 hexadecimal digits, from moo status or the recovery kit",
);
const OLD_PASSPHRASE_FILE: CommandOption = option(
    "passphrase-file",
    Value("FILE"),
    &[to(Decrypt), to(MooList), Variable("decrypts")],
    "Read the passphrase from the first line of FILE, not from PASSPHRASE",
);

/// Keys of what is read.
pub(crate) const DECRYPTING: Group = Group {
    heading: "Decryption",
    needs: None,
    options: &[
        SECRET_KEY,
        option(
            "sign-key",
            Value("KEY"),
            &[to(Decrypt), to(MooList)],
            "Require that KEY has signed each file inside its message",
        ),
        option(
            "seal-key",
            Value("KEY"),
            &[to(Fetch), to(Decrypt), to(Check), to(MooList), Variable("seal_key")],
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
    heading: "Decryption, and signatures of the new set",
    needs: None,
    options: &[
        SECRET_KEY,
        option(
            "sign-key",
            Value("KEY"),
            &[to(Decrypt), to(Encrypt)],
            "Require and make signatures by KEY inside each message",
        ),
        option(
            "seal-key",
            Value("KEY"),
            &[to(Fetch), to(Decrypt), to(Encrypt), Variable("seal_key")],
            "Require and make signatures by KEY on seals",
        ),
        IDENTITY,
        ALLOW_UNPROTECTED,
        option(
            "passphrase-file",
            Value("FILE"),
            &[to(Decrypt), to(Encrypt), Variable("decrypts")],
            "Read the passphrase from the first line of FILE, not from PASSPHRASE",
        ),
        PASSPHRASE_FD,
    ],
};

/// Keys of the sets that `moo rekey` reads.
pub(crate) const REKEY_FROM: Group = Group {
    heading: "Decryption",
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
    heading: "Encryption",
    needs: None,
    options: &[
        option(
            "encrypt-key",
            Values("KEY"),
            &[to(Encrypt), Variable("encrypts")],
            "Encrypt to the certificate KEY: a file, or a fingerprint or key ID in GnuPG's keyring; can be repeated",
        ),
        option(
            "hidden-encrypt-key",
            Values("KEY"),
            &[to(Encrypt), Variable("encrypts")],
            "Encrypt to the certificate KEY without naming it in the files",
        ),
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
        option(
            "allow-weak-keys",
            Nothing,
            &[to(Encrypt)],
            "Let gpg encrypt to keys of old GnuPG that are too weak",
        ),
        option("no-encryption", Nothing, &[to(Encrypt), Variable("encrypts")], "Do not encrypt"),
        option("no-compression", Nothing, &[to(Encrypt)], "Do not compress"),
        option(
            "compress-level",
            Value("LEVEL"),
            &[to(Encrypt)],
            "Compress at LEVEL, from 1 (fast, the default) to 9 (small)",
        ),
        option(
            "jobs",
            Value("N"),
            &[to(Encrypt)],
            "Use N threads; the default is one per processor, at most 8",
        ),
        option(
            "sign-key",
            Value("KEY"),
            &[to(Encrypt)],
            "Sign each file inside its message with KEY",
        ),
        option("seal-key", Value("KEY"), &[to(Encrypt)], "Sign the new seals with KEY"),
    ],
};
