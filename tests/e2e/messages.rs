//! No message of a program or script commands a terminal, whatever a name holds.

use std::fs;

use tests::Sandbox;

/// ESC, BEL, CR, newline, a C1 control, and what turns the direction or ends a line.
const HOSTILE: &[u8] =
    b"x\x1b]0;moo\x07\r\nmoo: done\xc2\x9b2J\xe2\x80\xaetxt\xe2\x81\xa6\xe2\x80\xa8";

/// Whether a terminal would only show it.
#[track_caller]
fn is_harmless(said: &[u8], by: &str) {
    let text = std::str::from_utf8(said).unwrap_or_else(|_| panic!("{by}: not UTF-8"));
    assert!(text.ends_with('\n') && text.lines().count() == 1, "{by}: {text:?}");
    let commands = ['\u{202e}', '\u{2066}', '\u{2028}'];
    let bad = text.trim_end().chars().find(|c| c.is_control() || commands.contains(c));
    assert_eq!(bad, None, "{by}: {text:?}");
    assert!(
        text.contains("\\x1b]0;moo\\x07\\x0d\\x0amoo: done\\xc2\\x9b2J\\xe2\\x80\\xaetxt"),
        "{by}: {text}"
    );
}

#[test]
fn programs_and_scripts_spell_out_what_would_command_a_terminal() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("name"), HOSTILE).unwrap();
    for command in [
        "moo-scan \"$name\"",
        "moo-keygen --no-passphrase \"$name/key\"",
        "moo-fetch --receipts --ssh-config \"$name\" sftp://127.0.0.1:1/x",
        "moo \"$name\"",
        "moo setup-local \"$name\"",
        "backup.sh --config \"$PWD/$name\"",
        "moo recovery-kit --check \"$name\"",
    ] {
        let script =
            format!("name=$(cat name; echo .) && name=${{name%.}} && {command} 2>said >/dev/null");
        let _ = sandbox.sh(&script).fails();
        let said = fs::read(sandbox.path("said")).unwrap();
        is_harmless(&said, command);
    }
}

#[test]
fn the_scripts_spell_a_name_as_the_programs_do() {
    let sandbox = Sandbox::new();
    let legible = "self=x; . \"$(dirname \"$(readlink -f \"$(command -v moo)\")\")/shared/options.sh\"; legible \"$(cat text)\"";
    for text in [
        "plain ~ text \\033",
        "é 漢 😀 \u{7f}\u{80}\u{9f}\u{a0}",
        "\u{200e}\u{2027}\u{202f}\u{2069}\u{206a}",
    ] {
        fs::write(sandbox.path("text"), text).unwrap();
        let spelt = sandbox.sh(legible).succeeds().out();
        fs::write(sandbox.path("list"), text).unwrap();
        let by_program = sandbox.sh("moo-scan \"./$(cat text)\" >/dev/null").fails().err();
        assert!(by_program.contains(spelt.trim_end_matches('\n')), "{spelt} {by_program}");
    }
}
