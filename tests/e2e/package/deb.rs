//! Building, installing, using and removing the package.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tests::Sandbox;
use tests::machine::{Machine, Network};
use tests::sandbox::{programs, workspace};

/// The content of the package of this build. It is made once, of the program that the tests run.
fn package() -> &'static [u8] {
    static PACKAGE: OnceLock<Vec<u8>> = OnceLock::new();
    PACKAGE.get_or_init(|| {
        let sandbox = builder();
        let built = build(&sandbox, &format!("--programs {}", programs().display()));
        fs::read(built).unwrap()
    })
}

/// A sandbox with cargo, which lists the crates that are linked in.
fn builder() -> Sandbox {
    let mut sandbox = Sandbox::new();
    let home = env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    for (name, below) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
        sandbox.set(name, env::var_os(name).map_or(home.join(below), PathBuf::from));
    }
    sandbox.set("DEBEMAIL", "moobacker@lists.debian.org");
    sandbox
}

/// Runs the builder with those arguments; the path of the package.
fn build(sandbox: &Sandbox, arguments: &str) -> PathBuf {
    let script = format!(
        "PATH=$CARGO_HOME/bin:$PATH; {}/packaging/build-deb {arguments} {}",
        workspace().display(),
        sandbox.path("built").display()
    );
    PathBuf::from(sandbox.sh(&script).succeeds().out().trim_end())
}

/// Puts the package on the machine, which has no checkout any more, and installs it.
pub(crate) fn install(machine: &Machine) -> String {
    fs::write(machine.path("/root/moobacker.deb"), package()).unwrap();
    machine
        .sh("! mountpoint -q /usr/src/moobacker/man || umount /usr/src/moobacker/*/release \
        /usr/src/moobacker/man /usr/src/moobacker/pipelines")
        .silent();
    let run = machine.sh("dpkg --no-triggers -i /root/moobacker.deb").succeeds();
    let err = run.err();
    // systemd-sysusers reports what it makes.
    assert!(err.lines().all(|line| line.starts_with("Creating ")), "{err}");
    run.out()
}

