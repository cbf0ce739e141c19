//! Nobody is talked to whose key is not known.

use std::fs;

use tests::relay::{Mode, Relay, Way};
use tests::sshd::{Kind, Setup, Sshd};
use tests::{Run, Sandbox};

use super::kit::Remote;

const KNOWN: &str = ".home/.ssh/known_hosts";
const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB4bYzHT8YYlrZ05JHBcQEqxdOpd4oCrdVGgRHNpfXF7";

/// A server with an empty store, and a list of known hosts that says that of it, where `KEY` is its
/// key and `NAME` its name.
struct Listed<'a> {
    sandbox: &'a Sandbox,
    sshd: Sshd<'a>,
}

impl<'a> Listed<'a> {
    fn new(sandbox: &'a Sandbox, kinds: &[Kind]) -> Listed<'a> {
        let sshd = Setup::new(sandbox).host_keys(kinds).start();
        sandbox.sh("mkdir store && rm .home/.ssh/config").silent();
        Listed { sandbox, sshd }
    }

    fn name(&self) -> String {
        format!("[127.0.0.1]:{}", self.sshd.port())
    }

    fn list(&self, text: &str) {
        let text = text.replace("NAME", &self.name());
        let text = text.replace("KEY", &self.sshd.host_key(Kind::Ed25519));
        fs::write(self.sandbox.path(KNOWN), text).unwrap();
    }

    fn look(&self) -> Run {
        Remote::at(self.sandbox, &self.sshd).look()
    }

    /// It is refused, before anything is told to the server, and the list stays as it is.
    #[track_caller]
    fn is_refused(&self, part: &str) -> Run {
        let list = || fs::read(self.sandbox.path(KNOWN)).unwrap_or_default();
        let before = list();
        let run = self.look().fails_with(6).one_message().stderr_has(part);
        assert_eq!(before, list());
        assert!(!self.sshd.log().contains("Accepted"), "it logged in");
        run
    }
}

/// What a message says between two words.
fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("{start} in {text}"));
    rest.rsplit_once(end).unwrap_or_else(|| panic!("{end} in {rest}")).0
}

#[test]
fn an_unknown_host_is_refused_until_the_command_in_the_message_is_run() {
    let sandbox = Sandbox::new();
    let store = Listed::new(&sandbox, &[Kind::Ed25519]);
    sandbox.sh(&format!("rm {KNOWN}")).silent();
    let run = store.is_refused("is not known");
    let run =
        run.stderr_has(&format!("moo-fetch: {}: the host key ssh-ed25519 SHA256:", store.name()));
    let fingerprint = "ssh-keygen -lf .sshd*/host_ed25519.pub | cut -d ' ' -f 2";
    let run = run.stderr_has(sandbox.sh(fingerprint).out().trim());
    let message = run.err();
    let command = format!("echo {}", between(&message, "echo ", ")\n"));
    sandbox.sh(&command).silent();
    store.look().succeeds();
    assert_eq!(fs::read_to_string(sandbox.path(KNOWN)).unwrap().lines().count(), 1);
}

#[test]
fn a_changed_host_is_refused_until_the_commands_in_the_message_are_run() {
    let sandbox = Sandbox::new();
    let store = Listed::new(&sandbox, &[Kind::Ed25519]);
    store.list(&format!("github.example {OTHER}\nNAME {OTHER}\n"));
    let message = store.is_refused("somebody may be in between").err();
    let command = format!("ssh-keygen {}", between(&message, "ssh-keygen ", ")\n"));
    sandbox.sh(&command).succeeds();
    store.look().succeeds();
    assert!(fs::read_to_string(sandbox.path(KNOWN)).unwrap().contains("github.example"));
}

#[test]
fn nothing_makes_a_host_known_by_itself() {
    let sandbox = Sandbox::new();
    let store = Listed::new(&sandbox, &[Kind::Ed25519]);
    store.list("");
    for value in ["no", "accept-new", "off"] {
        let option = format!("-o StrictHostKeyChecking={value}");
        Remote::at(&sandbox, &store.sshd).option(&option).look().fails_with(6).one_message();
    }
    let config = "Host *\n  StrictHostKeyChecking accept-new\n  CheckHostIP no\n";
    fs::write(sandbox.path(".home/.ssh/config"), config).unwrap();
    store.is_refused("is not known");
}

#[test]
fn what_names_the_host_makes_it_known() {
    let sandbox = Sandbox::new();
    let store = Listed::new(&sandbox, &[Kind::Ed25519]);
    for known in [
        "NAME KEY",
        "# comment\n\nother,NAME KEY with a comment\n",
        "[127.0.0.*]:* KEY",
        "[127.0.0.?]:* KEY",
        "* KEY",
        // As ssh has it, a host without its port is meant whatever its port.
        "127.0.0.1 KEY",
        &format!("NAME {OTHER}\nNAME KEY"),
        "NAME KEY\nnonsense\n@cert-authority * KEY",
    ] {
        store.list(known);
        store.look().succeeds();
    }
    store.list("NAME KEY\n");
    sandbox.sh(&format!("ssh-keygen -q -H -f {KNOWN}")).succeeds();
    assert!(fs::read_to_string(sandbox.path(KNOWN)).unwrap().starts_with("|1|"));
    store.look().succeeds();
    store.list("alias KEY\n");
    let stock = format!(
        "echo pwd | sftp -b - -F none -o UserKnownHostsFile=$PWD/{KNOWN} -i $PWD/.home/.ssh/id_ed25519 \
         -o BatchMode=yes -o HostKeyAlias=alias -o Port={} {}@127.0.0.1",
        store.sshd.port(),
        store.sshd.user()
    );
    sandbox.sh(&stock).succeeds();
    let alias = Remote::at(&sandbox, &store.sshd).option("-o HostKeyAlias=alias");
    alias.look().succeeds();
}

