//! Setting up the machine that keeps the backups.

use std::fs;

use tests::machine::{Machine, Network};
use tests::{Run, Sandbox};

/// The machine that is backed up, and the one that keeps the backups, with a running sshd.
struct Pair<'a> {
    _network: Network<'a>,
    laptop: Machine,
    store: Machine,
    key: String,
}

/// How the laptop logs in: what a user would have in `~/.ssh/config`.
const CONFIG: &str = "Host store\n User purrbackups\n BatchMode yes\n LogLevel ERROR
 StrictHostKeyChecking accept-new\n ConnectTimeout 20\n";

/// All that a setup could change, with the times.
const STATE: &str =
    "find /etc /srv /usr/local /var/spool -printf '%p %M %u:%g %s %l %T+ %C+\\n' | sort";

impl<'a> Pair<'a> {
    /// Both, with moobacker on the store and a key on the laptop.
    fn new(sandbox: &'a Sandbox) -> Option<Pair<'a>> {
        let network = Network::new(sandbox)?;
        let (laptop, store) = (network.machine("laptop"), network.machine("store"));
        laptop.sh("mkdir -m 700 /root/.ssh && ssh-keygen -q -t ed25519 -N '' -C root@laptop -f /root/.ssh/id_ed25519").silent();
        fs::write(laptop.path("/root/.ssh/config"), CONFIG).unwrap();
        let key = fs::read_to_string(laptop.path("/root/.ssh/id_ed25519.pub")).unwrap();
        store.install();
        store.start_sshd();
        Some(Pair { _network: network, laptop, store, key: key.trim().to_owned() })
    }

    /// Both, set up with those options.
    fn set_up(sandbox: &'a Sandbox, options: &str) -> Option<Pair<'a>> {
        let pair = Pair::new(sandbox)?;
        pair.setup(&format!("{options} --from 10.0.0.1 etc home")).succeeds();
        Some(pair)
    }

    /// `setup-remote.sh` with the laptop's key.
    fn setup(&self, words: &str) -> Run {
        self.store.sh(&format!(
            "/usr/local/lib/moobacker/admin/setup-remote.sh --key '{}' {words}",
            self.key
        ))
    }

    /// It is refused with that one message, and changes nothing.
    #[track_caller]
    fn refuses(&self, status: i32, words: &str, message: &str) {
        let before = self.store.sh(STATE).out();
        let run = self.setup(words).fails_with(status).stdout_is("");
        run.stderr_is(&format!("setup-remote.sh: {message}"));
        assert_eq!(before, self.store.sh(STATE).out());
    }

    /// A batch of commands for sftp, which stops at the first that fails.
    fn sftp(&self, batch: &str) -> Run {
        self.laptop.sh(&format!(
            "cd /root && sftp -b - store >out 2>&1 <<'END'\n{batch}\nEND\n
            status=$?; cat out; exit $status"
        ))
    }
}

#[test]
fn the_one_key_can_put_get_list_and_rename() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::set_up(&sandbox, "--plain") else { return };
    pair.laptop.sh("echo one >/root/one").silent();
    pair.sftp("cd /backups/etc\nput one .upload-1\nrename .upload-1 one\nget one two\nls -la")
        .succeeds();
    pair.laptop.sh("cmp /root/one /root/two").silent();
    let found = pair.store.sh("stat -c '%U %a %n' /srv/purrbackups/backups/*").out();
    assert_eq!(
        found,
        "purrbackups 700 /srv/purrbackups/backups/etc\n\
        purrbackups 700 /srv/purrbackups/backups/home\n"
    );
    pair.sftp("rm /backups/etc/one").succeeds();
}

#[test]
fn the_one_key_can_do_nothing_else() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::set_up(&sandbox, "") else { return };
    let laptop = &pair.laptop;
    pair.sftp("pwd").succeeds();
    for words in ["store id", "store", "-tt store", "store /bin/sh -c id", "-s store other"] {
        let run = laptop.sh(&format!("timeout 20 ssh {words} </dev/null"));
        assert!(!run.out().contains("uid=") && run.status != 0, "{words}: {}", run.out());
    }
    // Only what a forwarded port answers would tell that it is forwarded.
    laptop
        .sh("ssh -N -L 2222:127.0.0.1:22 store & sleep 2
        timeout 5 ssh-keyscan -p 2222 127.0.0.1 2>/dev/null; kill $! && echo alive")
        .stdout_is("alive");
    laptop
        .sh("timeout 20 ssh -o ExitOnForwardFailure=yes -N -R 2223:127.0.0.1:22 store")
        .fails_with(255);
    laptop.sh("timeout 20 ssh -N -W 127.0.0.1:22 store").fails();
    pair.sftp("ls /etc").fails();
    pair.sftp("ls ../../../etc/ssh").fails();
    pair.sftp("cd /backups/etc\nsymlink / root\nls root/etc").fails();
    pair.sftp("put /root/.ssh/config /free").fails();
    pair.sftp("put /root/.ssh/config /backups/free").fails();
    pair.sftp("mkdir /backups/free").fails();
    laptop
        .sh("rm -r /root/.ssh/id_*; timeout 20 sftp -b /dev/null store")
        .fails()
        .stderr_has("publickey");
}

#[test]
fn append_only_keeps_every_byte() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::set_up(&sandbox, "--append-only") else { return };
    pair.laptop.sh("cd /root && echo one >one && echo two >two && echo twenty >20").silent();
    pair.sftp("cd /backups/etc\nput one .upload-1\nrename .upload-1 one\nput two .upload-2\nget one back\nls").succeeds();
    pair.laptop.sh("cmp /root/one /root/back").silent();
    let stored =
        "cd /srv/purrbackups/backups && find . -printf '%p %s %M %T@\\n' | sort && cat etc/*";
    let before = pair.store.sh(stored).out();
    for refused in [
        "put 20 one",
        "reput 20 one",
        "put -p 20 one",
        "rm one",
        "chmod 600 one",
        "rename .upload-2 one",
        "mkdir new",
        "rmdir ../home",
        "symlink one new",
        "ln one new",
        "chmod 700 .",
        "rename -l .upload-2 one",
    ] {
        let run = pair.sftp(&format!("cd /backups/etc\npwd\n{refused}")).fails();
        run.stdout_has("Remote working directory: /backups/etc");
        assert_eq!(before, pair.store.sh(stored).out(), "{refused}");
    }
}

