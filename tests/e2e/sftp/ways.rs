//! The way to the store is the one that ssh would take, and no other.

use std::fs;

use tests::Sandbox;
use tests::sshd::{Setup, Sshd};

use super::kit::Remote;

/// A store, another host on the way to it, and the part of a configuration that both share.
struct Hosts<'a> {
    sandbox: &'a Sandbox,
    store: Sshd<'a>,
    gate: Sshd<'a>,
    shared: String,
}

impl<'a> Hosts<'a> {
    fn new(sandbox: &'a Sandbox) -> Hosts<'a> {
        let gate = Setup::new(sandbox).line("DisableForwarding no").start();
        let store = Sshd::start(sandbox);
        sandbox.sh("mkdir store").silent();
        let shared = fs::read_to_string(sandbox.path(".home/.ssh/config")).unwrap();
        Hosts { sandbox, store, gate, shared }
    }

    /// Writes a configuration, where `STORE` and `GATE` are the ports.
    fn configure(&self, text: &str) {
        let gate = format!("Host gate\n  HostName 127.0.0.1\n  Port {}\n", self.gate.port());
        let text = text.replace("STORE", &self.store.port().to_string());
        let text = format!("{text}\n{gate}{}", self.shared);
        fs::write(self.sandbox.path(".home/.ssh/config"), text).unwrap();
    }

    fn remote(&self) -> Remote<'a> {
        Remote::new(self.sandbox, &format!("sftp://box/{}", self.store.path("store").display()))
    }

    /// How many connections the store and the gate have had.
    fn connections(&self) -> (usize, usize) {
        let count = |sshd: &Sshd| sshd.log().matches("Connection from").count();
        (count(&self.store), count(&self.gate))
    }
}

const BOX: &str = "Host box\n  HostName 127.0.0.1\n  Port STORE\n";

#[test]
fn a_store_behind_jump_hosts_is_backed_up_to_and_restored_from() {
    let sandbox = Sandbox::new();
    let hosts = Hosts::new(&sandbox);
    sandbox.sh("mkdir src && echo one >src/one && head -c 3000000 /dev/urandom >src/big").silent();
    hosts.configure(&format!("{BOX}  ProxyJump gate\n"));
    let moo = "moo backup --no-encryption src";
    let url = format!("sftp://box/{}", hosts.store.path("store").display());
    sandbox.sh(&format!("{moo} {url}")).succeeds();
    let (_, gate) = hosts.connections();
    assert!(gate > 0);
    hosts.configure(&format!("{BOX}  ProxyJump gate,gate\n"));
    sandbox.sh(&format!("moo restore {url} out && diff -r src out")).succeeds();
    // With no gate there is no way, whatever else there is.
    let before = hosts.connections();
    hosts.configure(&format!("{BOX}  ProxyJump nobody@127.0.0.1:1\n"));
    hosts.remote().look().fails_with(8).one_message().stderr_has("onnection refused");
    assert_eq!(hosts.connections(), before);
}

#[test]
fn a_proxy_command_carries_the_connection_and_ends_with_it() {
    let sandbox = Sandbox::new();
    let hosts = Hosts::new(&sandbox);
    let config = sandbox.path(".home/.ssh/config");
    let command = format!("ssh -F {} -W %h:%p gate", config.display());
    let pid = sandbox.path("pid");
    let script = format!("sh -c 'echo $$ >{}; exec {command}'", pid.display());
    hosts.configure(&format!("{BOX}  ProxyCommand {script}\n"));
    hosts.remote().look().succeeds();
    assert_eq!(hosts.connections(), (1, 1));
    sandbox.sh("test -s pid && ! kill -0 $(cat pid) 2>/dev/null").succeeds();
    for text in
        ["sh -c 'echo no way there >&2; exit 1'", "sh -c 'echo no way there >&2; cat >/dev/null'"]
    {
        hosts.configure(&format!("{BOX}  ProxyCommand {text}\n"));
        let remote = hosts.remote().tries(1, 2);
        remote.look().fails_with(8).one_message().stderr_has("no way there");
    }
    assert_eq!(hosts.connections(), (1, 1));
}

#[test]
fn a_match_block_anywhere_an_include_and_a_pattern_lead_to_the_jump_host() {
    let sandbox = Sandbox::new();
    let hosts = Hosts::new(&sandbox);
    let part = sandbox.path("part");
    fs::write(&part, "ProxyJump gate\n").unwrap();
    for (count, text) in [
        format!(
            "{BOX}Host other\n  User x\nMatch host 127.0.0.1 originalhost box\n  ProxyJump gate\n"
        ),
        format!(
            "{BOX}Host other\n  User x\nMatch originalhost box exec \"true\"\n  ProxyJump gate\n"
        ),
        format!("Match originalhost box\n  ProxyJump gate\n{BOX}"),
        format!("{BOX}  Include {}\n", part.display()),
        format!("Host b?x !bax\n  ProxyJump=\"gate\" # why\n{BOX}"),
    ]
    .iter()
    .enumerate()
    {
        hosts.configure(text);
        hosts.remote().look().succeeds();
        assert_eq!(hosts.connections(), (count + 1, count + 1), "{text}");
    }
}

#[test]
fn what_is_said_of_other_hosts_leaves_the_way_direct() {
    let sandbox = Sandbox::new();
    let hosts = Hosts::new(&sandbox);
    for text in [
        format!("Match host elsewhere\n  ProxyJump gate\n{BOX}"),
        format!("{BOX}Match host elsewhere\n  ProxyJump gate\n"),
        format!("{BOX}Match originalhost box exec \"false\"\n  ProxyJump gate\n"),
        format!("{BOX}  ProxyJump none\nMatch all\n  ServerAliveInterval 10\n"),
        format!("{BOX}Host *.example.org\n  ProxyCommand false\n"),
    ] {
        hosts.configure(&text);
        hosts.remote().look().succeeds();
    }
    assert_eq!(hosts.connections(), (5, 0));
}

#[test]
fn what_can_not_be_done_as_the_configuration_says_is_refused() {
    let sandbox = Sandbox::new();
    let hosts = Hosts::new(&sandbox);
    for setting in [
        "ProxyUseFdpass yes",
        "KnownHostsCommand /bin/true",
        "RevokedHostKeys /dev/null",
        "BindAddress 127.0.0.2",
        "ProxyCommand nc %C %p",
        "Nonsense 1",
    ] {
        hosts.configure(&format!("{BOX}  {setting}\n"));
        let word = setting.split(' ').next().unwrap().to_lowercase();
        let run = hosts.remote().look().fails_with(2).one_message();
        assert!(run.err().to_lowercase().contains(&word), "{}", run.err());
    }
    hosts.configure(BOX);
    hosts.remote().option("-o Port").look().fails_with(2).one_message();
    hosts.remote().option("--ssh-config nowhere").look().fails_with(2).one_message();
    assert_eq!(hosts.connections(), (0, 0));
}

#[test]
fn without_ssh_a_configuration_is_not_passed_over() {
    let sandbox = Sandbox::new();
    let hosts = Hosts::new(&sandbox);
    hosts.configure(BOX);
    let url = hosts.store.url("store");
    let look = |options: &str| {
        sandbox
            .sh(&format!("moo=$(command -v moo-fetch); PATH=/none $moo --receipts {options} {url}"))
    };
    for options in ["", "-o Port=1", "--ssh-config .home/.ssh/config"] {
        look(options).fails_with(2).one_message().stderr_has("install openssh-client");
    }
    assert_eq!(hosts.connections(), (0, 0));
}
