//! Pipes out of a backup: one file, or a tar, on standard output.

use std::fs;

use tests::damage::{find_all, flip};
use tests::{Key, Sandbox, Snapshot, Tree, assert_same};

use crate::moo::{Moo, stored};

fn restore(options: &str) -> String {
    format!("moo restore --archive-dir . --name archive {options} file://$PWD/store -")
}

#[test]
fn one_file_of_each_state_goes_into_a_pipe_and_nothing_onto_the_disk() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("folder/db.sql", 3_000_000);
    let moo = Moo::encrypted(&sandbox, &key).option("--volsize 1");
    let mut states = vec![fs::read(tree.path("folder/db.sql")).unwrap()];
    moo.backup("").silent();
    for day in 1..4 {
        tree.edit("folder/db.sql", |content| {
            content.splice(1000..1000, [day; 5000]);
        });
        tree.mtime("folder/db.sql", 1_700_000_000 + i64::from(day), 0);
        moo.backup("").silent();
        states.push(fs::read(tree.path("folder/db.sql")).unwrap());
    }
    for (time, state) in stored(&sandbox).iter().zip(&states) {
        let run = sandbox.sh(&restore(&format!("--time {time} --path folder/db.sql"))).succeeds();
        assert!(run.stdout == *state && run.stderr.is_empty());
    }
    assert_eq!(sandbox.sh("ls -A .tmp; ls -d ./-*").out(), "");
}

#[test]
fn what_is_no_regular_file_is_named_and_not_written() {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    tree.fifo("pipe");
    Moo::plain(&sandbox).backup("").silent();
    for (path, what) in [
        ("--path folder", "folder: a directory"),
        ("--path link", "link: a symlink"),
        ("--path pipe", "pipe: a fifo"),
        ("", ".: a directory"),
    ] {
        let run = sandbox.sh(&restore(path)).fails_with(2).one_message();
        run.stderr_has(what).stderr_has("--tar").stdout_is("");
    }
    let run = sandbox.sh(&restore("--path nothing")).fails_with(10).one_message();
    run.stderr_has("nothing: not in the backup").stdout_is("");
    for option in ["--merge", "--delete", "--force", "--keep-going"] {
        sandbox
            .sh(&restore(&format!("{option} --path link")))
            .fails_with(2)
            .one_message()
            .stdout_is("");
    }
    let out = "moo restore --archive-dir . --name archive --tar file://$PWD/store out";
    sandbox.sh(out).fails_with(2).stderr_has("give - as the destination");
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_terminal_gets_text_and_neither_a_tar_nor_what_could_command_it() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.file("text", "Gr\u{fc}\u{df}e\n\tfrom a file\n".as_bytes());
    tree.file("escape", b"\x1b[2J");
    tree.noise("noise", 1000);
    tree.file("large", &b"line\n".repeat(300_000));
    Moo::plain(&sandbox).backup("").silent();
    let shown = |options: &str| {
        let command = restore(&format!("--quiet {options}"));
        sandbox.sh(&format!("script -qec '{command}' /dev/null"))
    };
    shown("--path text").succeeds().stdout_is("Gr\u{fc}\u{df}e\r\n\tfrom a file");
    for path in ["escape", "noise", "large"] {
        shown(&format!("--path {path}")).fails_with(2).stdout_has("standard output is a terminal");
    }
    shown("--tar").fails_with(2).stdout_has("standard output: is a terminal");
    let run = sandbox.sh(&restore("--path escape")).succeeds();
    assert_eq!(run.stdout, b"\x1b[2J");
}

#[test]
fn a_tar_of_each_state_of_every_kind_of_object_is_what_a_restore_gives() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::every_kind(sandbox.path("src"));
    let moo = Moo::encrypted(&sandbox, &key);
    let states = moo.days(&tree, 3);
    let tar = "tar x -p --numeric-owner --xattrs --xattrs-include='*' -C out";
    for (time, _) in stored(&sandbox).iter().zip(&states) {
        moo.restore(&format!("--time {time}")).succeeds();
        sandbox.sh("mv out wanted && mkdir out").silent();
        let piped = format!("{} | {tar}", restore(&format!("--time {time} --tar --numeric-owner")));
        sandbox.sh(&piped).succeeds();
        assert_same(&Snapshot::kept(sandbox.path("wanted")), &Snapshot::kept(sandbox.path("out")));
        sandbox.remove("out");
        sandbox.remove("wanted");
    }
    assert_eq!(sandbox.sh("ls -A .tmp").out(), "");
}

