//! Who gets in, and how the programs learn where to.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use tests::Sandbox;
use tests::sshd::{Kind, Setup, Sshd};

use super::kit::Remote;

const KINDS: [Kind; 3] = [Kind::Ed25519, Kind::Ecdsa, Kind::Rsa];

/// A server with an empty store, and no configuration but known hosts; no key gets in yet.
fn closed(sandbox: &Sandbox) -> Sshd<'_> {
    let sshd = Sshd::start(sandbox);
    sandbox.sh("mkdir store && rm .home/.ssh/config .home/.ssh/id_*").silent();
    sshd.accept_none();
    sshd
}

/// Writes `HOME/.ssh/config`.
fn configure(sandbox: &Sandbox, text: &str) {
    fs::write(sandbox.path(".home/.ssh/config"), text).unwrap();
}

#[test]
fn every_usual_key_gets_in_without_any_configuration() {
    let sandbox = Sandbox::new();
    let sshd = closed(&sandbox);
    for kind in KINDS {
        sshd.client_key(kind);
        Remote::at(&sandbox, &sshd).look().succeeds();
        sshd.accept_none();
        sandbox.sh("rm .home/.ssh/id_*").silent();
    }
    for line in ["publickey for", "ED25519", "ECDSA", "RSA"] {
        assert!(sshd.log().contains(line), "{line}: {}", sshd.log());
    }
}

#[test]
fn a_key_can_be_named_in_the_configuration_and_on_the_command_line() {
    let sandbox = Sandbox::new();
    let sshd = closed(&sandbox);
    let remote = Remote::at(&sandbox, &sshd);
    for kind in KINDS {
        let key = sshd.client_key(kind);
        sandbox.sh("mkdir -p keys && mv .home/.ssh/id_* keys").silent();
        remote.look().fails_with(6).one_message().stderr_has("no key");
        let file = sandbox.path("keys").join(key.file_name().unwrap());
        let file = file.display();
        remote.clone().option(&format!("-o IdentityFile={file}")).look().succeeds();
        remote.clone().option(&format!("--ssh-option IdentityFile={file}")).look().succeeds();
        configure(&sandbox, &format!("Host 127.0.0.1\n  IdentityFile {file}\n"));
        remote.look().succeeds();
        sandbox.sh("mv .home/.ssh/config config").silent();
        remote.clone().option("--ssh-config config").look().succeeds();
        remote.look().fails_with(6);
        sandbox.sh("rm -r keys config").silent();
        sshd.accept_none();
    }
}

#[test]
fn keys_of_an_agent_get_in() {
    for kind in KINDS {
        let sandbox = Sandbox::new();
        let sshd = closed(&sandbox);
        let key = sshd.client_key(kind);
        let remote = format!("moo-fetch --num-retries 1 --receipts {}", sshd.url("store"));
        let within = |script: &str| sandbox.sh(&format!("ssh-agent sh -c '{script}'"));
        let add = format!("ssh-add -q {}", key.display());
        within(&format!("{add} && rm {}* && {remote}", key.display())).succeeds();
        sandbox.sh(&remote).fails_with(6).one_message();
        within(&remote).fails_with(6).one_message().stderr_has("no key");
        // It is there, and not to be asked.
        let off = format!("{remote} -o IdentityAgent=none");
        sshd.client_key(kind);
        within(&format!("{add} && mv {}* . && {off}", key.display())).fails_with(6);
    }
}

#[test]
fn a_locked_key_gets_in_through_an_agent_alone() {
    let sandbox = Sandbox::new();
    let sshd = closed(&sandbox);
    let key = sandbox.path(".home/.ssh/id_ed25519");
    sandbox.sh("ssh-keygen -q -t ed25519 -N moomoo -f .home/.ssh/id_ed25519").silent();
    sshd.accept(&key);
    let look = || Remote::at(&sandbox, &sshd).look();
    look().fails_with(6).one_message().stderr_has("locked by a passphrase");
    let pem = "ssh-keygen -q -p -P moomoo -N moomoo -m PEM -f .home/.ssh/id_rsa";
    sandbox
        .sh(&format!("ssh-keygen -q -t rsa -b 2048 -N moomoo -f .home/.ssh/id_rsa && {pem}"))
        .succeeds();
    look().fails_with(6).one_message().stderr_has("id_rsa: locked by a passphrase");
    let ask = "printf '#!/bin/sh\\necho moomoo\\n' >ask && chmod 755 ask";
    sandbox.sh(ask).silent();
    let url = sshd.url("store");
    let script = format!(
        "SSH_ASKPASS=$PWD/ask SSH_ASKPASS_REQUIRE=force ssh-add -q .home/.ssh/id_ed25519 &&
        moo-fetch --num-retries 1 --receipts {url}"
    );
    sandbox.sh(&format!("ssh-agent sh -c '{script}'")).succeeds();
}

