//! The exit statuses, and the codes that clients read from `--log-fd`.

use tests::until;

use super::{drop_in, later};

#[test]
fn wrong_calls_and_missing_things_have_the_statuses_of_duplicity() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store; : >empty; echo /etc/passwd >outside").silent();
    for (call, status) in [
        ("--frob src file://$PWD/store", 23),
        ("src", 23),
        ("nothing file://$PWD/store", 23),
        ("src s3://host/bucket", 23),
        ("--use-gpgsm src file://$PWD/store", 23),
        ("restore file://$PWD/store src", 11),
        ("verify --compare-data file://$PWD/store nothing", 12),
        ("--exclude '/other/*' src file://$PWD/store", 14),
        ("--include src/a src file://$PWD/store", 16),
        ("--exclude src/link --include-regexp a src file://$PWD/store", 16),
        ("verify --compare-data --include src/a file://$PWD/store src", 16),
        ("inc src file://$PWD/other", 17),
        ("restore --path-to-restore nothing file://$PWD/store out", 19),
        ("restore file://$PWD/other out", 30),
        ("--filter-globbing --exclude a src file://$PWD/store", 70),
        ("--exclude a --filter-literal src file://$PWD/store", 71),
        ("--files-from outside src file://$PWD/store", 72),
        ("--files-from empty src file://$PWD/store", 73),
    ] {
        let run = sandbox.sh(&format!("duplicity --log-file log {call}")).fails_with(status);
        assert!(!run.err().is_empty(), "{call}");
        let last = sandbox.sh("grep '^[A-Z]* [0-9]' log | tail -n 1; rm log").out();
        assert!(last.starts_with(&format!("ERROR {status}")), "{call}: {last}");
    }
    sandbox.sh("ls -d out other").fails();
}

#[test]
fn a_wrong_passphrase_is_told_in_the_words_that_clients_look_for() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store; rm -r .home/.cache/duplicity").silent();
    let restore = "PASSPHRASE=wrong duplicity --log-fd 5 restore file://$PWD/store out 5>log";
    sandbox.sh(restore).fails_with(31);
    sandbox
        .sh("grep -A 9 '^ERROR' log")
        .stdout_has("ERROR 31 GPGError\n")
        .stdout_has("Bad session key");
    sandbox.sh("PASSPHRASE=wrong duplicity list-current-files file://$PWD/store").fails_with(31);
    sandbox.sh("PASSPHRASE=wrong duplicity inc src file://$PWD/store").fails_with(31);
}

#[test]
fn damage_is_an_error_and_a_difference_has_the_status_1() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store").silent();
    later(&sandbox);
    sandbox.sh("echo other >src/a").silent();
    sandbox.sh("duplicity -v0 verify file://$PWD/store src").silent();
    sandbox
        .sh("duplicity -v0 verify --compare-data file://$PWD/store src")
        .fails_with(1)
        .stderr_is("");
    let damage =
        "f=$(ls store/*vol1*) && printf x | dd of=$f bs=1 seek=200 conv=notrunc 2>/dev/null";
    sandbox.sh(damage).silent();
    sandbox.sh("duplicity -v0 verify file://$PWD/store src").fails_with(21);
    sandbox.sh("duplicity -v0 restore file://$PWD/store out").fails_with(21);
    sandbox.sh("ls out").fails();
}

#[test]
fn whoever_kills_the_one_process_ends_all_of_the_work() {
    let sandbox = drop_in();
    sandbox.sh("head -c 300M /dev/urandom >src/large").silent();
    let kill = format!(
        "duplicity -v0 --volsize 5 src file://$PWD/store & job=$!
        {}
        kill -KILL $job; wait $job; echo $?; sleep 1; ls -A store | wc -l; sleep 1; ls -A store | wc -l
        ls store | grep -c manifest",
        until("ls -A store 2>/dev/null | grep -q vol2")
    );
    let out = sandbox.sh(&kill).out();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!((lines[0], lines[1] == lines[2], lines[3]), ("137", true, "0"), "{out}");
    sandbox.sh("duplicity -v0 --volsize 5 src file://$PWD/store").silent();
    sandbox.sh("duplicity -v0 verify --compare-data file://$PWD/store src").silent();
}
