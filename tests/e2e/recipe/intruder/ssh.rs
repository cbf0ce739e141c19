//! What ssh runs and lets in. What the intruder wants is a shell, or a server of another kind.

use tests::raw_sftp::{Attributes, RawSftp, Request, flags};

use super::house::House;

/// What only a shell would make of the words below.
const MARK: &str = "moo42";

/// Words behind ssh that might start something.
const PROGRAMS: [&str; 32] = [
    "store",
    "-tt store",
    "-T store",
    "store 'echo moo$((6*7))'",
    "-tt store 'echo moo$((6*7))'",
    "store /bin/sh",
    "store /bin/sh -i",
    "store -- sh -c 'echo moo$((6*7))'",
    "-o RemoteCommand='echo moo$((6*7))' store",
    "-o RemoteCommand='sh -i' -o RequestTTY=force store",
    "-s store shell",
    "-s store sh",
    "-s store 'sftp; echo moo$((6*7))'",
    "-s store 'sftp -e'",
    "-s store netconf",
    "-s store ''",
    "store 'scp -f /etc/passwd'",
    "store 'scp -t /backups/etc'",
    "store 'rsync --server --sender . /etc'",
    "store 'internal-sftp -h'",
    "store '/usr/lib/openssh/sftp-server -e'",
    "store 'sftp-server -d /etc'",
    "-o SetEnv='LD_PRELOAD=/backups/etc/x' store 'echo moo$((6*7))'",
    "-o SetEnv='SSH_ORIGINAL_COMMAND=sh' store sh",
    "-o SetEnv='BASH_ENV=/dev/stdin' -o SetEnv='ENV=/dev/stdin' store",
    "-o SetEnv='LC_ALL=() { :;}; echo moo$((6*7))' store",
    "-o User=purrbackups:sh store sh",
    "-o User=purrbackups/unconfined_r store sh",
    "-o User=PURRBACKUPS store sh",
    "-o User=root store sh",
    "-o User=otherbackups store sh",
    "-o User=nobody store sh",
];

/// Ways to log in without the key, or from elsewhere.
const LOGINS: [&str; 7] = [
    "-o PreferredAuthentications=none store",
    "-o PreferredAuthentications=password -o BatchMode=no -o NumberOfPasswordPrompts=1 store",
    "-o PreferredAuthentications=keyboard-interactive -o BatchMode=no store",
    "-o PreferredAuthentications=hostbased -o HostbasedAuthentication=yes store",
    "-o PreferredAuthentications=gssapi-with-mic -o GSSAPIAuthentication=yes store",
    "-i /root/.ssh/wrong -o IdentitiesOnly=yes store",
    "-b 10.0.0.77 store",
];

/// Nothing runs; how many ways were tried.
pub(crate) fn no_program_runs(house: &House<'_>) -> usize {
    for words in PROGRAMS {
        let run = house.laptop.sh(&format!("echo 'echo moo$((6*7)); id' | timeout 15 ssh {words}"));
        let (out, err) = (run.out(), run.err());
        for sign in [MARK, "uid=", "root:x:0", "LEAKED"] {
            assert!(!out.contains(sign) && !err.contains(sign), "{words}: {out}{err}");
        }
        assert_eq!(house.effects(), [], "{words}");
    }
    PROGRAMS.len()
}

/// Nobody else gets in; how many ways were tried.
pub(crate) fn nobody_else_logs_in(house: &House<'_>) -> usize {
    let laptop = &house.laptop;
    laptop
        .sh("ip addr add 10.0.0.77/24 dev eth0 && cd /root/.ssh && ssh-keygen -q -t ed25519 -N '' -f wrong")
        .silent();
    for words in LOGINS {
        let run = laptop.sh(&format!("echo id | timeout 15 ssh -n -s {words} sftp"));
        run.fails_with(255).stderr_has("Permission denied");
    }
    LOGINS.len()
}

/// More channels in one connection are as limited as the first, and words behind `ssh` do not
/// become words behind the server: its umask and its list of requests stay. How many were tried.
pub(crate) fn other_channels_are_no_better(house: &House<'_>) -> usize {
    let laptop = &house.laptop;
    let master = "-o ControlPath=/root/.ssh/master";
    laptop.sh(&format!("ssh {master} -M -N -f store >/dev/null 2>&1")).silent();
    let ways = [
        "-s store sftp".to_owned(),
        format!("{master} -s store sftp"),
        "store 'internal-sftp -u 0 -P none'".to_owned(),
        "store '/usr/lib/openssh/sftp-server -u 0 -e'".to_owned(),
        "-o SetEnv='SSH_ORIGINAL_COMMAND=internal-sftp -u 0' store sh".to_owned(),
        "-o User=purrbackups:sftp -s store sftp".to_owned(),
        format!("{master} store 'internal-sftp -u 0 -d /etc'"),
    ];
    for words in &ways {
        is_limited(house, words);
        let shell = laptop.sh(&format!("echo id | timeout 15 ssh {master} store sh")).out();
        assert!(!shell.contains("uid="), "{words}: {shell}");
    }
    laptop.sh(&format!("ssh {master} -O exit store 2>/dev/null")).silent();
    ways.len() * 2
}

fn is_limited(house: &House<'_>, words: &str) {
    let Some(mut session) = RawSftp::start(&house.laptop, words) else {
        assert!(!words.ends_with("-s store sftp"), "{words}: is no SFTP");
        return;
    };
    let secret = Request::open("/etc/secret", flags::READ, &Attributes::none());
    assert!(!session.grants(&secret), "{words}: sees what is outside");
    if house.append_only {
        let path = &house.files()[0];
        for request in [
            Request::open(path, flags::WRITE | flags::TRUNC, &Attributes::none()),
            Request::of(9).text(path).attributes(&Attributes::mode(0o777)),
            Request::of(13).text(path),
        ] {
            assert!(!session.grants(&request), "{words}: is not limited");
        }
    }
    assert_eq!(house.effects(), [], "{words}");
}