#[test]
fn other_addresses_are_kept_out() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::new(&sandbox) else { return };
    pair.setup("--from 10.0.0.7,192.168.0.0/16 etc").succeeds();
    pair.sftp("ls").fails().stdout_has("Permission denied (publickey)");
    let log = fs::read_to_string(pair.store.path("/var/log/sshd.log")).unwrap();
    assert!(log.contains("not from a permitted host"), "{log}");
}

#[test]
fn what_it_tells_is_what_the_other_machine_needs() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::new(&sandbox) else { return };
    let run = pair.setup("--from 10.0.0.0/24 etc").succeeds().stderr_is("");
    let print = pair.store.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").out();
    let run = run.stdout_has("sftp://purrbackups@store/backups").stdout_has(print.trim());
    let line =
        run.out().lines().find(|line| line.starts_with("  store ")).unwrap().trim().to_owned();
    fs::write(pair.laptop.path("/root/.ssh/known_hosts"), line + "\n").unwrap();
    pair.laptop
        .sh("cd /root && echo ls | sftp -o StrictHostKeyChecking=yes -b - store")
        .succeeds()
        .stdout_has("backups");
}

#[test]
fn a_second_run_changes_nothing_and_other_folders_are_added() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::set_up(&sandbox, "") else { return };
    let (state, running) = (pair.store.sh(STATE).out(), pair.store.sh("cat /run/sshd.pid").out());
    let first = pair.setup("--from 10.0.0.1 etc home").succeeds();
    assert_eq!(state, pair.store.sh(STATE).out());
    let more = pair.setup("--from=10.0.0.1 more").succeeds();
    let one_line = |run: &Run| run.out().lines().next().map(str::to_owned);
    assert_eq!(one_line(&first), one_line(&more));
    assert!(more.out().contains(
        "moo prune-remote --keep-full 4 --older-than 6M --force /srv/purrbackups/backups/more\n"
    ));
    pair.sftp("ls /backups/more").succeeds();
    assert_eq!(running, pair.store.sh("cat /run/sshd.pid").out());
}

