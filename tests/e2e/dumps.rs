//! Dumps that are backed up as they come, from a pipe or from a command, and restored into servers.

mod servers;

use std::fs;

use tests::damage::find_all;
use tests::{Duplicity, Key, Sandbox};

use crate::moo::stored;

/// `moo backup` of a dump with these words.
fn backup(words: &str) -> String {
    format!("moo backup --archive-dir . --name archive --no-encryption {words} file://$PWD/store")
}

fn restored(sandbox: &Sandbox, words: &str) -> Vec<u8> {
    let options = "--archive-dir . --name archive --path db.sql";
    sandbox.sh(&format!("moo restore {options} {words} file://$PWD/store -")).succeeds().stdout
}

/// The bytes of all volumes of each set, the oldest first.
fn sizes(sandbox: &Sandbox) -> Vec<u64> {
    let size = |file: &std::path::PathBuf| fs::metadata(file).unwrap().len();
    let sets = stored(sandbox).into_iter().map(|time| {
        let volumes = find_all(sandbox.path("store"), &format!("{time}.vol"));
        volumes.iter().map(size).sum()
    });
    sets.collect()
}

#[test]
fn a_dump_in_a_pipe_is_stored_as_a_delta_to_the_last_one_and_each_comes_back() {
    let sandbox = Sandbox::new();
    let dump = |line: &str| format!("{{ seq 1 200000; echo {line}; seq 200001 400000; }}");
    for line in ["one", "two", "three"] {
        let piped = format!("{} | {}", dump(line), backup("--stdin-name db.sql -"));
        sandbox.sh(&piped).silent();
    }
    let sizes = sizes(&sandbox);
    assert!(sizes.len() == 3 && sizes[1] < sizes[0] / 50 && sizes[2] < sizes[0] / 50, "{sizes:?}");
    for (time, line) in stored(&sandbox).iter().zip(["one", "two", "three"]) {
        let wanted = sandbox.sh(&dump(line)).stdout;
        assert!(restored(&sandbox, &format!("--time {time}")) == wanted);
    }
    let wanted = sandbox.sh(&dump("three")).stdout;
    Duplicity::old(&sandbox).plain().archive("other").restore_path("db.sql", "out").succeeds();
    assert!(fs::read(sandbox.path("out")).unwrap() == wanted);
    sandbox.sh("stat -c '%a %u' out").stdout_is(&sandbox.sh("echo 600 $(id -u)").out());
    sandbox.sh("ls -A .tmp").silent();
}

#[test]
fn a_command_that_fails_or_writes_nothing_stores_nothing() {
    let sandbox = Sandbox::new();
    let command =
        |words: &str| backup(&format!("--volsize 1 --stdin-name db.sql --command '{words}'"));
    sandbox.sh(&command("seq 9")).silent();
    let before = sandbox.sh("ls store; cat store/*").stdout;
    for (words, why) in [
        ("seq 1 2000000; exit 3", "has failed with status 3"),
        ("seq 1 2000000; kill -9 $$", "was ended by signal 9"),
        ("exit 4", "has failed with status 4"),
        ("true", "has written nothing"),
        ("exec 1>&-; exit 5", "has failed with status 5"),
    ] {
        let run = sandbox.sh(&command(words)).fails_with(1).one_message();
        run.stderr_has(why).stderr_has(words).stderr_has("nothing is stored");
        assert!(sandbox.sh("ls store; cat store/*").stdout == before, "{words}");
    }
    sandbox.sh(&command("no-such-dump")).fails_with(1).stderr_has("no-such-dump: has failed");
    sandbox
        .sh(&backup("--stdin-name db.sql - </dev/null"))
        .fails_with(1)
        .stderr_is("moo backup: standard input: is empty, so nothing is stored");
    // The next one is an increment as if nothing had happened.
    sandbox.sh(&command("seq 10")).silent();
    assert_eq!(stored(&sandbox).len(), 2);
    assert_eq!(restored(&sandbox, ""), sandbox.sh("seq 10").stdout);
}