#[test]
fn what_does_not_name_the_host_or_revokes_its_key_does_not() {
    let sandbox = Sandbox::new();
    let store = Listed::new(&sandbox, &[Kind::Ed25519]);
    for (known, why) in [
        (&*format!("127.0.0.1 {OTHER}"), "is not known"),
        ("[127.0.0.1]:22 KEY", "is not known"),
        ("*,!NAME,!127.0.0.1 KEY", "is not known"),
        ("[127.0.0.2]:* KEY", "is not known"),
        ("# NAME KEY", "is not known"),
        ("@cert-authority NAME KEY", "has a @cert-authority line"),
        ("NAME KEY\n@revoked * KEY", "is revoked"),
        ("@revoked NAME KEY\nNAME KEY", "is revoked"),
        ("NAME KEY\n@revoked [127.0.0.?]:* KEY", "is revoked"),
        ("@cert-authority * KEY\n@revoked * KEY", "is revoked"),
        ("@cert-authority [127.0.0.*]:*,!NAME KEY", "is not known"),
        ("NAME KEY\n@revoked NAME nonsense", "line 2: can't be read"),
        (&format!("NAME {OTHER}\n@revoked * KEY"), "is revoked"),
    ] {
        store.list(known);
        store.is_refused(why);
    }
    // Hashed names revoke, too; ssh-keygen hashes only lines without a marker.
    store.list("NAME KEY\n");
    let revoke = format!("ssh-keygen -q -H -f {KNOWN} && sed -i 's/.*/&\\n@revoked &/' {KNOWN}");
    sandbox.sh(&revoke).succeeds();
    sandbox.sh(&format!("grep -c '^@revoked |1|' {KNOWN}")).stdout_is("1");
    store.is_refused("is revoked");
}

#[test]
fn a_key_that_any_list_revokes_is_refused_whatever_the_others_say() {
    let sandbox = Sandbox::new();
    let store = Listed::new(&sandbox, &[Kind::Ed25519]);
    store.list("@revoked * KEY\n");
    sandbox.sh(&format!("mv {KNOWN} revoked")).silent();
    store.list("NAME KEY\n");
    store.look().succeeds();
    for lists in [format!("{KNOWN} revoked"), format!("revoked {KNOWN}")] {
        let lists: Vec<_> =
            lists.split(' ').map(|list| sandbox.path(list).display().to_string()).collect();
        let option = format!("-o UserKnownHostsFile='{}'", lists.join(" "));
        let remote = Remote::at(&sandbox, &store.sshd).option(&option);
        remote.look().fails_with(6).stderr_has("is revoked");
    }
}

#[test]
fn each_kind_of_host_key_is_enough_where_a_host_has_several() {
    const KINDS: [Kind; 3] = [Kind::Ed25519, Kind::Ecdsa, Kind::Rsa];
    let sandbox = Sandbox::new();
    let store = Listed::new(&sandbox, &KINDS);
    for kind in KINDS {
        store.list(&format!("NAME {}\n", store.sshd.host_key(kind)));
        store.look().succeeds();
    }
}

#[test]
fn a_key_of_another_kind_than_the_known_one_is_a_changed_key() {
    let sandbox = Sandbox::new();
    let store = Listed::new(&sandbox, &[Kind::Ecdsa]);
    let ecdsa = store.sshd.host_key(Kind::Ecdsa);
    fs::write(sandbox.path(KNOWN), format!("{} {OTHER}\n", store.name())).unwrap();
    store.is_refused("somebody may be in between");
    fs::write(sandbox.path(KNOWN), format!("{} {ecdsa}\n", store.name())).unwrap();
    store.look().succeeds();
}

#[test]
fn a_host_is_not_tried_again_and_its_lists_can_be_elsewhere() {
    let sandbox = Sandbox::new();
    let store = Listed::new(&sandbox, &[Kind::Ed25519]);
    let relay = Relay::to(store.sshd.port());
    relay.set(Mode::Pass);
    let url = store.sshd.url_at(relay.port(), "store");
    let remote = Remote::new(&sandbox, &url).tries(5, 10);
    remote.look().fails_with(6).one_message();
    assert_eq!(relay.connections(), 1);
    assert!(relay.bytes(Way::Up) > 0);
    store.sshd.known_at(relay.port());
    sandbox.sh(&format!("mv {KNOWN} list")).silent();
    remote.look().fails_with(6).one_message();
    remote.clone().option("-o UserKnownHostsFile=$PWD/list").look().succeeds();
    remote.option("-o UserKnownHostsFile=none -o GlobalKnownHostsFile=$PWD/list").look().succeeds();
}