#[test]
fn a_key_that_is_not_accepted_is_named_and_not_tried_again() {
    let sandbox = Sandbox::new();
    let sshd = closed(&sandbox);
    let key = sshd.client_key(Kind::Ed25519);
    sshd.accept_none();
    let remote = Remote::at(&sandbox, &sshd).tries(5, 20);
    let run = remote.look().fails_with(6).one_message();
    let run = run.stderr_has(&format!("{}: not accepted", key.display()));
    assert!(run.err().contains(&format!("moo-fetch: {}@127.0.0.1", sshd.user())), "{}", run.err());
    let logins = sshd.log().matches("Connection from").count();
    assert_eq!(logins, 1, "{}", sshd.log());
    let named = remote.clone().option("-o IdentityFile=nowhere").look();
    named.fails_with(6).one_message().stderr_has("nowhere: not there");
    sandbox.sh("echo nonsense >broken && chmod 600 broken").silent();
    let named = remote.option("-o IdentityFile=broken").look();
    named.fails_with(6).one_message().stderr_has("broken: not a readable private key");
}

#[test]
fn a_key_that_others_may_read_is_not_used() {
    let sandbox = Sandbox::new();
    let sshd = closed(&sandbox);
    let key = sshd.client_key(Kind::Ed25519);
    fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let remote = Remote::at(&sandbox, &sshd);
    remote.look().fails_with(6).one_message().stderr_has("others may read it");
    fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
    remote.look().succeeds();
}

#[test]
fn a_host_is_what_the_configuration_says() {
    let sandbox = Sandbox::new();
    let sshd = closed(&sandbox);
    sshd.client_key(Kind::Ed25519);
    sandbox.sh("mv .home/.ssh/known_hosts hosts && mv .home/.ssh/id_ed25519 key").silent();
    let (user, port, folder) = (sshd.user(), sshd.port(), sandbox.path(""));
    let folder = folder.display();
    let text = format!(
        "# all of it\nHost other\n  Port 1\n\nHost remote\n\tHostName=127.0.0.1\n  User {user}\n  port {port}
  IdentityFile \"{folder}/key\"\n  UserKnownHostsFile {folder}/hosts\n\nHost *\n  Port 2\n  User nobody
  IdentityFile ~/.ssh/none\n  Compression yes\n  ServerAliveInterval 15\n  SendEnv LANG LC_*\n"
    );
    configure(&sandbox, &text);
    Remote::new(&sandbox, &format!("sftp://remote/{folder}/store")).look().succeeds();
    Remote::new(&sandbox, "sftp://remote/store").look().succeeds();
    sandbox.sh("mv .home/.ssh/config config").silent();
    let remote = Remote::new(&sandbox, "sftp://remote/store");
    remote.clone().option("--ssh-config config").look().succeeds();
    let words = format!(
        "-o HostName=127.0.0.1 -o Port={port} -o User={user} -o IdentityFile={folder}/key \
         -o UserKnownHostsFile={folder}/hosts"
    );
    remote.option(&words).look().succeeds();
    // What the URL says goes before what the configuration says.
    let exact = format!("sftp://{user}@remote:{port}/store");
    let words =
        format!("--ssh-config config -o Port=3 -o User=nobody -o IdentityFile={folder}/key");
    Remote::new(&sandbox, &exact).option(&words).look().succeeds();
}

#[test]
fn an_account_without_sftp_says_so() {
    for command in ["exit 1", "echo hello", "echo This account is closed; sleep 1"] {
        let sandbox = Sandbox::new();
        let sshd = Setup::new(&sandbox).command(command).start();
        let remote = Remote::at(&sandbox, &sshd).tries(2, 5);
        remote.look().fails_with(7).one_message().stderr_has("the account offers no sftp");
    }
}
