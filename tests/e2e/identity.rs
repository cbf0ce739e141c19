//! A store holds one source of one host, and says so.

mod folders;
mod forks;
mod kit;
mod mixing;

use tests::{Run, Sandbox};

/// The options of a backup whose seals are signed.
const SEALED: &str = "--no-encryption --seal-key host.secret.pgp";
/// What demands signed seals.
const DEMANDED: &str = "--seal-key host.cert.pgp";

/// Two sources of one host with one seal key, each with a store of its own: a full set and an
/// increment. The newest set is one of home.
struct Host(Sandbox);

impl Host {
    fn new() -> Host {
        let host = Host(Sandbox::new());
        host.0.sh("moo-keygen --sign-only host >/dev/null && mkdir etc home stores").silent();
        for (day, names) in [("1", "etc home"), ("2", "etc home"), ("3", "home")] {
            for name in names.split(' ') {
                // No two sets are of one second: their files would have the same names.
                host.0.sh(&format!("sleep 1.1; echo {name} {day} >{name}/file")).silent();
                host.backup(name, "").silent();
            }
        }
        host
    }

    /// A backup of a source into the store of its name.
    fn backup(&self, name: &str, options: &str) -> Run {
        let archive = format!("--archive-dir archives --name {name}");
        self.0.sh(&format!(
            "moo backup {archive} {SEALED} {options} {name} file://$PWD/stores/{name}"
        ))
    }

    /// A command on the store that is called etc, with the archive directory of that name.
    fn on_etc(&self, archive: &str, command: &str) -> Run {
        let (command, last) = command.split_once(" TO ").unwrap_or((command, ""));
        let all = format!("--archive-dir archives --name {archive}");
        self.0.sh(&format!("moo {command} {all} file://$PWD/stores/etc {last}"))
    }

    /// The one identity that all sets in a store have.
    fn identity(&self, name: &str) -> String {
        let each = format!("cat stores/{name}/*.seal | sed -n 's/^# identity //p' | sort -u");
        let found = self.0.sh(&each).out();
        assert_eq!(found.trim().len(), 32, "one identity for all sets: {found:?}");
        found.trim().to_owned()
    }

    fn exchange_folders(&self) {
        self.0.sh("mv stores/etc x && mv stores/home stores/etc && mv x stores/home").silent();
    }

    /// Adds all sets of home to the store of etc.
    fn mix(&self) {
        self.0.sh("cp -n stores/home/* stores/etc").silent();
    }

    /// The command fails with one of these statuses, and delivers nothing.
    #[track_caller]
    fn is_refused(&self, archive: &str, command: &str, statuses: &[i32]) -> Run {
        let run = self.on_etc(archive, command);
        assert!(statuses.contains(&run.status), "{command}: {}: {}", run.status, run.err());
        self.0.sh("test ! -e out").silent();
        run
    }
}
