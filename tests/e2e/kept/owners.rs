//! Whose the restored objects are.

use tests::{Run, Sandbox};

use crate::forge::{Entry, FULL, file, put, root, tar};
use crate::kept::is_root;

/// A file of that owner and group, by number and name.
fn owned(name: &str, (user, group): (u64, u64), names: &str) -> Entry {
    let mut entry = file(format!("snapshot/{name}"), b"moo");
    entry.member.mode = 0o6755;
    (entry.member.uid, entry.member.gid) = (user, group);
    entry.member.uname = names.into();
    entry.member.gname = names.into();
    entry
}

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::for_everybody();
    let daemon = owned("daemon", (54_321, 54_322), "daemon");
    let nobody = owned("number", (54_321, 54_322), "no-such-user");
    put(&sandbox, FULL, &[tar(&[root(), daemon, nobody])]);
    sandbox
}

fn restore(sandbox: &Sandbox, options: &str) -> Run {
    sandbox.sh(&format!(
        "moo restore {options} --archive-dir . --name none file://$PWD/store out; status=$?
        stat -c %u:%g:%a out/daemon out/number && rm -r out && exit $status"
    ))
}

#[test]
fn owners_come_back_by_name_by_number_or_not_at_all() {
    if !is_root() {
        return;
    }
    let sandbox = sandbox();
    let run = restore(&sandbox, "").succeeds().stderr_is("");
    drop(run.stdout_is("1:1:6755\n54321:54322:6755"));
    let run = restore(&sandbox, "--numeric-owner").succeeds().stderr_is("");
    drop(run.stdout_is("54321:54322:6755\n54321:54322:6755"));
    // A program that runs as its owner does not begin to run as root.
    for option in ["--no-restore-ownership", "--do-not-restore-ownership"] {
        let run = restore(&sandbox, option).succeeds().stderr_is("");
        drop(run.stdout_is("0:0:755\n0:0:755"));
    }
    let both = restore(&sandbox, "--no-restore-ownership --numeric-owner").fails();
    drop(both.stderr_has("moo restore: "));
}

#[test]
fn capabilities_come_back_with_their_owner_only() {
    if !is_root() {
        return;
    }
    let sandbox = Sandbox::for_everybody();
    let make = "mkdir src && cp /bin/true src/ping && chown daemon src/ping &&
        setcap cap_net_raw+ep src/ping &&
        moo backup --no-encryption --archive-dir . src file://$PWD/store";
    sandbox.sh(make).silent();
    let restore = |options: &str| {
        let caps = "getcap out/ping | cut -d ' ' -f 2; rm -r out";
        sandbox.sh(&format!("moo restore {options} --archive-dir . file://$PWD/store out; {caps}"))
    };
    restore("").succeeds().stderr_is("").stdout_is("cap_net_raw=ep");
    restore("--no-restore-ownership").succeeds().stderr_is("").stdout_is("");
}