#[test]
fn a_tar_has_hard_links_old_times_and_names_of_any_bytes_for_any_tar() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("a/first", 100_000);
    tree.hard_link("b", "a/first");
    tree.hard_link("c", "a/first");
    tree.file("old", b"old");
    tree.mtime("old", -86_400, 0);
    let long = "n".repeat(200);
    tree.file(&long, b"long");
    Moo::plain(&sandbox).backup("").silent();
    let read = |options: &str| {
        let python = "python3 -c 'import sys, tarfile
for m in tarfile.open(fileobj=sys.stdin.buffer, mode=\"r|\"):
    print(m.name, m.linkname, m.size, int(m.mtime), m.pax_headers.get(\"comment\", \"\"))'";
        sandbox.sh(&format!("{} | {python}", restore(&format!("--tar {options}")))).succeeds().out()
    };
    let all = read("");
    for wanted in ["./b ./a/first 0 1700000000", "./c ./a/first 0", "./old  3 -86400 \n"] {
        assert!(all.contains(wanted), "{wanted}: {all}");
    }
    assert!(all.contains(&format!("./{long}  4 ")), "{all}");
    // A part has a first name of its own.
    assert!(read("--path c").starts_with("c  100000 "));
    // A name that has become another file is a link no longer.
    sandbox.sh("rm src/b && echo other >src/b && rm src/a/first").silent();
    Moo::plain(&sandbox).backup("").silent();
    let all = read("");
    assert!(all.contains("./b  6 ") && all.contains("./c  100000 "), "{all}");
}

#[test]
fn a_damaged_store_writes_nothing_and_fails_as_a_restore_does() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("large", 3_500_000);
    Moo::encrypted(&sandbox, &key).option("--volsize 1").backup("").silent();
    flip(&find_all(sandbox.path("store"), ".vol4.")[0], -200);
    for options in ["--path large", "--tar"] {
        sandbox.sh(&restore(options)).fails_with(5).stderr_has("vol4").stdout_is("");
    }
    assert_eq!(sandbox.sh("ls -A .tmp").out(), "");
}

#[test]
fn whoever_stops_reading_ends_the_restore() {
    let sandbox = Sandbox::new();
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("large", 3_500_000);
    Moo::plain(&sandbox).backup("").silent();
    for options in ["--path large", "--tar"] {
        let piped = format!("{{ {}; echo $? >status; }} | head -c 1000 | wc -c", restore(options));
        let run = sandbox.sh(&piped).succeeds().stdout_is("1000");
        run.stderr_is("");
        assert_eq!(fs::read_to_string(sandbox.path("status")).unwrap(), "141\n");
    }
    assert_eq!(sandbox.sh("ls -A .tmp").out(), "");
}

#[test]
fn without_a_spool_a_file_goes_out_as_it_arrives_in_each_state() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::small(sandbox.path("src"));
    let moo = Moo::encrypted(&sandbox, &key).option("--volsize 1");
    let mut states = Vec::new();
    for day in 0..7u8 {
        match day {
            0 => tree.noise("folder/db", 3_000_000),
            1 | 2 => tree.edit("folder/db", |content| content[usize::from(day) * 1000] ^= 1),
            // Unchanged, gone, back, and something else.
            3 => tree.file("other", b""),
            4 => tree.remove("folder"),
            5 => tree.noise("folder/db", 2_000_000),
            _ => tree.symlink("folder/db", "nowhere"),
        }
        tree.mtime("", 1_700_000_000 + i64::from(day), 0);
        if day < 3 {
            tree.mtime("folder/db", 1_700_000_000 + i64::from(day), 0);
        }
        moo.backup("").silent();
        states.push(fs::read(tree.path("folder/db")).ok());
    }
    for (day, (time, state)) in stored(&sandbox).iter().zip(&states).enumerate() {
        let run = sandbox.sh(&restore(&format!("--no-spool --time {time} --path folder/db")));
        match (day, state) {
            (6, _) => {
                run.fails_with(2).one_message().stderr_has("folder/db: a symlink").stdout_is("")
            }
            (_, None) => run.fails_with(10).one_message().stdout_is(""),
            (_, Some(state)) => {
                assert!(run.succeeds().stdout == *state, "day {day}");
                continue;
            }
        };
    }
    sandbox.sh("ls -A .tmp").silent();
    sandbox.sh(&restore("--no-spool --tar")).fails_with(2).one_message();
    sandbox
        .sh(&restore("--no-spool --path folder"))
        .fails_with(2)
        .stderr_has("folder: a directory");
}

