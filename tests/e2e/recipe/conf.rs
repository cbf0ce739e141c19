//! The configuration's parser: what it gives back, and what it refuses.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::sandbox::workspace;
use tests::{Run, Sandbox};

/// The least that is taken.
const LEAST: &str = "remote sftp://h/b\nencrypt-key A\nsource etc /etc\n";

/// A sandbox where `$ask FILE SNIPPET` reads a configuration, then runs a snippet of shell.
fn parser() -> Sandbox {
    let mut sandbox = Sandbox::without_us();
    for part in ["conf.sh", "options.sh"] {
        fs::copy(workspace().join("pipelines/shared").join(part), sandbox.path(part)).unwrap();
    }
    let script = "set -eu; self=test; . ./options.sh; . ./conf.sh; conf_read \"$1\"; eval \"$2\"";
    fs::write(sandbox.path("ask.sh"), script).unwrap();
    sandbox.set("ask", "sh ask.sh");
    sandbox
}

/// Reads that text and runs a snippet.
fn ask(sandbox: &Sandbox, text: &[u8], snippet: &str) -> Run {
    fs::write(sandbox.path("backup.conf"), text).unwrap();
    fs::set_permissions(sandbox.path("backup.conf"), PermissionsExt::from_mode(0o644)).unwrap();
    sandbox.sh(&format!("$ask backup.conf '{snippet}'"))
}

/// It is refused, by that one message.
#[track_caller]
fn refuses(sandbox: &Sandbox, text: &str, why: &str) {
    let run = ask(sandbox, text.as_bytes(), "echo taken").fails_with(2).stdout_is("");
    run.stderr_is(&format!("test: backup.conf: {why}"));
}

#[test]
fn it_gives_back_what_is_for_all_and_what_is_for_one_source() {
    let sandbox = parser();
    let text = b"# a comment\n\nremote file:///srv/\nencrypt-key A B\nencrypt-key C\n
        options --volsize 64 'a b'\nfull-if-older-than 1M\nbefore one $x `id`\nbefore two
        source etc.d /etc/a  b\n\tbefore three\nexclude /x*\\y\n  include **/z\nexclude **
        source etcxd /\n full-if-older-than 2W\noptions \"c'd\" e\\ f ''\n";
    let all = "conf_sources; conf_list encrypt-key; conf_list before; conf_get seal-key";
    ask(&sandbox, text, all).succeeds().stdout_is("etc.d\netcxd\nA B\nC\none $x `id`\ntwo");
    let one = "conf_get source etc.d; conf_url etc.d; conf_selection etc.d; conf_options etc.d
        conf_list before etc.d; conf_get full-if-older-than etc.d";
    ask(&sandbox, text, one).succeeds().stdout_is(
        "/etc/a  b\nfile:///srv/etc.d\nexclude /x*\\y\ninclude **/z\nexclude **\n\
        --volsize\n64\na b\nthree\n1M",
    );
    let other = "conf_get source etcxd; conf_selection etcxd; conf_options etcxd; echo .
        conf_list before etcxd; conf_get full-if-older-than etcxd";
    ask(&sandbox, text, other).succeeds().stdout_is("/\n--volsize\n64\na b\nc'd\ne f\n\n.\n2W");
}

#[test]
fn it_gives_back_what_is_kept_and_which_options_all_pipes_have() {
    let sandbox = parser();
    let text = b"remote file:///srv/\nencrypt-key A\nkeep --keep-full 4 --older-than=6M\n
        options --volsize 64 -o Port=22 --bwlimit=9\nsource etc /etc\nsource www /srv\n
        keep --older-than 2026-11-22T20:15:00Z\noptions --num-retries 2 --stats -v 'in fo'\n";
    let rules = "conf_rules etc; echo .; conf_rules www";
    ask(&sandbox, text, rules)
        .succeeds()
        .stdout_is("--keep-full\n4\n--older-than=6M\n.\n--older-than\n2026-11-22T20:15:00Z");
    let reach = "conf_reach etc; echo .; conf_reach www";
    ask(&sandbox, text, reach).succeeds().stdout_is(
        "-o\nPort=22\n--bwlimit=9\n.\n-o\nPort=22\n--bwlimit=9\n--num-retries\n2\n-v\nin fo",
    );
    ask(&sandbox, LEAST.as_bytes(), "conf_rules etc; conf_reach etc").silent();
}

