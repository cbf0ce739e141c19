//! The options that several commands share.

use crate::option::Takes::{Level, Nothing, Number, Pairs, SshOptions, Two, Value, Values};
use crate::option::Target::{All, Renamed, Stage as To, Stores, Variable};
use crate::option::{CommandOption, option};
use crate::stage::Stage::{
    Commit, Encrypt, Fetch, List, Match, MooList, Pack, Parity, Patch, Scan, Sign,
};

/// Options under a heading of `--help`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group {
    /// None for the command's own, which `--help` lists first.
    pub(crate) heading: Option<&'static str>,
    /// The argument that each of them requires.
    pub(crate) needs: Option<&'static str>,
    pub(crate) options: &'static [CommandOption],
}

/// Of all commands that use a store.
pub(crate) const SHARED: Group = Group {
    heading: Some("Store and messages"),
    needs: None,
    options: &[
        option(
            "ssh-option",
            Values("K=VALUE"),
            &[Stores],
            "Set an option of SSH, as -o of ssh does; can be repeated. SSH options are for SFTP stores, see moobacker-store(7)",
        )
        .short('o'),
        option(
            "ssh-options",
            SshOptions,
            &[Stores],
            "Set several options of SSH, in duplicity's way: '-oPort=2222 -oUser=purr'",
        ),
        option(
            "ssh-config",
            Value("FILE"),
            &[Stores],
            "Read the settings of SSH from FILE instead of ~/.ssh/config",
        ),
        option("num-retries", Value("N"), &[Stores], "Try N times to reach the store (5)"),
        option(
            "timeout",
            Value("SECONDS"),
            &[Stores],
            "Wait SECONDS for an answer of the store (30)",
        ),
        option(
            "bwlimit",
            Value("KIB"),
            &[Stores],
            "Limit network traffic to KIB KiB per second",
        ),
        option(
            "file-prefix",
            Value("TEXT"),
            &[Stores],
            "Use only the files of the store whose names begin with TEXT, and give new files such names: several backups can lie in one store, see moobacker-store(7)",
        ),
        option(
            "file-prefix-manifest",
            Value("TEXT"),
            &[Stores],
            "Prefix of manifests, after that of --file-prefix",
        ),
        option(
            "file-prefix-archive",
            Value("TEXT"),
            &[Stores],
            "Prefix of volumes, after that of --file-prefix",
        ),
        option(
            "file-prefix-signature",
            Value("TEXT"),
            &[Stores],
            "Prefix of signature files, after that of --file-prefix",
        ),
        option(
            "file-prefix-jsonstat",
            Value("TEXT"),
            &[Stores],
            "Prefix of statistics, after that of --file-prefix",
        ),
        option(
            "archive-dir",
            Value("DIR"),
            &[Variable("archive_dir"), To(MooList)],
            "Keep archive directories below DIR; the default is $XDG_STATE_HOME/moobacker, or else ~/.local/state/moobacker",
        ),
        option(
            "name",
            Value("NAME"),
            &[Variable("archive_name"), To(MooList)],
            "Use the archive directory NAME there; the default is the MD5 of the URL in its normal form. To take over an archive directory of duplicity's, give its folder and its name",
        ),
        option(
            "config",
            Value("FILE"),
            &[],
            "Read the names of sources and stores from FILE, see moobacker.toml(5)",
        ),
        option(
            "verbosity",
            Level,
            &[All],
            "Print messages of this level and above: error, warning, notice, info, debug, or 0 to 9",
        )
        .short('v')
        .tuning(),
    ],
};

/// What of a source counts, as duplicity has it.
pub(crate) const SELECTION: Group = Group {
    heading: Some("Selection"),
    needs: None,
    options: &[
        option(
            "exclude",
            Values("GLOB"),
            &[To(Scan)],
            "Exclude paths that match GLOB; can be repeated, as all of these. The first selection that matches an entry decides. They work as in duplicity, see moo-scan(1)",
        ),
        option("include", Values("GLOB"), &[To(Scan)], "Include paths that match GLOB"),
        option(
            "exclude-filelist",
            Values("FILE"),
            &[To(Scan)],
            "Exclude by the patterns in FILE, one a line",
        ),
        option("include-filelist", Values("FILE"), &[To(Scan)], "Include by the patterns in FILE"),
        option(
            "exclude-regexp",
            Values("RE"),
            &[To(Scan)],
            "Exclude paths that match the regular expression RE",
        ),
        option(
            "include-regexp",
            Values("RE"),
            &[To(Scan)],
            "Include paths that match the regular expression RE",
        ),
        option(
            "exclude-if-present",
            Values("NAME"),
            &[To(Scan)],
            "Exclude directories that contain a file NAME",
        ),
        option(
            "exclude-older-than",
            Values("TIME"),
            &[To(Scan)],
            "Exclude files that were modified before TIME",
        ),
        option(
            "exclude-larger-than",
            Values("SIZE"),
            &[To(Scan)],
            "Exclude files of more than SIZE bytes, such as 500M or 2G",
        ),
        option(
            "exclude-caches",
            Nothing,
            &[To(Scan)],
            "Exclude the content of directories with a valid CACHEDIR.TAG, except for that file",
        ),
        option("exclude-nodump", Nothing, &[To(Scan)], "Exclude what has the flag d of chattr(1)"),
        option(
            "exclude-other-filesystems",
            Nothing,
            &[To(Scan)],
            "Exclude other file systems than that of the source",
        ),
        option("exclude-device-files", Nothing, &[To(Scan)], "Exclude devices"),
        option(
            "copy-links",
            Nothing,
            &[To(Scan)],
            "Store what symbolic links lead to in their places, also outside of the source, see moo-scan(1)",
        ),
        option("files-from", Values("FILE"), &[To(Scan)], "Read only the paths that FILE lists"),
        option(
            "null-separator",
            Nothing,
            &[To(Scan)],
            "Separate the entries of such files by a null byte instead of a newline",
        ),
    ],
};

