//! What is refused, found early, or left undone; and in which words.

use tests::Sandbox;
use tests::sandbox::programs;

use super::{drop_in, later, with_moo};

#[test]
fn wrong_values_were_found_after_work_had_begun_and_are_found_before() {
    let sandbox = drop_in();
    for (option, why) in [
        ("--full-if-older-than soon", "--full-if-older-than: soon: not a time"),
        ("--volsize x", "--volsize: x: not a number"),
        ("--volsize 0", "--volsize: 0: not a number above 0"),
        ("--volsize 1.5", "--volsize: 1.5: not a number"),
        ("--timeout x", "--timeout: x: not a number"),
        ("--num-retries -3", "--num-retries: -3: not a number"),
        ("--full-if-n-inc x", "--full-if-n-inc: x: not a number"),
        ("--exclude-older-than x", "--exclude-older-than: x: not a time"),
        ("--concurrency x", "--concurrency: x: not a number"),
        ("--par2-redundancy x", "--par2-redundancy: x: not a number"),
        ("--metadata-sync-mode x", "--metadata-sync-mode: x: not full or partial"),
        ("--name ''", "--name: : not a name of a directory"),
        ("--name /tmp", "--name: /tmp: not a name of a directory"),
        ("--name x/../..", "--name: x/../..: not a name of a directory"),
    ] {
        let run = sandbox.sh(&format!("duplicity {option} src file://$PWD/store"));
        run.fails_with(23).one_message().stderr_has(why);
    }
    for call in
        ["restore -t x file://$PWD/store out", "remove-older-than x --force file://$PWD/store"]
    {
        sandbox
            .sh(&format!("duplicity {call}"))
            .fails_with(23)
            .one_message()
            .stderr_has("not a time");
    }
    sandbox.sh("ls -d store .home/.cache/duplicity 2>&1 | grep -vc 'No such'").stdout_is("0");
    sandbox
        .sh("duplicity -v0 --name a/b --full-if-older-than 2020-01-01 src file://$PWD/store")
        .silent();
    sandbox.sh("ls .home/.cache/duplicity/a").stdout_is("b");
}

#[test]
fn a_full_set_is_due_by_any_time_that_stock_takes() {
    let sandbox = drop_in();
    let back_up = |oldest: &str| {
        later(&sandbox);
        let call = format!("duplicity -v0 --full-if-older-than {oldest} src file://$PWD/store");
        sandbox.sh(&call).silent();
        sandbox.sh("ls store | grep -c full.*manifest").out().trim().to_owned()
    };
    for (oldest, sets) in
        [("2020-01-01", "1"), ("2020/1/1", "1"), ("100", "1"), ("1D", "1"), ("now", "2")]
    {
        let oldest = if oldest == "2020/1/1" { "2020-01-01T00:00:00+01:00" } else { oldest };
        assert_eq!(back_up(oldest), sets, "{oldest}");
    }
    let dry = "duplicity -v5 --no-print-statistics --dry-run --full-if-older-than now src file://$PWD/store";
    sandbox.sh(&format!("{dry} | grep -c '^A '")).stdout_is("5");
}

#[test]
fn another_source_had_the_status_of_a_wrong_call_and_has_stocks() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store").silent();
    later(&sandbox);
    let run = sandbox.sh("duplicity --log-file log src/sub file://$PWD/store");
    run.fails_with(42).stderr_has("--allow-source-mismatch");
    sandbox.sh("grep -c '^ERROR 42' log").stdout_is("1");
    sandbox
        .sh("duplicity -v0 --allow-source-mismatch --allow-deletions src/sub file://$PWD/store")
        .silent();
}

#[test]
fn a_dry_run_copied_a_store_and_filled_an_archive_directory_and_does_neither() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store").silent();
    later(&sandbox);
    sandbox.sh("echo x >src/x; duplicity -v0 src file://$PWD/store").silent();
    let replicate = "duplicity replicate --dry-run file://$PWD/store file://$PWD/copy";
    sandbox
        .sh(replicate)
        .succeeds()
        .stdout_has("Would copy the full ")
        .stdout_has("Would copy the inc ");
    sandbox.sh("! ls -d copy 2>/dev/null").succeeds();
    sandbox.sh("duplicity -v0 replicate file://$PWD/store file://$PWD/copy").silent();
    sandbox.sh(replicate).silent();
    sandbox.sh("rm -r .home/.cache/duplicity").silent();
    sandbox.sh("duplicity --dry-run src file://$PWD/store").succeeds();
    sandbox.sh("find .home/.cache -type f").silent();
}

