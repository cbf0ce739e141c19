//! Programs that a stage has started end with it.

use std::fs;

use tests::Sandbox;
use tests::sshd::Setup;

use super::kit::{Background, is_over, processes, sandbox, until};

/// Ends a command while a program of that name runs for it: nothing is left a second later.
fn ends_with(sandbox: &Sandbox, command: &str, program: &str) {
    for signal in ["TERM", "KILL"] {
        let run = Background::start(sandbox, command);
        let runs = || processes(sandbox).iter().any(|words| words.contains(program));
        until(program, runs);
        let ended = run.end(sandbox, signal);
        assert!(ended.status > 128, "{program}: SIG{signal}: {:?}", ended.said);
        is_over(sandbox, &format!("{program}: SIG{signal}"));
    }
}

#[test]
fn rclone_outlived_the_run_that_had_started_it_and_ends_with_it() {
    let mut sandbox = sandbox();
    // Slow enough to be caught at work.
    sandbox.set("RCLONE_BWLIMIT", "100k");
    let backup = "moo backup full --volsize 1 src rclone::local:$PWD/store";
    ends_with(&sandbox, backup, "rclone rcat");
    sandbox.set("RCLONE_BWLIMIT", "off");
    sandbox.sh(&backup.replace("full ", "")).silent();
    let restore = "moo restore rclone::local:$PWD/store out";
    sandbox.sh(&format!("{restore} && diff -r src out && rm -r out")).silent();
    sandbox.set("RCLONE_BWLIMIT", "100k");
    ends_with(&sandbox, restore, "rclone cat");
}

#[test]
fn the_proxy_command_of_a_connection_ends_with_the_run() {
    let sandbox = sandbox();
    let sshd = Setup::new(&sandbox).line("DisableForwarding no").start();
    sandbox.sh("mkdir store").silent();
    let config = sandbox.path(".home/.ssh/config");
    let shared = fs::read_to_string(&config).unwrap();
    let (file, port) = (config.display(), sshd.port());
    let proxy = format!(
        "Host box\n  HostName 127.0.0.1\n  Port {port}\n  \
         ProxyCommand sh -c 'ssh -F {file} -p {port} -W %h:%p 127.0.0.1; sleep 800'\n{shared}"
    );
    fs::write(&config, proxy).unwrap();
    let url = format!("sftp://box/{}", sshd.path("store").display());
    let backup = format!("moo backup full --bwlimit 200 --volsize 1 src {url}");
    ends_with(&sandbox, &backup, "-W 127.0.0.1");
    // The one that carries nothing any more, but has not ended, goes too.
    sandbox.sh(&format!("moo backup --volsize 1 src {url}")).silent();
    sandbox.sh(&format!("moo restore {url} out && diff -r src out")).silent();
}

#[test]
fn a_gpg_that_waits_ends_with_the_run() {
    let mut sandbox = sandbox();
    let gpg = "mkdir shim && printf '#!/bin/sh\\nexec sleep 811\\n' >shim/gpg && chmod +x shim/gpg";
    sandbox.sh(gpg).silent();
    let path = sandbox.sh("printf %s \"$PWD/shim:$PATH\"").out();
    sandbox.set("PATH", path);
    let key = "0123456789ABCDEF0123456789ABCDEF01234567";
    ends_with(
        &sandbox,
        &format!("moo backup --encrypt-key {key} src file://$PWD/store"),
        "sleep 811",
    );
}
