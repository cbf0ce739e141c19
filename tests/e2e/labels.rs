//! Tags and the note of a set, which are in its seal.

use std::fs;

use tests::{Key, Sandbox, assert_by_schema};

use crate::signals::kit::{Background, hold, until};

const BACKUP: &str = "moo backup --archive-dir $PWD --name archive --no-encryption";
const STATUS: &str = "moo status --archive-dir $PWD --name archive file://$PWD/store";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo one >src/f").silent();
    sandbox
}

/// The comments of the newest seal that are tags and notes.
fn labels(sandbox: &Sandbox, store: &str) -> String {
    let newest = format!("gpg -d $(ls {store}/*.seal | tail -n 1) 2>/dev/null");
    sandbox.sh(&format!("{newest} | grep -E '^# (tag|note)'; :")).succeeds().out()
}

#[test]
fn tags_and_a_note_are_in_the_seal_and_moo_status_shows_them() {
    let sandbox = sandbox();
    let note = "--note 'the last state with PHP 7'";
    sandbox
        .sh(&format!(
            "{BACKUP} --tag before-upgrade --tag v2 --tag v2 {note} src file://$PWD/store"
        ))
        .silent();
    sandbox.sh(&format!("sleep 1.1; {BACKUP} src file://$PWD/store")).silent();
    let all =
        "cd store && for seal in *.seal; do gpg -d $seal 2>/dev/null | sha256sum --strict -c; done";
    sandbox.sh(all).succeeds();
    let status = sandbox.sh(STATUS).succeeds();
    status.stdout_has(
        "sealed\n        tags: before-upgrade, v2\n        note: the last state with PHP 7\n  inc ",
    );
    let json = sandbox.sh(&format!("{STATUS} --json")).succeeds().out();
    assert_by_schema(&sandbox, "status", &json);
    let sets = sandbox.sh(&format!("{STATUS} --json | jq -c '.chains[0].sets[] | [.tags, .note]'"));
    sets.stdout_is("[[\"before-upgrade\",\"v2\"],\"the last state with PHP 7\"]\n[[],null]");
    assert_eq!(labels(&sandbox, "store"), "");
}

#[test]
fn any_bytes_are_one_line_of_a_seal_and_command_no_terminal() {
    let sandbox = sandbox();
    let key = Key::open(&sandbox, "moo");
    let odd = "\"$(printf ' a\\033[2J\\nb\\\\c\\377 \\342\\200\\256 ')\"";
    for (number, seal) in ["", &format!("--seal-key {key}")].into_iter().enumerate() {
        let store = format!("store{number}");
        let backup = BACKUP.replace("archive ", &format!("archive{number} "));
        let call =
            format!("{backup} {seal} --tag {odd} --note {odd} --tag ' ' src file://$PWD/{store}");
        sandbox.sh(&call).silent();
        let line = "\\x20a\\x1b[2J\\x0ab\\x5cc\\xff \u{202e}\\x20";
        let wanted = format!("# tag {line}\n# tag \\x20\n# note {line}\n");
        assert_eq!(labels(&sandbox, &store), wanted);
        sandbox
            .sh(&format!("cd {store} && gpg -d *.seal 2>/dev/null | sha256sum --strict -c"))
            .succeeds();
        let status = STATUS
            .replace("archive ", &format!("archive{number} "))
            .replace("/store", &format!("/{store}"));
        let shown = sandbox.sh(&status).succeeds().out();
        assert!(shown.contains("tags: \\x20a\\x1b[2J\\x0ab\\x5cc\\xff "), "{shown}");
        assert!(!shown.contains(['\x1b', '\u{202e}']), "{shown}");
        sandbox
            .sh(&format!(
                "moo restore {seal} file://$PWD/{store} out{number} && diff -r src out{number}"
            ))
            .succeeds();
    }
}

#[test]
fn what_is_too_long_is_refused_before_anything_is_stored() {
    let sandbox = sandbox();
    let long = "$(printf %0129d 0)";
    for (words, why) in [
        (format!("--tag {long}"), "a set has at most 32 tags of 1 to 128 bytes"),
        ("--note $(printf %04097d 0)".to_owned(), "a note has 1 to 4096 bytes"),
        ("--tag ''".to_owned(), "--tag"),
        ((0..33).map(|n| format!("--tag {n} ")).collect(), "at most 32 tags"),
    ] {
        let run = sandbox.sh(&format!("{BACKUP} {words} src file://$PWD/store"));
        run.fails_with(2).one_message().stderr_has(why);
        sandbox.sh("test ! -e store || test -z \"$(ls store)\"").succeeds();
    }
}