#[test]
fn without_a_spool_what_comes_before_the_damage_is_written_and_the_status_tells() {
    let sandbox = Sandbox::new();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let tree = Tree::empty(sandbox.path("src"));
    tree.noise("large", 3_500_000);
    Moo::encrypted(&sandbox, &key).option("--volsize 1").backup("").silent();
    let whole = fs::read(tree.path("large")).unwrap();
    assert!(sandbox.sh(&restore("--no-spool --path large")).succeeds().stdout == whole);
    flip(&find_all(sandbox.path("store"), ".vol4.")[0], -200);
    let run = sandbox.sh(&restore("--no-spool --path large")).fails_with(5).stderr_has("vol4");
    assert!(run.stdout.len() > 2_000_000 && whole.starts_with(&run.stdout), "{}", run.stdout.len());
}

#[test]
fn into_a_closed_standard_output_all_vanished_with_status_0_and_it_is_named() {
    let sandbox = Sandbox::new();
    sandbox
        .sh("mkdir src && seq 9 >src/a && moo backup --no-encryption src file://$PWD/store")
        .silent();
    for options in ["--path a", "--tar", "--no-spool --path a"] {
        let run = sandbox.sh(&format!("moo restore {options} file://$PWD/store - >&-"));
        drop(run.fails_with(1).one_message().stderr_has("standard output: is closed"));
        sandbox.sh(&format!("moo restore {options} file://$PWD/store - >/dev/null")).silent();
    }
}

/// A store whose one entry belongs to nobody that a system could have, or to a name that commands a terminal.
const CRAFTED: &str = r#"import hashlib, io, os, struct, tarfile
os.makedirs('store')
def write(path, folder):
    tar = tarfile.open(path, 'w', format=tarfile.GNU_FORMAT)
    for name, kind, owner in [('', b'5', {}), ('a', b'0', dict(uid=2**32 - 1, gid=5)), ('b', b'0', dict(uid=-5)),
                              ('c', b'0', dict(uid=7, uname='\x1b[31mroot', gname='x\ny'))]:
        entry = tarfile.TarInfo(folder(kind) + '/' + name)
        entry.type, entry.mode = kind, 0o755 if kind == b'5' else 0o4755
        for key, value in owner.items(): setattr(entry, key, value)
        content = b'' if kind == b'5' else b'moo' if 'sig' not in path else struct.pack('>III', 0x72730147, 512, 8)
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    tar.close()
volume = 'store/duplicity-full.20261129T200000Z.vol1.difftar'
write(volume, lambda kind: 'snapshot')
write('store/duplicity-full-signatures.20261129T200000Z.sigtar',
      lambda kind: 'signature' if kind == b'0' else 'snapshot')
sha1 = hashlib.sha1(open(volume, 'rb').read()).hexdigest()
open('store/duplicity-full.20261129T200000Z.manifest', 'w').write(
    'Hostname vm\nLocaldir /x\nNumber-of-volumes 1\nVolume 1:\n'
    '    StartingPath   . \n    EndingPath     zz \n    Hash SHA1 %s\n' % sha1)
"#;

#[test]
fn owners_that_no_system_has_became_root_by_tar_and_their_names_commanded_the_terminal() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("craft.py"), CRAFTED).unwrap();
    sandbox.sh("python3 craft.py").silent();
    let run = sandbox.sh("moo restore --tar file://$PWD/store - >state.tar").fails_with(3);
    drop(
        run.one_message()
            .stderr_has("could not restore: the owner of 2 objects: no system has such a number"),
    );
    let listed =
        "tar tvf state.tar | sed -n 's/^\\(-[^ ]* [^ ]*\\).* \\(\\.\\/.\\)$/\\1 \\2/p' | cat -v";
    sandbox
        .sh(listed)
        .stdout_is("-rwxr-xr-x 65534/5 ./a\n-rwxr-xr-x 65534/0 ./b\n-rwsr-xr-x 7/0 ./c");
}

#[test]
fn an_interrupted_output_was_called_unchanged_and_is_incomplete() {
    let sandbox = Sandbox::new();
    let prepare = "mkdir src && head -c 3000000 /dev/urandom >src/a
        moo backup --no-encryption src file://$PWD/store && mkfifo pipe";
    sandbox.sh(prepare).silent();
    for options in ["--path a", "--tar", "--no-spool --path a"] {
        let script = format!(
            "exec 3<>pipe; moo restore {options} file://$PWD/store - >pipe 2>said & run=$!
            head -c 1000 <&3 >/dev/null; kill -TERM $run; wait $run; echo $?; cat said; rm said"
        );
        let said = "143\nmoo restore: interrupted; the output is incomplete; throw it away";
        sandbox.sh(&script).stdout_is(said);
    }
}