pub(crate) const HIDDEN_ENCRYPT_KEY: CommandOption = option(
    "hidden-encrypt-key",
    Values("KEY"),
    &[To(Encrypt), Variable("encrypts")],
    "Encrypt to the certificate KEY without naming it in the files",
);
pub(crate) const ALLOW_WEAK_KEYS: CommandOption = option(
    "allow-weak-keys",
    Nothing,
    &[To(Encrypt)],
    "Let gpg encrypt to and sign with keys of old GnuPG that are too weak, see moo-encrypt(1)",
);
pub(crate) const NO_ENCRYPTION: CommandOption =
    option("no-encryption", Nothing, &[To(Encrypt), Variable("encrypts")], "Do not encrypt");
pub(crate) const NO_COMPRESSION: CommandOption =
    option("no-compression", Nothing, &[To(Encrypt)], "Do not compress");
pub(crate) const COMPRESS_LEVEL: CommandOption = option(
    "compress-level",
    Value("LEVEL"),
    &[To(Encrypt)],
    "Compress at LEVEL, from 1 (fast, the default) to 9 (small)",
);
pub(crate) const JOBS: CommandOption = option(
    "jobs",
    Value("N"),
    &[To(Scan), To(Encrypt), To(Commit)],
    "Use N threads; the default is one per processor, at most 8",
)
.tuning();

/// How a set is made: for whom, and how large.
pub(crate) const MAKING: Group = Group {
    heading: Some("New set"),
    needs: None,
    options: &[
        option(
            "encrypt-key",
            Values("KEY"),
            &[To(Encrypt), Variable("encrypts")],
            "Encrypt to the certificate KEY: a file, or a fingerprint or key ID in GnuPG's keyring. Can be repeated; any one of the keys restores. Without a KEY, the passphrase in PASSPHRASE encrypts",
        ),
        HIDDEN_ENCRYPT_KEY,
        ALLOW_WEAK_KEYS,
        NO_ENCRYPTION,
        NO_COMPRESSION,
        COMPRESS_LEVEL,
        JOBS,
        option(
            "volsize",
            Value("MIB"),
            &[To(Pack)],
            "Fill each volume up to MIB MiB, before compression (64)",
        ),
        option(
            "hash",
            Value("NAME"),
            &[To(Sign)],
            "Use the checksum NAME in signatures: blake2, or md4 for a chain that a very old duplicity will extend",
        ),
        option(
            "parity",
            Value("PERCENT"),
            &[Renamed(Parity, "share"), Variable("parity")],
            "Add parity of PERCENT of the set, such as 5, from which moo repair rebuilds damaged files; without this option there is none",
        ),
        option("stats", Nothing, &[Variable("stats")], "Print statistics, in duplicity's form"),
        option("no-print-statistics", Nothing, &[], "Print no statistics (the default)"),
    ],
};

/// Which state of a backup.
pub(crate) const TIME: CommandOption = option(
    "time",
    Value("TIME"),
    &[To(Fetch), Variable("time")],
    "Use the newest state that is not later than TIME: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z and more, see moo-fetch(1)",
)
.short('t');

/// Which part of a state.
pub(crate) const PATH: CommandOption = option(
    "path",
    Value("PATH"),
    &[Variable("path")],
    "Use only the file or directory PATH, relative to the source",
)
.short('r')
.aliases(&["path-to-restore", "file-to-restore"])
.once();

/// Which parts of a state are restored.
const PATHS: CommandOption = option(
    "path",
    Values("PATH"),
    &[To(Fetch), Variable("partial")],
    "Restore only the file or directory PATH, relative to the source. If it is given once, PATH becomes DEST; if it is repeated, each PATH is restored below DEST, with the directories above it",
)
.short('r')
.aliases(&["path-to-restore", "file-to-restore"]);