#[test]
fn consolidated_sets_and_copies_keep_them() {
    let sandbox = sandbox();
    let wanted = "# tag a b\n# tag v2\n# note mine\n";
    sandbox.sh(&format!("{BACKUP} --tag first src file://$PWD/store")).silent();
    sandbox.sh(&format!("echo two >src/f; sleep 1.1; {BACKUP} --tag 'a b' --tag v2 --note mine src file://$PWD/store")).silent();
    sandbox.sh("moo replicate file://$PWD/store file://$PWD/copy").silent();
    assert_eq!(labels(&sandbox, "copy"), wanted);
    sandbox
        .sh("PASSPHRASE=x NEW_PASSPHRASE=y moo rekey --allow-unprotected file://$PWD/store file://$PWD/other")
        .silent();
    assert_eq!(labels(&sandbox, "other"), wanted);
    sandbox.sh("sleep 1.1; moo consolidate --archive-dir $PWD --name archive --no-encryption file://$PWD/store").silent();
    assert_eq!(labels(&sandbox, "store"), wanted);
    let sets =
        sandbox.sh(&format!("{STATUS} --json | jq -c '[.chains[].sets[] | [.type, .tags]]'"));
    sets.stdout_is(
        "[[\"full\",[\"first\"]],[\"inc\",[\"a b\",\"v2\"]],[\"full\",[\"a b\",\"v2\"]]]",
    );
}

#[test]
fn a_state_with_a_tag_outlives_others_and_so_does_one_whose_seal_is_damaged() {
    let sandbox = sandbox();
    for tag in ["--tag keep", "", "--tag other", "--tag last"] {
        let full = BACKUP.replace("moo backup", "moo backup full");
        sandbox
            .sh(&format!("sleep 1.1; date +%N >src/f; {full} {tag} src file://$PWD/store"))
            .silent();
    }
    let prune = "moo prune --archive-dir $PWD --name archive --keep-tag keep --keep-tag nothing";
    let list = sandbox.sh(&format!("{prune} file://$PWD/store")).succeeds();
    list.stdout_has("tagged keep (--keep-tag)")
        .stderr_is("moo prune: --keep-tag nothing: no set has this tag (see moo status)\n");
    let tags = format!("{STATUS} --json | jq -c '[.chains[].sets[].tags]'");
    // Nobody knows what a damaged seal says.
    sandbox
        .sh("cp -r store whole && sed -i 's/^[A-Za-z0-9+/]/!/' $(ls store/*.seal | sed -n 3p)")
        .silent();
    sandbox.sh("cp -r archive known && rm archive/*.seal").silent();
    let list = sandbox.sh(&format!("{prune} file://$PWD/store")).succeeds();
    list.stdout_has("its seal can't be read (--keep-tag)");
    sandbox.sh("rm -r store archive && mv whole store && mv known archive").silent();
    let known = prune.replace(" --keep-tag nothing", "");
    sandbox.sh(&format!("{known} --force file://$PWD/store")).silent();
    sandbox.sh(&tags).stdout_is("[[\"keep\"],[\"last\"]]");
}

#[test]
fn a_run_that_resumes_an_interrupted_one_gives_its_own() {
    let mut sandbox = sandbox();
    sandbox.sh("head -c 6M /dev/urandom >src/big").silent();
    hold(&mut sandbox, "moo-upload", 3_000_000);
    let call = format!("{BACKUP} --volsize 1 src file://$PWD/store");
    let run =
        Background::start(&sandbox, &call.replace("--volsize", "--tag first --note old --volsize"));
    until("the volume", || run.note(&sandbox) == "2");
    let said = run.end(&sandbox, "TERM").said;
    assert_eq!(said, ["moo backup: interrupted; the next run resumes after volume 2"]);
    let before = sandbox.sh("ls -i store/*.vol1.* store/.*.vol1.* 2>/dev/null; :").out();
    fs::write(sandbox.path("go"), "").unwrap();
    sandbox.sh(&call.replace("--volsize", "--tag second --volsize")).silent();
    assert_eq!(labels(&sandbox, "store"), "# tag second\n");
    let number = |text: &str| text.split_whitespace().next().map(str::to_owned);
    let after = sandbox.sh("ls -i store/*.vol1.*").out();
    assert_eq!(number(&before), number(&after));
}
