//! The schedule: its line run as cron runs it, and by cron itself.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use tests::Run;

use super::scene::Scene;

/// Where the schedule is.
const FILE: &str = "/etc/cron.d/moobacker";

/// Starts the daemon with another time, and waits until all that it has started then is over.
/// Arguments: the schedule's file, the time.
const DAEMON: &str = r#"set -eu
cp -p "$1" /run/schedule
sed -i "s/^30 2 \* \* \* /$2 /" "$1"
! cmp -s "$1" /run/schedule
rm -f /run/crond.reboot
cron
daemon=$(pgrep -r R,S,D -ox cron)
until pgrep -P "$daemon" >/dev/null; do sleep 0.1; done
cp -p /run/schedule "$1"
while pgrep -P "$daemon" >/dev/null; do sleep 0.1; done
kill "$daemon"
while pgrep -r R,S,D -x cron >/dev/null; do sleep 0.1; done"#;

/// What the schedule says.
pub(crate) struct Cron {
    /// The variables that it sets, as words for `env`.
    variables: String,
    user: String,
    command: String,
    /// What root runs in the morning.
    checks: String,
}

impl Cron {
    /// The schedule of the machine that is backed up.
    pub(crate) fn of(scene: &Scene<'_>) -> Cron {
        let text = fs::read_to_string(scene.local.path(FILE)).unwrap();
        let (variables, lines): (Vec<_>, Vec<_>) =
            text.lines().partition(|line| line.split(' ').next().unwrap().contains('='));
        assert_eq!((variables.as_slice(), lines.len()), (["MAILTO=you@example.org"].as_slice(), 2));
        let (checks, lines): (Vec<_>, Vec<_>) =
            lines.into_iter().partition(|line| line.ends_with("moo run-checks"));
        let checks = checks[0].strip_prefix("0 7 * * * root ").expect("root's line");
        let mut fields = lines[0].splitn(7, ' ').skip(5).map(str::to_owned);
        let (user, command) = (fields.next().unwrap(), fields.next().unwrap());
        assert!(
            !command.contains(['%', '\'']),
            "{command}: has what cron or this test would change"
        );
        Cron { variables: variables.join(" "), user, command, checks: checks.to_owned() }
    }

    /// Runs the checks as cron does in the morning: they have nothing to tell.
    pub(crate) fn checks(&self, scene: &Scene<'_>) {
        let environment = "HOME=/root LOGNAME=root SHELL=/bin/sh PATH=/usr/bin:/bin";
        let command = format!("exec env -i {environment} /bin/sh -c '{}'", self.checks);
        scene.local.sh(&command).silent();
    }

    /// Runs the command as cron does: by that user, in cron's environment, without a terminal.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub(crate) fn starts_it(&self, scene: &Scene<'_>) -> Run {
        scene.ledger.night();
        let Cron { variables, user, command, .. } = self;
        let environment = "HOME=\"$HOME\" LOGNAME=\"$LOGNAME\" SHELL=/bin/sh PATH=/usr/bin:/bin";
        let script = format!("exec env -i {environment} {variables} /bin/sh -c '{command}'");
        scene.local.sh_as(user, &script)
    }

    /// Lets the cron daemon run it, at that time: `* * * * *` is the next minute, and `@reboot`
    /// need not be waited for.
    pub(crate) fn daemon_starts_it(&self, scene: &Scene<'_>, time: &str) {
        scene.ledger.night();
        scene.local.sh(&format!("set -- {FILE} '{time}'\n{DAEMON}")).silent();
    }

    /// The mails that the machine has sent.
    pub(crate) fn mails(&self, scene: &Scene<'_>) -> Vec<String> {
        let files = fs::read_dir(scene.local.path("/srv/mail")).unwrap();
        files.map(|file| fs::read_to_string(file.unwrap().path()).unwrap()).collect()
    }

    /// Runs it as cron does in a night in which it fails: it prints what cron mails, with that line.
    pub(crate) fn fails(&self, scene: &Scene<'_>, line: &str) {
        let printed = self.starts_it(scene).fails().err();
        assert!(printed.lines().any(|printed| printed == line), "{printed}");
    }

    /// One mail came, to whom it should, and says one thing, and of which source.
    pub(crate) fn has_one_mail_with_one_message(&self, scene: &Scene<'_>) {
        let mails = self.mails(scene);
        let [mail] = mails.as_slice() else { panic!("one mail: {mails:#?}") };
        let (head, body) = mail.split_once("\n\n").expect("a head and a body");
        assert!(head.lines().any(|line| line == "To: you@example.org"), "{mail}");
        let lines: Vec<_> = body.lines().collect();
        assert!(
            lines.len() == 2 && lines[1].starts_with("moo backup: etc: exit status "),
            "{mail}"
        );
        assert!(body.starts_with("moo backup: sftp://") && body.contains("/backups/etc"), "{mail}");
    }
}

/// How long the clock's minute still takes.
pub(crate) fn seconds_to_next_minute() -> u64 {
    60 - SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() % 60
}