#[test]
fn the_package_works_where_nothing_else_is_and_leaves_keys_and_configuration_behind() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let laptop = network.machine("laptop");
    // What it recommends or suggests, and what a build needs, may be missing.
    laptop.without(&["gpg", "sudo", "rdiff", "duplicity", "rclone", "python3", "cron", "cc"]);
    install(&laptop);
    laptop
        .sh("getent passwd moobacker | cut -d : -f 1,6,7")
        .stdout_is("moobacker:/var/lib/moobacker:/usr/sbin/nologin");
    laptop
        .sh("dpkg -L moobacker | grep -v '^/\\.$' | while read -r file; do
            find \"$file\" -maxdepth 0 \\( ! -user root -o ! -type l -perm /022 \\)
        done; dpkg -V moobacker; find /etc -name '*moobacker*'")
        .silent();
    laptop.sh("useradd -m tom").silent();
    let version = concat!("moobacker ", env!("CARGO_PKG_VERSION"));
    laptop.sh_as("tom", "moo --version").stdout_is(version);
    laptop.sh_as("tom", "man -w moo-backup moo-scan backup.sh moobacker").succeeds();
    laptop.sh_as("tom", "echo 'a b' >pass && moo keygen --passphrase-file pass key").succeeds();
    let used = "mkdir a && echo 1 >a/b && chmod 600 a/b
        moo backup --encrypt-key key.cert.pgp a file://$HOME/s &&
        moo restore --secret-key key.secret.pgp --passphrase-file pass file://$HOME/s c &&
        moo-scan a | moo-sign | moo-delta | moo-pack | moo-encrypt --encrypt-key key.cert.pgp |
            moo-upload file://$HOME/piped >/dev/null &&
        diff -r a c && test -e piped/*.manifest.gpg";
    laptop.sh_as("tom", used).silent();
    let complete =
        "bash -c '. /usr/share/bash-completion/bash_completion && _completion_loader moo-scan
        complete -p moo-scan'";
    laptop.sh(complete).stdout_has("-F _moo__scan");
    laptop.sh("mkdir /etc/moobacker && touch /etc/moobacker/backup.cert.pgp && mkdir /var/lib/moobacker").silent();
    laptop.sh("dpkg --no-triggers -r moobacker").succeeds();
    laptop.sh("ls /usr/bin/moo* /usr/lib/moobacker 2>/dev/null").fails();
    let told = laptop.sh("dpkg --no-triggers -P moobacker").succeeds().out();
    for kept in ["/etc/moobacker", "/var/lib/moobacker", "the user moobacker"] {
        assert!(told.contains(&format!("moobacker: kept: {kept}\n")), "{told}");
    }
    laptop.sh("test -e /etc/moobacker/backup.cert.pgp && test -d /var/lib/moobacker").silent();
}

#[test]
fn the_programs_are_one_file_and_each_process_has_the_name_of_its_stage() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let laptop = network.machine("laptop");
    install(&laptop);
    let files = "cd /usr/lib/moobacker && ls moo*-* | wc -l; stat -c '%i %h' moo*-* | sort -u | cut -d ' ' -f 2";
    let programs = fs::read_dir(workspace().join("bins")).unwrap().count();
    laptop.sh(files).stdout_is(&format!("{programs}\n{programs}"));
    // An upgrade replaces all of them, whether they were links or files.
    laptop.sh("cd /usr/lib/moobacker && cp moo-scan x && mv x moo-scan && rm moo-sign").silent();
    install(&laptop);
    laptop.sh(files).stdout_is(&format!("{programs}\n{programs}"));
    laptop.sh("dpkg -V moobacker").silent();
    let seen = "mkfifo hold; moo-sign <hold >out & exec 3>hold
        until pgrep -x moo-sign >pid; do :; done; ps -o comm= -p \"$(cat pid)\"; kill $!";
    laptop.sh(seen).stdout_is("moo-sign");
}

#[test]
fn the_package_is_sound_to_lintian_and_the_same_each_time() {
    let sandbox = builder();
    let from = format!("--programs {}", programs().display());
    let built = build(&sandbox, &from);
    assert!(fs::read(&built).unwrap() == package(), "two builds differ");
    let allow = "$(test $(id -u) != 0 || echo --allow-root)";
    let check = format!("lintian --no-cfg --fail-on error,warning {allow} {}", built.display());
    sandbox.sh(&check).silent();
}

#[test]
fn an_architecture_that_no_package_is_built_for_is_refused_at_once() {
    let sandbox = builder();
    let builder = workspace().join("packaging/build-deb");
    let builder = builder.display();
    sandbox.sh(&format!("{builder} --help")).stdout_has("--architecture arm64");
    for name in ["riscv64", "aarch64", "''"] {
        let run = sandbox.sh(&format!("{builder} --architecture {name} built"));
        let what = format!("--architecture: {}: not known; give ", name.trim_matches('\''));
        run.fails_with(2).one_message().stderr_has(&what).stderr_has(" or arm64");
    }
    sandbox.sh(&format!("{builder} --architecture")).fails_with(2).one_message();
    sandbox.sh("ls built").fails();
}

#[test]
fn the_debug_symbols_are_a_package_of_their_own_that_tells_the_lines_of_the_programs() {
    let sandbox = builder();
    build(&sandbox, &format!("--programs {} --debug-symbols", programs().display()));
    let unpack = "cd built && dpkg-deb -x moobacker_*.deb programs && dpkg-deb -x moobacker-dbgsym_*.deb symbols";
    sandbox.sh(unpack).silent();
    let line = "cd built && id=$(readelf -n programs/usr/lib/moobacker/moo-scan | sed -n 's/.*Build ID: //p')
        file=symbols/usr/lib/debug/.build-id/$(echo \"$id\" | sed 's/^../&\\//').debug
        nm -C \"$file\" | sed -n 's/ [tT] .*stream::tar_reader::.*//p' | addr2line -e \"$file\"";
    sandbox.sh(line).succeeds().stdout_has("tar_reader.rs:");
    let depends = "dpkg-deb -f built/moobacker-dbgsym_*.deb Depends";
    let version = concat!("moobacker (= ", env!("CARGO_PKG_VERSION"), ")");
    sandbox.sh(depends).stdout_is(version);
}

#[test]
#[ignore = "needs what packaging/build-deb has built, which takes minutes: tests/run --long does it before"]
fn a_release_is_smaller_than_20_megabytes() {
    let sandbox = builder();
    let programs = workspace().join("target/packaged");
    let built = build(&sandbox, &format!("--programs {}", programs.display()));
    let size = format!("dpkg-deb -f {} Installed-Size", built.display());
    let size: u64 = sandbox.sh(&size).succeeds().out().trim().parse().unwrap();
    assert!(size < 20_000_000 / 1024, "{size} KiB");
    let work = Path::new("root");
    let unpack = format!("dpkg-deb -x {} {}", built.display(), work.display());
    sandbox.sh(&unpack).silent();
    sandbox.sh("root/usr/bin/moo-scan /etc/passwd | root/usr/bin/moo-sign >/dev/null").silent();
}
