//! `--file-prefix` and its relatives: several backups in one store.

use tests::sandbox::workspace;
use tests::{Duplicity, Key, Sandbox};

use super::{drop_in, later, with_moo};

/// A prefix for each kind of file.
const ALL: &str = "--file-prefix g- --file-prefix-manifest m- --file-prefix-archive a- \
                   --file-prefix-signature s-";

/// The same prefix for each kind.
const KINDS: &str = "--file-prefix-manifest b --file-prefix-archive b --file-prefix-signature b";

/// The last lines of a backup in a directory: nothing is there that does not begin so.
fn all_begin(sandbox: &Sandbox, folder: &str, start: &str) {
    sandbox.sh(&format!("ls {folder} | grep -vE '^({start})'")).fails_with(1).stdout_is("");
}

#[test]
fn stock_and_ours_take_turns_on_a_chain_with_prefixes_and_in_its_archive_directory() {
    let sandbox = drop_in();
    let key = Key::open(&sandbox, "cow@barn");

    for (number, stock) in
        [Duplicity::old(&sandbox), Duplicity::new(&sandbox)].into_iter().enumerate()
    {
        let store = format!("store{number}");
        let url = format!("file://$PWD/{store}");
        let options = format!("{ALL} --encrypt-key {key}");
        let stock = stock.store(&store).archive(&format!("archive{number}")).option(&options);
        let ours = |action: &str, words: &str| {
            let archive = format!("--archive-dir . --name archive{number}");
            sandbox.sh(&format!("duplicity {action} -v0 {archive} {options} {words}"))
        };
        ours("full", &format!("src {url}")).silent();
        later(&sandbox);
        sandbox.sh(&format!("echo {number} >src/a")).silent();
        // Nobody needs the secret key: each finds what the other has left in the archive directory.
        key.export_secret(&sandbox, "secret", "");
        if number == 0 {
            // The new one decrypts the last manifest in the store for each increment.
            key.forget_secret(&sandbox);
        }
        stock.increment("src").succeeds().stdout_has("synchronized, no sync needed");
        later(&sandbox);
        sandbox.sh("date >src/today").silent();
        ours("inc", &format!("src {url}")).silent();
        sandbox.sh("gpg -q --batch --import secret").succeeds();
        stock.restore("theirs").succeeds();
        ours("restore", &format!("{url} ours")).silent();
        sandbox
            .sh("diff -r --no-dereference src theirs && diff -r --no-dereference src ours")
            .silent();
        stock.cleanup().succeeds();
        ours("cleanup", &format!("--force {url}")).silent();
        stock.verify("src").succeeds().stdout_has("0 difference");
        let kinds =
            "g-a-duplicity-(full|inc)|g-m-duplicity|g-s-duplicity-(full|new)-sig|g-m-moobacker";
        all_begin(&sandbox, &store, kinds);
        all_begin(&sandbox, &format!("archive{number}"), &format!("{kinds}|lockfile"));
        sandbox.sh(&format!("ls archive{number} | grep -c manifest")).stdout_is("3");
        // As if it was lost, and for a store whose backups have other prefixes only.
        sandbox.sh(&format!("rm -r archive{number} ours theirs")).silent();
        ours("restore", &format!("{url} ours")).silent();
        sandbox.sh("diff -r --no-dereference src ours && rm -r ours").silent();
        sandbox
            .sh(&format!("duplicity -v0 restore {url} ours"))
            .fails_with(30)
            .stderr_has("no backup");
    }
}