#[test]
fn an_account_is_of_one_machine_and_its_key_can_be_replaced() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::set_up(&sandbox, "") else { return };
    pair.store
        .sh("ssh-keygen -q -t ed25519 -N '' -C other -f /root/k && chmod 600 /root/k")
        .silent();
    let other = fs::read_to_string(pair.store.path("/root/k.pub")).unwrap();
    let file = "/etc/ssh/authorized_keys.d/purrbackups";
    let keys = || fs::read_to_string(pair.store.path(file)).unwrap();
    let (before, state) = (keys(), pair.store.sh(STATE).out());
    let setup = |words: &str| {
        let setup =
            "/usr/local/lib/moobacker/admin/setup-remote.sh --from 10.0.0.9 --key /root/k.pub";
        pair.store.sh(&format!("{setup} {words} etc"))
    };
    let refused = setup("").fails_with(1).one_message();
    refused.stderr_has("has the key of another machine").stderr_has("--replace-key");
    assert_eq!((keys(), pair.store.sh(STATE).out()), (before.clone(), state));
    // An account of its own has a folder of its own.
    setup("--user purrother").succeeds();
    assert_eq!(keys(), before);
    pair.store.sh("stat -c '%U %a' /srv/purrother/backups/etc").stdout_is("purrother 700");
    setup("--replace-key").succeeds();
    assert_eq!(keys(), format!("from=\"10.0.0.9\",restrict {other}"));
    pair.sftp("ls /backups/etc").fails().stdout_has("Permission denied (publickey)");
}

#[test]
fn an_account_that_is_plain_stays_so_until_the_other_kind_is_asked_for() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::set_up(&sandbox, "--plain") else { return };
    let state = pair.store.sh(STATE).out();
    let told = pair.setup("--from 10.0.0.1 etc home").succeeds().out();
    assert!(!told.contains("prune-remote"), "{told}");
    assert_eq!(state, pair.store.sh(STATE).out());
    pair.setup("--append-only --from 10.0.0.1 etc home").succeeds();
    let state = pair.store.sh(STATE).out();
    pair.setup("--from 10.0.0.1 etc home").succeeds();
    assert_eq!(state, pair.store.sh(STATE).out());
}

#[test]
fn a_dry_run_tells_the_commands_and_changes_nothing() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::new(&sandbox) else { return };
    let state = pair.store.sh(STATE).out();
    let told = pair
        .setup("--append-only --from 10.0.0.1 --dry-run etc home")
        .succeeds()
        .stderr_is("")
        .out();
    assert_eq!(state, pair.store.sh(STATE).out());
    pair.store.sh("id purrbackups").fails();
    pair.store.sh(&format!("set -e\numask 022\n{told}")).silent();
    pair.sftp("ls /backups/home\nput /root/.ssh/config /backups/etc/new").succeeds();
    let state = pair.store.sh(STATE).out();
    pair.setup("--append-only --from 10.0.0.1 etc home").succeeds();
    assert_eq!(state, pair.store.sh(STATE).out(), "the commands did all of it");
    pair.setup("--append-only --from 10.0.0.1 --dry-run etc home").silent();
}

