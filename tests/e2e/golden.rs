//! Stores and archive directories of earlier releases and of both duplicities come back, state by
//! state, and are extended. See tests/golden.

use tests::sandbox::workspace;
use tests::{Duplicity, Run, Sandbox};

/// The folders of `tests/golden/0.1.0`, with the options that restore and extend each.
const STORES: [(&str, &str, &str); 4] = [
    ("sealed", SECRET_AND_SEAL, ENCRYPT_AND_SEAL),
    ("passphrase", "", ""),
    ("duplicity-old", SECRET, ENCRYPT),
    ("duplicity-new", SECRET, ENCRYPT),
];
const SECRET: &str = "--secret-key golden/keys/backup.secret.pgp";
const SECRET_AND_SEAL: &str =
    "--secret-key golden/keys/backup.secret.pgp --seal-key golden/keys/host.cert.pgp";
const ENCRYPT: &str = "--encrypt-key golden/keys/backup.cert.pgp";
const ENCRYPT_AND_SEAL: &str =
    "--encrypt-key golden/keys/backup.cert.pgp --seal-key golden/keys/host.secret.pgp";

/// As make.sh lists a state.
const LISTING: &str = "
    listing() (
        cd \"$1\"
        find . ! -type d ! -type l -printf '%y %m %T@ %P\\n' | LC_ALL=C sort
        find . -type l -printf '%y %l %P\\n' | LC_ALL=C sort
        find . -type d -printf '%y %m %P\\n' | LC_ALL=C sort
        find . -type f -exec sha256sum {} + | LC_ALL=C sort
    )
";

/// A sandbox with a copy of the golden folders in `golden`.
fn golden() -> Sandbox {
    golden_in(Sandbox::new())
}

fn golden_in(mut sandbox: Sandbox) -> Sandbox {
    let from = workspace().join("tests/golden/0.1.0");
    sandbox.sh(&format!("cp -r {} golden && chmod 700 golden/*/archive", from.display())).silent();
    sandbox.set("PASSPHRASE", "golden");
    sandbox
}

/// `moo restore` of a golden store into `out`.
fn restore(sandbox: &Sandbox, name: &str, options: &str) -> Run {
    sandbox.sh(&format!(
        "moo restore --no-restore-ownership {options} file://$PWD/golden/{name}/store out"
    ))
}

/// The tree in `out` is the one of that day; it goes.
fn is_state(sandbox: &Sandbox, day: usize) {
    sandbox.sh(&format!("{LISTING} listing out | cmp golden/states/{day} - && rm -r out")).silent();
}

/// The times of the sets in a golden store, the oldest first.
fn times(sandbox: &Sandbox, name: &str) -> Vec<String> {
    tests::peers::times(sandbox.path(format!("golden/{name}/store")))
}

#[test]
fn each_state_of_each_golden_store_comes_back_with_and_without_its_archive_directory() {
    let sandbox = golden();
    for (name, options, _) in STORES {
        let times = times(&sandbox, name);
        assert_eq!(times.len(), 3, "{name}");
        for (day, time) in (1..).zip(&times) {
            let archive = format!("--archive-dir golden/{name} --name archive");
            for archive in ["", &archive] {
                restore(&sandbox, name, &format!("{options} --time {time} {archive}")).silent();
                is_state(&sandbox, day);
            }
        }
    }
}

