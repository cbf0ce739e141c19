//! The harness itself, with stock sftp.

use std::fs;
use std::process::Stdio;
use std::time::{Duration, Instant};

use tests::relay::{Mode, Relay, Way};
use tests::sshd::{Action, Faults, Kind, Setup, Sshd};
use tests::{Run, Sandbox};

/// How long stock sftp may take, in seconds, where it hangs.
const LONG: u64 = 8;

/// Stock sftp through a relay.
fn through(sandbox: &Sandbox, sshd: &Sshd, relay: &Relay, lines: &str) -> Run {
    let (direct, port) = (format!("Port={} ", sshd.port()), format!("Port={} ", relay.port()));
    let words = sshd.words().replace(&direct, &port);
    sandbox.sh(&format!("timeout {LONG} sftp -b - {words} <<'END'\n{lines}\nEND"))
}

#[test]
fn stock_sftp_puts_and_gets_files_in_the_sandbox() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    sandbox.sh("mkdir store && head -c 300000 /dev/urandom >file").silent();
    sshd.sftp("put file store/file\nget store/file again\nls store").succeeds();
    sandbox.sh("cmp file again && cmp file store/file").silent();
    let place = format!("{}@127.0.0.1:{}", sshd.user(), sshd.port());
    assert_eq!(sshd.url("store"), format!("sftp://{place}/{}", sandbox.path("store").display()));
    assert!(sshd.log().contains("Accepted publickey"));
    sandbox.sh(&format!("timeout {LONG} ssh {} id", sshd.words())).fails();
}

#[test]
fn every_kind_of_key_gets_in_and_no_other_key_does() {
    const KINDS: [Kind; 3] = [Kind::Ed25519, Kind::Ecdsa, Kind::Rsa];
    let sandbox = Sandbox::new();
    let sshd = Setup::new(&sandbox).host_keys(&KINDS).start();
    for kind in KINDS {
        sshd.accept_none();
        let key = sshd.client_key(kind);
        let name =
            sshd.host_key(kind).split(' ').next().unwrap().replace("ssh-rsa", "rsa-sha2-512");
        let sftp = format!(
            "echo pwd | sftp -b - -i {} -o HostKeyAlgorithms={name} {}",
            key.display(),
            sshd.words()
        );
        sandbox.sh(&sftp).succeeds();
        sshd.accept_none();
        sandbox.sh(&sftp).fails().stderr_has("Permission denied");
    }
}

#[test]
fn nobody_in_an_append_only_folder_adds_files_and_changes_none() {
    let sandbox = Sandbox::new();
    let Some(sshd) = Setup::new(&sandbox).append_only().chroot(&["store"]) else { return };
    assert_eq!(sshd.url("store"), format!("sftp://nobody@127.0.0.1:{}/store", sshd.port()));
    sandbox.sh("echo one >one && echo two >two").silent();
    sshd.sftp("put one store/.upload\nrename -l store/.upload store/one\nls store").succeeds();
    sshd.sftp("put two store/two").succeeds();
    let forbidden = [
        "put two store/one",
        "rm store/one",
        "chmod 600 store/one",
        "mkdir store/new",
        "rename -l store/two store/one",
        "rename store/two store/one",
        "ls /srv",
        "put one new",
    ];
    for line in forbidden {
        sshd.sftp(line).fails();
    }
    assert_eq!(fs::read(sshd.path("store/one")).unwrap(), b"one\n");
    assert_eq!(fs::read_dir(sshd.path("store")).unwrap().count(), 2);
    let folder = sshd.path("");
    drop(sshd);
    assert!(!folder.exists());
}

#[test]
fn a_relay_cuts_and_stalls_where_it_is_told() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let relay = Relay::to(sshd.port());
    sshd.known_at(relay.port());
    sandbox.sh("head -c 1000000 /dev/urandom >file").silent();
    let put = || through(&sandbox, &sshd, &relay, "put file there");
    put().succeeds();
    assert_eq!(relay.connections(), 1);
    assert!((1_000_000..1_100_000).contains(&relay.bytes(Way::Up)), "{}", relay.bytes(Way::Up));
    for (way, after) in [(Way::Up, 0), (Way::Up, 21), (Way::Down, 999), (Way::Up, 500_000)] {
        relay.settle();
        let before = relay.bytes(way);
        relay.first(1, Mode::Cut(way, after));
        put().fails();
        relay.settle();
        assert_eq!(relay.bytes(way) - before, after);
        put().succeeds();
    }
    assert_eq!(relay.connections(), 9);
    relay.settle();
    let before = relay.bytes(Way::Up);
    relay.set(Mode::Stall(Way::Up, 300_000));
    put().fails_with(124);
    assert_eq!(relay.bytes(Way::Up) - before, 300_000);
}

