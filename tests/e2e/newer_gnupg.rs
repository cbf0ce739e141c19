//! GnuPG 2.4, whose messages may be in an OCB mode of its own. Debian 12 has 2.2.

use tests::damage::find;
use tests::{Duplicity, Sandbox, Tree, peers};

use crate::moo::Moo;

/// A sandbox in which `gpg` is 2.4, with a key that it has made.
fn sandbox() -> (Sandbox, String) {
    let folder = peers::newest_gnupg();
    let mut sandbox = Sandbox::new();
    let path = sandbox.sh("echo $PATH").out();
    sandbox.set("PATH", format!("{}:{}", folder.display(), path.trim()));
    sandbox.sh("gpg --version | head -n 1").stdout_has("2.4.");
    let key = "gpg -q --batch --pinentry-mode loopback --passphrase ''";
    sandbox.sh(&format!("{key} --quick-generate-key cat default default never")).succeeds();
    let fingerprint = "gpg -q --with-colons --list-keys cat | sed -n 's/^fpr:*//p' | head -n 1";
    let id = sandbox.sh(fingerprint).out();
    let id = id.trim().trim_end_matches(':').to_owned();
    sandbox.sh(&format!("{key} --export-secret-keys {id} >cat.secret")).succeeds();
    Tree::small(sandbox.path("src"));
    (sandbox, id)
}

/// The gpg of this machine.
const OLD: &str = "export PATH=/usr/bin:$PATH; ";

#[test]
fn gnupg_2_4_and_duplicity_with_it_read_what_we_write_for_its_keys() {
    let (sandbox, id) = sandbox();
    let moo = Moo::new(&sandbox, &format!("--encrypt-key {id} --seal-key {id}"));
    moo.backup("").silent();
    sandbox.sh("echo more >src/more").silent();
    moo.backup("").silent();
    let read = "for f in store/*.gpg; do gpg -q --batch -d $f >read && test -s read || exit; done";
    sandbox.sh(read).succeeds();
    sandbox
        .sh("cd store && for s in *.seal; do gpg -q -d $s | sha256sum --quiet -c || exit; done")
        .succeeds();
    moo.restore(&format!("--seal-key {id}")).silent();
    sandbox.sh("diff -r --no-dereference src out && rm -r out").silent();
    sandbox.sh("rescue.sh store out && diff -r --no-dereference src out && rm -r out").succeeds();
    for stock in [Duplicity::old(&sandbox), Duplicity::new(&sandbox)] {
        stock.archive("none").run("restore", "file://$PWD/store out").succeeds();
        sandbox.sh("cmp src/more out/more && rm -rf out none").silent();
    }
}

#[test]
fn a_store_that_duplicity_wrote_with_gnupg_2_4_is_restored_in_ocb_mode_too() {
    for mode in ["", "--gpg-options=--force-ocb"] {
        let (sandbox, id) = sandbox();
        let stock = Duplicity::new(&sandbox);
        stock.run("full", &format!("--encrypt-key {id} {mode} src file://$PWD/store")).succeeds();
        let is_ocb = "gpg --list-packets store/*vol1* 2>/dev/null | grep -q 'aead encrypted'";
        assert_eq!(sandbox.sh(is_ocb).status == 0, !mode.is_empty());
        let restore = "moo restore --archive-dir . --name none $K file://$PWD/store out";
        for gpg in ["", OLD] {
            sandbox
                .sh(&format!(
                    "{gpg} {restore} && cmp src/folder/large out/folder/large && rm -r out"
                ))
                .silent();
        }
        let by_file = sandbox.sh(&format!("K='--secret-key cat.secret'; {restore}"));
        if mode.is_empty() {
            by_file.silent();
            continue;
        }
        let run = by_file.fails_with(6).one_message();
        drop(run.stderr_has("GnuPG's own OCB mode").stderr_has("gpg --import"));
        let volume = find(sandbox.path("store"), ".vol1.");
        let whole = std::fs::read(&volume).unwrap();
        for at in [whole.len() - 1, whole.len() / 2, 200] {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            for bad in [&changed[..], &whole[..at], &[&whole[..], b"more"].concat()] {
                std::fs::write(&volume, bad).unwrap();
                for gpg in ["", OLD] {
                    sandbox.sh(&format!("{gpg} {restore}")).fails_with(5).one_message();
                    assert!(!sandbox.path("out").exists());
                }
            }
        }
        // Nothing of it leaves before all of it has been checked.
        std::fs::write(&volume, &whole[..whole.len() - 1]).unwrap();
        let stage =
            "moo-fetch file://$PWD/store | moo-decrypt | tar x --to-stdout 2>/dev/null | wc -c";
        let count = sandbox.sh(stage).out();
        assert!(count.trim().parse::<u64>().unwrap() < 5_000, "{count}");
    }
}

#[test]
fn a_message_of_gnupg_2_4_for_a_passphrase_is_read() {
    let (sandbox, _) = sandbox();
    let word = "PASSPHRASE=meow; export PASSPHRASE; ";
    for mode in ["", "--gpg-options=--force-ocb"] {
        let stock = Duplicity::new(&sandbox).archive("words-archive");
        let full = stock.script("full", &format!("{mode} src file://$PWD/words"));
        sandbox.sh(&format!("rm -rf words* out; {word} {full}")).succeeds();
        sandbox
            .sh(&format!(
                "{word} moo restore file://$PWD/words out && cmp src/folder/large out/folder/large"
            ))
            .silent();
        let wrong = "rm -rf out; PASSPHRASE=woof moo restore file://$PWD/words out";
        sandbox.sh(wrong).fails_with(6).one_message();
    }
}
