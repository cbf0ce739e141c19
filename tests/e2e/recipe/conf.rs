//! The configuration of version 0.1, backup.conf: what is understood of it, what is refused, and the TOML
//! that it becomes.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::{Run, Sandbox};

/// The least that is taken.
const LEAST: &str = "remote sftp://h/b\nencrypt-key A\nsource etc /etc\n";

/// Runs a command of `moo config` on that text.
fn ask(sandbox: &Sandbox, text: &[u8], command: &str) -> Run {
    fs::write(sandbox.path("backup.conf"), text).unwrap();
    fs::set_permissions(sandbox.path("backup.conf"), PermissionsExt::from_mode(0o644)).unwrap();
    sandbox.sh(&format!("moo config --config backup.conf {command}"))
}

/// It is refused, by that one message.
#[track_caller]
fn refuses(sandbox: &Sandbox, text: &[u8], why: &str) {
    let run = ask(sandbox, text, "check").fails_with(2).stdout_is("");
    run.stderr_is(&format!("moo config: backup.conf: {why}"));
}

#[test]
fn it_becomes_toml_that_means_the_same() {
    let sandbox = Sandbox::new();
    let text = b"# a comment\n\nuser nobody\nremote file:///srv/\nencrypt-key A B\nencrypt-key C\n
        options --volsize 64 -o 'Port=2 2'\nfull-if-older-than 1M\nbefore one $x `id`\nbefore two
        keep --keep-full 4 --older-than=6M\nafter three
        source etc.d /etc/a  b\n\tbefore four\nexclude /x*\\y\n  include **/z\nexclude **
        source etcxd /\n full-if-older-than 2W\noptions --num-retries \"2\" --hash md4 ''x\n\
        exclude **.tmp\nkeep --older-than 2026-11-22T20:15:00Z\n\
        identity 00112233445566778899aabbccddeeff\n";
    // An option's word that is none is found when the calls are checked.
    refuses(&sandbox, text, "sources.etcxd.options: x: not an option");
    let text = String::from_utf8(text.to_vec()).unwrap().replace(" ''x\n", "\n");
    ask(&sandbox, text.as_bytes(), "check").silent();
    let old = ask(&sandbox, text.as_bytes(), "rows").succeeds().out();
    let shown = ask(&sandbox, text.as_bytes(), "show").succeeds().out();
    ask(&sandbox, text.as_bytes(), "import >new.toml").silent();
    sandbox.sh("moo config --config new.toml check").silent();
    sandbox.sh("moo config --config new.toml rows").stdout_is(old.trim_end());
    sandbox.sh("moo config --config new.toml show").stdout_is(shown.trim_end());
    for line in [
        "/ encrypt-key A B",
        "etc.d source /etc/a  b",
        "etc.d store main etc.d file:///srv/etc.d",
        "etc.d reach main Port=2 2",
        "etc.d rule main --keep-full=4",
        "etcxd rule main --older-than=2026-11-22T20:15:00Z",
        "etcxd option md4",
    ] {
        assert!(old.lines().any(|found| found == line), "{line}: {old}");
    }
    for part in [
        "sh -c 'one $x `id`'\nsh -c two\nsh -c four\nmoo backup",
        "--volsize 64",
        "-o 'Port=2 2'",
        "'--exclude=/x*\\y' '--include=**/z' '--exclude=**' -- '/etc/a  b' file:///srv/etc.d\n",
        "--full-if-older-than=2W --identity=00112233445566778899aabbccddeeff",
        "\nsh -c three\n",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

#[test]
fn nothing_of_a_value_is_run() {
    let sandbox = Sandbox::new();
    let value = "$(touch ran)`touch ran`;touch ran;'\\\"";
    let text = format!("user nobody\n{LEAST}exclude {value}\nbefore {value}\n");
    let shown = ask(&sandbox, text.as_bytes(), "show").succeeds().out();
    ask(&sandbox, text.as_bytes(), "import").succeeds();
    sandbox.sh("test ! -e ran").silent();
    // What is shown can be typed as it stands.
    let hook = shown.lines().find(|line| line.starts_with("sh -c ")).unwrap();
    sandbox.sh(&format!("{} | cmp - value", hook.replace("sh -c", "printf '%s'"))).fails();
    fs::write(sandbox.path("value"), value).unwrap();
    sandbox.sh(&format!("{} | cmp - value", hook.replace("sh -c", "printf '%s'"))).silent();
}

#[test]
fn a_wrong_line_is_refused_by_its_number() {
    let sandbox = Sandbox::new();
    let rules = "keep: no rules of moo prune, such as --keep-full 4 --older-than 6M";
    for (line, why) in [
        ("excludes x", "excludes: no such keyword"),
        ("exclude", "exclude: needs a value"),
        ("exclude x ", "ends with a blank"),
        ("exclude x\r\nexclude y", "ends with a carriage return"),
        ("exclude x\0y", "exclude: holds the control character \\0"),
        ("remote file:///x", "remote: belongs before the first source"),
        ("options 'a", "options: a quote or backslash is open"),
        ("options a\\", "options: a quote or backslash is open"),
        ("source etc /x", "etc: a second source of that name"),
        ("source x", "x: a value is needed, and this is empty"),
        ("source x y", "x: a path that begins with / is needed"),
        ("keep 4", rules),
        ("keep --force", rules),
        ("keep --keep-full 4 $(id)", rules),
        ("keep --keep-full 4\nkeep --keep-full 5", "keep: a second one"),
        ("full-if-older-than 1D\nfull-if-older-than 1D", "full-if-older-than: a second one"),
    ] {
        let second =
            line.contains("a\nkeep") || why.contains("a second one") && line.contains('\n');
        let number = if second { 5 } else { 4 };
        refuses(&sandbox, format!("{LEAST}{line}\n").as_bytes(), &format!("line {number}: {why}"));
    }
    for name in ["..", ".", "-x", "a/b", "a:b", "\u{e4}"] {
        let why = "source: a name of letters, digits and . _ -, which begins with neither . nor -, is needed";
        let text = format!("{LEAST}source {name} /x");
        refuses(&sandbox, text.as_bytes(), &format!("line 4: {why}"));
    }
    refuses(
        &sandbox,
        b"remote /srv\n",
        "line 1: remote: a URL such as sftp://user@host/folder, file:///folder or \
        rclone:remote:folder is needed",
    );
    refuses(&sandbox, b"exclude x\n", "line 1: exclude: belongs below a source");
    let two = b"remote file:///b\nremote file:///b\n";
    refuses(&sandbox, two, "line 2: remote: a second one");
    let latin = [LEAST.as_bytes(), b"exclude caf\xe9\n"].concat();
    refuses(&sandbox, &latin, "line 4: not UTF-8");
}

#[test]
fn what_is_missing_is_named() {
    let sandbox = Sandbox::new();
    refuses(&sandbox, b"", "remote: missing");
    refuses(&sandbox, b"remote file:///b\n", "encrypt-key: missing");
    let text = b"remote file:///b\nencrypt-key A\n# source x /x\n";
    refuses(&sandbox, text, "source: missing");
    for (file, why) in [("nothing.conf", "no such file or directory"), (".", "not a file")] {
        let run = sandbox.sh(&format!("moo config --config {file} check")).fails_with(2);
        run.one_message().stderr_has(&format!("moo config: {file}: {why}"));
    }
}

#[test]
fn root_takes_only_what_nobody_else_could_have_written() {
    let sandbox = Sandbox::new();
    ask(&sandbox, LEAST.as_bytes(), "check").silent();
    let root = rustix::process::geteuid().is_root();
    for mode in ["664", "646"] {
        let run =
            sandbox.sh(&format!("chmod {mode} backup.conf; moo config --config backup.conf check"));
        if root {
            let why = "moo config: backup.conf: others than root may write it (chmod go-w)";
            run.fails_with(2).stderr_is(why);
        } else {
            run.silent();
        }
    }
    if root {
        let other = "chmod 644 backup.conf; chown 1 backup.conf";
        let run = sandbox.sh(&format!("{other}; moo config --config backup.conf check"));
        let why = "moo config: backup.conf: does not belong to root (chown root)";
        run.fails_with(2).stderr_is(why);
    }
}