#[test]
fn nothing_that_is_there_is_weakened() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::set_up(&sandbox, "--append-only") else { return };
    let words = "--from 10.0.0.1 etc";
    let section = "/etc/ssh/sshd_config.d/moobacker-purrbackups.conf";
    pair.refuses(
        1,
        "--plain --from 10.0.0.1 etc",
        &format!("purrbackups: can only add files: leave out --plain, or delete {section} first"),
    );
    let keys = "/etc/ssh/authorized_keys.d/purrbackups";
    pair.refuses(
        1,
        "--append-only --from '*' etc",
        &format!("{keys}: has this key with other addresses: change from= there by hand"),
    );
    let elsewhere = format!("{section}: exists with other settings: delete it first");
    pair.refuses(1, &format!("{words} --chroot /srv/other"), &elsewhere);
    pair.store.sh(&format!("echo 'ssh-ed25519 AAAA me' >>{keys}")).silent();
    pair.refuses(1, words, &format!("{keys}: line 2: a key that is not restricted: remove it"));
    pair.store.sh(&format!("sed -i 2d {keys}; chmod 777 /srv/purrbackups/backups/etc")).silent();
    pair.refuses(
        1,
        words,
        "/srv/purrbackups/backups/etc: exists and is not private to purrbackups \
        (chown purrbackups, chmod 700)",
    );
    pair.store.sh("chmod 700 /srv/purrbackups/backups/etc; chmod g+w /srv/purrbackups").silent();
    pair.refuses(1, words, "/srv/purrbackups: others than root may write to it (chmod go-w)");
    pair.store.sh("chmod g-w /srv/purrbackups; : >/srv/purrbackups/.secret").silent();
    pair.refuses(
        1,
        words,
        "/srv/purrbackups/.secret: the user would see it: choose an empty --chroot",
    );
    pair.store.sh("rm /srv/purrbackups/.secret").silent();
    pair.setup(words).succeeds();
}

#[test]
fn a_user_who_can_do_more_is_refused() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::new(&sandbox) else { return };
    let words = "--from 10.0.0.1 etc";
    let other = "choose another --user";
    let make = |options: &str| {
        pair.store.sh("! id purrbackups >/dev/null 2>&1 || userdel purrbackups").silent();
        let base = "useradd -d /nonexistent -s /usr/sbin/nologin";
        pair.store.sh(&format!("{base} {options} purrbackups")).silent();
    };
    make("-s /bin/bash");
    pair.refuses(
        1,
        words,
        &format!("purrbackups: has a shell: usermod -s /usr/sbin/nologin purrbackups, or {other}"),
    );
    make("-p '$y$j9T$abc'");
    pair.refuses(
        1,
        words,
        &format!("purrbackups: has a password: usermod -p '*' purrbackups, or {other}"),
    );
    make("-G games");
    pair.refuses(1, words, &format!("purrbackups: is not in a group of its own alone: {other}"));
    make("-d /home/purr -m");
    pair.refuses(1, words, &format!("purrbackups: has files of its own, /home/purr: {other}"));
    pair.refuses(
        1,
        &format!("{words} --user nobody"),
        &format!("nobody: is not in a group of its own alone: {other}"),
    );
    make("");
    pair.setup(words).succeeds();
    pair.sftp("ls /backups/etc").succeeds();
}

