//! Archives that somebody made to do harm: a clear error, nothing outside, nothing left.

use std::fs;

use stream::member::Kind;
use tests::{Run, Sandbox, Tree};

use crate::forge::{
    self, Entry, FULL, INC, block, deleted, entry, file, folder, link, patch_header, put, root, tar,
};
use crate::moo::Moo;

/// A sandbox with a folder that nothing may touch.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir outside && echo moo >outside/canary && chmod 500 outside").silent();
    sandbox
}

fn restore(sandbox: &Sandbox) -> Run {
    sandbox.sh("moo restore --archive-dir . --name none file://$PWD/store out")
}

/// The restore of what is in the store fails as a breach of integrity, in one plain line, and
/// nothing has come of it.
#[track_caller]
fn is_refused(sandbox: &Sandbox, words: &str) {
    let run = restore(sandbox).fails_with(5).one_message().stderr_has(words);
    assert!(!run.err().trim_end().contains(|c: char| c.is_control()), "{:?}", run.err());
    is_untouched(sandbox);
}

#[track_caller]
fn is_untouched(sandbox: &Sandbox) {
    sandbox.sh("ls -A | grep out").succeeds().stdout_is("outside");
    sandbox.sh("cd outside && ls -A && cat canary").succeeds().stdout_is("canary\nmoo");
    sandbox.sh("ls -A .tmp").silent();
}

/// A plain full set of these entries, and then an increment of those, is refused.
#[track_caller]
fn refused(sets: [&[Entry]; 2], words: &str) {
    let sandbox = sandbox();
    put(&sandbox, FULL, &[tar(sets[0])]);
    if !sets[1].is_empty() {
        put(&sandbox, INC, &[tar(sets[1])]);
    }
    is_refused(&sandbox, words);
}

#[test]
fn names_that_lead_upwards_or_elsewhere_are_refused() {
    for name in ["snapshot/../outside/evil", "snapshot/a/../../outside/evil", "snapshot/.."] {
        refused([&[root(), file(name, b"evil")], &[]], "a path with ..");
    }
    refused([&[root(), file("multivol_snapshot/../evil/1", b"evil")], &[]], "a path with ..");
    refused([&[root()], &[deleted("../outside/canary")]], "a path with ..");
    for name in ["evil", "/snapshot/evil", "../outside/evil", "Snapshot/evil", "signature/evil"] {
        refused([&[root(), file(name, b"evil")], &[]], "volume 1 of the full");
    }
    // Long names travel in a record that may hold any byte.
    let nul = [&b"snapshot/a\0b"[..], &[b'x'; 100]].concat();
    refused([&[root(), file(nul, b"")], &[]], "NUL byte");
}

#[test]
fn an_absolute_name_is_below_the_destination() {
    let sandbox = sandbox();
    put(&sandbox, FULL, &[tar(&[root(), file("snapshot//evil", b"moo")])]);
    restore(&sandbox).silent();
    sandbox.sh("cat out/evil && test ! -e /evil").succeeds().stdout_is("moo");
}

#[test]
fn nothing_is_written_through_a_link() {
    let to = |target: &str| link("snapshot/l", Kind::Symlink, target);
    let below = "l/evil: its directory is not in";
    for target in ["../outside", "outside", "/tmp", ".", ".."] {
        let evil = file("snapshot/l/evil", b"evil");
        refused([&[root(), to(target), evil.clone()], &[]], below);
        refused([&[root(), to(target)], &[evil]], below);
        refused([&[root(), to(target)], &[folder("snapshot/l/evil")]], below);
        let delta = file("diff/l/canary", b"rs\x026\x41x\0");
        refused([&[root(), to(target)], &[delta]], "l/canary: its directory is not in");
    }
    let sandbox = sandbox();
    put(&sandbox, FULL, &[tar(&[root(), to("../outside")])]);
    put(&sandbox, INC, &[tar(&[deleted("l/canary")])]);
    restore(&sandbox).silent();
    sandbox.sh("cat outside/canary; readlink out/l").succeeds().stdout_is("moo\n../outside");
}

#[test]
fn a_link_in_place_of_the_root_or_of_a_file_is_not_followed() {
    let link_root = link("snapshot/", Kind::Symlink, "../outside");
    refused([&[link_root, file("snapshot/evil", b"evil")], &[]], "evil: its directory");
    let canary = link("snapshot/l", Kind::Symlink, "../outside/canary");
    refused([&[root(), canary.clone()], &[file("diff/l", b"rs\x026\x41x\0")]], "l: a delta, but");
    let sandbox = sandbox();
    put(&sandbox, FULL, &[tar(&[root(), canary])]);
    put(&sandbox, INC, &[tar(&[file("snapshot/l", b"evil")])]);
    restore(&sandbox).silent();
    sandbox.sh("cat outside/canary out/l").succeeds().stdout_is("moo\nevil");
}