#[test]
fn a_command_gets_no_input_no_passphrase_and_no_end_of_its_own() {
    let mut sandbox = Sandbox::new();
    sandbox.set("PASSPHRASE", "moo").set("SIGN_PASSPHRASE", "moo");
    let command = "env; cat; echo end";
    let backup = format!("moo backup --stdin-name db.sql --command '{command}' file://$PWD/store");
    sandbox.sh(&format!("echo typed | {backup}")).silent();
    let out = sandbox.sh("moo restore --path db.sql file://$PWD/store -").succeeds().out();
    assert!(out.contains("HOME=") && out.ends_with("end\n"), "{out}");
    for secret in ["PASSPHRASE=", "typed", "MOO_LIFELINE"] {
        assert!(!out.contains(secret), "{secret}: {out}");
    }
    // What is killed leaves no command behind.
    let slow = "moo backup --name slow --stdin-name db.sql --command 'echo a; exec sleep 987' file://$PWD/slow";
    let kill = format!(
        "{slow} & for n in $(seq 400); do pgrep -x -f 'sleep 987' && break; sleep 0.05; done; kill -9 $!; wait
        for n in $(seq 100); do pgrep -x -f 'sleep 987' || exit 0; sleep 0.1; done; exit 1"
    );
    sandbox.sh(&kill).succeeds();
}

#[test]
fn an_interrupted_dump_is_made_anew() {
    let sandbox = Sandbox::new();
    let dump =
        "head -c 9000000 /dev/zero | openssl enc -aes-128-ctr -pass pass:moo -nosalt 2>/dev/null";
    let half = format!("({dump}; exec sleep 986)");
    let options = "--volsize 1 --stdin-name db.sql";
    let slow = backup(&format!("{options} --command '{half}'"));
    let kill = format!(
        "{slow} & for n in $(seq 400); do ls -A store | grep -q vol4 && break; sleep 0.05; done;
        kill -9 $!; wait; ls -A store"
    );
    sandbox.sh(&kill).stdout_has("vol4");
    sandbox.sh(&backup(&format!("{options} --command '{dump}'"))).succeeds();
    assert_eq!(stored(&sandbox).len(), 1);
    assert!(restored(&sandbox, "") == sandbox.sh(dump).stdout);
    sandbox
        .sh("moo cleanup --archive-dir . --name archive file://$PWD/store")
        .stdout_is("nothing would go");
}

#[test]
fn a_store_of_one_dump_takes_no_other_source() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo a >src/a").silent();
    sandbox.sh(&backup("--stdin-name db.sql --command 'seq 9'")).silent();
    let other = sandbox.sh(&backup("--stdin-name other --command 'seq 9'"));
    other.fails_with(2).one_message().stderr_has("stdin:db.sql");
    sandbox.sh(&backup("src")).fails_with(2).one_message().stderr_has("stdin:db.sql");
    let lost =
        backup("--stdin-name other --command 'seq 9'").replace("--name archive", "--name lost");
    sandbox.sh(&lost).fails_with(10).one_message();
    // Whoever insists gets a set in which the other one is deleted.
    let forced = backup("--allow-source-mismatch --stdin-name other --command 'seq 8'");
    sandbox.sh(&forced).silent();
    sandbox
        .sh("moo restore --archive-dir . --name archive file://$PWD/store out && ls out")
        .stdout_is("other");
    let listed = sandbox.sh("moo status --archive-dir . --name archive file://$PWD/store");
    listed.succeeds().stdout_has("stdin:other");
}

#[test]
fn a_call_that_mixes_up_source_and_dump_is_explained() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo a >src/a && echo dash >./-").silent();
    for (words, why) in [
        ("-", "name it with --stdin-name"),
        ("--stdin-name db.sql src", "needs - as the source"),
        ("--stdin-name a/b -", "and no slash"),
        ("--stdin-name .. -", "and no slash"),
        ("--stdin-name '' -", "must not be empty"),
        ("--stdin-name db.sql --exclude x -", "nothing can be selected"),
        ("--command true", "--stdin-name"),
    ] {
        sandbox.sh(&backup(words)).fails_with(2).one_message().stderr_has(why);
    }
    let typed = backup("--quiet --stdin-name db.sql -")
        .replace("$PWD", &sandbox.path("").display().to_string());
    let terminal = sandbox.sh(&format!("script -qec '{typed}' /dev/null"));
    terminal.fails_with(2).stdout_has("standard input: is a terminal");
    assert!(!sandbox.path("store").exists());
    let dry = sandbox.sh(&backup("--dry-run --stdin-name db.sql --command 'touch ran'"));
    dry.succeeds().stdout_is("new      db.sql");
    assert!(!sandbox.path("ran").exists());
    // The file of that name.
    sandbox.sh(&backup("./-")).silent();
    sandbox
        .sh("moo restore --archive-dir . --name archive file://$PWD/store - 2>&1")
        .stdout_is("dash");
}

