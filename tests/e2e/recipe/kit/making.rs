//! Making and checking kits: where their parts come from, and what is refused.

use std::fs;

use tests::damage::flip;
use tests::{Key, Run, Sandbox, Snapshot, assert_same};

use super::{Backups, steps};

/// A sandbox with keys, a configuration and the kit's passphrase; the store is a folder.
fn workshop() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sh("moo keygen --no-passphrase backup && moo keygen --sign-only host").succeeds();
    configure(&sandbox, &sandbox.url("backups"), "encrypt-key $PWD/backup.cert.pgp");
    sandbox.sh("echo moo >passphrase; echo mooo >other").silent();
    sandbox
}

/// Writes the configuration `backup.conf`.
fn configure(sandbox: &Sandbox, remote: &str, keys: &str) {
    let text = format!("remote {remote}\n{keys}\nsource etc /etc\n");
    sandbox.sh(&format!("cat >backup.conf <<END\n{text}END\nchmod 644 backup.conf")).silent();
}

/// `recovery-kit.sh` with more words than the configuration.
fn kit(sandbox: &Sandbox, words: &str) -> Run {
    sandbox.sh(&format!("moo recovery-kit --user $(id -un) --config backup.conf {words}"))
}

/// What makes a kit of what [`workshop`] has.
const GOOD: &str = "--secret-key backup.secret.pgp --passphrase-file passphrase kit";

/// It fails in that way, with one message, and leaves nothing.
#[track_caller]
fn refuses(sandbox: &Sandbox, words: &str, status: i32, message: &str) {
    let run = kit(sandbox, words).fails_with(status).one_message().stdout_is("");
    run.stderr_has(&format!("moo recovery-kit: {message}"));
    sandbox.sh("ls kit*").fails();
}

#[test]
fn the_page_restores_from_a_folder_too() {
    let sandbox = Sandbox::new();
    let backups = Backups::new(&sandbox);
    sandbox.sh("mkdir backups && mv store backups/etc && echo moo >passphrase").silent();
    let keys = "encrypt-key $PWD/backup.cert.pgp\nseal-key $PWD/host.secret.pgp";
    configure(&sandbox, &sandbox.url("backups"), keys);
    kit(&sandbox, GOOD).silent();
    let bare = Sandbox::without_us();
    let passphrase = bare.path("passphrase");
    let answers =
        format!("batch\npinentry-mode loopback\npassphrase-file {}\n", passphrase.display());
    fs::write(bare.path(".gnupg/gpg.conf"), answers).unwrap();
    fs::copy(sandbox.path("kit"), bare.path("kit")).unwrap();
    bare.sh("tar -xf kit && echo moo >passphrase").silent();
    let page = fs::read_to_string(bare.path("moobacker-kit/README.txt")).unwrap();
    let [steps, end, _] = steps(&page, &backups.times);
    bare.sh(&format!("cd moobacker-kit; set -e\n{steps}")).succeeds();
    backups.are_in(&bare.path("moobacker-kit/restored"));
    bare.sh(&format!("cd moobacker-kit; set -e\n{end}")).succeeds();
    bare.sh("chmod -R u+rwx .").silent();
}

