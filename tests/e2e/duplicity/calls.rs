//! Calls as scripts have them, and what they do.

use tests::scale::scale;
use tests::{Sandbox, Snapshot, assert_same};

use super::{STOCK, drop_in, later};

fn same(sandbox: &Sandbox, one: &str, other: &str) {
    let read = |name: &str| Snapshot::kept(sandbox.path(name));
    assert_same(&read(one), &read(other));
}

#[test]
fn a_script_of_many_years_runs_silently_with_no_word_changed() {
    let sandbox = drop_in();
    let script = "set -e
        duplicity --verbosity error --no-print-statistics --full-if-older-than 1M \
            --volsize 100 --exclude '**/cache' --name work src file://$PWD/store
        duplicity remove-all-but-n-full 3 --force -v0 --name work file://$PWD/store
        duplicity cleanup --force -v error --name work file://$PWD/store";
    sandbox.sh(script).silent();
    later(&sandbox);
    sandbox.sh(&format!("date >src/today; mkdir src/cache; {script}")).silent();
    let sets = "cd store && ls duplicity-full.*.manifest.gpg duplicity-inc.*.manifest.gpg | wc -l";
    sandbox.sh(sets).stdout_is("2");
    sandbox.sh("duplicity -v0 file://$PWD/store out && rmdir src/cache").silent();
    sandbox.sh("touch -r out src").silent();
    same(&sandbox, "src", "out");
}

#[test]
fn stock_goes_on_with_the_chain_and_the_archive_directory_and_so_do_we() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store").silent();
    later(&sandbox);
    sandbox
        .sh(&format!("echo three >src/a; {STOCK} duplicity -v2 inc src file://$PWD/store"))
        .succeeds();
    later(&sandbox);
    sandbox.sh("rm src/link; duplicity -v0 incr src file://$PWD/store").silent();
    sandbox.sh("ls .home/.cache/duplicity | wc -l").stdout_is("1");
    for (name, path) in [("ours", ""), ("stocks", STOCK)] {
        sandbox.sh(&format!("{path} duplicity -v0 restore file://$PWD/store {name}")).succeeds();
    }
    sandbox.sh("diff -r --no-dereference src stocks").silent();
    same(&sandbox, "src", "ours");
}

/// duplicity copies no seals into an archive directory that was lost, and a set of another identity was
/// made beside the others: no restore of ours read the chain, though each backup had status 0.
#[test]
fn a_chain_was_lost_for_us_when_stock_had_made_the_archive_directory_again_and_is_not() {
    let sandbox = drop_in();
    let ours = "duplicity -v0 src file://$PWD/store";
    let stocks = format!("{STOCK} duplicity -v2 src file://$PWD/store");
    let lose = "rm -r .home/.cache/duplicity";
    let all = ["o!so", "oo!s!so", "o!sos", "s!oso"];
    for calls in &all[..scale(2, all.len())] {
        sandbox.sh("rm -rf store .home/.cache/duplicity").silent();
        for (number, call) in calls.chars().enumerate() {
            let command = match call {
                'o' => ours,
                's' => &stocks,
                _ => lose,
            };
            sandbox.sh(&format!("echo {number} >src/a; {command}")).succeeds();
            later(&sandbox);
        }
        for archive in ["", "--archive-dir fresh"] {
            let restore = format!("duplicity -v0 restore {archive} file://$PWD/store out");
            sandbox.sh(&format!("{restore} && diff -r --no-dereference src out")).silent();
            sandbox.sh("rm -r out; rm -rf fresh").silent();
        }
    }
}

#[test]
fn a_url_with_escapes_was_another_folder_than_stocks_and_is_the_same() {
    let sandbox = drop_in();
    sandbox.sh("mkdir 'my disk'").silent();
    let url = "file://$PWD/my%20disk/a%25?x=1#y";
    sandbox.sh(&format!("{STOCK} duplicity -v2 src \"{url}\"")).succeeds();
    later(&sandbox);
    sandbox.sh(&format!("duplicity -v0 inc src \"{url}\"")).silent();
    sandbox.sh("ls 'my disk'; ls 'my disk/a%' | grep -c manifest").stdout_is("a%\n2");
    sandbox
        .sh(&format!("duplicity -v0 \"{url}\" out && diff -r --no-dereference src out"))
        .silent();
}

#[test]
fn an_increment_that_is_asked_for_made_no_full_set_when_the_last_was_too_old_and_does() {
    let sandbox = drop_in();
    let call = "duplicity -v0 incr --full-if-older-than 1s src file://$PWD/store";
    sandbox.sh("duplicity -v0 src file://$PWD/store && sleep 2.1").silent();
    sandbox.sh(call).silent();
    sandbox.sh("ls store | grep -c 'full.*manifest'").stdout_is("2");
}

#[test]
fn a_list_of_no_backup_is_an_error_that_clients_know() {
    let sandbox = drop_in();
    let list = "mkdir none; duplicity list-current-files --log-fd 1 file://$PWD/none 2>/dev/null";
    sandbox.sh(list).fails_with(30).stdout_has("ERROR 30 CollectionsError");
}