#[test]
fn objects_that_no_backup_has_are_refused() {
    let hard = link("snapshot/h", Kind::HardLink, "../outside/canary");
    refused([&[root(), hard], &[]], "h: an object of a kind that no backup contains");
    for flag in [b'S', b'V', b'M', b'D', b'Z', b'8'] {
        refused([&[root(), entry("snapshot/x", Kind::Other(flag))], &[]], "of a kind that no");
    }
    for kind in [Kind::Directory, Kind::Symlink, Kind::Fifo, Kind::HardLink] {
        refused(
            [&[root(), entry("diff/x", kind)], &[]],
            "x: a delta to an object that is not a file",
        );
    }
    refused([&[root(), file("snapshot/f", b"")], &[file("snapshot/f/x", b"")]], "f/x: its dir");
}

#[test]
fn a_sparse_member_is_refused_since_its_body_is_not_its_content() {
    let sandbox = sandbox();
    sandbox
        .sh("mkdir snapshot && truncate -s 1M snapshot/s && echo moo >>snapshot/s &&
            for format in gnu pax; do tar cSf $format.tar --format=$format snapshot; done")
        .silent();
    for format in ["gnu", "pax"] {
        put(&sandbox, FULL, &[fs::read(sandbox.path(format!("{format}.tar"))).unwrap()]);
        is_refused(
            &sandbox,
            if format == "gnu" { "s: an object other than a file" } else { "sparse" },
        );
    }
}

#[test]
fn messages_about_odd_names_stay_one_harmless_line() {
    let name = &b"snapshot/no\nwhere/\x1b[2J\r\x07\xff\xc2\x9b"[..];
    refused([&[root(), file(name, b"")], &[]], "no\\x0a");
    refused([&[root(), file(&b"evil\n\x1b[31mgreen"[..], b"")], &[]], "\\x0a");
    let user = |name: &[u8]| {
        let mut entry = file("snapshot/f", b"moo");
        entry.member.uname = name.to_owned();
        entry
    };
    for name in [&b"a\0b"[..], b"\n\xff", &[b'x'; 100_000]] {
        let sandbox = sandbox();
        put(&sandbox, FULL, &[tar(&[root(), user(name)])]);
        restore(&sandbox).silent();
    }
}

#[test]
fn of_a_tree_deeper_than_any_system_has_the_deepest_is_left_out_and_the_rest_comes() {
    for (depth, fits) in [(1500, true), (100_000, false)] {
        let sandbox = sandbox();
        let mut entries = vec![root()];
        let mut name = b"snapshot".to_vec();
        // Each name is as long as all before it: only the first and the last thousands are there.
        for level in 0..depth {
            name.extend(b"/d");
            if level < 5000 {
                entries.push(folder(name.clone()));
            }
        }
        put(&sandbox, FULL, &[tar(&entries)]);
        if fits {
            restore(&sandbox).silent();
            let count = sandbox.sh("find out -type d | wc -l").succeeds();
            count.stdout_is(&format!("{}", depth + 1));
        } else {
            let run = restore(&sandbox);
            run.fails_with(3).one_message().stderr_has("more nested directories than");
            let count = sandbox.sh("find out -type d | wc -l").succeeds();
            count.stdout_is("4096");
        }
        sandbox.sh("rm -rf out").silent();
    }
    let long = [b"snapshot".to_vec(), b"/d".repeat(100_000)].concat();
    let sandbox = sandbox();
    put(&sandbox, FULL, &[tar(&[root(), folder(long)])]);
    restore(&sandbox).fails_with(3).one_message().stderr_has("more nested directories than");
}

#[test]
fn a_size_that_is_not_there_is_noticed() {
    let sizes: [&[u8]; 4] = [
        b"77777777777\0",
        b"00000002001\0",
        &[0x80, 0, 0, 0, 0x7f, 255, 255, 255, 255, 255, 255, 255],
        &[0xff; 12],
    ];
    for size in sizes {
        for (at, word) in [(512, "volume 1 of the full"), (0, "volume 1 of the full")] {
            let sandbox = sandbox();
            let mut volume = tar(&[root(), file("snapshot/f", b"moo")]);
            volume.truncate(2048);
            patch_header(&mut volume, at, 124, size);
            put(&sandbox, FULL, &[volume]);
            is_refused(&sandbox, word);
        }
    }
    let sandbox = sandbox();
    let mut volume = tar(&[root(), file("snapshot/f", b"moo")]);
    patch_header(&mut volume, 512, 124, b"not a number");
    put(&sandbox, FULL, &[volume]);
    is_refused(&sandbox, "malformed size");
}

/// A delta with one copy command of 8-byte numbers: 0x54 with their lengths of 8 each.
fn copy(start: u64, length: u64) -> Vec<u8> {
    [&b"rs\x026\x54"[..], &start.to_be_bytes(), &length.to_be_bytes(), &[0]].concat()
}

#[test]
fn a_delta_that_copies_what_is_not_there_is_refused() {
    let basis = vec![b'x'; 5000];
    let most = u64::MAX / 2;
    for (start, length) in [
        (0, 5001),
        (5000, 1),
        (4999, 2),
        (0, most),
        (most, 1),
        (most, most),
        (u64::MAX, 1),
        (0, u64::MAX),
        (1 << 40, 1 << 40),
    ] {
        let delta = file("diff/f", &copy(start, length));
        refused([&[root(), file("snapshot/f", &basis)], &[delta]], "moo restore: f: ");
    }
    for delta in [&b"rs\x026"[..], b"rs\x026\x44\xff", b"rs\x016\0", b"rs\x026\xff\0", b"\0"] {
        refused(
            [&[root(), file("snapshot/f", &basis)], &[file("diff/f", delta)]],
            "moo restore: f: ",
        );
    }
}

#[test]
fn file_streams_with_other_names_than_of_files_are_refused() {
    for name in
        ["../evil/1", "a/b/1", "/evil/1", ".hidden/1", "evil", "e\nvil/1", "evil/x", "evil/2", "/1"]
    {
        let sandbox = sandbox();
        let begin = br#"{"stream":"files","version":2,"restore":{"sets":[]}}"#;
        fs::write(sandbox.path("in.tar"), tar(&[file("begin.json", begin), file(name, b"")]))
            .unwrap();
        for stage in
            ["moo-patch out", "moo-decrypt >/dev/null", "moo-upload file://$PWD/store >/dev/null"]
        {
            let run = sandbox.sh(&format!("{stage} <in.tar")).fails_with(5).one_message();
            drop(run.stderr_has("standard input: "));
        }
        is_untouched(&sandbox);
    }
}

#[test]
fn a_bomb_takes_no_memory() {
    let sandbox = sandbox();
    let mut volume = tar(&[root(), file("snapshot/f", b"")]);
    // 400 MB that gzip makes 400 kB of, in a file that claims ten times that.
    patch_header(&mut volume, 512, 124, b"36000000000\0");
    volume.truncate(1024);
    fs::create_dir(sandbox.path("store")).unwrap();
    fs::write(sandbox.path("head"), volume).unwrap();
    let name = format!("store/{FULL}.vol1.difftar.gz");
    sandbox.sh(&format!("{{ cat head; head -c 400M /dev/zero; }} | gzip -1 >{name}")).silent();
    let volume = fs::read(sandbox.path(&name)).unwrap();
    fs::write(
        forge::path(&sandbox, &format!("{FULL}.manifest")),
        block(1, "SHA1", &forge::sha1(&volume)),
    )
    .unwrap();
    let limited = "ulimit -v 300000; moo restore file://$PWD/store out";
    sandbox.sh(limited).fails_with(5).one_message().stderr_has("volume 1 of the full");
    is_untouched(&sandbox);
    // A manifest that is a line of 400 MB, or a list of as many files.
    let sandbox = sandbox_with_key();
    for (list, status) in [("tr '\\0' x", 5), ("yes '    new  f' | head -c 400M", 0)] {
        put(&sandbox, FULL, &[tar(&[root()])]);
        let make = format!(
            "cd store && {{ cat *.manifest; echo Filelist 1; head -c 400M /dev/zero | {list}; }} |
            gpg -q --batch --trust-model always -e -r moo@example.org >{FULL}.manifest.gpg && rm *.manifest"
        );
        sandbox.sh(&make).silent();
        let run = sandbox.sh("ulimit -v 300000; ulimit -f 20000; moo restore --allow-unprotected --secret-key secret.pgp file://$PWD/store out");
        if status == 0 {
            run.silent()
        } else {
            run.fails_with(5).one_message()
        };
        sandbox.sh("rm -rf store out").silent();
    }
}

fn sandbox_with_key() -> Sandbox {
    let sandbox = sandbox();
    let key = tests::Key::open(&sandbox, "Moo <moo@example.org>");
    key.export_secret(&sandbox, "secret.pgp", "");
    sandbox
}

#[test]
fn devices_are_left_out_for_who_is_not_root_and_hurt_nobody() {
    let sandbox = sandbox();
    let mut device = entry("snapshot/sda", Kind::BlockDevice);
    device.member.device = (8, u32::MAX >> 12);
    put(&sandbox, FULL, &[tar(&[root(), device])]);
    if !rustix::process::geteuid().is_root() {
        restore(&sandbox).fails_with(3).one_message().stderr_has("sda: device not restored");
        return;
    }
    restore(&sandbox).silent();
    sandbox.sh("test -b out/sda").silent();
}

#[test]
fn a_named_pipe_in_place_of_a_manifest_kept_a_restore_waiting_for_ever() {
    let sandbox = Sandbox::new();
    Tree::small(sandbox.path("src"));
    Moo::plain(&sandbox).backup("").silent();
    sandbox.sh("for m in store/*.manifest; do rm $m && mkfifo $m; done").silent();
    let restore = "moo restore --archive-dir . --name none file://$PWD/store out";
    let run = sandbox.sh(&format!("timeout 60 {restore}")).fails().one_message();
    assert_ne!(run.status, 124, "it came to an end by itself");
    sandbox.sh("ls out").fails();
}
