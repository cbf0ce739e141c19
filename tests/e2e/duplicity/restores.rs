//! What is restored, and where to.

use tests::{Duplicity, Sandbox};

use super::{drop_in, later};

/// What is in `out`, with a slash after the names of directories.
fn listed(sandbox: &Sandbox) -> String {
    let find = "cd out && find . -mindepth 1 -type d -printf '%P/\\n' -o -printf '%P\\n' | sort";
    sandbox.sh(find).succeeds().out().lines().collect::<Vec<_>>().join(" ")
}

fn prepared() -> Sandbox {
    let sandbox = drop_in();
    sandbox
        .sh("mkdir -p src/old/docs src/etc; echo 1 >src/old/docs/x; echo 2 >src/etc/h.txt")
        .silent();
    sandbox.sh("duplicity -v0 --no-encryption full src file://$PWD/store").silent();
    later(&sandbox);
    sandbox
        .sh("echo 3 >src/old/docs/x; duplicity -v0 --no-encryption inc src file://$PWD/store")
        .silent();
    sandbox
}

#[test]
fn a_restore_selects_and_renames_as_the_new_duplicity_does() {
    let sandbox = prepared();
    let stock = Duplicity::new(&sandbox);
    for options in [
        "--include etc --exclude '**'",
        "--include '**.txt' --exclude '**'",
        "--exclude '*/docs'",
        "--exclude ./etc --exclude 'sub/'",
        "--exclude-regexp '^(etc|sub)'",
        "--filter-ignorecase --exclude ETC",
        "--rename old new --rename etc/h.txt h",
        "--rename ./old/docs/x old/y",
        "--path-to-restore old --rename docs texts",
        "--include old/docs --exclude '**' --rename old/docs old/texts",
    ] {
        sandbox.sh("rm -rf out theirs").silent();
        let call = |dest: &str| format!("--no-encryption {options} file://$PWD/store {dest}");
        stock.run("restore", &call("theirs")).succeeds();
        sandbox.sh(&format!("duplicity -v0 restore {}", call("out"))).silent();
        sandbox.sh("diff -r --no-dereference theirs out").silent();
    }
}

#[test]
fn what_stock_loses_that_is_renamed_into_a_new_directory_is_there() {
    let sandbox = prepared();
    let rename = "--rename etc/h.txt new/place/h --rename old sub/old";
    sandbox
        .sh(&format!("duplicity -v0 restore --no-encryption {rename} file://$PWD/store out"))
        .silent();
    assert_eq!(
        listed(&sandbox),
        "a etc/ link new/ new/place/ new/place/h sub/ sub/b c sub/old/ sub/old/docs/ sub/old/docs/x"
    );
}

#[test]
fn several_paths_go_below_the_destination_and_each_has_to_be_there() {
    let sandbox = prepared();
    let restore = "rm -rf out; duplicity --no-encryption restore file://$PWD/store out";
    sandbox.sh(&format!("{restore} -v0 -r etc --file-to-restore old/docs")).silent();
    assert_eq!(listed(&sandbox), "etc/ etc/h.txt old/ old/docs/ old/docs/x");
    for (options, status, text) in [
        ("-r nothing", 19, "nothing not found in archive - no files restored."),
        ("--include nothing --exclude '**'", 20, "No files found in archive - nothing restored."),
        ("--exclude /etc", 14, "cannot match anything in the backup"),
        ("--exclude-if-present x", 23, "--exclude-if-present: not supported for restore"),
        ("--files-from x", 23, "--files-from: not supported for restore"),
    ] {
        sandbox
            .sh(&format!("{restore} -v1 {options}"))
            .fails_with(status)
            .one_message()
            .stderr_has(text);
    }
    sandbox.sh(&format!("{restore} -v0 --dry-run -r etc -r old")).silent();
    sandbox
        .sh("duplicity -v0 list-current-files -r etc -r old file://$PWD/store | wc -l")
        .stdout_is("5");
}