/// What of a state is restored.
pub(crate) const RESTORED: Group = Group {
    heading: Some("Selection"),
    needs: None,
    options: &[
        option(
            "exclude",
            Values("GLOB"),
            &[To(Fetch), Variable("partial"), Variable("filtered")],
            "Do not restore paths that match GLOB; can be repeated, as all of these. The first selection that matches an entry decides. They work as those of moo backup, but for paths relative to the source",
        ),
        option(
            "include",
            Values("GLOB"),
            &[To(Fetch), Variable("partial"), Variable("filtered")],
            "Restore paths that match GLOB",
        ),
        option(
            "exclude-filelist",
            Values("FILE"),
            &[To(Fetch), Variable("partial"), Variable("filtered")],
            "Exclude by the patterns in FILE, one a line",
        ),
        option(
            "include-filelist",
            Values("FILE"),
            &[To(Fetch), Variable("partial"), Variable("filtered")],
            "Include by the patterns in FILE",
        ),
        option(
            "exclude-regexp",
            Values("RE"),
            &[To(Fetch), Variable("partial"), Variable("filtered")],
            "Do not restore paths that match the regular expression RE",
        ),
        option(
            "include-regexp",
            Values("RE"),
            &[To(Fetch), Variable("partial"), Variable("filtered")],
            "Restore paths that match the regular expression RE",
        ),
        option(
            "null-separator",
            Nothing,
            &[To(Fetch)],
            "Separate the entries of such files by a null byte instead of a newline",
        ),
        option(
            "rename",
            Pairs("PATH"),
            &[To(Patch), Variable("rearranged")],
            "Restore the first path as the second one, both relative to DEST; can be repeated",
        )
        .conflicts(&["tar", "no-spool"]),
        option(
            "strip-components",
            Number("N"),
            &[To(Patch), Variable("rearranged")],
            "Remove the first N components of each path, after --rename",
        )
        .conflicts(&["tar", "no-spool"]),
    ],
};

/// Who runs the stages.
pub(crate) const USER: CommandOption = option(
    "user",
    Value("NAME"),
    &[Variable("as")],
    "Use the store and the archive directory as the user NAME (root only). moo-scan keeps one privilege of root: to read every file. moo-decrypt and moo-patch run as root",
);

/// What `moo restore` does with what is there, and with owners.
pub(crate) const RESTORING: Group = Group {
    heading: Some("Restore"),
    needs: None,
    options: &[
        TIME,
        PATHS,
        option(
            "merge",
            Nothing,
            &[To(Match), To(Patch)],
            "Restore into an existing DEST: replace objects that are in the backup, and keep all others",
        ),
        option(
            "delete",
            Nothing,
            &[To(Match), To(Patch)],
            "Restore into an existing DEST, and delete objects that are not in the backup. A DEST that contains the store is refused",
        ),
        option(
            "force",
            Nothing,
            &[To(Match), To(Patch)],
            "Restore into an existing DEST, as --merge does; this is duplicity's name",
        ),
        option(
            "tar",
            Nothing,
            &[To(Patch)],
            "Write a tar of everything that is restored to standard output; DEST is -",
        )
        .conflicts(&["merge", "delete", "force", "keep-going", "no-restore-ownership"]),
        option(
            "no-spool",
            Nothing,
            &[To(Patch)],
            "With DEST -, write the file as it arrives, before all of it has been verified. If the exit status is not 0, throw the output away",
        )
        .conflicts(&["tar", "merge", "delete", "force", "keep-going"]),
        option(
            "keep-going",
            Nothing,
            &[Variable("keep_going")],
            "Continue after damage in the store: restore every intact file, and name the others; see moo-patch(1)",
        ),
        option(
            "numeric-owner",
            Nothing,
            &[To(Match), To(Patch)],
            "Restore owners by number, even if this machine knows their names",
        ),
        option(
            "no-restore-ownership",
            Nothing,
            &[To(Match), To(Patch)],
            "Do not restore owners: all files belong to the calling user",
        )
        .aliases(&["do-not-restore-ownership"]),
    ],
};

pub(crate) const JSON: CommandOption =
    option("json", Nothing, &[To(List)], "Print one line of JSON per file");
pub(crate) const NULL: CommandOption =
    option("null", Nothing, &[To(List)], "Print only paths, unescaped, each followed by NUL")
        .short('0');

/// What `moo list` lists, and how.
pub(crate) const LISTING: Group = Group {
    heading: Some("List"),
    needs: None,
    options: &[
        option(
            "time",
            Value("TIME"),
            &[To(List)],
            "List the newest state that is not later than TIME: now, 3D, 2026-11-22, 2026-11-22T20:15:00Z and more, see moo-fetch(1)",
        )
        .short('t'),
        option(
            "changes",
            Two("TIME"),
            &[To(List)],
            "List the differences of the states at two times",
        ),
        option(
            "versions",
            Value("PATH"),
            &[To(List)],
            "List all versions of the file or directory PATH",
        ),
        option(
            "random",
            Value("N"),
            &[To(List)],
            "List only N random files, none of them larger than 64 MiB",
        ),
        JSON,
        NULL,
    ],
};
