//! The options of duplicity 0.8 to 3.2.

use crate::option::Takes::{Nothing, Two, Value};
use crate::option::Use::{Filter, Own, Passed, Refused, Selection, Tuning};
use crate::option::{DuplicityOption, option};

const NAMES: &str = "moobacker has one form of file names";

/// The options that mean something to moobacker, or to duplicity on its own.
pub(crate) static OWN_MEANING: &[DuplicityOption] = &[
    // How a set is made.
    option("encrypt-key", Value("KEY"), Passed("encrypt-key"), "Encrypt to KEY"),
    option(
        "hidden-encrypt-key",
        Value("KEY"),
        Passed("hidden-encrypt-key"),
        "Encrypt to KEY without naming it",
    ),
    option(
        "sign-key",
        Value("KEY"),
        Passed("sign-key"),
        "Sign with KEY; require its signature when reading",
    ),
    option("encrypt-sign-key", Value("KEY"), Own, "Encrypt to KEY and sign with it"),
    option("no-encryption", Nothing, Own, "Do not encrypt"),
    option("encryption", Nothing, Tuning, "Encrypt (the default)").since("2.0"),
    option("no-compression", Nothing, Passed("no-compression"), "Do not compress"),
    option("compression", Nothing, Tuning, "Compress (the default)").since("2.0"),
    option("volsize", Value("MIB"), Passed("volsize"), "Fill each volume up to MIB MiB"),
    option(
        "full-if-older-than",
        Value("TIME"),
        Own,
        "Make a full set if the last one is older than TIME, an age or a time",
    ),
    option("full-if-n-inc", Value("N"), Own, "Make a full set after N increments"),
    option("skip-if-no-change", Nothing, Own, "Store no set if nothing has changed").since("3.0.3"),
    option(
        "allow-source-mismatch",
        Nothing,
        Passed("allow-source-mismatch"),
        "Accept sets of another host or source",
    ),
    option(
        "allow-deletions",
        Nothing,
        Passed("allow-deletions"),
        "Record entries as deleted even if most are missing (moobacker's own)",
    ),
    option(
        "start-over",
        Nothing,
        Passed("start-over"),
        "Make a full set whatever the store contains (moobacker's own)",
    ),
    option(
        "seal-key",
        Value("KEY"),
        Passed("seal-key"),
        "Sign or verify seals with KEY (moobacker's own)",
    ),
    option(
        "allow-weak-keys",
        Nothing,
        Passed("allow-weak-keys"),
        "Let gpg use keys of old GnuPG (moobacker's own)",
    ),
    option("dry-run", Nothing, Own, "Store, copy and delete nothing"),
    option("print-statistics", Nothing, Own, "Print statistics of a backup (the default)")
        .since("2.0"),
    option("no-print-statistics", Nothing, Own, "Print no statistics"),
    option("jsonstat", Nothing, Passed("jsonstat"), "Store statistics as JSON, and print them")
        .since("3.0"),
    // What is restored, and how.
    option(
        "path-to-restore",
        Value("PATH"),
        Passed("path"),
        "Restore only PATH; several go below DEST",
    )
    .aliases(&["file-to-restore"])
    .short('r'),
    option("restore-time", Value("TIME"), Passed("time"), "Use the state at TIME")
        .aliases(&["time"])
        .short('t'),
    option("numeric-owner", Nothing, Passed("numeric-owner"), "Restore owners by number"),
    option(
        "no-restore-ownership",
        Nothing,
        Passed("no-restore-ownership"),
        "Do not restore owners",
    )
    .aliases(&["do-not-restore-ownership"]),
    option(
        "force",
        Nothing,
        Own,
        "Restore into an existing folder; delete what the remove actions and cleanup list",
    ),
    option(
        "compare-data",
        Nothing,
        Own,
        "Compare the backup with the source, not only with its hashes",
    ),
    option(
        "rename",
        Two("PATH"),
        Passed("rename"),
        "Restore the first path as the second one; can be repeated",
    ),
    // Selection.
    option("include", Value("GLOB"), Selection, "Include paths that match GLOB"),
    option("exclude", Value("GLOB"), Selection, "Exclude paths that match GLOB"),
    option("include-filelist", Value("FILE"), Selection, "Include by the patterns in FILE"),
    option("exclude-filelist", Value("FILE"), Selection, "Exclude by the patterns in FILE"),
    option(
        "include-globbing-filelist",
        Value("FILE"),
        Selection,
        "Include by the globs in FILE, whatever the filter before it",
    )
    .until("2.2"),
    option(
        "exclude-globbing-filelist",
        Value("FILE"),
        Selection,
        "Exclude by the globs in FILE, whatever the filter before it",
    )
    .until("2.2"),
    option(
        "include-filelist-stdin",
        Nothing,
        Selection,
        "Include by the patterns on standard input",
    )
    .until("0.8"),
    option(
        "exclude-filelist-stdin",
        Nothing,
        Selection,
        "Exclude by the patterns on standard input",
    )
    .until("0.8"),
    option("include-regexp", Value("RE"), Selection, "Include paths that match RE"),
    option("exclude-regexp", Value("RE"), Selection, "Exclude paths that match RE"),
    option(
        "exclude-if-present",
        Value("NAME"),
        Selection,
        "Exclude directories that contain a file NAME",
    ),
    option(
        "exclude-older-than",
        Value("TIME"),
        Selection,
        "Exclude files that were modified before TIME",
    ),
    option("exclude-other-filesystems", Nothing, Selection, "Exclude other file systems"),
    option("exclude-device-files", Nothing, Selection, "Exclude devices"),
    option("copy-links", Nothing, Own, "Store what symbolic links lead to").short('L'),
    option("files-from", Value("FILE"), Selection, "Read only the paths that FILE lists")
        .since("3.0"),
    option("null-separator", Nothing, Selection, "Separate the entries of lists by null bytes"),
    option("filter-globbing", Nothing, Filter, "Take the next patterns as globs (the default)")
        .since("3.0"),
    option("filter-literal", Nothing, Filter, "Take the next patterns literally").since("3.0"),
    option("filter-regexp", Nothing, Filter, "Take the next patterns as regular expressions")
        .since("3.0"),
    option("filter-ignorecase", Nothing, Filter, "Ignore case in the next patterns").since("3.0"),
    option("filter-strictcase", Nothing, Filter, "Heed case in the next patterns (the default)")
        .since("3.0"),
    // Where everything is.
    option(
        "archive-dir",
        Value("DIR"),
        Own,
        "Keep archive directories below DIR (~/.cache/duplicity)",
    ),
    option("name", Value("NAME"), Own, "Use the archive directory NAME there (the MD5 of the URL)"),
    option("tempdir", Value("DIR"), Own, "Make temporary files in DIR"),
    option("file-prefix", Value("TEXT"), Passed("file-prefix"), "Prefix of all file names"),
    option(
        "file-prefix-archive",
        Value("TEXT"),
        Passed("file-prefix-archive"),
        "Prefix of volumes, after that of all",
    ),
    option(
        "file-prefix-manifest",
        Value("TEXT"),
        Passed("file-prefix-manifest"),
        "Prefix of manifests, after that of all",
    ),
    option(
        "file-prefix-signature",
        Value("TEXT"),
        Passed("file-prefix-signature"),
        "Prefix of signature files, after that of all",
    ),
    option(
        "file-prefix-jsonstat",
        Value("TEXT"),
        Passed("file-prefix-jsonstat"),
        "Prefix of statistics, after that of all",
    )
    .since("3.0"),
    option("short-filenames", Nothing, Refused(NAMES), "Short file names").until("1.2"),
    option("old-filenames", Nothing, Refused(NAMES), "File names of old versions").until("1.2"),
    // The store.
    option("num-retries", Value("N"), Passed("num-retries"), "Try N times to reach the store"),
    option(
        "timeout",
        Value("SECONDS"),
        Passed("timeout"),
        "Wait SECONDS for an answer of the store",
    ),
    option("ssh-options", Value("TEXT"), Own, "Options of SSH, such as '-oPort=2222'"),
    option("rsync-options", Value("TEXT"), Own, "Options of rsync; those of ssh in -e are used"),
    option("gio", Nothing, Tuning, "Use GIO for file:// URLs").until("1.2"),
    // Messages.
    option(
        "verbosity",
        Value("LEVEL"),
        Own,
        "Print messages up to LEVEL: error, warning, notice, info, debug, or 0 to 9",
    )
    .short('v'),
    option("log-fd", Value("N"), Own, "Write messages for programs to the descriptor N"),
    option("log-file", Value("FILE"), Own, "Append messages for programs to FILE"),
    option("log-timestamp", Nothing, Tuning, "Print the time of each message").since("2.0"),
    option("progress", Nothing, Own, "Show progress"),
    option("progress-rate", Value("SECONDS"), Tuning, "Show progress so often"),
    option("version", Nothing, Own, "Print the version of duplicity whose command line this is")
        .short('V'),
    // GnuPG.
    option("gpg-options", Value("TEXT"), Own, "Options of gpg; --homedir is used"),
    option("gpg-binary", Value("FILE"), Tuning, "Use the gpg in FILE"),
    option("use-agent", Nothing, Tuning, "Ask the agent for passphrases, as moobacker always does"),
    option(
        "encrypt-secret-keyring",
        Value("FILE"),
        Refused("set GNUPGHOME"),
        "Use another secret keyring",
    ),
    option("use-gpgsm", Nothing, Refused("moobacker writes OpenPGP"), "Use gpgsm").since("3.0"),
    // What else can't be done.
    option(
        "show-changes-in-set",
        Value("INDEX"),
        Own,
        "With collection-status, list the changes of a set: 0 is the newest one, -1 the oldest",
    )
    .since("3.0"),
    option(
        "file-changed",
        Value("PATH"),
        Refused("use moo list --versions PATH"),
        "Print the status of a file",
    )
    .since("0.8.15"),
    option(
        "time-separator",
        Value("CHAR"),
        Refused(NAMES),
        "Separator in the times of old file names",
    ),
    // Tuning.
    option(
        "asynchronous-upload",
        Nothing,
        Tuning,
        "Upload while the next volume is made, as moobacker always does",
    ),
    option("concurrency", Value("N"), Tuning, "Upload N volumes at once").since("3.0"),
    option("backend-retry-delay", Value("SECONDS"), Tuning, "Wait before another try"),
    option("metadata-sync-mode", Value("MODE"), Tuning, "Extent of the synchronization"),
    option("extra-clean", Nothing, Tuning, "Clean up more").until("0.7"),
    option("ignore-errors", Nothing, Tuning, "Ignore errors"),
    option("max-blocksize", Value("BYTES"), Tuning, "Largest block of a signature"),
    option("copy-blocksize", Value("KIB"), Tuning, "Bytes copied at once").since("1.0"),
    option("no-files-changed", Nothing, Tuning, "Collect no list of changed files"),
    option("files-changed", Nothing, Tuning, "Collect a list of changed files"),
    option("check-remote", Nothing, Tuning, "Check the metadata in the store").since("3.1"),
    option("no-check-remote", Nothing, Tuning, "Do not check the metadata in the store")
        .since("3.1"),
    option("config-dir", Value("DIR"), Tuning, "Folder of duplicity's configuration").since("2.0"),
    option("pydevd", Nothing, Tuning, "Debug duplicity"),
    option("ssh-askpass", Nothing, Tuning, "Ask for a password; moobacker logs in with keys only"),
    option("scp-command", Value("FILE"), Tuning, "Use another scp"),
    option("sftp-command", Value("FILE"), Tuning, "Use another sftp"),
    option("use-scp", Nothing, Tuning, "Use scp; moobacker uses SFTP"),
];