#[test]
fn a_remote_that_looks_like_an_option_of_rclone_wrote_a_file_and_is_refused() {
    let sandbox = drop_in();
    let status = "duplicity collection-status --num-retries 1 rclone:--log-file=$PWD/written:y";
    sandbox.sh(status).fails().stderr_has("no name of a remote begins with -");
    sandbox.sh("ls | grep written").fails();
}

#[test]
fn an_archive_directory_that_was_lost_is_made_again_for_an_increment() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store").silent();
    later(&sandbox);
    sandbox.sh("rm -r .home/.cache/duplicity; echo new >src/a").silent();
    let again = sandbox.sh("duplicity inc src file://$PWD/store").succeeds();
    again.stdout_has("Synchronizing remote metadata to local cache...").stderr_is("");
    sandbox.sh("ls store/duplicity-full.*manifest* | wc -l").stdout_is("1");
    sandbox.sh("duplicity verify --compare-data file://$PWD/store src").succeeds();
}

#[test]
fn a_part_and_an_older_state_are_restored() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store; date +%s >time").silent();
    later(&sandbox);
    sandbox.sh("echo new >src/a; duplicity -v0 src file://$PWD/store").silent();
    sandbox
        .sh("duplicity -v0 --file-to-restore 'sub/b c' file://$PWD/store part; cat part")
        .stdout_is("two");
    sandbox.sh("duplicity -v0 -t $(cat time) file://$PWD/store old; cat old/a").stdout_is("one");
    let merged =
        "mkdir to && echo mine >to/mine && duplicity -v0 --force restore file://$PWD/store to &&
        cat to/mine to/a";
    sandbox.sh(merged).stdout_is("mine\nnew");
}

#[test]
fn keys_of_gnupg_encrypt_sign_and_restore() {
    let sandbox = drop_in();
    let key = "gpg -q --batch --passphrase 'a b' --pinentry-mode loopback --quick-generate-key tom default \
        default never && gpg --with-colons -k | sed -n 's/^fpr:*\\([0-9A-F]*\\):/\\1/p' | head -n 1";
    let key = sandbox.sh(key).succeeds().out();
    let key = key.trim();
    sandbox.sh(&format!("duplicity -v0 --encrypt-sign-key {key} src file://$PWD/store")).silent();
    later(&sandbox);
    let no_agent = "--gpg-options '--pinentry-mode loopback' --use-agent";
    let inc = format!(
        "date >src/x; duplicity -v0 {no_agent} --encrypt-sign-key {key} src file://$PWD/store"
    );
    sandbox.sh(&inc).silent();
    for path in ["", STOCK] {
        let out = if path.is_empty() { "ours" } else { "stocks" };
        let restore = format!(
            "{path} duplicity -v0 restore {no_agent} --encrypt-key {key} --sign-key {key} file://$PWD/store {out}"
        );
        sandbox.sh(&restore).succeeds();
        sandbox.sh(&format!("diff -r --no-dereference src {out}")).silent();
    }
}

#[test]
fn filters_and_lists_select_the_same_as_stock_does() {
    let sandbox = drop_in();
    sandbox.sh("mkdir src/X; touch src/X/'a*b' src/X/aab src/X/AAB 'src/sub/c.o'; printf 'sub\\na\\n' >list").silent();
    for selection in [
        "--filter-literal --include 'src/X/a*b' --filter-globbing --exclude 'src/X/a*'",
        "--filter-ignorecase --exclude 'src/x/aab'",
        "--filter-regexp --exclude '\\.o$' --filter-ignorecase --exclude 'AAB$'",
        "--files-from list",
        "--include src/sub --exclude '**'",
    ] {
        let back_up = |folder: &str| {
            format!("duplicity full -v0 --no-encryption {selection} src file://$PWD/{folder}")
        };
        sandbox.sh(&back_up("ours")).silent();
        let stock =
            format!("{} {}", tests::peers::newest(), &back_up("stocks")["duplicity ".len()..]);
        sandbox.sh(&stock).succeeds();
        let list = |folder: &str| {
            sandbox
                .sh(&format!(
                    "duplicity -v0 list-current-files --no-encryption file://$PWD/{folder}"
                ))
                .succeeds()
                .out()
        };
        assert_eq!(list("ours"), list("stocks"), "{selection}");
        sandbox.sh("rm -r ours stocks .home/.cache/duplicity").silent();
    }
}

#[test]
fn a_store_is_copied_and_the_copy_restores() {
    let sandbox = drop_in();
    sandbox.sh("duplicity -v0 src file://$PWD/store && duplicity replicate file://$PWD/store file://$PWD/copy").succeeds();
    sandbox.sh("duplicity -v0 restore file://$PWD/copy out").silent();
    same(&sandbox, "src", "out");
}

#[test]
fn a_full_set_follows_so_many_increments_and_nothing_follows_no_change() {
    let sandbox = drop_in();
    for step in 0..3 {
        let run =
            format!("date >src/{step}; duplicity -v0 --full-if-n-inc 1 src file://$PWD/store");
        sandbox.sh(&run).silent();
        later(&sandbox);
    }
    sandbox.sh("duplicity -v0 --skip-if-no-change src file://$PWD/store").silent();
    sandbox
        .sh("ls store | grep -c 'full.*manifest'; ls store | grep -c 'inc.*manifest'")
        .stdout_is("2\n1");
}
