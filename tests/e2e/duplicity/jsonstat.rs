//! `--jsonstat`: statistics as JSON beside a set.

use tests::Duplicity;

use super::{drop_in, later, with_moo};

#[test]
fn the_statistics_have_stocks_names_keys_and_place_and_stock_finds_them_in_the_archive_directory() {
    let sandbox = drop_in();
    let options = "--no-encryption --jsonstat --file-prefix-jsonstat j-";
    let stock = Duplicity::new(&sandbox).option(options);
    let ours = |action: &str| {
        let archive = "--archive-dir . --name archive";
        sandbox.sh(&format!("duplicity {action} {archive} {options} src file://$PWD/store"))
    };
    ours("full").succeeds().stdout_has("\"action\": \"full\"").stdout_has("Backup Statistics");
    later(&sandbox);
    sandbox.sh("echo more >src/more; rm src/a").silent();
    ours("inc --no-print-statistics")
        .succeeds()
        .stdout_has("\"DeletedFiles\": 1,")
        .stdout_has("\"no_of_inc\": 0,");
    later(&sandbox);
    sandbox.sh("date >src/today").silent();
    stock.increment("src").succeeds().stdout_has("synchronized, no sync needed");
    later(&sandbox);
    sandbox.sh("date >src/tomorrow").silent();
    ours("inc").succeeds().stdout_has("\"no_of_inc\": 2,");
    sandbox.sh("ls store | grep -c '^j-duplicity-inc.*.jsonstat.gz'").stdout_is("3");
    sandbox.sh("ls archive | grep -c '^j-duplicity-inc.*.jsonstat.gz'").stdout_is("3");
    let keys = "for f in $(ls store/j-*); do zcat $f | jq -c '[paths|map(tostring)|join(\".\")] \
                | map(select(test(\"local_json_stat\")|not))'; done | sort -u | wc -l";
    sandbox.sh(keys).stdout_is("1");
    sandbox.sh("zcat $(ls store/j-* | tail -n 1) | jq .backup_meta.local_json_stat[0]").succeeds();
    // Sets without the option have no statistics, and all of them are removed with their sets.
    later(&sandbox);
    stock.clone().status().succeeds().stdout_has("Number of contained backup sets: 4");
    let plain = "--archive-dir . --name archive --no-encryption --file-prefix-jsonstat j-";
    sandbox.sh(&format!("duplicity -v0 full {plain} src file://$PWD/store")).silent();
    sandbox
        .sh(&format!("duplicity -v0 remove-all-but-n-full 1 --force {plain} file://$PWD/store"))
        .silent();
    sandbox.sh("ls store archive | grep jsonstat").fails_with(1);
}

#[test]
fn an_encrypted_set_has_encrypted_statistics_which_the_seal_lists_and_copies_keep() {
    let mut sandbox = drop_in();
    with_moo(&mut sandbox);
    sandbox.sh("duplicity -v0 --jsonstat src file://$PWD/store").silent();
    let name = "$(ls store | grep jsonstat)";
    sandbox
        .sh(&format!(
            "echo 'a b' | gpg -qd --batch --pinentry-mode loopback --passphrase-fd 0 store/{name} >stored"
        ))
        .succeeds();
    sandbox.sh("jq -r .backup_meta.target stored").stdout_has("file:///");
    sandbox.sh("moo replicate --quiet file://$PWD/store file://$PWD/copy").silent();
    sandbox.sh("cmp store/*jsonstat* copy/*jsonstat*").silent();
    let sums = "cd store && gpg -qd --batch *.seal 2>/dev/null | sha256sum -c 2>/dev/null";
    sandbox.sh(&format!("{sums} | grep jsonstat")).stdout_has("jsonstat.gpg: OK");
    sandbox.sh("duplicity -v0 verify file://$PWD/store src").succeeds();
}

#[test]
fn a_dry_run_prints_the_statistics_of_stock_and_stores_none() {
    let sandbox = drop_in();
    let stock = Duplicity::new(&sandbox).plain().option("--jsonstat");
    stock.full("src").succeeds();
    sandbox.sh("echo more >src/more; rm src/a; ls store archive >before").silent();
    // What stock counts of folders, and how long it takes, is its own.
    let facts = "sed -n '/^{/,/^}/p' | jq -S '[keys, .Errors, .DeletedFiles, .backup_meta]'";
    let words = "--dry-run src file://$PWD/store";
    let script = stock.script("incremental", words);
    let theirs = sandbox.sh(&format!("({script}) | {facts}")).succeeds().out();
    let ours =
        format!("duplicity inc --archive-dir . --name archive --no-encryption --jsonstat {words}");
    assert_eq!(sandbox.sh(&format!("{ours} | {facts}")).succeeds().out(), theirs);
    assert!(theirs.contains("\"no_of_inc\": 0,") && theirs.contains("full."), "{theirs}");
    sandbox
        .sh(&ours)
        .succeeds()
        .stdout_has("Backup Statistics")
        .stdout_has("NewFileSize 5 (5 bytes)");
    let quiet = sandbox.sh(&format!("{ours} --no-print-statistics")).succeeds().out();
    assert!(
        quiet.contains("\"NewFileSize\": 5,") && !quiet.contains("Backup Statistics"),
        "{quiet}"
    );
    sandbox.sh("ls store archive | grep -v lockfile | diff before -").silent();
    // Here stock fails: it has no chain yet.
    let full = "duplicity full --dry-run --jsonstat src file://$PWD/new";
    sandbox.sh(full).succeeds().stdout_has("\"action\": \"full\"").stdout_has("\"N/A\"");
    sandbox.sh("ls -d new").fails();
}

#[test]
fn a_socket_was_a_change_and_is_none() {
    let sandbox = drop_in();
    sandbox
        .sh("python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\"src/socket\")'")
        .silent();
    sandbox.sh("duplicity -v0 src file://$PWD/store").silent();
    later(&sandbox);
    let again = "duplicity --skip-if-no-change src file://$PWD/store";
    sandbox.sh(again).succeeds().stdout_has("No changes found. Skipping backup.");
}
