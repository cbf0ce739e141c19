//! The commands that set up this machine, look after it, and back it up each night.

use crate::command::{Argument, MooCommand, Place, own};
use crate::option::Takes::{Age, Nothing, Value, Values};
use crate::option::Target::{Lines, Variable};
use crate::option::{CommandOption, option};

const CONFIG: CommandOption = option(
    "config",
    Value("FILE"),
    &[Variable("config")],
    "Read FILE instead of /etc/moobacker/moobacker.toml",
);
const DRY_RUN: CommandOption =
    option("dry-run", Nothing, &[Variable("dry_run")], "Print the commands without running them");

/// The commands, in the order of `moo --help`.
pub(crate) const MACHINE_COMMANDS: &[MooCommand] = &[
    MooCommand {
        name: "setup-local",
        usage: &["moo setup-local --remote URL --source NAME=PATH... [options]"],
        about: "Set up this machine for nightly backups",
        description: "Set up this machine for backups to another one (root only). The first run makes the user, its keys and the configuration, and prints the command that sets up the other machine. The second run, with the --host-key that this command has printed, tests the connection, makes the key that encrypts the backups, writes its secret half into a recovery kit and nowhere else, and starts the schedule. Run again, it makes what is missing and changes nothing else.",
        types: &[],
        arguments: &[],
        groups: &[own(&[
            option(
                "remote",
                Value("URL"),
                &[Variable("remote")],
                "Store backups at URL, such as sftp://purrbackups@store.example.org/backups",
            ),
            option(
                "source",
                Values("NAME=PATH"),
                &[Lines("given")],
                "Back up the folder PATH as NAME; can be repeated",
            ),
            option(
                "plain",
                Nothing,
                &[Variable("plain")],
                "Let the account at the other machine change and delete files, too: whoever takes over this machine can then destroy its backups",
            ),
            option(
                "host-key",
                Value("FINGERPRINT"),
                &[Variable("host_key")],
                "Accept the other machine's SSH host key, SHA256:...",
            ),
            option(
                "kit",
                Value("FILE"),
                &[Variable("kit")],
                "Write the recovery kit to FILE; keep it elsewhere",
            ),
            option(
                "passphrase-file",
                Value("FILE"),
                &[Variable("passphrase_file")],
                "Read the kit's passphrase from the first line of FILE instead of the terminal",
            ),
            option(
                "mailto",
                Value("ADDRESS"),
                &[Variable("mailto")],
                "Mail failures to ADDRESS (root)",
            ),
            option(
                "schedule",
                Value("M H * * D"),
                &[Variable("schedule")],
                "Back up at this time, as in crontab(5) (30 2 * * *)",
            ),
            option(
                "systemd",
                Nothing,
                &[Variable("timer")],
                "Use the systemd timer that the configuration needs instead of cron; --schedule is then its OnCalendar, see backup.sh(1)",
            ),
            option(
                "user",
                Value("NAME"),
                &[Variable("user")],
                "Back up as the user NAME (moobacker)",
            ),
            DRY_RUN,
        ])],
        after: "\
Examples:
  sudo moo setup-local --remote sftp://purrbackups@store.example.org/backups \\
      --source etc=/etc --source home=/home
  sudo moo setup-local --host-key SHA256:... --kit /media/stick/server.kit \\
      --mailto you@example.org",
    },
    MooCommand {
        name: "recovery-kit",
        usage: &[
            "moo recovery-kit [options] OUTPUT",
            "moo recovery-kit --check [--passphrase-file FILE] KIT",
        ],
        about: "Write a file with everything that a restore needs",
        description: "Write the recovery kit OUTPUT, a tar file. It contains README.txt, which leads from an empty machine to restored files; the secret key of the backups and the SSH key of the store, locked with a passphrase; and everything else that a restore needs. Before OUTPUT gets its name, the script proves that the kit opens and that its key decrypts what is encrypted to the configured certificate. Keep the kit and its passphrase away from both machines.",
        types: &[],
        arguments: &[Argument::needed(
            "OUTPUT",
            "output",
            "File to write, or with --check to read",
        )],
        groups: &[own(&[
            CONFIG,
            option(
                "store",
                Value("STORE"),
                &[Variable("of")],
                "Describe how to restore from STORE of the configuration (its first store)",
            ),
            option(
                "secret-key",
                Value("FILE"),
                &[Variable("secret")],
                "Take the secret key of the backups from FILE instead of GnuPG",
            ),
            option(
                "passphrase-file",
                Value("FILE"),
                &[Variable("passphrase_file")],
                "Read the kit's passphrase from the first line of FILE instead of the terminal, which asks twice: to lock the kit and to prove that it opens",
            ),
            option(
                "key-passphrase-file",
                Value("FILE"),
                &[Variable("key_file")],
                "Read the passphrase of the secret key from FILE, if it differs from the kit's",
            ),
            option(
                "user",
                Value("NAME"),
                &[Variable("owner")],
                "Use the SSH and GnuPG keys of the user NAME (moobacker if root calls and that user exists, or else the caller)",
            ),
            option(
                "check",
                Nothing,
                &[Variable("check")],
                "Write nothing: prove that a kit opens and that its key decrypts",
            )
            .conflicts(&["store"]),
            DRY_RUN,
        ])],
        after: "\
Examples:
  moo recovery-kit --secret-key ~/backup.secret.pgp /media/stick/server.kit
  moo recovery-kit --check /media/stick/server.kit",
    },
    MooCommand {
        name: "doctor",
        usage: &["moo doctor [options]"],
        about: "Check the setup of this machine and its backups",
        description: "Check the machine that is backed up: programs, configuration, user, keys, schedule, age of the backups, and that the account at each store allows backups and nothing else. Print a line for each problem, which ends with the command that solves it. Print nothing if all is well. The only change is a small file in the store, which is deleted if possible.",
        types: &[],
        arguments: &[],
        groups: &[own(&[
            CONFIG,
            option("user", Value("NAME"), &[Variable("owner")], "Check the user NAME (moobacker)"),
            option("max-age", Age, &[Variable("max_age")], "Report backups older than AGE (8D)"),
            option(
                "append-only",
                Nothing,
                &[Variable("append")],
                "Require that the account cannot change or delete stored files",
            ),
            option(
                "kit",
                Value("FILE"),
                &[Variable("kit")],
                "Open the recovery kit FILE, and decrypt with its key",
            ),
            option(
                "passphrase-file",
                Value("FILE"),
                &[Variable("passphrase_file")],
                "Read the kit's passphrase from the first line of FILE instead of the terminal",
            )
            .requires("kit"),
            option("verbose", Nothing, &[Variable("verbose")], "Print successful checks too")
                .short('v'),
            option("json", Nothing, &[Variable("json")], "Print one line of JSON per check"),
        ])],
        after: "\
The exit status is 0 if all is well, or else 1, or a status that fits every problem, such as 8 for
a store that cannot be reached.

Examples:
  moo doctor
  moo doctor --append-only --max-age 26h
  moo doctor --json --verbose
  moo doctor --kit /media/stick/server.kit",
    },
    MooCommand {
        name: "backup.sh",
        usage: &["backup.sh [--config FILE] [--user NAME] [--dry-run] [SOURCE...]"],
        about: "Back up all sources of the configuration",
        description: "Back up all sources of the configuration, or only the given ones, each to its own store. If one fails, the others still follow. A successful run prints nothing.",
        types: &[],
        arguments: &[Argument {
            name: "SOURCE",
            place: Place::Lines("chosen"),
            help: "Names of sources in the configuration",
        }],
        groups: &[own(&[
            CONFIG,
            option(
                "user",
                Value("NAME"),
                &[Variable("user")],
                "Run everything except reading as the user NAME (root only); the default is the user of the configuration, or the user who called sudo",
            ),
            DRY_RUN,
        ])],
        after: "\
The exit status is that of the first source that failed. It is 3, for unreadable files, only if
nothing worse happened.

Examples:
  backup.sh
  backup.sh --dry-run
  backup.sh --config /etc/moobacker/laptop.conf home",
    },
];