#[test]
fn the_newest_dump_is_made_by_a_key_and_read_with_it() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let options = format!("--encrypt-key {key} --seal-key {key} --stdin-name db.sql");
    for lines in [10, 20] {
        sandbox.sh(&format!("seq {lines} | moo backup {options} - file://$PWD/store")).silent();
    }
    let read = format!("moo restore --seal-key {key} --path db.sql file://$PWD/store -");
    assert_eq!(sandbox.sh(&read).succeeds().stdout, sandbox.sh("seq 20").stdout);
    sandbox.sh(&format!("moo verify --seal-key {key} file://$PWD/store")).silent();
    sandbox.sh("moo drill file://$PWD/store").silent();
}

#[test]
fn who_interrupts_a_dump_reads_that_it_starts_anew() {
    let sandbox = Sandbox::new();
    let slow = "head -c 9000000 /dev/urandom; exec sleep 985";
    let slow = backup(&format!("--volsize 1 --stdin-name db.sql --command '{slow}'"));
    let end = format!(
        "{slow} & for n in $(seq 400); do ls -A store 2>/dev/null | grep -q vol5 && break; sleep 0.05; done;
        kill -TERM $!; wait $!"
    );
    let run = sandbox.sh(&end).fails_with(143);
    let _ = run.stderr_has("moo backup: interrupted; nothing was stored; the next run starts anew");
    sandbox.sh(&backup("--stdin-name db.sql --command 'seq 9'")).silent();
    assert_eq!(restored(&sandbox, ""), sandbox.sh("seq 9").stdout);
}

#[test]
fn who_interrupts_a_dump_of_another_user_was_told_that_it_resumes_and_is_not() {
    if !rustix::process::geteuid().is_root() {
        return tests::not_tried("not root: nobody else can be run as");
    }
    let sandbox = Sandbox::for_everybody();
    sandbox.sh("mkdir -m 777 open").silent();
    let options =
        "--volsize 1 --archive-dir $PWD/open --name a --no-encryption --stdin-name db.sql";
    for users in ["--user daemon", "--user daemon --command-user daemon"] {
        let slow = format!(
            "moo backup {users} {options} --command 'head -c 9000000 /dev/urandom; exec sleep 984' \
            file://$PWD/open/store"
        );
        let end = format!(
            "rm -rf open/store open/a; {slow} &
            for n in $(seq 400); do ls -A open/store 2>/dev/null | grep -q vol5 && break; sleep 0.05; done
            kill -TERM $!; wait $!"
        );
        let run = sandbox.sh(&end).fails_with(143);
        let said = "moo backup: interrupted; the set is complete, or nothing was stored and the next run starts anew";
        assert_eq!(run.err().lines().next(), Some(said), "{users}");
        sandbox.sh(&slow.replace("head -c 9000000 /dev/urandom; exec sleep 984", "seq 9")).silent();
        sandbox
            .sh("moo restore --path db.sql file://$PWD/open/store -")
            .stdout_is("1\n2\n3\n4\n5\n6\n7\n8\n9");
    }
}

#[test]
fn a_command_runs_as_the_user_and_has_no_privilege_to_read_every_file() {
    if !rustix::process::geteuid().is_root() {
        return tests::not_tried("not root: nobody else can be run as");
    }
    let sandbox = Sandbox::for_everybody();
    sandbox.sh("mkdir -m 777 open && echo secret >secret && chmod 600 secret").silent();
    let command = "id -un; grep -E \"Cap(Prm|Eff|Amb)\" /proc/self/status; cat secret || echo kept";
    let options =
        "--user daemon --archive-dir $PWD/open --name a --no-encryption --stdin-name db.sql";
    let run =
        sandbox.sh(&format!("moo backup {options} --command '{command}' file://$PWD/open/store"));
    let _ = run.succeeds().stderr_has("secret: Permission denied");
    let out = sandbox.sh("moo restore --path db.sql file://$PWD/open/store -").succeeds().out();
    let zero = "0000000000000000";
    let wanted = format!("daemon\nCapPrm:\t{zero}\nCapEff:\t{zero}\nCapAmb:\t{zero}\nkept\n");
    assert_eq!(out, wanted);
}

#[test]
fn a_passphrase_from_standard_input_was_the_first_line_of_the_dump_and_is_refused() {
    let sandbox = Sandbox::new();
    for option in ["--passphrase-fd 0", "--passphrase-file /dev/stdin"] {
        let call = format!("moo backup {option} --stdin-name db.sql - file://$PWD/store");
        let run = sandbox.sh(&format!("seq 9 | {call}")).fails_with(2).one_message();
        drop(run.stderr_has("standard input is what is backed up"));
    }
    let command = "--passphrase-fd 0 --stdin-name db.sql --command 'seq 9'";
    sandbox.sh(&format!("echo moo | moo backup {command} file://$PWD/store")).silent();
    sandbox.sh("echo moo >pass; moo restore --passphrase-file pass --path db.sql file://$PWD/store - | tail -n 1").stdout_is("9");
}

