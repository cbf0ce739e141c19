//! Stores made by hand: what other writers may have stored, and what none should have.

use std::fs;

use stream::member::Kind;
use tests::damage::find;
use tests::{Run, Sandbox, Tree};

use crate::forge::{self, FULL, INC, block, deleted, entry, file, folder, put, root, tar};
use crate::moo::{Moo, stored};

/// A forged store of a full set with the file `f`.
fn forged(body: &[u8]) -> Sandbox {
    let sandbox = Sandbox::new();
    put(&sandbox, FULL, &[tar(&[root(), file("snapshot/f", body)])]);
    sandbox
}

fn plain(sandbox: &Sandbox) -> Run {
    sandbox.sh("moo restore file://$PWD/store out")
}

/// Replaces the entries of a plain volume of ours, and the hashes in the manifest.
fn repack(sandbox: &Sandbox, set: &str, change: impl Fn(&mut Vec<forge::Entry>)) {
    let volume = find(sandbox.path("store"), &format!("{set}.vol1."));
    let mut entries = forge::untar(&fs::read(&volume).unwrap());
    change(&mut entries);
    put(sandbox, set, &[tar(&entries)]);
}

#[test]
fn content_is_checked_by_the_hash_of_the_whole_file_whatever_the_manifest_says() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("f", 60_000);
    let moo = Moo::new(&sandbox, "--no-encryption --no-compression").archive("archive");
    moo.backup("").silent();
    tree.edit("f", |content| content[30_000] ^= 1);
    tree.mtime("f", 1_700_000_999, 0);
    moo.backup("").silent();
    sandbox.sh("rm -r store/*.seal archive").silent();
    let times = stored(&sandbox);
    let full = format!("duplicity-full.{}", times[0]);
    let inc = format!("duplicity-inc.{}.to.{}", times[0], times[1]);
    repack(&sandbox, &inc, |_| {});
    plain(&sandbox).silent();
    sandbox.sh("cmp src/f out/f && rm -r out").silent();
    let words = "f: its hash differs from that at the time of the backup";
    let is_delta = |entry: &&mut forge::Entry| entry.member.name == b"diff/f";
    repack(&sandbox, &inc, |entries| {
        let delta = entries.iter_mut().find(is_delta).unwrap();
        let literal = delta.body.len() / 2;
        delta.body[literal] ^= 1;
    });
    plain(&sandbox).fails_with(5).one_message().stderr_has(words);
    sandbox.sh("mv store other && mkdir store && mv other/*-full* store").silent();
    repack(&sandbox, &full, |entries| entries.last_mut().unwrap().body[7] ^= 1);
    plain(&sandbox).fails_with(5).one_message().stderr_has(words);
    sandbox.sh("ls -A | grep out").fails_with(1);
}

#[test]
fn a_delta_without_its_file_is_an_error() {
    let sandbox = forged(b"moo");
    let delta = [&b"rs\x026"[..], &[0x44], &3u16.to_be_bytes()].concat();
    put(&sandbox, INC, &[tar(&[file("diff/other", &delta)])]);
    let run = plain(&sandbox).fails_with(5).one_message();
    run.stderr_has("other: a delta, but earlier sets do not have the file");
    put(&sandbox, INC, &[tar(&[file("diff/f", b"no delta at all")])]);
    plain(&sandbox).fails_with(5).one_message().stderr_has("moo restore: f: ");
    put(&sandbox, INC, &[tar(&[file("diff/f", b"")])]);
    plain(&sandbox).fails_with(5).one_message().stderr_has("moo restore: f: ");
    sandbox.sh("ls -A | grep out").fails_with(1);
}

#[test]
fn a_volume_without_entries_in_the_middle_is_not_the_end() {
    let sandbox = Sandbox::new();
    let volumes = [
        tar(&[root(), file("multivol_snapshot/f/1", b"one ")]),
        tar(&[]),
        Vec::new(),
        tar(&[file("multivol_snapshot/f/2", b"two")]),
        tar(&[file("snapshot/g", b"three")]),
        tar(&[]),
    ];
    put(&sandbox, FULL, &volumes);
    put(&sandbox, INC, &[tar(&[]), tar(&[deleted("g")]), Vec::new()]);
    plain(&sandbox).silent();
    sandbox.sh("cat out/f; ls out").succeeds().stdout_is("one twof");
}