#[test]
fn backups_with_several_prefixes_lie_in_one_store_and_none_touches_the_others() {
    let sandbox = drop_in();
    let url = "file://$PWD/store";
    let prefixes = ["", "--file-prefix a", "--file-prefix ab", KINDS];
    for (number, prefix) in prefixes.iter().enumerate() {
        sandbox.sh(&format!("mkdir src{number} && echo {number} >src{number}/f")).silent();
        for _ in 0..2 {
            sandbox.sh(&format!("duplicity -v0 full {prefix} src{number} {url}")).silent();
            later(&sandbox);
        }
    }
    // What an interrupted upload of the third has left.
    let left = ".upload-6543a.1.0-abduplicity-full.20200101T000000Z.vol1.difftar.gpg";
    sandbox.sh(&format!("touch 'store/{left}'; ls -A store | sort >before")).silent();
    for prefix in [prefixes[0], prefixes[1], prefixes[3]] {
        for action in ["cleanup", "remove-all-but-n-full 2", "remove-all-inc-of-but-n-full 1"] {
            sandbox.sh(&format!("duplicity {action} --force -v0 {prefix} {url}")).silent();
        }
        let status = format!("duplicity collection-status {prefix} {url}");
        sandbox
            .sh(&status)
            .succeeds()
            .stderr_is("")
            .stdout_has("Found 1 secondary backup chain.")
            .stdout_has("No orphaned or incomplete backup sets found.");
    }
    sandbox.sh("ls -A store | sort | diff before -").silent();
    sandbox.sh(&format!("duplicity cleanup --force -v0 {} {url}", prefixes[2])).silent();
    sandbox
        .sh("ls -A store | sort | diff before -")
        .stdout_has(&format!("< {left}\n"))
        .fails_with(1);
    sandbox
        .sh(&format!("duplicity remove-all-but-n-full 1 --force -v0 {} {url}", prefixes[1]))
        .silent();
    for (prefix, sets) in
        ["duplicity", "aduplicity", "abduplicity", "bduplicity"].iter().zip("2122".chars())
    {
        sandbox
            .sh(&format!("ls store | grep -c '^{prefix}.*manifest'"))
            .stdout_is(&sets.to_string());
    }
    for (number, prefix) in prefixes.iter().enumerate() {
        for lost in [false, true] {
            if lost {
                sandbox.sh("rm -r .home/.cache/duplicity").silent();
            }
            let restore = format!("duplicity -v0 restore {prefix} {url} out");
            sandbox.sh(&format!("{restore} && diff -r src{number} out && rm -r out")).silent();
            let increment = format!("duplicity -v0 inc {prefix} src{number} {url}");
            sandbox.sh(&increment).silent();
            later(&sandbox);
        }
    }
}

#[test]
fn the_commands_of_moo_take_prefixes_also_with_parity_copies_and_repairs() {
    let mut sandbox = drop_in();
    with_moo(&mut sandbox);
    let options = "--file-prefix x- --archive-dir state";
    let url = "file://$PWD/store";
    sandbox.sh("duplicity -v0 src file://$PWD/store").silent();
    let moo = |command: &str, words: &str| sandbox.sh(&format!("moo {command} {options} {words}"));
    moo("backup", &format!("--quiet --parity 30 src {url}")).silent();
    later(&sandbox);
    sandbox.sh("echo more >src/more").silent();
    moo("backup", &format!("--quiet --parity 30 src {url}")).silent();
    sandbox.sh("ls store | grep -c '^x-moobacker.*parity'").stdout_is("2");
    moo("verify", &format!("--quiet {url}")).silent();
    moo("status", &format!("--json {url}")).stdout_has("\"inc\"");
    let damage =
        "f=$(ls store/x-*full*vol1*) && printf x | dd of=$f bs=1 seek=200 conv=notrunc 2>&1";
    sandbox.sh(damage).succeeds();
    moo("verify", &format!("--quiet {url}")).fails_with(5);
    moo("repair", &format!("--quiet {url}")).succeeds();
    moo("replicate", &format!("--quiet {url} file://$PWD/copy")).silent();
    sandbox.sh("ls copy | grep -v '^x-'").fails_with(1);
    for (archive, store) in [("state", "store"), ("fresh", "store"), ("state", "copy")] {
        let restore = format!("moo restore --quiet --file-prefix x- --archive-dir {archive}");
        sandbox
            .sh(&format!("{restore} file://$PWD/{store} out && diff -r --no-dereference src out"))
            .silent();
        sandbox.sh("rm -r out").silent();
    }
    sandbox.sh("rm -r state").silent();
    moo("sync", &format!("--quiet {url}")).silent();
    moo("list", url).stdout_has("more");
    later(&sandbox);
    sandbox.sh("rm src/more").silent();
    moo("backup", &format!("--quiet src {url}")).silent();
    sandbox.sh("duplicity -v0 collection-status file://$PWD/store | grep -c Full").stdout_is("1");
}

