//! backup.sh, root's, as cron starts it: whoever kills or ends it has ended all of it.

use std::time::Instant;

use tests::machine::Network;
use tests::scale::scale;
use tests::{Sandbox, until};

use super::host::{CRON, Host};
use crate::signals::kit::Moments;

const SOURCES: &str = "options --volsize 1\nsource etc /srv/etc\nsource home /srv/home\n";

/// The processes of a run, by what finds each and no other.
const SUPERVISOR: &str = "pgrep -f '^moo-run --forward backup '";
const KEEPER: &str = "pgrep -f '^/usr/local/lib/moobacker/moo-run --forward --keeper'";
const EACH: &str =
    "pgrep -x moo-each -P \"$(pgrep -f '^/usr/local/lib/moobacker/moo-run --forward --keeper')\"";
const HOOK: &str = "pgrep -f '^sleep 800'";

/// Starts a run; `$job` is its process. `left` prints what of any run is still there, `look` all names
/// and contents of stores and archive directories.
fn run(then: &str) -> String {
    format!(
        "left() {{ ps -e -o stat=,args= | grep -E '^[^Z].*(moo[- ]|/moo|backup[.]sh|sleep 8)' | grep -v grep; }}
        look() {{ find /srv/backups /var/lib/moobacker -printf '%p %i %s %T@ %C@\\n' | sort; }}
        runuser -u moobacker -- {CRON} >/srv/said 2>&1 & job=$!
        {then}"
    )
}

#[test]
fn nothing_of_a_run_is_left_or_changes_a_second_after_backup_sh_was_killed() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, SOURCES);
    let start = Instant::now();
    host.cron().silent();
    let mut moments = Moments::new(start.elapsed());
    for turn in 0..scale(9, 60) {
        let victim = [SUPERVISOR, EACH, KEEPER][turn % 3];
        host.0.sh("head -c 8000000 /dev/urandom >/srv/home/large; date >/srv/etc/hosts").silent();
        let after = moments.next();
        // A run may come to its end before; and there are moments without that process.
        let killed = format!(
            "sleep {}
            until pid=$({victim} 2>/dev/null) && kill -KILL $pid; do
                kill -0 $job 2>/dev/null || break; sleep 0.01
            done
            sleep 1; left; look >/srv/before; sleep 1; look | diff /srv/before -; wait $job; :",
            after.as_secs_f64()
        );
        let what = format!("{victim} at {after:?}");
        let found = host.0.sh(&run(&killed));
        assert_eq!(found.out(), "", "{what}");
        host.cron().silent();
        host.0.sh("find /tmp -name 'moo-run.*'").silent();
    }
    for name in ["etc", "home"] {
        host.brings_back(name);
    }
}

#[test]
fn a_process_that_somebody_has_stopped_kept_backup_sh_from_its_end_and_does_not() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    // One source: its upload is under way for a while.
    let hook = "before test ! -e /srv/wait || exec sleep 800\noptions --volsize 1\nsource home /srv/home\n";
    let host = Host::new(&network, hook);
    // One of the run before may not be reaped yet.
    let stage = "pgrep -r D,R,S -o -x moo-upload";
    for (wait, victim) in [
        (true, HOOK),
        (true, EACH),
        (true, KEEPER),
        (false, stage),
        (false, "pgrep -r D,R,S -o -x moo-scan"),
        // The supervisor of `moo backup`.
        (false, "pgrep -f '^moo-run backup'"),
    ] {
        let first = if wait { "touch /srv/wait" } else { "rm -f /srv/wait" };
        host.0.sh(&format!("{first}; head -c 30000000 /dev/urandom >/srv/home/large")).silent();
        // It holds the run where it is; the victim is stopped besides.
        let at_work = if wait { HOOK } else { stage };
        let stopped = format!(
            "{}
            other=$({victim}) && kill -STOP $other
            kill -TERM $({SUPERVISOR})
            i=0; while kill -0 $job 2>/dev/null && test $i -lt 600; do i=$((i + 1)); sleep 0.1; done
            left; wait $job; echo $?",
            until(&format!("pid=$({at_work}) && kill -STOP $pid"))
        );
        let ended = host.0.sh(&run(&stopped));
        assert_eq!(ended.out().trim(), "143", "{victim}: {}", ended.err());
    }
    host.0.sh("rm -f /srv/wait").silent();
    host.cron().silent();
    host.brings_back("home");
}

#[test]
fn a_source_whose_run_is_killed_is_named_and_the_other_sources_are_backed_up() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, SOURCES);
    host.cron().silent();
    for victim in ["pgrep -f '^moo-run backup'", "pgrep -f '^[^ ]*moo-run --keeper -- backup '"] {
        host.0
            .sh("head -c 30000000 /dev/urandom >/srv/etc/large; date +%N >/srv/home/new")
            .silent();
        // Its upload is under way.
        let killed = format!(
            "{}
            wait $job; echo $?; left",
            until(&format!("pgrep -x moo-upload >/dev/null && pid=$({victim}) && kill -KILL $pid"))
        );
        let ended = host.0.sh(&run(&killed));
        assert_eq!(ended.out().trim(), "137", "{victim}: {}", ended.err());
        // A shell that outlives its stage for a moment says so.
        let said = host.0.sh("grep -vx Killed /srv/said");
        drop(said.succeeds().stdout_is("moo backup: etc: ended by signal 9"));
        host.brings_back("home");
        // No lock is left, and nothing is in the way of the next night.
        host.cron().silent();
        host.brings_back("etc");
    }
}

#[test]
fn a_run_whose_supervisors_are_all_killed_at_once_ends_and_the_next_night_resumes() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let host = Host::new(&network, SOURCES);
    host.cron().silent();
    host.0.sh("head -c 30000000 /dev/urandom >/srv/etc/large").silent();
    let killed = format!(
        "{}
        # With the first of them the others may be gone.
        kill -KILL $all 2>/dev/null
        i=0; while test -n \"$(left)\" && test $i -lt 100; do i=$((i + 1)); sleep 0.1; done
        left; wait $job; echo $?",
        until("pgrep -x moo-upload >/dev/null && all=$(pgrep -x moo-run)")
    );
    let ended = host.0.sh(&run(&killed));
    assert_eq!(ended.out().trim(), "137", "{}", ended.err());
    host.cron().silent();
    for name in ["etc", "home"] {
        host.brings_back(name);
    }
}