/// The options without a value for stores that moobacker reaches through rclone, or not at all.
pub(crate) static STORE_FLAGS: &[&str] = &[
    "ftp-passive",
    "ftp-regular",
    "b2-hide-files",
    "imap-full-address",
    "mf-purge",
    "s3-european-buckets",
    "s3-unencrypted-connection",
    "s3-use-new-style",
    "s3-use-rrs",
    "s3-use-ia",
    "s3-use-onezone-ia",
    "s3-use-glacier",
    "s3-use-glacier-ir",
    "s3-use-deep-archive",
    "s3-use-multiprocessing",
    "s3-use-server-side-encryption",
    "s3-use-server-side-kms-encryption",
    "ssl-no-check-certificate",
];

/// Those with a value, and its name.
pub(crate) static STORE_VALUES: &[(&str, &str)] = &[
    ("par2-options", "TEXT"),
    ("par2-redundancy", "PERCENT"),
    ("par2-volumes", "N"),
    ("mp-segment-size", "MIB"),
    ("azure-blob-tier", "TIER"),
    ("azure-max-single-put-size", "BYTES"),
    ("azure-max-block-size", "BYTES"),
    ("azure-max-connections", "N"),
    ("cf-backend", "NAME"),
    ("idr-fakeroot", "PATH"),
    ("imap-mailbox", "NAME"),
    ("s3-kms-key-id", "ID"),
    ("s3-kms-grant", "GRANT"),
    ("s3-multipart-chunk-size", "MIB"),
    ("s3-multipart-max-procs", "N"),
    ("s3-multipart-max-timeout", "SECONDS"),
    ("s3-region-name", "NAME"),
    ("s3-endpoint-url", "URL"),
    ("ssl-cacert-file", "FILE"),
    ("ssl-cacert-path", "DIR"),
    ("swift-storage-policy", "NAME"),
    ("webdav-headers", "TEXT"),
];