#[test]
fn what_sshd_does_not_take_is_undone() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::new(&sandbox) else { return };
    let words = "--from 10.0.0.1,192.0.2.0/24 etc";
    let section = "/etc/ssh/sshd_config.d/moobacker-purrbackups.conf";
    let undone = |prepare: &str, message: &str| {
        pair.store.sh(&format!("cp -p /etc/ssh/sshd_config /root/kept; {prepare}")).silent();
        let run = pair.setup(words).fails_with(1).one_message();
        run.stderr_is(&format!("setup-remote.sh: {message}"));
        assert!(!pair.store.path(section).exists());
        pair.store.sh("cp -p /root/kept /etc/ssh/sshd_config; sshd -t").silent();
    };
    undone(
        "echo Nonsense yes >>/etc/ssh/sshd_config",
        "sshd: its configuration is already broken: \
        /etc/ssh/sshd_config: line 123: Bad configuration option: Nonsense",
    );
    undone(
        "sed -i /^Include/d /etc/ssh/sshd_config",
        "sshd: another AuthorizedKeysFile holds for \
        purrbackups: /etc/ssh/sshd_config sets it, or lacks its Include",
    );
    undone(
        "sed -i '1i Match User purr*\\nPermitTTY yes\\nMatch all' /etc/ssh/sshd_config",
        "sshd: another \
        PermitTTY holds for purrbackups: /etc/ssh/sshd_config sets it, or lacks its Include",
    );
    undone(
        "sed -i '1i Match Address 192.0.2.*\\nForceCommand none\\nMatch all' /etc/ssh/sshd_config",
        "sshd: \
        another ForceCommand holds for purrbackups: /etc/ssh/sshd_config sets it, or lacks its Include",
    );
    undone(
        "echo AllowUsers root admin >>/etc/ssh/sshd_config",
        "sshd: AllowUsers excludes purrbackups: add it there",
    );
    pair.store.sh("echo AllowUsers root 'purr*' >>/etc/ssh/sshd_config").silent();
    pair.setup(words).succeeds();
    // Other users have what they had.
    pair.store
        .sh("sshd -T -C user=root,host=h,addr=10.0.0.1,laddr=10.0.0.2,lport=22")
        .stdout_has("chrootdirectory none")
        .stdout_has("permittty yes");
}

#[test]
fn words_that_could_be_read_as_something_else_are_refused() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::new(&sandbox) else { return };
    let addresses = "addresses are needed, not names";
    pair.refuses(2, "etc", "--from: the addresses of the other machine are needed (see --help)");
    pair.refuses(2, "--from laptop etc", &format!("--from: laptop: {addresses}"));
    pair.refuses(2, "--from '1\" ssh-rsa' etc", &format!("--from: 1\" ssh-rsa: {addresses}"));
    let name = "a folder's name is of letters, digits and . _ - (see --help)";
    for folder in ["..", "a/b", ".a", "'a b'", "''"] {
        let told = folder.trim_matches('\'');
        pair.refuses(2, &format!("--from 1.1.1.1 {folder}"), &format!("{told}: {name}"));
    }
    pair.refuses(2, "--from 1.1.1.1", "at least one folder is needed (see --help)");
    pair.refuses(2, "--from 1.1.1.1 --user root a", "--user: root: not a name for a user");
    let path = "an absolute path of letters, digits and . _ - is needed";
    for chroot in ["srv/a", "/srv/../etc", "/srv/%u", "/srv/a b"] {
        pair.refuses(
            2,
            &format!("--from 1.1.1.1 --chroot '{chroot}' a"),
            &format!("--chroot: {chroot}: {path}"),
        );
    }
    for (key, why) in [
        ("ssh-ed25519 AAAA", "not a public key"),
        ("/root/none", "/root/none: can't be read"),
        (
            "command=\"x\" ssh-ed25519 AAAA",
            "a public key begins with its type, such as ssh-ed25519",
        ),
        ("ssh-ed25519 AAAA\nssh-rsa AAAA", "not one line with one key"),
    ] {
        pair.refuses(2, &format!("--from 1.1.1.1 --key '{key}' a"), &format!("--key: {why}"));
    }
}

#[test]
fn who_names_a_folder_outside_is_told_which_ones_the_account_has() {
    let sandbox = Sandbox::new();
    let Some(pair) = Pair::set_up(&sandbox, "") else { return };
    pair.laptop.install();
    pair.sftp("ls").succeeds();
    let backup = "cd /root && MOO_SSH='' /usr/local/lib/moobacker/moo backup --no-encryption .ssh";
    // As it is called on the server, and with a name forgotten.
    for url in
        ["sftp://purrbackups@store/srv/purrbackups/backups/etc", "sftp://purrbackups@store/etc"]
    {
        let run = pair.laptop.sh(&format!("{backup} {url}")).fails_with(7).one_message();
        drop(run.stderr_has("permission denied; the server has /backups"));
    }
}
