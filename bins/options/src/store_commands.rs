//! The commands that use a store.

use crate::command::{Argument, MooCommand, Place, own};
use crate::groups::{
    Group, JSON, LISTING, MAKING, NULL, PATH, RESTORED, RESTORING, SELECTION, SHARED, TIME, USER,
};
use crate::keys::{DECRYPTING, SIGNING};
use crate::option::Takes::{Age, Nothing, Number, OneOf, Value, Values};
use crate::option::Target::{First, Stage as To, Variable};
use crate::option::option;
use crate::stage::Stage::{Check, Fetch, List, MooList, Mount, Scan, Status};
use crate::watch::PROGRESS;

pub(crate) const STORE: Argument =
    Argument::needed("URL", "url", "Store, such as file:///srv/backup or sftp://user@host/backup");
const PRESENT: Argument =
    Argument::optional("SOURCE", "source", "Directory or file to compare the backup with");

/// The commands, in the order of `moo --help`.
pub(crate) const STORE_COMMANDS: &[MooCommand] = &[
    MooCommand {
        name: "backup",
        usage: &[
            "moo backup [full|inc] [options] SOURCE URL",
            "moo backup [full|inc] [options] --stdin-name NAME - URL",
            "moo backup [full|inc] [options] --stdin-name NAME --command COMMAND URL",
            "moo backup [full|inc] [options] [NAME...]",
        ],
        about: "Back up a directory or a file to a store",
        description: "Back up SOURCE to the store at URL; or, without a URL, the sources of the configuration, moobacker.toml(5), or those that are named. The backup is an increment if there is a chain that it can extend, or else a full set. `full` makes a full set; `inc` makes an increment or fails.",
        types: &[("full", "full"), ("inc", "inc"), ("incr", "inc"), ("incremental", "inc")],
        arguments: &[Argument::needed("SOURCE", "source", "Directory or file to back up, or - for standard input"), STORE],
        groups: &[
            own(&[
                option(
                    "full-if-older-than",
                    Age,
                    &[Variable("older")],
                    "Make a full set if the last full set is older than AGE, such as 1M or 2W",
                ),
                option(
                    "allow-source-mismatch",
                    Nothing,
                    &[To(Scan), Variable("allow_mismatch")],
                    "Continue even if the store is of another host or source, which was renamed or moved",
                ),
                option(
                    "identity",
                    Value("ID"),
                    &[Variable("identity")],
                    "Give the first set the identity ID; setup-local creates one, see moobacker(7)",
                ),
                option(
                    "start-over",
                    Nothing,
                    &[Variable("start_over")],
                    "Make a new full set even if the archive directory does not know the sets in the store, or the store lacks those that it knows. Without this option, such a store stops the backup, see moobacker(7)",
                ),
                option(
                    "allow-deletions",
                    Nothing,
                    &[To(Scan)],
                    "Record entries as deleted even if SOURCE is empty, or if more than half of its entries, and more than 100, are missing or excluded",
                ),
                option(
                    "stdin-name",
                    Values("NAME"),
                    &[To(Scan), First("stdin_name")],
                    "Back up standard input as a file NAME; SOURCE is -. The status of the program before the pipe is unknown to moo, so prefer --command",
                ),
                option(
                    "command",
                    Values("COMMAND"),
                    &[To(Scan)],
                    "Run COMMAND by sh, and back up its standard output instead; leave SOURCE out. If it fails or writes nothing, nothing is stored. Several names and commands are pairs, in their order",
                )
                .requires("stdin-name")
                .stands_for_first("-"),
                option(
                    "command-user",
                    Value("USER"),
                    &[To(Scan), Variable("command_user")],
                    "Run each COMMAND as USER, which only root can",
                )
                .requires("command"),
                option(
                    "tag",
                    Values("NAME"),
                    &[To(Scan)],
                    "Give the set the tag NAME, which moo status shows and moo prune --keep-tag keeps; can be repeated. Whoever can read the store can read it",
                ),
                option(
                    "note",
                    Value("TEXT"),
                    &[To(Scan)],
                    "Give the set the note TEXT, which moo status shows. Whoever can read the store can read it",
                ),
                option(
                    "snapshot",
                    OneOf("KIND", &["btrfs", "zfs", "lvm"]),
                    &[Variable("snapshot")],
                    "Back up a read-only snapshot of SOURCE, and delete it afterwards. KIND is btrfs, zfs or lvm. This needs root, see moobacker.toml(5)",
                )
                .conflicts(&["stdin-name", "copy-links"]),
                option(
                    "ignore-ctime",
                    Nothing,
                    &[To(Scan)],
                    "Do not read a file again if only the change time of its inode differs, see moo-scan(1)",
                ),
                option(
                    "ignore-inode",
                    Nothing,
                    &[To(Scan)],
                    "Do not read a file again if only its inode number differs, see moo-scan(1)",
                ),
                option(
                    "no-xattrs",
                    Nothing,
                    &[To(Scan)],
                    "Do not store extended attributes, access control lists and file capabilities",
                ),
                option(
                    "jsonstat",
                    Nothing,
                    &[Variable("jsonstat")],
                    "Store statistics as JSON beside the set, as duplicity 3 does, and print them",
                ),
                USER,
                option("dry-run", Nothing, &[Variable("dry_run")], "List what would be stored"),
            ]),
            MAKING,
            SIGNING,
            SELECTION,
            PROGRESS,
            SHARED,
        ],
        after: "\
Without a terminal, a successful backup prints nothing. The exit status is 3 if some of the source
could not be read.

Examples:
  moo backup --encrypt-key ~/backup.cert.pgp /etc file:///srv/backup
  moo backup --encrypt-key ~/backup.cert.pgp --seal-key ~/host.secret.pgp \\
      /etc file:///srv/backup
  moo backup --encrypt-key ~/backup.cert.pgp --stdin-name shop.sql --command 'pg_dump shop' \\
      file:///srv/shop",
    },
    MooCommand {
        name: "restore",
        usage: &["moo restore [options] URL DEST", "moo restore [options] NAME [STORE] DEST"],
        about: "Restore a state of a backup",
        description: "Restore a backup from the store at URL to DEST, which must be new or an empty directory unless --merge or --delete is given. A single file goes into DEST if that is a directory. All files are written beside DEST and verified first, then moved to DEST. If DEST is -, the content of the one file --path, or a tar with --tar, goes to standard output.",
        types: &[],
        arguments: &[STORE, Argument::needed("DEST", "destination", "Directory or file to create, or - for standard output")],
        groups: &[own(&[USER]), RESTORING, RESTORED, DECRYPTING, PROGRESS, SHARED],
        after: "\
Without a terminal, a successful restore prints nothing. Run it as root to restore file owners. For
other users, a warning lists what could not be restored; the exit status is 3. With --keep-going, it is 5 if
anything is lost.

Examples:
  moo restore --secret-key ~/backup.secret.pgp --time 3D file:///srv/backup /tmp/etc
  moo restore --secret-key ~/backup.secret.pgp --path hosts file:///srv/backup /tmp/hosts
  moo restore --secret-key ~/backup.secret.pgp --include '**.conf' --exclude '**' \\
      file:///srv/backup /tmp/conf
  moo restore --secret-key ~/backup.secret.pgp --path db.sql file:///srv/backup - | psql
  moo restore --secret-key ~/backup.secret.pgp --tar file:///srv/backup - | tar tv",
    },
    MooCommand {
        name: "status",
        usage: &["moo status [options] URL", "moo status [options] [NAME...]"],
        about: "List the sets of a store and their problems",
        description: "List the sets in the store at URL, their problems, and the age of the newest good one. This needs no key. With the archive directory of the store, it knows which files the store should have.",
        types: &[],
        arguments: &[STORE],
        groups: &[
            own(&[
                option(
                    "max-age",
                    Value("AGE"),
                    &[To(Status)],
                    "Exit with 3 if the newest good set is older than AGE, such as 26h or 2D; print nothing if all is well",
                ),
                option(
                    "seal-key",
                    Values("KEY"),
                    &[To(Status)],
                    "Accept a set as good only if KEY has signed its seal",
                ),
                option(
                    "identity",
                    Value("ID"),
                    &[To(Status)],
                    "Accept a set as good only if it has the identity ID",
                ),
                option("json", Nothing, &[To(Status)], "Print one JSON object"),
                option("metrics", Nothing, &[To(Status)], "Print metrics in the text format of Prometheus")
                    .conflicts(&["json"]),
                option("label-source", Value("NAME"), &[To(Status)], "Give each metric the label source=\"NAME\"")
                    .requires("metrics"),
                option("label-store", Value("NAME"), &[To(Status)], "Give each metric the label store=\"NAME\"")
                    .requires("metrics"),
                USER,
            ]),
            SHARED,
        ],
        after: "\
The exit status is 0 if all is well, 3 if the newest good set is older than --max-age, 5 if
something is missing, and 10 if there is no backup. One line on standard error says what is wrong.

Examples:
  moo status file:///srv/backup
  moo status --max-age 26h file:///srv/backup
  moo status --metrics file:///srv/backup",
    },
    MooCommand {
        name: "list",
        usage: &["moo list [options] URL [PATH...]", "moo list [options] NAME [STORE] [PATH...]"],
        about: "List the files of a backup",
        description: "List the files of a backup in the store at URL: all files, or each PATH and everything below it, relative to the source. The list comes from the archive directory. If this machine has none, a temporary one is fetched; this needs the secret key.",
        types: &[],
        arguments: &[
            STORE,
            Argument { name: "PATH", place: Place::Paths(List), help: "Directories or files to list" },
        ],
        groups: &[own(&[USER]), LISTING, DECRYPTING, SHARED],
        after: "\
The exit status is 10 if there is no such backup, or it does not contain a PATH.

Examples:
  moo list file:///srv/backup
  moo list --changes 1D now file:///srv/backup
  moo list --versions ssh/sshd_config file:///srv/backup",
    },
    MooCommand {
        name: "find",
        usage: &["moo find [options] URL PATTERN...", "moo find [options] NAME [STORE] PATTERN..."],
        about: "Find paths in all sets of a backup",
        description: "Search all sets of the backup in the store at URL for paths that match a PATTERN. Print when each path was first and last in the backup, in how many states it is, and its newest version. A PATTERN without a slash matches a name in any directory; one with a slash matches a path relative to the source. The list comes from the archive directory. If this machine has none, a temporary one is fetched; this needs the secret key.",
        types: &[],
        arguments: &[
            STORE,
            Argument { name: "PATTERN", place: Place::Paths(List), help: "Globs, see moo-scan(1)" },
        ],
        groups: &[own(&[JSON, NULL, USER]), DECRYPTING, SHARED],
        after: "\
The exit status is 10 if nothing is found.

Examples:
  moo find file:///srv/backup '*.sql'
  moo find --json etc 'ssh/**' 'ignorecase:*.CONF'",
    },
    MooCommand {
        name: "diff",
        usage: &[
            "moo diff [options] URL TIME1 TIME2 [PATH...]",
            "moo diff [options] NAME [STORE] TIME1 TIME2 [PATH...]",
        ],
        about: "List the differences of two states of a backup",
        description: "List what was added, deleted and modified between the states at TIME1 and TIME2 of the backup in the store at URL, as moo list --changes does: everything, or each PATH and everything below it. The list comes from the archive directory. If this machine has none, a temporary one is fetched; this needs the secret key.",
        types: &[],
        arguments: &[
            STORE,
            Argument::needed("TIME1", "old_time", "Time of the first state, such as 7D, see moo-fetch(1)"),
            Argument::needed("TIME2", "new_time", "Time of the second state, such as now"),
            Argument { name: "PATH", place: Place::Paths(List), help: "Directories or files to list" },
        ],
        groups: &[own(&[JSON, NULL, USER]), DECRYPTING, SHARED],
        after: "\
The exit status is 10 if there is no such backup, or neither state contains a PATH.

Examples:
  moo diff file:///srv/backup 7D now
  moo diff etc 2026-11-22 2026-11-23 ssh",
    },
    MooCommand {
        name: "mount",
        usage: &["moo mount [options] URL DIR", "moo mount [options] NAME [STORE] DIR"],
        about: "Mount all states of a backup as a read-only file system",
        description: "Mount the backup in the store at URL on the empty directory DIR. Each state is a directory in it, named by its time in UTC; `latest` is a symbolic link to the newest state. Names, sizes, owners, modes, times and links come from the archive directory. If this machine has none, a temporary one is fetched. Content and extended attributes come from volumes, which are fetched and decrypted when they are needed; this needs the secret key. moo mount stays in the foreground until the file system is unmounted: by Ctrl-C, SIGTERM, umount(8) or fusermount3 -u.",
        types: &[],
        arguments: &[STORE, Argument::needed("DIR", "destination", "Empty directory to mount on")],
        groups: &[
            own(&[
                option(
                    "allow-other",
                    Nothing,
                    &[To(Mount)],
                    "Let other users access the files, as far as their modes allow. Without this option, only the calling user can, and reads every file",
                ),
                option(
                    "cache-size",
                    Value("MIB"),
                    &[To(Mount)],
                    "Keep up to MIB MiB of decrypted volumes in temporary files (1024)",
                ),
                option(
                    "numeric-owner",
                    Nothing,
                    &[To(Mount)],
                    "Show owners by number, even if this machine knows their names",
                ),
                USER,
            ]),
            DECRYPTING,
            SHARED,
        ],
        after: "\
The exit status is 0 after umount, and that of the signal after Ctrl-C. A file whose volumes are damaged
fails with EIO, and one line says why.

Examples:
  moo mount --secret-key ~/backup.secret.pgp file:///srv/backup /mnt
  ls -l /mnt/*/ssh/sshd_config
  cp -a /mnt/2026-11-28T03:00:00Z/ssh /tmp",
    },
    MooCommand {
        name: "verify",
        usage: &[
            "moo verify [options] URL SOURCE    compare a state with SOURCE",
            "moo verify [options] URL           read and verify the whole store",
            "moo verify --quick [options] URL   check names, seals and a share of the hashes",
            "moo verify [options] [NAME [STORE] [SOURCE]]",
        ],
        about: "Check a backup; compare it with the source",
        description: "With SOURCE, read the backup as a restore does, and compare it with the directory or file SOURCE, content and metadata. Print a line for each difference. Without SOURCE, read, decrypt and rebuild every chain, and compare each file with its hash. Nothing is kept.",
        types: &[],
        arguments: &[STORE, PRESENT],
        groups: &[
            own(&[
                TIME,
                PATH,
                option(
                    "quick",
                    Nothing,
                    &[Variable("quick")],
                    "Check names, seals and a share of the files, without a secret key",
                )
                .conflicts(&["time", "path", "SOURCE"]),
                option(
                    "sample",
                    Value("PERCENT"),
                    &[To(Check)],
                    "Read PERCENT of the files with --quick; each run reads different ones (5%)",
                )
                .requires("quick"),
                USER,
            ]),
            Group {
                heading: Some("Selection of SOURCE: give the options of the backup"),
                needs: Some("SOURCE"),
                options: SELECTION.options,
            },
            DECRYPTING,
            PROGRESS,
            SHARED,
        ],
        after: "\
Without a terminal, nothing is printed if all is well. The exit status is 3 if SOURCE differs, and 5
if a file of the store is damaged, missing or foreign.

Examples:
  moo verify --quick file:///srv/backup
  moo verify --secret-key ~/backup.secret.pgp file:///srv/backup
  moo verify --secret-key ~/backup.secret.pgp file:///srv/backup /etc",
    },
    MooCommand {
        name: "drill",
        usage: &["moo drill [options] URL [SOURCE]", "moo drill [options] [NAME [STORE] [SOURCE]]"],
        about: "Restore a few random files of a backup and check them",
        description: "Restore a few random files of the backup in the store at URL to a temporary folder, compare each with its hash at the time of the backup, and delete them. With SOURCE, also compare each with the file there, if that still has the same size and time. A drill needs what a restore needs and takes little time, so run it regularly.",
        types: &[],
        arguments: &[STORE, PRESENT],
        groups: &[
            own(&[
                option(
                    "files",
                    Number("N"),
                    &[Variable("files")],
                    "Restore N files (5), none of them larger than 64 MiB",
                ),
                option(
                    "time",
                    Value("TIME"),
                    &[To(Fetch), To(MooList)],
                    "Use the state at TIME: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z and more, see moo-fetch(1)",
                )
                .short('t'),
                USER,
            ]),
            DECRYPTING,
            PROGRESS,
            SHARED,
        ],
        after: "\
Without a terminal, nothing is printed if all files are restored. A file that differs in SOURCE is
printed. The exit status is that of a restore, or 3 if SOURCE differs.

Examples:
  moo drill file:///srv/backup
  moo drill --files 20 --secret-key ~/backup.secret.pgp file:///srv/backup /etc",
    },
    MooCommand {
        name: "run-checks",
        usage: &["moo run-checks [options] [NAME...]"],
        about: "Run the checks of the configuration that are due",
        description: "For each source and store of the configuration, or those that are named, check the age of the newest set, verify the store, and restore a few files: as often as the table [checks] of moobacker.toml(5) says. If one check fails, the others still follow.",
        types: &[],
        arguments: &[Argument {
            name: "NAME",
            place: Place::Lines("chosen"),
            help: "Names of sources, and last a store, in the configuration",
        }],
        groups: &[own(&[USER]), SHARED],
        after: "\
Without a terminal, nothing is printed if all is well. The exit status is that of the first
check that failed. It is 3, for an old backup or a drill without a key, only if nothing worse
happened.

Examples:
  moo run-checks
  moo run-checks etc disk",
    },
];
