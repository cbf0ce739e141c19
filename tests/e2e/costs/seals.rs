//! A seal is opened in one form, and costs no more than its length.

use std::fs;

use tests::Sandbox;

use super::{bounded, python};
use crate::forge::{FULL, put, root, tar};
use crate::moo::Moo;

const SEAL: &str = "store/moobacker.20200101T000000Z.seal";

/// Each command that opens seals refuses the one that is there, and names it, at no cost.
#[track_caller]
fn is_refused(sandbox: &Sandbox, what: &str) {
    for command in [
        "moo restore --archive-dir . --name none --seal-key key.cert.pgp file://$PWD/store out",
        "moo restore --archive-dir . --name none file://$PWD/store out",
        "moo-fetch --all file://$PWD/store >/dev/null",
        "moo-check file://$PWD/store",
    ] {
        let run = bounded(sandbox, command).fails_with(5);
        let said = format!("{}{}", run.err(), run.out());
        assert!(said.contains("moobacker.20200101T000000Z.seal: "), "{what}: {command}: {said}");
    }
}

#[test]
fn a_tiny_seal_of_nested_packets_or_thousands_of_signatures_costs_nothing() {
    let sandbox = Sandbox::new();
    sandbox.sh("moo-keygen --sign-only key >/dev/null").silent();
    put(&sandbox, FULL, &[tar(&[root()])]);
    // A signature by a stranger, of which the host can make as many as he likes.
    let foreign = r#"packet(2, b"\4\1\x16\x0a\0\6\5\2" + bytes(4) + b"\0\x0a\x09\x10" + bytes(8) + b"\0\0" + b"\1\0\1" * 2)"#;
    let clear = |signatures: &str| {
        format!(
            r#"b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA512\n\nmoo\n" + armored({signatures}, "SIGNATURE")"#
        )
    };
    let bomb = |seed: &str| {
        format!(
            "b'' if [data := {seed}] is None else [data := compressed(data) for _ in range(12)][-1]"
        )
    };
    for (what, seal) in [
        ("bomb of literals", format!("armored({})", bomb("literal(bytes(1 << 26))"))),
        ("bomb of signatures", format!("armored({})", bomb("packet(2, b'') * (1 << 22)"))),
        ("bomb of markers", format!("armored({})", bomb("packet(10, b'PGP') * (1 << 22)"))),
        ("one compressed literal", "armored(compressed(literal(b'moo')))".into()),
        ("markers before the literal", "armored(packet(10, b'PGP') * 9 + literal(b'moo'))".into()),
        ("two literals", "armored(literal(b'moo') * 2)".into()),
        ("binary", "literal(b'moo')".into()),
        ("signatures without compression", clear(&format!("{foreign} * 40000"))),
        ("bomb in the signature", clear(&bomb(&format!("{foreign} * (1 << 16)")))),
        ("no signature", clear("b''")),
    ] {
        python(&sandbox, &format!("write({SEAL:?}, {seal})"));
        is_refused(&sandbox, what);
    }
}

#[test]
fn a_long_seal_takes_little_more_memory_than_its_length() {
    let sandbox = Sandbox::new();
    sandbox.sh("moo-keygen --sign-only key >/dev/null").silent();
    put(&sandbox, FULL, &[tar(&[root()])]);
    let head = "-----BEGIN PGP SIGNED MESSAGE-----\\nHash: SHA512\\n\\n";
    let script = format!(
        r##"write({SEAL:?}, b"{head}" + b"# moo\n" * 10_000_000 + armored(packet(2, b"\4\1"), "SIGNATURE"))"##
    );
    python(&sandbox, &script);
    let run = "moo-fetch file://$PWD/store | moo-decrypt --seal-key key.cert.pgp >/dev/null";
    let limited = format!("ulimit -v 300000; {run}");
    bounded(&sandbox, &limited).fails_with(5).one_message().stderr_has(".seal: ");
}

#[test]
fn whatever_is_changed_around_the_signed_text_of_a_seal_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo moo >src/moo && moo-keygen --sign-only key >/dev/null").silent();
    Moo::new(&sandbox, "--no-encryption --seal-key key.secret.pgp").backup("").silent();
    let seal = sandbox.sh("ls store/*.seal").succeeds().out();
    let seal = sandbox.path(seal.trim());
    let whole = fs::read_to_string(&seal).unwrap();
    let restore =
        "moo restore --archive-dir . --name none --seal-key key.cert.pgp file://$PWD/store out";
    sandbox.sh(&format!("{restore} && rm -r out")).silent();
    let changes = [
        ("-----BEGIN PGP SIGNED", "A remark\n-----BEGIN PGP SIGNED"),
        ("-----BEGIN PGP SIGNED", "\n-----BEGIN PGP SIGNED"),
        ("Hash: SHA512\n", "Hash: SHA512\nCharset: UTF-8\n"),
        ("Hash: SHA512\n", "Hash: SHA256\n"),
        ("Hash: SHA512\n", "Hash: SHA512\nHash: SHA256\n"),
        ("Hash: SHA512\n", ""),
        ("Hash: SHA512\n", "Comment: moo\nHash: SHA512\n"),
        ("BEGIN PGP SIGNATURE-----\n", "BEGIN PGP SIGNATURE-----\nCharset: UTF-8\n"),
        ("END PGP SIGNATURE-----\n", "END PGP SIGNATURE-----\nA remark\n"),
        ("END PGP SIGNATURE-----\n", "END PGP SIGNATURE-----\n\n"),
        ("# moobacker seal 1\n", "# moobacker seal 1 \n"),
        ("# moobacker seal 1\n", "- # moobacker seal 1\n"),
        ("# moobacker seal 1\n", "# moobacker seal 1\r\n"),
    ];
    for (from, to) in changes {
        let changed = whole.replacen(from, to, 1);
        assert_ne!(changed, whole, "{from}");
        fs::write(&seal, changed).unwrap();
        sandbox.sh(restore).fails_with(5).one_message().stderr_has(".seal: ");
    }
    // The same signature in the form of a message, as gpg calls bad for a text.
    fs::write(&seal, &whole).unwrap();
    let repacked = format!(
        r#"
text = open({seal:?}, "rb").read()
body, armor = text.split(b"\n\n", 1)[1].split(b"\n-----BEGIN PGP SIGNATURE-----\n\n")
lines = [line for line in armor.split(b"-----END")[0].split(b"\n") if not line.startswith(b"=")]
signature = base64.b64decode(b"".join(lines))
head = signature[2:] if signature[0] == 0xc2 else signature[3:]
once = packet(4, b"\3\1" + bytes([head[3], head[2]]) + bytes(8) + b"\1")
write({seal:?}, armored(once + literal(body) + signature))
"#
    );
    python(&sandbox, &repacked);
    sandbox.sh(restore).fails_with(5).one_message().stderr_has(".seal: ");
}
