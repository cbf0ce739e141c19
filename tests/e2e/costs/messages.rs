//! Messages that cost without end, and plaintext that nobody has checked.

use std::fs;

use tests::{Key, Sandbox};

use super::{bounded, python};
use crate::forge::{FULL, block, put, root, sha1, tar};

const MANIFEST: &str = "store/duplicity-full.20200101T000000Z.manifest";

const VOLUME: &str = "store/duplicity-full.20200101T000000Z.vol1.difftar";

fn store() -> Sandbox {
    let sandbox = Sandbox::new();
    put(&sandbox, FULL, &[tar(&[root()])]);
    sandbox
}

#[test]
fn a_passphrase_packet_that_asks_for_gibibytes_is_refused() {
    let sandbox = store();
    // Argon2 with 255 passes over 8 GiB, before something that seems to be encrypted.
    python(
        &sandbox,
        &format!(
            r#"write({MANIFEST:?} + ".gpg", packet(3, b"\4\x09\4" + bytes(16) + b"\xff\4\x17") + packet(18, b"\1" + bytes(400)))"#
        ),
    );
    fs::remove_file(sandbox.path(MANIFEST)).unwrap();
    // What is not encrypted would not count.
    sandbox.sh(&format!("mv {VOLUME} {VOLUME}.gpg")).silent();
    let command = "PASSPHRASE=moo moo restore --archive-dir . --name none file://$PWD/store out";
    bounded(&sandbox, command).fails_with(5).one_message().stderr_has("Argon2");
}

#[test]
fn nested_compression_is_refused_and_one_level_is_not() {
    let sandbox = store();
    let text = fs::read(sandbox.path(MANIFEST)).unwrap();
    fs::write(sandbox.path("manifest"), text).unwrap();
    fs::remove_file(sandbox.path(MANIFEST)).unwrap();
    let restore =
        "moo restore --allow-unprotected --archive-dir . --name none file://$PWD/store out";
    for (inner, status) in [
        ("compressed(literal(text))", 0),
        ("compressed(compressed(literal(text)))", 5),
        ("compressed(compressed(compressed(literal(b'x\\n' * (1 << 27)))))", 5),
    ] {
        let script =
            format!("text = open('manifest', 'rb').read()\nwrite({MANIFEST:?} + '.gpg', {inner})");
        python(&sandbox, &script);
        let run = bounded(&sandbox, restore);
        match status {
            0 => drop(run.silent()),
            _ => drop(run.fails_with(status).one_message().stderr_has("compressed more than once")),
        }
        sandbox.sh("rm -rf out").silent();
    }
}

#[test]
fn a_manifest_of_some_bytes_that_becomes_megabytes_is_refused() {
    let sandbox = store();
    Key::open(&sandbox, "Moo <moo@example.org>");
    let make = format!(
        "{{ cat {MANIFEST}; echo Filelist 1; yes '    new  f' | head -c 200M; }} |
        gpg -q --batch --trust-model always --compress-algo bzip2 -e -r moo@example.org >m.gpg &&
        mv m.gpg {MANIFEST}.gpg && rm {MANIFEST}"
    );
    sandbox.sh(&make).silent();
    let restore = "moo restore --archive-dir . --name none file://$PWD/store out";
    let run = bounded(&sandbox, restore).fails_with(5).one_message();
    run.stderr_has("unpacks to more than any manifest does");
}

#[test]
fn no_plaintext_leaves_before_the_check_of_its_message_holds() {
    let sandbox = store();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    key.export_secret(&sandbox, "secret.pgp", "");
    let encrypt = format!(
        "gpg -q --batch --trust-model always -e -r moo@example.org {VOLUME} && rm {VOLUME}"
    );
    sandbox.sh(&encrypt).silent();
    let volume = fs::read(sandbox.path(format!("{VOLUME}.gpg"))).unwrap();
    fs::write(sandbox.path("plain"), block(1, "SHA1", &sha1(&volume))).unwrap();
    for cipher in ["AES256", "CAMELLIA256"] {
        // Lines that don't compress, so that much comes before the end.
        let make = format!(
            "rm -f {MANIFEST}* && {{ cat plain; echo Filelist 1;
            od -An -v -tx1 -N 1000000 /dev/urandom | sed 's/ //g; s/^/    new  PLAIN/'; }} |
            gpg -q --batch --trust-model always --cipher-algo {cipher} -e -r moo@example.org >{MANIFEST}.gpg"
        );
        // gpg says that the certificate prefers another cipher.
        sandbox.sh(&make).succeeds();
        let decrypt = "moo-fetch file://$PWD/store | moo-decrypt --secret-key secret.pgp >out.tar";
        sandbox.sh(&format!("{decrypt} && grep -q PLAIN out.tar")).silent();
        tests::damage::flip(sandbox.path(format!("{MANIFEST}.gpg")), -3);
        bounded(&sandbox, decrypt).fails_with(5).one_message().stderr_has("manifest.gpg: ");
        sandbox.sh("grep -c PLAIN out.tar").fails_with(1);
    }
}
