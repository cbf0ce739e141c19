//! What a command finds around it: the environment, the working directory, the limits.

use tests::Sandbox;

const NOBODY: &str = "setpriv --reuid 65534 --regid 65534 --clear-groups";

/// A user database that answers with what this line does, in `fake`.
fn database(sandbox: &Sandbox, line: &str) {
    let make = "mkdir fake; cat >fake/getent <<TEXT
#!/bin/sh
LINE
TEXT
chmod +x fake/getent";
    sandbox.sh(&make.replace("LINE", line)).silent();
}

#[test]
fn without_home_as_units_of_systemd_have_it_every_command_failed_and_each_works() {
    let mut sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo moo >src/a").silent();
    database(&sandbox, "echo \"x:x:0:0::$PWD/fake:/bin/sh\"");
    sandbox.unset("HOME").unset("XDG_STATE_HOME");
    let bare = "export PATH=$PWD/fake:$PATH; ";
    sandbox.sh(&format!("{bare} moo backup --no-encryption src file://$PWD/store")).silent();
    sandbox.sh("test -d fake/.local/state/moobacker").silent();
    sandbox.sh(&format!("{bare} moo restore file://$PWD/store out && diff -r src out")).silent();
    sandbox.sh(&format!("{bare} moo status file://$PWD/store")).succeeds();
}

#[test]
fn a_user_without_a_home_restores_and_reads_and_is_told_what_a_backup_needs() {
    let mut sandbox = Sandbox::new();
    sandbox.sh("mkdir src && echo moo >src/a").silent();
    sandbox.sh("moo backup --no-encryption src file://$PWD/store").silent();
    database(&sandbox, "exit 2");
    sandbox.unset("HOME").unset("XDG_STATE_HOME");
    let bare = "export PATH=$PWD/fake:$PATH; ";
    sandbox.sh(&format!("{bare} moo restore file://$PWD/store out && diff -r src out")).silent();
    sandbox
        .sh(&format!("{bare} moo status file://$PWD/store && moo list file://$PWD/store"))
        .succeeds();
    sandbox
        .sh(&format!("{bare} moo backup --no-encryption src file://$PWD/store"))
        .fails_with(2)
        .one_message()
        .stderr_has("set HOME, or give --archive-dir");
}

#[test]
fn from_a_working_directory_that_is_closed_absolute_paths_failed_and_work() {
    let sandbox = Sandbox::for_everybody();
    sandbox
        .sh("mkdir src closed u && echo moo >src/a && chmod 700 closed && chown 65534 u && chmod 755 src")
        .silent();
    let run = |command: &str| {
        format!(
            "W=$PWD; export HOME=$W/u XDG_STATE_HOME=$W/u/state TMPDIR=$W/u GNUPGHOME=$W/u/g
            cd closed && exec {NOBODY} {command}"
        )
    };
    let encrypted = "moo backup --no-encryption $W/src file://$W/u/store";
    sandbox.sh(&run(encrypted)).silent();
    sandbox.sh(&run("moo verify file://$W/u/store $W/src")).silent();
    sandbox.sh(&run("moo restore --no-restore-ownership file://$W/u/store $W/u/out")).silent();
    sandbox.sh("diff -r src u/out").silent();
    sandbox.sh(&run("moo backup --no-encryption src file://$W/u/store")).fails().one_message();
}

#[test]
fn the_limits_of_the_caller_reached_roots_hooks_and_do_not() {
    let sandbox = Sandbox::new();
    let configuration = "remote file:///nowhere/store\nencrypt-key 0000\nsource a /etc\n";
    let hook = "before for l in f n s; do ulimit -$l; done >limits; exit 1\n";
    let configuration = format!("{hook}{configuration}");
    let configuration = configuration.replace("limits", &sandbox.path("limits").to_string_lossy());
    std::fs::write(sandbox.path("conf"), configuration).unwrap();
    let run = "chmod 600 conf; (ulimit -S -f 0; ulimit -S -n 12; ulimit -S -s 64
        backup.sh --config $PWD/conf --user nobody 2>/dev/null)
        sed '2d' limits; test $(sed -n 2p limits) -ge 1024";
    sandbox.sh(run).succeeds().stdout_is("unlimited\n8192");
}