#[test]
fn a_command_read_the_passphrase_from_a_descriptor_and_gets_none_but_three() {
    let sandbox = Sandbox::new();
    let look =
        "ls -l /proc/self/fd | grep -v /proc/ | wc -l; env | grep -c ^MOO_; head -c 9 <&9; :";
    let call = format!(
        "echo topsecret >pass; moo backup --passphrase-fd 9 --stdin-name db.sql --command '{look}' \
        file://$PWD/store 9<pass"
    );
    sandbox.sh(&call).succeeds();
    let read = "moo restore --passphrase-file pass --path db.sql file://$PWD/store -";
    // The first line of ls, and the three.
    sandbox.sh(read).stdout_is("4\n0");
}

#[test]
fn an_option_that_is_given_twice_was_the_last_one_in_silence_and_is_refused() {
    let sandbox = Sandbox::new();
    for call in [
        backup("--stdin-name a --stdin-name b -"),
        "moo verify --path a --file-to-restore=b file://$PWD/store src".to_owned(),
    ] {
        let run = sandbox.sh(&call).fails_with(2).one_message();
        drop(run.stderr_has("is given twice"));
    }
}

#[test]
fn several_dumps_are_one_set_and_none_is_stored_if_one_fails() {
    let sandbox = Sandbox::new();
    let pair = |name: &str, command: &str| format!("--stdin-name {name} --command '{command}'");
    let two = format!("{} {}", pair("shop.sql", "seq 9"), pair("db.sql", "seq 20 90000"));
    sandbox.sh(&backup(&two)).silent();
    assert_eq!(restored(&sandbox, ""), sandbox.sh("seq 20 90000").stdout);
    // The second one, by name, fails after the first has been read.
    let before = sandbox.sh("ls store; cat store/*").stdout;
    for last in ["seq 9; exit 3", "true"] {
        let failing = format!("{} {}", pair("shop.sql", last), pair("db.sql", "seq 9"));
        sandbox.sh(&backup(&failing)).fails_with(1).one_message().stderr_has("nothing is stored");
        assert!(sandbox.sh("ls store; cat store/*").stdout == before, "{last}");
    }
    // One more behind the others is no other source; one that is gone is deleted.
    let three = format!("{two} {}", pair("aaa", "echo new"));
    sandbox.sh(&backup(&three)).silent();
    sandbox.sh(&backup(&pair("shop.sql", "seq 8"))).silent();
    let times = stored(&sandbox);
    for (time, names) in times.iter().zip(["db.sql\nshop.sql", "aaa\ndb.sql\nshop.sql", "shop.sql"])
    {
        let restore = format!(
            "rm -rf out; moo restore --archive-dir . --name archive --time {time} file://$PWD/store out && ls out"
        );
        sandbox.sh(&restore).stdout_is(names);
    }
    for (words, why) in [
        ("--stdin-name a --stdin-name b -", "is given twice"),
        ("--stdin-name a --command 'echo 1' --command 'echo 2'", "each needs its own"),
        ("--stdin-name a --stdin-name b --command date", "each needs its own --stdin-name"),
        ("--stdin-name a --stdin-name a --command date --command date", "can not have one name"),
    ] {
        sandbox.sh(&backup(words)).fails_with(2).one_message().stderr_has(why);
    }
}

#[test]
fn a_command_runs_as_the_user_that_was_asked_for() {
    let sandbox = Sandbox::new();
    let command = |user: &str| {
        backup(&format!(
            "--stdin-name db.sql --command-user {user} --command 'id -un; id -G; echo $HOME'"
        ))
    };
    sandbox.sh(&command("no-such-user")).fails_with(2).one_message().stderr_has("no such user");
    if !rustix::process::geteuid().is_root() {
        let refused = sandbox.sh(&command("nobody")).fails_with(2).one_message();
        refused.stderr_has("only root can run a command as another user");
        return;
    }
    sandbox.sh(&command("nobody")).silent();
    let who = sandbox.sh("echo nobody; id -G nobody; getent passwd nobody | cut -d: -f6").stdout;
    assert_eq!(restored(&sandbox, ""), who);
}