#[test]
fn the_page_tells_of_all_stores_and_restores_from_the_one_that_is_named() {
    let sandbox = workshop();
    let toml = "cat >backup.toml <<END && chmod 644 backup.toml
encrypt-key = \"$PWD/backup.cert.pgp\"
[stores.far]
url = \"file:///srv/far\"
[stores.disk]
url = \"file:///srv/disk\"
[sources.etc]
path = \"/etc\"
[sources.home]
path = \"/home\"
stores = [\"far\"]
END";
    sandbox.sh(toml).silent();
    let kit = |words: &str| {
        let command = "moo recovery-kit --user $(id -un) --config backup.toml";
        sandbox.sh(&format!("rm -f kit; {command} {words} {GOOD}"))
    };
    let page = || sandbox.sh("tar -xOf kit moobacker-kit/README.txt").succeeds().out();
    kit("").silent();
    let far = page();
    assert!(
        far.contains("are in file:///srv/far.\nThere are more in file:///srv/disk: etc.\n"),
        "{far}"
    );
    assert!(far.contains("cp -R /srv/far/etc store\n    cp -R /srv/far/home store"), "{far}");
    kit("--store disk").silent();
    let disk = page();
    assert!(disk.contains("There are more in file:///srv/far: etc home.\n"), "{disk}");
    assert!(disk.contains("cp -R /srv/disk/etc store\n\n"), "{disk}");
    kit("--store disc").fails_with(2).one_message().stderr_has("--store: disc: no source");
}

#[test]
fn a_kit_is_private_and_is_never_overwritten() {
    let sandbox = workshop();
    kit(&sandbox, GOOD).silent();
    sandbox.sh("test $(stat -c %a kit) = 600; ! tar -xOf kit | grep -a 'BEGIN OPENSSH'").silent();
    let before = fs::read(sandbox.path("kit")).unwrap();
    kit(&sandbox, GOOD).fails_with(1).stderr_is("moo recovery-kit: kit: already exists");
    assert_eq!(before, fs::read(sandbox.path("kit")).unwrap());
    sandbox.sh("test \"$(echo kit*)\" = kit").silent();
}

#[test]
fn a_dry_run_prints_the_commands_and_leaves_nothing() {
    let sandbox = workshop();
    let before = Snapshot::of(sandbox.path(""));
    let run = kit(&sandbox, &format!("--dry-run {GOOD}")).succeeds().stderr_is("");
    for part in ["--s2k-digest-algo SHA512", "cat -- backup.secret.pgp >", "mv -nT -- kit.part kit"]
    {
        assert!(run.out().contains(part), "{part}: {}", run.out());
    }
    let ignored = [".gnupg", ".run"];
    assert_same(&before.without(&ignored), &Snapshot::of(sandbox.path("")).without(&ignored));
}

#[test]
fn the_key_may_be_in_a_keyring_and_one_of_several() {
    let sandbox = workshop();
    let key = Key::open(&sandbox, "Moo <moo@example.org>");
    let keys = format!("encrypt-key $PWD/backup.cert.pgp\nencrypt-key {key}");
    configure(&sandbox, "file:///srv", &keys);
    kit(&sandbox, "--passphrase-file passphrase kit").silent();
    let page = sandbox.sh("tar -xOf kit moobacker-kit/README.txt").succeeds().out();
    assert!(page.contains(&key.fingerprint), "{page}");
    sandbox.sh("rm kit").silent();
    key.forget_secret(&sandbox);
    refuses(&sandbox, "--passphrase-file passphrase kit", 6, &format!("{key}: no secret key here"));
}

#[test]
fn a_key_with_a_passphrase_of_its_own_is_tried_with_it() {
    let sandbox = workshop();
    let key = Key::locked(&sandbox, "Moo <moo@example.org>", "mooo");
    configure(&sandbox, "file:///srv", &format!("encrypt-key {key}"));
    key.export_secret(&sandbox, "locked.pgp", "mooo");
    let words = "--passphrase-file passphrase --secret-key locked.pgp";
    refuses(&sandbox, &format!("{words} kit"), 6, "kit.");
    kit(&sandbox, &format!("{words} --key-passphrase-file other kit")).silent();
    kit(&sandbox, "--passphrase-file passphrase --key-passphrase-file other kit2").silent();
    sandbox
        .sh("tar -xOf kit moobacker-kit/README.txt")
        .stdout_has("in step 6: that of the kit again, unless");
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let sandbox = workshop();
    let good = "--passphrase-file passphrase";
    refuses(
        &sandbox,
        "--secret-key backup.secret.pgp kit",
        6,
        "no passphrase: there is no terminal",
    );
    refuses(&sandbox, "--passphrase-file none kit", 6, "none: not readable");
    refuses(&sandbox, "--passphrase-file /dev/null kit", 6, "/dev/null: its first line is empty");
    refuses(
        &sandbox,
        &format!("{good} --secret-key passphrase kit"),
        6,
        "passphrase: no secret key",
    );
    refuses(&sandbox, &format!("{good} --secret-key backup.cert.pgp kit"), 6, "kit.");
    let other = format!("{good} --secret-key host.secret.pgp kit");
    refuses(&sandbox, &other, 6, "host.secret.pgp: not the key that backup.conf encrypts to");
    refuses(&sandbox, &GOOD.replace(" kit", " none/kit"), 1, "none/kit: can't be written");
    configure(&sandbox, "rclone://x/y", "encrypt-key $PWD/backup.cert.pgp");
    refuses(&sandbox, GOOD, 2, "rclone://x/y: neither sftp: nor file:");
    configure(&sandbox, "sftp://u@h.example.org/y", "encrypt-key $PWD/backup.cert.pgp");
    refuses(&sandbox, GOOD, 6, "sftp://u@h.example.org/y: no SSH key for it");
    sandbox.sh("mkdir ~/.ssh; ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519").silent();
    refuses(&sandbox, GOOD, 6, "sftp://u@h.example.org/y: its host key is not known");
    configure(&sandbox, "file:///srv", "encrypt-key 0123456789ABCDEF0123456789ABCDEF01234567");
    refuses(&sandbox, GOOD, 6, "0123456789ABCDEF0123456789ABCDEF01234567: no such certificate");
}

#[test]
fn a_check_tells_a_wrong_passphrase_from_damage() {
    let sandbox = workshop();
    kit(&sandbox, GOOD).silent();
    let check = |words: &str| sandbox.sh(&format!("moo recovery-kit --check {words}"));
    check("--passphrase-file passphrase kit").silent();
    let wrong = "moo recovery-kit: kit: wrong passphrase";
    check("--passphrase-file other kit").fails_with(6).stderr_is(wrong);
    let whole = fs::read(sandbox.path("kit")).unwrap();
    let secrets = sandbox.sh("tar -xOf kit moobacker-kit/secrets.tar.gpg").succeeds().stdout;
    for part in [b"moobacker-kit/".as_slice(), b"RECOVERY KIT", b"STORE DEST [TIME]", &secrets] {
        let place = whole.windows(part.len()).position(|window| window == part).unwrap();
        fs::write(sandbox.path("damaged"), &whole).unwrap();
        flip(sandbox.path("damaged"), i64::try_from(place + part.len() / 2).unwrap());
        let run = check("--passphrase-file passphrase damaged").fails_with(5);
        run.stderr_is("moo recovery-kit: damaged: damaged, or not a recovery kit");
    }
    check("--passphrase-file passphrase other").fails_with(5).one_message();
    check("--passphrase-file passphrase none").fails_with(2).one_message();
}

#[test]
fn gpg_asks_for_the_passphrase_on_the_terminal() {
    let sandbox = workshop();
    let make =
        "moo recovery-kit --user $(id -un) --config backup.conf --secret-key backup.secret.pgp kit";
    let terminal = |second: &str| {
        let answers = format!("sleep 2; echo moo; sleep 2; echo {second}; sleep 2");
        sandbox.sh(&format!("({answers}) | script -qec '{make}' /dev/null"))
    };
    terminal("mooo").fails_with(6).stdout_has("wrong passphrase");
    sandbox.sh("ls kit*").fails();
    terminal("moo").succeeds().stdout_has("a passphrase that is to lock the kit");
    sandbox.sh("moo recovery-kit --check --passphrase-file passphrase kit").silent();
}