#[test]
fn any_end_of_a_volume_is_its_end() {
    let whole = tar(&[root(), file("snapshot/f", b"moo")]);
    let entries = 512 * 3;
    let ends: [Vec<u8>; 5] = [
        Vec::new(),
        vec![0; 512],
        vec![0; 1024],
        [vec![0; 512], b"snapshot/junk\xff".repeat(3000)].concat(),
        [vec![0; 1024], whole.clone()].concat(),
    ];
    for end in ends {
        let sandbox = Sandbox::new();
        put(&sandbox, FULL, &[[&whole[..entries], &end].concat()]);
        plain(&sandbox).silent();
        sandbox.sh("cat out/f; ls out").succeeds().stdout_is("moof");
    }
    let sandbox = Sandbox::new();
    put(&sandbox, FULL, &[whole[..entries - 1].to_vec()]);
    plain(&sandbox).fails_with(5).one_message().stderr_has("volume 1 of the full");
}

#[test]
fn manifests_of_all_writers_are_read() {
    let volume = tar(&[root(), file("snapshot/f", b"moo")]);
    let (sha1, md5) = (forge::sha1(&volume), forge::md5(&volume));
    let good = block(1, "SHA1", &sha1);
    let texts = [
        good.clone(),
        good.replace('\n', "\r\n"),
        good.to_uppercase().replace("ZZZ", "zzz").replace("HASH SHA1", "Hash SHA1"),
        block(1, "MD5", &md5),
        format!("Hostname x\nLocaldir y\nFilelist 1\n    new  f\n{good}"),
        format!("{good}Filelist 1\n    new  f\n"),
        format!("{}{good}", block(1, "SHA1", &"0".repeat(40))),
        format!("{}{good}", block(2, "SHA1", &"0".repeat(40))),
        good.replace("Hash SHA1", "Hash SHA3 00\n    Hash SHA1"),
    ];
    for text in texts {
        let sandbox = Sandbox::new();
        put(&sandbox, FULL, std::slice::from_ref(&volume));
        fs::write(forge::path(&sandbox, &format!("{FULL}.manifest")), &text).unwrap();
        plain(&sandbox).silent();
        sandbox.sh("cat out/f").succeeds().stdout_is("moo");
    }
    let wrong = [
        String::new(),
        "Hostname x\n".into(),
        block(1, "SHA1", &md5),
        block(1, "SHA3", &sha1),
        good.replace("    Hash", "    Taste"),
        format!("{good}{}", block(3, "SHA1", &sha1)),
        good.replace("Volume 1", "Volume 99999999999999999999"),
    ];
    for text in wrong {
        let sandbox = Sandbox::new();
        put(&sandbox, FULL, std::slice::from_ref(&volume));
        fs::write(forge::path(&sandbox, &format!("{FULL}.manifest")), &text).unwrap();
        plain(&sandbox).fails_with(5).one_message().stderr_has(FULL);
    }
}

#[test]
fn volumes_that_the_manifest_does_not_name_are_passed_over_with_a_warning() {
    let sandbox = forged(b"moo");
    let more = tar(&[file("snapshot/g", b"evil")]);
    fs::write(forge::path(&sandbox, &format!("{FULL}.vol2.difftar")), &more).unwrap();
    fs::write(forge::path(&sandbox, &format!("{FULL}.vol99.difftar.gz")), &more).unwrap();
    let run = plain(&sandbox).succeeds();
    assert_eq!(run.err().lines().count(), 2, "{}", run.err());
    run.stderr_has("vol99.difftar.gz: not listed in the manifest, skipped");
    sandbox.sh("cat out/f; ls out").succeeds().stdout_is("moof");
}

#[test]
fn a_set_is_applied_in_its_order_and_once() {
    let cases = [
        (vec![root(), file("snapshot/b", b""), file("snapshot/a", b"")], "a: is out of order"),
        (vec![root(), file("snapshot/a", b""), file("snapshot/a", b"")], "a: is out of order"),
        (vec![root(), file("snapshot/a-b", b""), folder("snapshot/a")], "a: is out of order"),
        (vec![root(), file("snapshot/d/f", b"")], "d/f: its directory is not in"),
        (vec![file("snapshot/f", b"")], "f: its directory is not in"),
        (vec![root(), entry("snapshot/f", Kind::Fifo), folder("snapshot/f/x")], "f/x: its dir"),
    ];
    for (entries, words) in cases {
        let sandbox = Sandbox::new();
        put(&sandbox, FULL, &[tar(&entries)]);
        plain(&sandbox).fails_with(5).one_message().stderr_has(words);
        sandbox.sh("ls -A | grep out").fails_with(1);
    }
}