#[test]
fn a_prefix_that_would_mix_backups_or_leave_the_folder_is_refused() {
    let mut sandbox = drop_in();
    with_moo(&mut sandbox);
    for (prefix, why) in [
        ("a/b", "has a slash"),
        (".upload-1-", "begins with a dot"),
        ("moobacker.20000101T000000Z.", "makes names that a backup without a prefix has"),
        ("a-prefix-of-more-than-forty-bytes-is-too-long", "longer than 40 bytes"),
    ] {
        for option in ["--file-prefix", "--file-prefix-archive"] {
            let (call, why) =
                (format!("{option} {prefix} src file://$PWD/store"), format!("{option}: {why}"));
            sandbox.sh(&format!("duplicity {call}")).fails_with(23).one_message().stderr_has(&why);
            sandbox.sh(&format!("moo backup {call}")).fails_with(2).stderr_has(&why);
        }
    }
    sandbox.sh("ls store").fails();
}

#[test]
fn a_backup_with_prefixes_is_rescued_and_its_seals_are_checked() {
    let mut sandbox = drop_in();
    with_moo(&mut sandbox);
    let url = "file://$PWD/store";
    for (prefix, source) in [("", "src/sub"), ("--file-prefix x-", "src")] {
        let backup = format!("moo backup --quiet --no-encryption --archive-dir state {prefix}");
        sandbox.sh(&format!("{backup} {source} {url}")).silent();
    }
    let rescue = workspace().join("pipelines/rescue.sh").display().to_string();
    sandbox.sh(&format!("{rescue} -p x- store out && diff -r --no-dereference src out")).silent();
    sandbox.sh(&format!("{rescue} store sub && diff -r src/sub sub")).silent();
    sandbox.sh("echo >>$(ls store/x-*sigtar*)").silent();
    sandbox.sh(&format!("{rescue} -p x- store again")).fails_with(1).stderr_has("damaged: ");
    sandbox.sh("ls -d again").fails();
}

#[test]
fn the_archive_directory_of_one_name_mixed_backups_with_several_prefixes_and_serves_all() {
    let mut sandbox = drop_in();
    with_moo(&mut sandbox);
    let (named, url) = ("--archive-dir . --name shared", "file://$PWD/store");
    let prefixes = ["", "--file-prefix a-", "--file-prefix b-", KINDS];
    for kind in ["full", "inc"] {
        for (number, prefix) in prefixes.iter().enumerate() {
            sandbox
                .sh(&format!("mkdir -p s{number}; date +%N >s{number}/f{number}{kind}"))
                .silent();
            let words = format!("--no-encryption {named} {prefix} s{number} {url}");
            sandbox.sh(&format!("moo backup {kind} --quiet {words}")).silent();
        }
        later(&sandbox);
    }
    for (number, prefix) in prefixes.iter().enumerate() {
        let listed = sandbox.sh(&format!("moo list {named} {prefix} {url}")).succeeds().out();
        let files = listed.lines().filter(|line| line.starts_with('-')).count();
        assert!(files == 2 && listed.contains(&format!(" f{number}inc")), "{prefix}: {listed}");
        // The drop-in and stock go on with it.
        let next =
            format!("date +%N >s{number}/f{number}more && duplicity inc -v0 --no-encryption");
        sandbox.sh(&format!("{next} {named} {prefix} s{number} {url}")).silent();
        later(&sandbox);
        let stock = Duplicity::new(&sandbox).archive("shared").plain().option(prefix);
        let source = format!("s{number}");
        stock.increment(&source).succeeds().stdout_has("synchronized, no sync needed");
        later(&sandbox);
        let status =
            format!("moo status --json {named} {prefix} {url} | jq '.chains[].sets|length'");
        sandbox.sh(&status).stdout_is("4");
        let restore = format!("env -u PASSPHRASE moo restore --quiet {named} {prefix} {url} out");
        sandbox.sh(&format!("{restore} && diff -r {source} out && rm -r out")).silent();
    }
}
