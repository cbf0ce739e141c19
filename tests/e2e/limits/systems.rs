//! A restore to file systems that can't hold all that a backup has: NTFS, exFAT, and those that take two
//! names for one. What can't be given back is named, and all else is there.

use tests::{Run, Sandbox};

use crate::moo::Moo;
use crate::mount::Disk;

/// File systems that can't hold everything.
#[derive(Clone, Copy)]
enum System {
    ExFat,
    /// By that program of ntfs-3g, with those options.
    Ntfs(&'static str, &'static str),
    /// ext4 where names are folded, if the kernel has it.
    Casefold,
    /// One of FUSE that folds names as well.
    Folding,
}

impl System {
    /// One that is mounted on `disk`.
    fn mount(self, sandbox: &Sandbox) -> Option<Disk<'_>> {
        match self {
            System::ExFat => Disk::exfat(sandbox),
            System::Ntfs(program, options) => Disk::ntfs(sandbox, program, options),
            System::Casefold => Disk::casefold(sandbox),
            System::Folding => Disk::folding(sandbox),
        }
    }
}

/// Names of all kinds; each of them is too much for some file system.
const NAMES: &str = r#"mkdir Dir dir 'dir.' 'q?' && echo upper >README && echo lower >readme && echo 1 >Dir/x &&
    echo 2 >dir/x && head -c 100000 /dev/zero >dir/big && echo in >'dir./in' && echo in >'q?/in' &&
    for name in 'a:b' 'what?' 'star*' 'dot.' dot 'blank ' CON 'back\slash' 'less<more>' 'quote"' 'pipe|' "$(printf 'new\nline')" \
        "$(printf 'latin\351')" "$(printf 'caf\303\251')" "$(printf 'cafe\314\201')"; do
        printf %s "$name" >"$name" || exit
    done"#;

/// Objects and metadata of all kinds.
const OBJECTS: &str = "echo a >a && ln a hard && ln -s a link && ln -s /nowhere dangling && mkfifo fifo &&
    truncate -s 5M sparse && echo z >z && chmod 600 z && echo s >setuid && chmod 4755 setuid &&
    mkdir private && echo p >private/p && chmod 700 private && touch -d 1970-01-01 old && touch -d 2199-01-01 new &&
    touch -h -d 2001-01-01 link && setfattr -n user.moo -v 1 a && setfattr -n user.moo -v 1 private &&
    setfacl -m u:1:r z && { test $(id -u) != 0 || {
        mknod null c 1 3 && mknod block b 7 99 && chown 1000:1001 z setuid && echo x >capable && setcap cap_net_raw+ep capable; }; }";

/// What changes until the next set, of what some can't hold, too.
const CHANGES: &str = "for file in README readme dir/big Dir/x a:b dot. CON 'q?/in' a; do
        test ! -e \"$file\" || echo more >>\"$file\" || exit
    done && rm fifo && echo file >fifo && rm link && mkdir link && echo in >link/in && rm sparse && mkfifo sparse";

/// Backs up two states of a source. Returns the pipelines.
fn two_states(sandbox: &Sandbox) -> Moo<'_> {
    sandbox.sh(&format!("mkdir src && cd src && {NAMES} && {OBJECTS}")).silent();
    let moo = Moo::plain(sandbox);
    moo.backup("").silent();
    sandbox.sh(&format!("cd src && {CHANGES}")).silent();
    moo.backup("").silent();
    moo
}

/// Each object of the source is in the destination with its content, or is named as not restored.
#[track_caller]
fn nothing_is_lost_in_silence(sandbox: &Sandbox, run: Run, out: &str) -> Run {
    std::fs::write(sandbox.path("said"), run.err()).unwrap();
    std::fs::write(sandbox.path("check.py"), include_str!("check.py")).unwrap();
    sandbox.sh(&format!("python3 check.py src {out} said")).silent();
    run.fails_with(3)
}

/// The messages without their numbers: what several sets have is counted for each of them where all are
/// applied, and once where only what differs is.
fn without_counts(said: &str) -> String {
    let words = said.replace("entry in it", "entries in it").replace(" object", " objects");
    words.replace("objectss", "objects").replace(|letter: char| letter.is_ascii_digit(), "")
}