#[test]
fn advice_names_what_a_user_of_duplicity_has() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store && mkdir -p out/a").silent();
    sandbox
        .sh("duplicity restore --force file://$PWD/store out")
        .fails()
        .stderr_has("delete it first");
    let run = sandbox.sh("env -u PASSPHRASE setsid duplicity src file://$PWD/store2 </dev/null");
    run.fails_with(31).stderr_has("give --encrypt-key, PASSPHRASE or --no-encryption");
}

/// `secret` is nowhere in what a call says and writes.
fn keeps_secret(sandbox: &Sandbox, call: &str) {
    let run = sandbox.sh(&format!("{call} 2>&1 | tee said; ! grep -a secret said log 2>/dev/null"));
    run.succeeds().stdout_has("tom:***@");
}

#[test]
fn passwords_in_urls_that_are_refused_were_printed_and_are_masked() {
    let sandbox = drop_in();
    let moo = programs().join("../../pipelines/moo").display().to_string();
    for url in
        ["ftp://tom:secret@host/x", "s3://tom:sec:ret@secret@host/x", "par2+ftp://tom:secret@h"]
    {
        keeps_secret(&sandbox, &format!("duplicity --log-file log src '{url}'"));
        keeps_secret(&sandbox, &format!("{moo} status '{url}'"));
        keeps_secret(&sandbox, &format!("{moo} backup --no-encryption src '{url}'"));
    }
}

#[test]
fn a_descriptor_that_takes_no_messages_lost_them_in_silence_and_is_refused() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store; echo >file").silent();
    for (call, why) in [
        ("--log-fd 7 7<file", "--log-fd: 7: cannot write to it"),
        ("--log-fd 77", "--log-fd: 77: cannot write to it"),
    ] {
        let run = sandbox.sh(&format!("duplicity collection-status file://$PWD/store {call}"));
        run.fails_with(23).stderr_has(why);
    }
    let full = "duplicity collection-status file://$PWD/store --log-fd 7 7>/dev/full";
    sandbox.sh(full).succeeds().one_message().stderr_has("a message for programs is lost");
}

#[test]
fn forced_removals_named_the_start_of_a_chain_and_name_its_end_as_stock_does() {
    let sandbox = drop_in();
    for kind in ["full", "inc", "full"] {
        sandbox
            .sh(&format!("date +%N >src/a; duplicity -v0 {kind} src file://$PWD/store"))
            .silent();
        later(&sandbox);
    }
    let remove = "duplicity remove-all-but-n-full 1 file://$PWD/store";
    let named = |call: &str| {
        let lines =
            sandbox.sh(&format!("{call} | grep ' 20[0-9][0-9]$' | grep -v Last")).succeeds();
        lines.out()
    };
    let listed = named(remove);
    assert_eq!(named(&format!("{remove} --force")), listed);
    assert_eq!(listed.lines().count(), 1);
}

#[test]
fn secrets_in_connection_strings_of_rclone_are_masked_in_messages() {
    let mut sandbox = drop_in();
    with_moo(&mut sandbox);
    for (url, shown) in [
        ("rclone:none,pass=hush:x", "rclone:none,pass=***:x"),
        ("rclone::sftp,host=none.invalid,pass=\"hu,:sh\",user=me:x", "pass=***,user=me:x"),
        ("rclone:none,secret_access_key=hush", "secret_access_key=***"),
    ] {
        for call in [
            format!("duplicity --num-retries 1 src '{url}'"),
            format!("duplicity --num-retries 1 restore '{url}' out"),
            format!("moo status --num-retries 1 '{url}'"),
            format!("moo list --num-retries 1 '{url}'"),
            format!("moo backup --num-retries 1 src '{url}'"),
            format!("moo replicate --num-retries 1 '{url}' '{url}'"),
        ] {
            let run = sandbox.sh(&call).fails();
            let said = run.err() + &run.out();
            assert!(said.contains(shown) && !said.contains("sh\""), "{call}: {said}");
            assert!(!said.contains("hush") && !said.contains("hu,:sh"), "{call}: {said}");
        }
    }
}