#[test]
fn each_golden_store_is_extended_and_keeps_its_old_states() {
    let sandbox = golden();
    for (name, options, backup) in STORES {
        let old = times(&sandbox, name);
        restore(&sandbox, name, options).silent();
        sandbox.sh("mv out src && echo extended >src/extended").silent();
        // A change that only the inode tells of.
        let rewrite = "touch -r src/large t && printf Z | dd of=src/large conv=notrunc bs=1 seek=999 status=none \
            && touch -r t src/large";
        sandbox.sh(rewrite).silent();
        sandbox
            .sh(&format!(
                "moo backup inc --archive-dir golden/{name} --name archive --allow-source-mismatch \
                {backup} src file://$PWD/golden/{name}/store"
            ))
            .silent();
        let all = times(&sandbox, name);
        assert_eq!(all.len(), 4, "{name}: one increment more");
        for (day, time) in (1..).zip(&old) {
            restore(&sandbox, name, &format!("{options} --time {time}")).silent();
            is_state(&sandbox, day);
        }
        restore(&sandbox, name, options).silent();
        sandbox.sh("diff -r --no-dereference src out 2>&1 | grep -v fifo; rm -r out").silent();
        is_restored_by_stock(&sandbox, name, &old);
        sandbox.sh("rm -r src").silent();
    }
}

/// Both duplicities restore the newest state that we have added, and the first one.
fn is_restored_by_stock(sandbox: &Sandbox, name: &str, old: &[String]) {
    sandbox.sh("gpg --batch -q --import golden/keys/backup.secret.pgp").silent();
    for peer in [Duplicity::old(sandbox), Duplicity::new(sandbox)] {
        let peer = peer.store(&format!("golden/{name}/store")).archive("lost");
        peer.restore("out").succeeds();
        sandbox
            .sh("cmp src/extended out/extended && cmp src/large out/large && rm -r out lost")
            .silent();
        peer.restore_at(&old[0], "out").succeeds();
        sandbox.sh("test -e out/gone/file && rm -r out lost").silent();
    }
}

#[test]
fn golden_seals_and_hashes_hold() {
    let sandbox = golden();
    let seal = "--seal-key golden/keys/host.cert.pgp";
    sandbox.sh(&format!("moo verify --quick {seal} file://$PWD/golden/sealed/store")).silent();
    sandbox.sh("moo verify --quick file://$PWD/golden/passphrase/store").silent();
    for (name, options, _) in STORES {
        sandbox.sh(&format!("moo verify {options} file://$PWD/golden/{name}/store")).silent();
    }
}

#[test]
fn a_golden_archive_directory_is_made_anew_out_of_its_store() {
    let sandbox = golden();
    for (name, options, _) in STORES {
        let url = format!("file://$PWD/golden/{name}/store");
        sandbox.sh(&format!("moo sync --archive-dir . --name again {options} {url}")).silent();
        let manifests = format!(
            "cd golden/{name}/archive && for m in *.manifest; do cmp $m ../../../again/$m; done"
        );
        sandbox.sh(&manifests).silent();
        sandbox.sh("rm -r again").silent();
    }
}

#[test]
fn a_golden_configuration_backs_up_each_of_its_sources() {
    let sandbox = golden_in(Sandbox::for_everybody());
    sandbox
        .sh("sed \"s,@FOLDER@,$PWD,g\" golden/backup.conf >backup.conf
            mkdir -p stores sources/etc sources/home
            echo a >sources/etc/a && echo b >sources/etc/b.tmp && echo c >sources/home/c
            chmod -R go+rwX . && chmod 700 .gnupg && chmod go-w backup.conf")
        .silent();
    // backup.sh is no ordinary user's to run as root.
    let nobody = "setpriv --reuid 65534 --regid 65534 --clear-groups --";
    let nobody = if rustix::process::geteuid().is_root() { nobody } else { "" };
    for sets in 1..=2 {
        sandbox
            .sh(&format!("{nobody} env HOME=$PWD/.home backup.sh --config backup.conf"))
            .silent();
        let stored = "for s in etc home; do ls stores/$s | grep -c 'manifest.gpg$'; done";
        sandbox.sh(stored).stdout_is(&format!("{sets}\n{sets}"));
    }
    sandbox.sh("test -e before-etc").silent();
    sandbox
        .sh("moo restore --secret-key golden/keys/backup.secret.pgp \
        --seal-key golden/keys/host.cert.pgp --no-restore-ownership file://$PWD/stores/etc out")
        .silent();
    sandbox.sh("ls out").stdout_is("a");
}
