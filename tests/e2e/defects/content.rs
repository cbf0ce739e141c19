//! Wrong content that duplicity restores with exit 0, or of which it leaves a part.

use std::fs;

use tests::damage::{find, flip};
use tests::{Key, Sandbox, Tree};

use super::{nothing_came_of_it, restore};
use crate::forge::{FULL, INC, deleted, file, folder, put, root, tar};
use crate::interop::programs::{New, Old, Program, Who, sample};

/// A full set by duplicity, encrypted and perhaps signed. Noise is not packed, so that a bit of it
/// may change without a trace.
fn encrypted(sandbox: &Sandbox, who: Who, options: &str) -> Key {
    let key = Key::open(sandbox, "Moo <moo@example.org>");
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("f", 60_000);
    let options = options.replace("KEY", &key.fingerprint);
    Program::new(sandbox, who, &format!("--encrypt-key {key} {options}")).full("src");
    key
}

/// Writes the manifest again with the hash of the volume as it is now.
fn with_the_right_hash(sandbox: &Sandbox, key: &Key) {
    let manifest = find(sandbox.path("store"), "manifest");
    let again = format!(
        "gpg -q -d {0} >text && hash=$(cat store/*vol1* | sha1sum) && hash=${{hash%  -}} &&
        sed -i \"s/SHA1 .*/SHA1 $hash/\" text && rm {0} &&
        gpg -q --batch --trust-model always -e -r {key} -o {0} text",
        manifest.display()
    );
    sandbox.sh(&again).succeeds();
}

#[test]
fn a_message_that_was_changed_was_restored_with_exit_0_and_is_refused() {
    for who in sample(&[Old, New], 4) {
        for at in [-30_000, -500, -1] {
            let sandbox = Sandbox::new();
            let key =
                encrypted(&sandbox, who, "--no-compression --gpg-options=--compress-algo=none");
            flip(find(sandbox.path("store"), "vol1"), at);
            with_the_right_hash(&sandbox, &key);
            let run = restore(&sandbox, "").fails_with(5).one_message();
            run.stderr_has("vol1.difftar.gpg");
            restore(&sandbox, "--allow-unprotected").fails_with(5).one_message();
            nothing_came_of_it(&sandbox);
        }
    }
}

#[test]
fn the_signature_of_a_manifest_was_not_looked_at_and_is_demanded() {
    for who in sample(&[Old, New], 5) {
        let sandbox = Sandbox::new();
        let key = encrypted(&sandbox, who, "--sign-key KEY");
        restore(&sandbox, &format!("--sign-key {key}")).silent();
        sandbox.remove("out");
        with_the_right_hash(&sandbox, &key);
        let run = restore(&sandbox, &format!("--sign-key {key}")).fails_with(5).one_message();
        run.stderr_has("manifest");
        nothing_came_of_it(&sandbox);
    }
}

#[test]
fn a_delta_on_no_file_was_a_warning_with_exit_0_and_is_an_error() {
    let sandbox = Sandbox::new();
    put(&sandbox, FULL, &[tar(&[root(), file("snapshot/f", b"moo")])]);
    put(&sandbox, INC, &[tar(&[file("diff/other", b"rs\x026\x44\0\x03")])]);
    restore(&sandbox, "").fails_with(5).one_message().stderr_has("other: ");
    nothing_came_of_it(&sandbox);
}

#[test]
fn a_delta_that_copies_beyond_its_file_left_a_part_with_exit_0_and_is_an_error() {
    let sandbox = Sandbox::new();
    put(&sandbox, FULL, &[tar(&[root(), file("snapshot/f", b"moo moo")])]);
    // "cow", then three bytes from the sixth on, of which there are two.
    let delta = b"rs\x026\x03cow\x45\x05\x03\0";
    put(&sandbox, INC, &[tar(&[file("diff/f", delta)])]);
    restore(&sandbox, "").fails_with(5).one_message().stderr_has("f: ");
    nothing_came_of_it(&sandbox);
}

#[test]
fn what_was_in_a_deleted_directory_came_back_as_errors_and_is_gone() {
    let sandbox = Sandbox::new();
    let entries =
        [root(), folder("snapshot/d"), file("snapshot/d/f", b""), file("snapshot/e", b"")];
    put(&sandbox, FULL, &[tar(&entries)]);
    put(&sandbox, INC, &[tar(&[deleted("d")])]);
    restore(&sandbox, "").silent();
    sandbox.sh("find out | sort").succeeds().stdout_is("out\nout/e");
}

#[test]
fn a_volume_without_entries_ended_its_set_with_exit_0_and_does_not() {
    let sandbox = Sandbox::new();
    let volumes = [tar(&[root()]), tar(&[]), tar(&[file("snapshot/f", b"moo")])];
    put(&sandbox, FULL, &volumes);
    restore(&sandbox, "").silent();
    assert_eq!(fs::read(sandbox.path("out/f")).unwrap(), b"moo");
}