/// Restores the newest state in each way, and demands that these are named, and everything else is
/// there.
#[track_caller]
fn restores_all_else(system: System, named: &[&str]) {
    let sandbox = Sandbox::new();
    let Some(disk) = system.mount(&sandbox) else { return };
    drop(two_states(&sandbox));
    let restore = |options: &str, out: &str| {
        sandbox.sh(&format!("moo restore {options} file://$PWD/store disk/{out}"))
    };
    let full = restore("", "out");
    for name in named {
        assert!(
            full.err().contains(&format!("moo restore: {name}: not restored")),
            "{}",
            full.err()
        );
    }
    let said = nothing_is_lost_in_silence(&sandbox, full, "disk/out").err();
    for (options, out) in [("--keep-going", "again"), ("--merge", "out"), ("--delete", "out")] {
        let run = restore(options, out);
        if options == "--keep-going" {
            assert_eq!(run.err(), said);
        } else {
            assert_eq!(without_counts(&run.err()), without_counts(&said), "{options}");
        }
        drop(nothing_is_lost_in_silence(&sandbox, run, &format!("disk/{out}")));
    }
    // Only what was restored is there: no folder is left.
    sandbox.sh("ls -A disk").stdout_is("again\nout");
    drop(disk);
}

#[test]
fn exfat_gets_all_that_it_can_hold_and_the_rest_is_named() {
    let named =
        ["readme", "dir", "dangling", "a:b", "back\\x5cslash", "new\\x0aline", "latin\\xe9"];
    restores_all_else(System::ExFat, &named);
}

#[test]
fn ntfs_for_windows_gets_all_that_it_can_hold_and_the_rest_is_named() {
    let system = System::Ntfs("ntfs-3g", "windows_names,streams_interface=xattr");
    let named = ["a:b", "what?", "star*", "dot.", "dir.", "q?", "blank ", "CON", "back\\x5cslash"];
    restores_all_else(system, &named);
}

#[test]
fn ntfs_with_permissions_gets_all_but_names_that_are_not_unicode() {
    let system = System::Ntfs("ntfs-3g", "permissions,acl");
    restores_all_else(system, &["latin\\xe9"]);
}

#[test]
fn names_that_would_be_changed_to_small_letters_failed_the_whole_restore_and_are_named() {
    let system = System::Ntfs("lowntfs-3g", "windows_names,ignore_case,streams_interface=xattr");
    restores_all_else(system, &["README", "Dir", "a:b"]);
}

#[test]
fn a_folder_that_folds_names_gets_the_first_of_two_that_are_one_there_and_all_else() {
    restores_all_else(System::Folding, &["readme", "dir"]);
}

#[test]
fn a_folder_of_ext4_that_folds_names_gets_the_first_of_two_that_are_one_there_and_all_else() {
    restores_all_else(System::Casefold, &["readme", "dir"]);
}

#[test]
fn a_name_whose_capitals_changed_between_two_restores_into_one_folder_keeps_its_new_content() {
    for system in [System::ExFat, System::Folding] {
        let sandbox = Sandbox::new();
        let Some(disk) = system.mount(&sandbox) else { return };
        let moo = Moo::plain(&sandbox);
        sandbox.sh("mkdir -p src/Dir && echo one >src/README && echo one >src/Dir/x").silent();
        moo.backup("").silent();
        drop(sandbox.sh("moo restore --no-restore-ownership file://$PWD/store disk/out"));
        let change = "echo two >src/README && echo two >src/Dir/x && mv src/README src/Readme && mv src/Dir src/dir";
        sandbox.sh(change).silent();
        moo.option("--allow-deletions").backup("").silent();
        for (options, most) in [("--merge", "disk/out"), ("--delete", "disk/out"), ("", "disk/new")]
        {
            let run = format!("moo restore {options} file://$PWD/store {most}");
            let run = sandbox.sh(&run);
            assert!(!run.err().contains("not restored"), "{}", run.err());
            sandbox
                .sh(&format!("cmp src/Readme {most}/readme && cmp src/dir/x {most}/DIR/x"))
                .silent();
            sandbox.sh(&format!("ls {most} | wc -l; ls {most}/dir")).stdout_is("2\nx");
        }
        drop(disk);
    }
}
