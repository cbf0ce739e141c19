//! The calls of Déjà Dup, and what it parses.

use super::{drop_in, later};
use tests::sandbox::workspace;
use tests::{Run, Sandbox, until};

/// What it gives each call: it reads nothing but the log.
const COMMON: &str = "--no-encryption --verbosity=9 --timeout=120 --archive-dir=$PWD/.cache --tempdir=$PWD/.tmp \
    --log-fd=5 --num-retries=1 --gpg-options=--no-use-agent";

/// A stanza of the log: its keyword line in words, and its text.
#[derive(Debug)]
struct Stanza {
    words: Vec<String>,
    data: Vec<String>,
}

/// Reads a log as Déjà Dup does: a keyword line, data lines, lines with a dot and a blank, an empty line.
fn parsed(log: &str) -> Vec<Stanza> {
    let stanza = |text: &str| {
        let mut lines = text.lines();
        let words = lines.next().unwrap().split(' ').map(str::to_owned).collect();
        let (text, data): (Vec<_>, Vec<_>) = lines.partition(|line| line.starts_with(". "));
        assert!(!text.is_empty(), "{data:?}");
        Stanza { words, data: data.into_iter().map(str::to_owned).collect() }
    };
    log.split("\n\n").filter(|text| !text.trim().is_empty()).map(stanza).collect()
}

fn call(sandbox: &Sandbox, words: &str, status: i32) -> Vec<Stanza> {
    let script = format!("setsid -w duplicity {words} {COMMON} 5>log >/dev/null 2>&1");
    let run = sandbox.sh(&script);
    assert_eq!(run.status, status, "{words}: {}", sandbox.sh("cat log").out());
    later(sandbox);
    parsed(&sandbox.sh("cat log").out())
}

fn of<'a>(stanzas: &'a [Stanza], keyword: &str, code: &str) -> Vec<&'a Stanza> {
    stanzas.iter().filter(|s| s.words[0] == keyword && s.words[1] == code).collect()
}

#[test]
fn the_calls_of_deja_dup_do_what_it_expects() {
    let sandbox = drop_in();
    sandbox.sh("mkdir store && head -c 3M /dev/urandom >src/large").silent();
    let home = "--exclude=$PWD/src/sub/cache --include=$PWD/src --exclude=** --exclude-if-present=CACHEDIR.TAG \
        --exclude-if-present=.deja-dup-ignore";
    // It takes the last word for the version.
    sandbox.sh("duplicity --version").stdout_is("duplicity 3.0.4");
    // The first backup.
    let status = call(&sandbox, "collection-status file://$PWD/store", 0);
    assert_eq!(of(&status, "INFO", "3").len(), 1);
    let dry = call(&sandbox, &format!("full --dry-run {home} --volsize=1 / file://$PWD/store"), 0);
    let total: u64 = of(&dry, "INFO", "2").last().unwrap().words[2].parse().unwrap();
    assert!((3 << 20..4 << 20).contains(&total), "{total}");
    assert!(of(&dry, "INFO", "4").iter().any(|new| new.words[2].ends_with("/src/large'")));
    let full = call(&sandbox, &format!("full {home} --volsize=1 / file://$PWD/store"), 0);
    assert!(of(&full, "ERROR", "30").is_empty());
    assert!(of(&full, "INFO", "4").iter().any(|new| new.words[2].ends_with("/src/large'")));
    assert!(of(&full, "INFO", "11").len() >= 3 && of(&full, "INFO", "13").len() >= 3, "volumes");
    // The second one, for which the cache was deleted.
    sandbox.sh("rm -r .cache; echo two >src/a").silent();
    let inc = call(&sandbox, &format!("{home} --volsize=1 / file://$PWD/store"), 0);
    assert!(of(&inc, "INFO", "5").iter().any(|new| new.words[2].ends_with("/src/a'")), "{inc:?}");
    assert!(of(&inc, "INFO", "4").is_empty());
    let status = call(&sandbox, "collection-status file://$PWD/store", 0);
    let data = &of(&status, "INFO", "3")[0].data;
    let sets: Vec<_> = data
        .iter()
        .filter(|line| line.starts_with(" full ") || line.starts_with(" inc "))
        .collect();
    assert!(data.contains(&"chain-complete".to_owned()) && sets.len() == 2, "{data:?}");
    assert!(sets.iter().all(|set| set.ends_with(" noenc")), "{sets:?}");
    // Its list, and a restore of a folder to another place.
    let list = call(&sandbox, "list-current-files file://$PWD/store", 0);
    let files: Vec<_> = of(&list, "INFO", "10");
    assert!(files.iter().any(|file| file.words.ends_with(&["reg".into()]) && file.words[3].ends_with("/src/a'")));
    let folder = "--file-to-restore=${PWD#/}/src --do-not-restore-ownership --force";
    let restored = call(&sandbox, &format!("restore {folder} file://$PWD/store $PWD/out"), 0);
    let written = of(&restored, "INFO", "7");
    assert!(written.iter().any(|one| one.words[2].ends_with("/src/a'") && one.words[3] == "reg"));
    sandbox.sh("diff -r --no-dereference src out").silent();
    // What it does afterwards.
    call(&sandbox, "cleanup --force file://$PWD/store", 0);
    call(&sandbox, "remove-all-but-n-full 1 --force file://$PWD/store", 0);
    // What it tells the user of.
    let none = call(&sandbox, "restore file://$PWD/nothing $PWD/out2", 30);
    assert_eq!(of(&none, "ERROR", "30")[0].words[2], "CollectionsError");
    let lost = call(&sandbox, "restore --file-to-restore=nothing file://$PWD/store $PWD/out2", 19);
    assert_eq!(of(&lost, "ERROR", "19").len(), 1);
}