#[test]
fn values_are_bytes_and_nothing_of_them_is_run() {
    let sandbox = parser();
    let bytes: Vec<u8> = (1..=255).filter(|byte| ![b'\n', 0x7f].contains(byte)).collect();
    let value = [b"$(touch ran)`touch ran`;touch ran;'\\", bytes.as_slice()].concat();
    let text = [LEAST.as_bytes(), b"exclude ", &value, b"\nbefore ", &value, b"\n"].concat();
    let found = ask(&sandbox, &text, "conf_selection etc; conf_list before etc").succeeds();
    let expected = [b"exclude ", value.as_slice(), b"\n", &value, b"\n"].concat();
    assert_eq!(found.stdout, expected);
    sandbox.sh("test ! -e ran").silent();
}

#[test]
fn a_wrong_line_is_refused_by_its_number() {
    let sandbox = parser();
    for (line, why) in [
        ("excludes x", "excludes: no such keyword"),
        ("exclude", "exclude: needs a value"),
        ("exclude x ", "ends with a blank"),
        ("exclude x\r", "ends with a carriage return"),
        ("exclude x\0y", "holds a zero or delete byte"),
        ("remote file:///x", "remote: belongs before the first source"),
        ("options 'a", "options: a quote or backslash is open"),
        ("options a\\", "options: a quote or backslash is open"),
        ("source etc /x", "etc: a second source of that name"),
        ("source x", "x: a path that begins with / is needed"),
        ("source x y", "x: a path that begins with / is needed"),
        ("keep 4", "keep: no rules of moo prune, such as --keep-full 4 --older-than 6M"),
        ("keep --force", "keep: no rules of moo prune, such as --keep-full 4 --older-than 6M"),
        (
            "keep --keep-full 4 $(id)",
            "keep: no rules of moo prune, such as --keep-full 4 --older-than 6M",
        ),
        ("keep --keep-full 4\nkeep --keep-full 5", "keep: a second one"),
        ("full-if-older-than 1D\nfull-if-older-than 1D", "full-if-older-than: a second one"),
    ] {
        let number = 3 + line.lines().count();
        refuses(&sandbox, &format!("{LEAST}{line}\n"), &format!("line {number}: {why}"));
    }
    for name in ["..", ".", "-x", "a/b", "a:b", "\u{e4}"] {
        let why = "source: a name of letters, digits and . _ - is needed, which begins with neither . nor -";
        refuses(&sandbox, &format!("{LEAST}source {name} /x"), &format!("line 4: {why}"));
    }
    refuses(&sandbox, "remote /srv\n", "line 1: remote: not a url");
    refuses(&sandbox, "exclude x\n", "line 1: exclude: belongs below a source");
    refuses(&sandbox, "remote a://b\nremote a://b\n", "line 2: remote: a second one");
}

#[test]
fn what_is_missing_is_named() {
    let sandbox = parser();
    refuses(&sandbox, "", "remote: missing");
    refuses(&sandbox, "remote a://b\n", "encrypt-key: missing");
    refuses(&sandbox, "remote a://b\nencrypt-key A\n# source x /x\n", "source: missing");
    sandbox.sh("$ask nothing true").fails_with(2).stderr_is("test: nothing: no such file");
    sandbox.sh("$ask . true").fails_with(2).stderr_is("test: .: no such file");
}

#[test]
fn root_takes_only_what_nobody_else_could_have_written() {
    let sandbox = parser();
    ask(&sandbox, LEAST.as_bytes(), "true").silent();
    let root = rustix::process::geteuid().is_root();
    for mode in ["664", "646"] {
        let run = sandbox.sh(&format!("chmod {mode} backup.conf; $ask backup.conf true"));
        if root {
            let why = "test: backup.conf: others than root may write it (chmod go-w)";
            run.fails_with(2).stderr_is(why);
        } else {
            run.silent();
        }
    }
    if root {
        let run = sandbox.sh("chmod 644 backup.conf; chown 1 backup.conf; $ask backup.conf true");
        run.fails_with(2).stderr_is("test: backup.conf: does not belong to root (chown root)");
    }
}