#[test]
fn a_relay_refuses_and_babbles_and_then_lets_pass_again() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let relay = Relay::to(sshd.port());
    sshd.known_at(relay.port());
    let look = || through(&sandbox, &sshd, &relay, "pwd");
    for _ in 0..2 {
        relay.set(Mode::Refuse);
        look().fails().stderr_has("Connection refused");
        relay.set(Mode::Answer(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()));
        look().fails();
        relay.set(Mode::Pass);
        look().succeeds();
    }
    assert_eq!(relay.connections(), 4);
}

#[test]
fn a_relay_delays_without_slowing_and_slows_when_told() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let relay = Relay::to(sshd.port());
    sshd.known_at(relay.port());
    sandbox.sh("head -c 2000000 /dev/urandom >file").silent();
    let took = |lines| {
        let start = Instant::now();
        through(&sandbox, &sshd, &relay, lines).succeeds();
        start.elapsed()
    };
    relay.delay(Duration::from_millis(40));
    let (login, whole) = (took("pwd"), took("put file there"));
    assert!(login > Duration::from_millis(240), "three round trips at least: {login:?}");
    assert!(whole < login + Duration::from_secs(1), "{whole:?} after {login:?}");
    relay.delay(Duration::ZERO);
    relay.limit(Some(2_000_000));
    let slow = took("put file there");
    assert!(slow > Duration::from_millis(900), "{slow:?}");
}

#[test]
fn sessions_end_when_the_server_is_told_to() {
    let sandbox = Sandbox::new();
    let sshd = Sshd::start(&sandbox);
    let script = format!("sleep 100 | timeout 60 sftp {}", sshd.words());
    let mut command = sandbox.command(&script);
    let mut running = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !sshd.log().contains("Accepted publickey") {}
    sshd.end_sessions();
    sshd.sftp("pwd").succeeds();
    // The shell waits for its sleep, which nobody needs any more.
    let group = format!("kill -- -{}", running.id());
    sandbox.sh(&group).succeeds();
    running.wait().unwrap();
}

#[test]
fn each_request_can_fail_in_turn_and_is_counted() {
    let sandbox = Sandbox::new();
    let faults = Faults::new(&sandbox);
    let sshd = Setup::new(&sandbox).faults(&faults).start();
    sandbox.sh("head -c 1000000 /dev/urandom >file").silent();
    let put = || sshd.sftp("put file there");
    put().succeeds();
    sandbox.sh("cmp file there").silent();
    let requests = faults.requests();
    assert_eq!(requests[0], "init");
    assert!(
        requests.contains(&format!("open {}", sandbox.path("there").display())),
        "{requests:?}"
    );
    assert!(requests.contains(&"write 261120".to_owned()), "{requests:?}");
    assert_eq!(faults.count("write"), 4);
    // No write: stock sftp overlooks one that fails if a later answer is a good one.
    faults.calm();
    faults.inject_from("open", 1, Action::Status(3));
    put().fails().stderr_has("Permission denied");
    assert_eq!(faults.hits(), 1);
    let mut which = 1;
    loop {
        faults.calm();
        faults.inject("any", which, Action::Cut);
        let run = put();
        if faults.count("any") < which {
            run.succeeds();
            break;
        }
        run.fails();
        assert_eq!(faults.hits(), 1);
        which += 1;
    }
    assert_eq!(which, requests.len() + 1);
}

#[test]
fn a_server_can_break_the_protocol_in_every_way() {
    let sandbox = Sandbox::new();
    let faults = Faults::new(&sandbox);
    let sshd = Setup::new(&sandbox).faults(&faults).start();
    let make = || {
        sandbox.sh(&format!("timeout {LONG} sftp -b - {} <<'END'\nmkdir new\nEND", sshd.words()))
    };
    let actions = [
        (Action::Status(4), false),
        (Action::Deny(4), true),
        (Action::Garbage, false),
        (Action::WrongId, false),
        (Action::Length, false),
        (Action::Short, false),
        (Action::Cut, false),
        (Action::CutAfter, true),
        (Action::Exit, false),
        (Action::Stall, false),
    ];
    for (action, executed) in actions {
        faults.calm();
        faults.inject("mkdir", 1, action);
        let run = make().fails();
        assert_eq!(run.status == 124, action == Action::Stall, "{action}: {}", run.err());
        assert_eq!(sandbox.path("new").exists(), executed, "{action}");
        assert_eq!(faults.hits(), 1, "{action}");
        let _ = fs::remove_dir(sandbox.path("new"));
        make().succeeds();
        fs::remove_dir(sandbox.path("new")).unwrap();
    }
}
