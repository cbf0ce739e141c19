//! What ssh forwards: ports, sockets, networks, keys, displays, terminals.

use std::thread;
use std::time::Duration;

use tests::machine::Machine;

use super::house::House;

/// What would be asked for at the laptop, and what a client of it would say first: SSH, D-Bus and
/// SOCKS.
const THERE: [(&str, &str); 4] = [
    ("-L 2222:127.0.0.1:22", ""),
    ("-L 2222:10.0.0.2:22", ""),
    ("-L 2222:/run/dbus/system_bus_socket", r"AUTH\r\n"),
    ("-D 2222", r"\004\001\000\026\177\000\000\001\000"),
];

/// What ssh asks for at once, and fails without.
const AT_ONCE: [&str; 8] = [
    "-W 127.0.0.1:22",
    "-W 10.0.0.1:22",
    "-R 2223:127.0.0.1:22",
    "-R 0:127.0.0.1:22",
    "-R 2223",
    "-R /backups/etc/socket:127.0.0.1:22",
    "-o Tunnel=point-to-point -w 0:0",
    "-o Tunnel=ethernet -w any:any",
];

/// Both ends of a network need it.
const TUNNEL_DEVICE: &str = "mkdir -p /dev/net && mknod /dev/net/tun c 10 200 && : 3<>/dev/net/tun";

/// An agent, a display and a terminal, for a session of some seconds.
const ALL_ELSE: &str = "eval \"$(ssh-agent)\" >/dev/null
ssh-add -q /root/.ssh/id_ed25519
export DISPLAY=:7
sleep 3 | timeout 10 ssh -A -X -Y -tt -v -s store sftp 2>&1 >/dev/null
ssh-agent -k >/dev/null";

/// What all of that would leave on the store as long as it is used.
const LEFT: &str = "ls /tmp /dev/pts; ss -Hltnx | grep -c -e ':60[0-9][0-9]' -e agent";

/// Nothing is forwarded; how many ways were tried.
pub(crate) fn nothing_is_forwarded(house: &House<'_>) -> usize {
    let have = |machine: &Machine| machine.sh(TUNNEL_DEVICE).status == 0;
    if !have(&house.laptop) || !have(&house.store) {
        tests::not_tried("no tunnel device here: that the store makes no network");
    }
    THERE.iter().for_each(|(words, hello)| leads_nowhere(house, words, hello));
    AT_ONCE.iter().for_each(|words| is_refused(house, words));
    no_agent_display_or_terminal(house);
    let log = house.store.sh("cat /var/log/sshd.log").out();
    assert!(log.matches("refused local port forward").count() >= 5, "{log}");
    assert!(log.contains("refused streamlocal port forward"), "{log}");
    THERE.len() + AT_ONCE.len() + 3
}

/// Nobody answers behind the port.
fn leads_nowhere(house: &House<'_>, words: &str, hello: &str) {
    let run = house.laptop.sh(&format!(
        "timeout 20 ssh -N {words} store & sleep 1
        timeout 2 bash -c 'exec 3<>/dev/tcp/127.0.0.1/2222; printf \"{hello}\" >&3; cat <&3'
        kill $! && echo alive"
    ));
    let out = run.stdout_has("alive").out();
    assert!(!out.contains("SSH-2.0") && !out.contains("REJECTED"), "{words}: {out}");
}

fn is_refused(house: &House<'_>, words: &str) {
    let ssh = format!("timeout 8 ssh -o ExitOnForwardFailure=yes -N {words} store");
    let run = house.laptop.sh(&ssh).fails_with(255).stderr_has("forwarding");
    assert!(!run.out().contains("SSH-2.0"), "{words}: {}", run.out());
}

/// The store has nothing of them while a session lasts that asked for all.
fn no_agent_display_or_terminal(house: &House<'_>) {
    let laptop = &house.laptop;
    let left = || house.store.sh(LEFT).out();
    let before = left();
    let told = thread::scope(|scope| {
        let session = scope.spawn(|| laptop.sh(ALL_ELSE).out());
        thread::sleep(Duration::from_secs(2));
        assert_eq!(before, left(), "an agent, a display or a terminal");
        session.join().unwrap()
    });
    for word in [
        "PTY allocation request failed",
        "X11 forwarding request failed",
        "Requesting authentication agent forwarding",
    ] {
        assert!(told.contains(word), "{word}: was not tried: {told}");
    }
}