#[test]
fn a_backup_that_deja_dup_kills_is_resumed() {
    let sandbox = drop_in();
    sandbox.sh("mkdir store && head -c 100M /dev/urandom >src/large").silent();
    let words = format!("full --volsize=2 $PWD/src file://$PWD/store {COMMON}");
    let kill = format!(
        "duplicity {words} 5>log >/dev/null 2>&1 & job=$!
        {}
        kill -STOP $job; sleep 0.5; ls -A store | wc -l; sleep 0.5; ls -A store | wc -l
        kill -CONT $job; kill -KILL $job; wait $job; echo $?",
        until("ls -A store | grep -q vol3")
    );
    let out = sandbox.sh(&kill).out();
    let lines: Vec<_> = out.lines().collect();
    assert_eq!((lines[0] == lines[1], lines[2]), (true, "137"), "paused and killed: {out}");
    sandbox.sh("cd store && stat -c %Y $(ls -A | grep vol1[.]) >../first").succeeds();
    later(&sandbox);
    call(&sandbox, "--volsize=2 $PWD/src file://$PWD/store", 0);
    sandbox.sh("cd store && stat -c %Y $(ls -A | grep vol1[.]) | cmp - ../first").silent();
    call(&sandbox, "restore file://$PWD/store $PWD/out", 0);
    sandbox.sh("diff -r --no-dereference src out").silent();
}

/// Runs Déjà Dup itself, and goes through its windows with a password; prints their titles. The status is that
/// of tests/duplicity/deja_dup.py.
fn windows(sandbox: &Sandbox, call: &str, password: &str) -> Run {
    let driver = workspace().join("tests/duplicity/deja_dup.py");
    let run = format!(
        "deja-dup {call} >said 2>&1 & app=$!
        /usr/bin/python3 -W ignore {} $app '{password}' 60; status=$?
        kill -KILL $app 2>/dev/null; exit $status",
        driver.display()
    );
    let screen = "xvfb-run -a -s '-screen 0 1000x800x24' dbus-run-session -- sh -c \"$1\"";
    let script = format!("set -- \"$(cat <<'END'\n{run}\nEND\n)\"; {screen} 2>/dev/null");
    sandbox.sh(&script)
}

#[test]
#[ignore = "Déjà Dup itself on a screen of its own, which needs a desktop's libraries: tests/run --long"]
fn deja_dup_itself_backs_up_refuses_a_wrong_password_and_restores() {
    let mut sandbox = drop_in();
    sandbox.unset("PASSPHRASE").set("GSETTINGS_BACKEND", "keyfile").set("LANG", "C.UTF-8");
    let settings = "gsettings set org.gnome.DejaDup backend local
        gsettings set org.gnome.DejaDup.Local folder $PWD/store
        gsettings set org.gnome.DejaDup include-list \"['$PWD/src']\"
        gsettings set org.gnome.DejaDup exclude-list '[]'
        gsettings set org.gnome.desktop.interface toolkit-accessibility true";
    sandbox.sh(settings).succeeds();
    let stored = |kind: &str| {
        let list = sandbox.sh(&format!("ls store | grep -c 'duplicity-{kind}.*manifest'"));
        list.out().trim().to_owned()
    };
    windows(&sandbox, "--backup", "purr purr").succeeds().stdout_has("Require Password?");
    assert_eq!((stored("full"), stored("inc")), ("1".into(), "0".into()));
    sandbox.sh("echo changed >src/a").silent();
    windows(&sandbox, "--backup", "meow").fails_with(3).stdout_has("Encryption Password Needed");
    assert_eq!((stored("full"), stored("inc")), ("1".into(), "0".into()));
    drop(windows(&sandbox, "--backup", "purr purr").succeeds());
    assert_eq!((stored("full"), stored("inc")), ("1".into(), "1".into()));
    sandbox.sh("cp -a src kept && rm src/a").silent();
    windows(&sandbox, "--restore $PWD/src/a", "purr purr").succeeds().stdout_has("Restoring");
    sandbox.sh("diff -r --no-dereference kept src").silent();
}
