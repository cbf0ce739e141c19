//! moobacker-migrating(7): its commands work as they stand there, on a machine where the other program has
//! made backups.

use tests::Sandbox;
use tests::machine::Network;

use crate::page;

/// What a shell has before the first command of the page.
const BEFORE: &str = "set -e; cd; umask 077
    export PASSPHRASE='a b' RESTIC_PASSWORD='c d' BORG_PASSPHRASE='e f' BORG_RELOCATED_REPO_ACCESS_IS_OK=yes\n";

/// Runs the blocks of a section on a machine, after a command that prepares the other program; the names in
/// the store.
fn follow(section: &str, prepare: &str) -> String {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return String::new() };
    let machine = network.machine("laptop");
    machine.install();
    let run = |commands: &str| machine.sh(&format!("{BEFORE}{commands}")).succeeds();
    let key = run(prepare).out();
    let blocks = page::blocks("moobacker-migrating.7", section);
    assert!(blocks.len() >= 4, "{blocks:?}");
    for block in blocks {
        // Nothing is a day old here.
        let block = page::plain(&block).replace("--changes 1D", "--changes 0D");
        run(&block.replace("KEY", key.trim_end())).stderr_is("");
        // Two sets have two seconds.
        machine.sh("sleep 1.1").silent();
    }
    machine.sh("ls /srv/backup").succeeds().out()
}

#[test]
fn from_duplicity_each_command_of_the_page_takes_over_its_store() {
    let stored = follow(
        "FROM DUPLICITY",
        "gpg -q --batch --passphrase '' --quick-generate-key tom default default never &&
        gpg --with-colons -k | sed -n 's/^fpr:*\\([0-9A-F]*\\):/\\1/p' | head -n 1",
    );
    let count = |kind: &str| {
        stored.lines().filter(|name| name.starts_with(kind) && name.contains(".manifest")).count()
    };
    assert!(
        stored.is_empty() || (count("duplicity-full."), count("duplicity-inc.")) == (2, 1),
        "{stored}"
    );
}

#[test]
fn from_restic_each_command_of_the_page_works_beside_it() {
    follow("FROM RESTIC", "restic -q -r /srv/restic init");
}

#[test]
fn from_borg_each_command_of_the_page_works_beside_it() {
    follow("FROM BORG", "borg init --encryption=repokey /srv/borg 2>/dev/null");
}
