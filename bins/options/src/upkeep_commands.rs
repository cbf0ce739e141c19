//! The commands that keep stores and archive directories in order.

use crate::command::{Argument, MooCommand, own};
use crate::groups::{Group, MAKING, SHARED, USER};
use crate::keys::{DECRYPTING, REKEY_FROM, REKEY_TO, REMAKING};
use crate::option::Takes::{Nothing, Value, Values};
use crate::option::Target::{Stage as To, Variable};
use crate::option::option;
use crate::stage::Stage::{Fetch, Prune, Repair};
use crate::store_commands::STORE;
use crate::watch::PROGRESS;

const FROM: Argument = Argument::needed("URL1", "url", "Store to read");
const INTO: Argument = Argument::needed("URL2", "target", "Store to write");

/// The commands, in the order of `moo --help`, after those of the stores.
pub(crate) const UPKEEP_COMMANDS: &[MooCommand] = &[
    MooCommand {
        name: "prune",
        usage: &["moo prune [options] URL", "moo prune [options] [NAME...]"],
        about: "Delete old sets of a store",
        description: "List which sets of the store at URL the rules would delete, and why the others stay. With --force, delete them. A set that a kept set builds on is kept, and so is the newest complete chain. With several rules, a set stays if one of them keeps it.",
        types: &[],
        arguments: &[STORE],
        groups: &[
            Group {
                heading: Some("Rules"),
                needs: None,
                options: &[
                    option(
                        "older-than",
                        Value("TIME"),
                        &[To(Prune), Variable("rule")],
                        "Delete chains whose sets are all older than TIME, an age such as 6M or a time",
                    ),
                    option(
                        "keep-full",
                        Value("N"),
                        &[To(Prune), Variable("rule")],
                        "Keep the chains of the newest N full sets, and all newer sets",
                    ),
                    option(
                        "keep-inc-of-full",
                        Value("N"),
                        &[To(Prune), Variable("rule")],
                        "Keep increments only for the newest N full sets",
                    ),
                    option(
                        "keep-last",
                        Value("N"),
                        &[To(Prune), Variable("rule")],
                        "Keep the newest N states",
                    ),
                    option(
                        "keep-hourly",
                        Value("N"),
                        &[To(Prune), Variable("rule")],
                        "Keep the newest state of each of the last N hours with a backup",
                    ),
                    option(
                        "keep-daily",
                        Value("N"),
                        &[To(Prune), Variable("rule")],
                        "Keep the newest state of each of the last N days with a backup",
                    ),
                    option(
                        "keep-weekly",
                        Value("N"),
                        &[To(Prune), Variable("rule")],
                        "Keep the newest state of each of the last N weeks with a backup",
                    ),
                    option(
                        "keep-monthly",
                        Value("N"),
                        &[To(Prune), Variable("rule")],
                        "Keep the newest state of each of the last N months with a backup",
                    ),
                    option(
                        "keep-yearly",
                        Value("N"),
                        &[To(Prune), Variable("rule")],
                        "Keep the newest state of each of the last N years with a backup",
                    ),
                    option(
                        "keep-within",
                        Value("AGE"),
                        &[To(Prune), Variable("rule")],
                        "Keep all states that are younger than AGE, such as 14D",
                    ),
                    option(
                        "keep-tag",
                        Values("NAME"),
                        &[To(Prune), Variable("rule")],
                        "Keep all states with the tag NAME, see moo backup --tag; can be repeated",
                    ),
                ],
            },
            own(&[
                option(
                    "force",
                    Nothing,
                    &[To(Prune)],
                    "Delete the sets; without --json, print nothing",
                ),
                option(
                    "json",
                    Nothing,
                    &[To(Prune)],
                    "Print one line of JSON per set or file, and a total",
                ),
                USER,
            ]),
            PROGRESS,
            SHARED,
        ],
        after: "\
The exit status is 7 if the store does not allow deletion, and 9 if another run has locked the
archive directory.

Examples:
  moo prune --older-than 6M --keep-full 2 file:///srv/backup
  moo prune --older-than 6M --keep-full 2 --force file:///srv/backup
  moo prune --keep-daily 7 --keep-weekly 5 --keep-monthly 12 file:///srv/backup",
    },
    MooCommand {
        name: "cleanup",
        usage: &["moo cleanup [options] URL", "moo cleanup [options] [NAME...]"],
        about: "Delete leftovers of interrupted runs",
        description: "List leftovers in the store at URL and in its archive directory: temporary files, sets that are incomplete or belong to no chain, seals without a set, and unfinished files of interrupted runs. With --force, delete them. Damaged files and foreign files are named and kept.",
        types: &[],
        arguments: &[STORE],
        groups: &[
            own(&[
                option(
                    "force",
                    Nothing,
                    &[To(Prune)],
                    "Delete the leftovers; without --json, print nothing",
                ),
                option(
                    "json",
                    Nothing,
                    &[To(Prune)],
                    "Print one line of JSON per set or file, and a total",
                ),
                USER,
            ]),
            SHARED,
        ],
        after: "\
The exit status is 7 if the store does not allow deletion, and 9 if a run has locked the archive
directory.

Examples:
  moo cleanup file:///srv/backup
  moo cleanup --force file:///srv/backup",
    },
    MooCommand {
        name: "consolidate",
        usage: &["moo consolidate [options] URL", "moo consolidate [options] [NAME...]"],
        about: "Make a full set from a chain, without the source",
        description: "Make a new full set of the newest state in the store at URL, without reading the source. The newest chain is fetched, decrypted and rebuilt, and its state is stored as one set. The next backup is an increment to that set. The old chain stays until moo prune deletes it. This needs the secret key, and room for the state in TMPDIR.",
        types: &[],
        arguments: &[STORE],
        groups: &[own(&[USER]), MAKING, REMAKING, PROGRESS, SHARED],
        after: "\
Without a terminal, a successful run prints nothing. The exit status is 5 if a file of the chain is
damaged, and 9 if another run has locked the archive directory. In both cases nothing new is stored.

Examples:
  moo consolidate --encrypt-key ~/backup.cert.pgp --secret-key ~/backup.secret.pgp \\
      file:///srv/backup
  moo prune --older-than 1Y --force file:///srv/backup",
    },
    MooCommand {
        name: "repair",
        usage: &["moo repair [options] URL", "moo repair [options] [NAME...]"],
        about: "Rebuild damaged files of a store",
        description: "Read the sealed sets in the store at URL, find damaged, missing and renamed files by their seals, and put the right ones into their places: from the store at --from, or rebuilt from parity that moo backup --parity has added. This needs no secret key. A file counts as rebuilt only if it has the size and the hash in its seal, and a damaged file goes only when the right one has arrived.",
        types: &[],
        arguments: &[STORE],
        groups: &[
            own(&[
                option(
                    "from",
                    Value("URL"),
                    &[To(Repair)],
                    "Take right files from the store at URL, such as one that moo replicate has made",
                ),
                option(
                    "parity",
                    Value("PERCENT"),
                    &[To(Repair)],
                    "Add parity of PERCENT to intact sets that lack it",
                ),
                option(
                    "seal-key",
                    Values("KEY"),
                    &[To(Repair), Variable("seal_key")],
                    "Require that KEY has signed the seal of each set",
                ),
                USER,
            ]),
            PROGRESS,
            SHARED,
        ],
        after: "\
Each file that is put into its place is printed; nothing is printed if all is well. The exit status
is 5 if a file stays damaged. In a store that allows no deletion, right files are added beside
damaged ones; stock duplicity does not find them, so copy such a store with moo replicate for it.

Examples:
  moo repair file:///srv/backup
  moo repair --from file:///mnt/second file:///srv/backup
  moo repair --parity 5 file:///srv/backup",
    },
    MooCommand {
        name: "replicate",
        usage: &["moo replicate [options] URL1 URL2", "moo replicate [options] NAME STORE1 STORE2"],
        about: "Copy a store",
        description: "Copy the sets of the store at URL1, unchanged, to the store at URL2. This needs no key. Sets that URL2 already has are neither read nor sent, so each run copies only new sets. A set appears when all of it has arrived; an interruption costs one set.",
        types: &[],
        arguments: &[FROM, INTO],
        groups: &[
            own(&[
                USER,
                option(
                    "identity",
                    Value("ID"),
                    &[To(Fetch)],
                    "Copy only sets with the identity ID",
                ),
            ]),
            PROGRESS,
            SHARED,
        ],
        after: "\
The settings of SSH hold for both stores. A set of URL1 that is damaged, by its seal, is not copied;
the exit status is then 5.

Examples:
  moo replicate file:///srv/backup sftp://user@host/second
  moo replicate file:///srv/backup rclone:cloud:bucket/etc",
    },
    MooCommand {
        name: "rekey",
        usage: &["moo rekey --encrypt-key KEY [options] URL1 URL2"],
        about: "Copy a store and encrypt it to other keys",
        description: "Decrypt the sets of the store at URL1, encrypt them again, and store them at URL2. Sets that URL2 already has are neither read nor sent. A set appears when all of it has arrived; an interruption costs one set. URL1 does not change.",
        types: &[],
        arguments: &[FROM, INTO],
        groups: &[own(&[USER]), REKEY_TO, REKEY_FROM, PROGRESS, SHARED],
        after: "\
NEW_PASSPHRASE can also hold the new passphrase, and SIGN_PASSPHRASE that of the keys that sign. The
settings of SSH hold for both stores. Make the archive directory of URL2 with moo sync.

Examples:
  moo rekey --secret-key ~/backup.secret.pgp --encrypt-key ~/new.cert.pgp \\
      file:///srv/backup file:///mnt/second
  moo rekey --encrypt-key ~/new.cert.pgp --seal-key ~/host.secret.pgp \\
      --old-seal-key ~/host.cert.pgp file:///srv/backup sftp://user@host/second",
    },
    MooCommand {
        name: "sync",
        usage: &["moo sync [options] URL", "moo sync [options] [NAME...]"],
        about: "Rebuild or repair the archive directory of a store",
        description: "Bring the archive directory of the store at URL, which increments need, up to date with the store. Use this if the archive directory was lost, or if another machine has backed up to the store. This needs the secret key. Sets that the store no longer has stay in the archive directory. They are named, and the exit status is 5.",
        types: &[],
        arguments: &[STORE],
        groups: &[own(&[USER]), DECRYPTING, PROGRESS, SHARED],
        after: "\
Examples:
  moo sync file:///srv/backup
  moo sync --secret-key ~/backup.secret.pgp --seal-key ~/host.cert.pgp sftp://user@host/backup",
    },
];
