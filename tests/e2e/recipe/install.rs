//! Machines of their own for the tests, and moobacker installed on one.

use std::fs;

use tests::Sandbox;
use tests::machine::Network;

#[test]
fn what_happens_on_a_machine_stays_there() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let before = fs::read("/etc/passwd").unwrap();
    let (laptop, store) = (network.machine("laptop"), network.machine("store.example.org"));
    laptop.sh("useradd -m tom && ls -A /root").silent();
    assert!(fs::read_to_string(laptop.path("/etc/passwd")).unwrap().contains("\ntom:"));
    laptop.sh_as("tom", "id -un; pwd; hostname").stdout_is("tom\n/home/tom\nlaptop");
    laptop.sh_as("tom", "ls /usr/src/moobacker").fails();
    store.sh("id tom").fails();
    store.start_sshd();
    laptop.sh("pidof sshd").fails();
    laptop.sh("ssh-keyscan -t ed25519 store.example.org").stdout_has("ssh-ed25519");
    laptop.without(&["sftp", "duplicity"]);
    laptop.sh("command -v sftp").fails();
    store.sh("command -v sftp").succeeds();
    drop(network);
    assert_eq!(before, fs::read("/etc/passwd").unwrap());
}

/// Every file below a folder, with all that an installation could change.
const FILES: &str = "find /usr/local -printf '%P %M %u:%g %l\\n' | sort";

#[test]
fn what_is_installed_is_roots_and_runs_from_the_path() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let laptop = network.machine("laptop");
    laptop.sh("/usr/src/moobacker/pipelines/install.sh").silent();
    let installed = laptop.sh(FILES).succeeds().out();
    for file in [
        "lib/moobacker/moo-scan -rwxr-xr-x root:root",
        "lib/moobacker/commands/backup.sh -rwxr-xr-x root:root",
        "lib/moobacker/shared/options.sh -rw-r--r-- root:root",
        "lib/moobacker/rescue.sh -rwxr-xr-x root:root",
        "share/man/man1/moo.1 -rw-r--r-- root:root",
        "bin/moo-scan lrwxrwxrwx root:root ../lib/moobacker/moo-scan",
        "share/bash-completion/completions/moo -rw-r--r-- root:root",
        "share/zsh/site-functions/_moo-scan -rw-r--r-- root:root",
        "share/fish/vendor_completions.d/moo.fish -rw-r--r-- root:root",
        "lib/systemd/system/moobacker.timer -rw-r--r-- root:root",
    ] {
        assert!(installed.contains(file), "{file}:\n{installed}");
    }
    for file in ["moobacker/demo.sh", "moobacker/install.sh"] {
        assert!(!installed.contains(file), "{installed}");
    }
    laptop.sh("find /usr/local ! -type l -perm /022; find /usr/local ! -user root").silent();
    laptop.sh("useradd -m tom").silent();
    laptop
        .sh_as("tom", "/usr/local/bin/moo --version")
        .stdout_is(concat!("moobacker ", env!("CARGO_PKG_VERSION")));
    laptop
        .sh("grep -h ^ExecStart /usr/local/lib/systemd/system/moobacker.service")
        .stdout_is("ExecStart=/usr/local/lib/moobacker/backup.sh");
    laptop.sh_as("tom", "mkdir a && echo 1 >a/b && /usr/local/bin/moo backup --no-encryption a file://$HOME/s &&
        /usr/local/bin/moo restore file://$HOME/s c && diff -r a c").silent();
    laptop.sh("/usr/src/moobacker/pipelines/install.sh").silent();
    assert_eq!(installed, laptop.sh(FILES).out(), "a second time changes nothing");
}

#[test]
fn a_dry_run_tells_the_commands_that_install() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let laptop = network.machine("laptop");
    let before = laptop.sh(FILES).out();
    let told = laptop.sh("/usr/src/moobacker/pipelines/install.sh --dry-run").succeeds().out();
    assert_eq!(before, laptop.sh(FILES).out());
    laptop.sh(&format!("umask 022\n{told}")).silent();
    let by_hand = laptop.sh(FILES).out();
    laptop.sh("rm -r /usr/local/*; mkdir /usr/local/bin /usr/local/sbin /usr/local/lib").silent();
    laptop.install();
    assert_eq!(by_hand, laptop.sh(FILES).out());
}

#[test]
fn nothing_is_installed_where_others_could_change_it() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let laptop = network.machine("laptop");
    let install = "/usr/src/moobacker/pipelines/install.sh";
    let refuses = |prepare: &str, arguments: &str, message: &str| {
        let before = laptop.sh(&format!("{prepare}\n{FILES}")).out();
        let run = laptop.sh(&format!("{install} {arguments}")).fails();
        run.one_message().stderr_is(&format!("install.sh: {message}"));
        assert_eq!(before, laptop.sh(FILES).out());
    };
    let theirs = "does not belong to root";
    refuses("mkdir -p /opt/a && chown 1 /opt/a", "/opt/a", &format!("/opt/a: {theirs}"));
    let writable = "/usr/local/lib: others than root may write to it (chmod go-w)";
    refuses("chmod g+w /usr/local/lib", "", writable);
    let not_ours = "/usr/local/bin/moo: exists and is not ours";
    refuses("chmod g-w /usr/local/lib; : >/usr/local/bin/moo", "", not_ours);
    let other = "/usr/local/bin/moo-scan: exists and is not ours";
    refuses("rm /usr/local/bin/moo; : >/usr/local/bin/moo-scan", "", other);
    refuses("", "local", "local: an absolute path is needed");
    refuses("", "--sudo", "--sudo: no such option (see --help)");
}
