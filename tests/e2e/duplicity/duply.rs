//! duply, from its first command to its last.

use super::{STOCK, drop_in, later};
use tests::Sandbox;

fn profile() -> Sandbox {
    let mut sandbox = drop_in();
    sandbox.unset("PASSPHRASE");
    let key = "gpg -q --batch --passphrase 'a b' --pinentry-mode loopback --quick-generate-key tom default \
        default never && gpg --with-colons -k | sed -n 's/^fpr:*\\([0-9A-F]*\\):/\\1/p' | head -n 1";
    let key = sandbox.sh(key).succeeds().out();
    sandbox.sh("duply p create").succeeds();
    let conf = format!(
        "GPG_KEY='{}'\nGPG_PW='a b'\nGPG_OPTS='--pinentry-mode loopback'\nSOURCE=\"$PWD/src\"\n\
        TARGET=\"file://$PWD/store\"\nMAX_FULL_BACKUPS=1\nMAX_FULLS_WITH_INCRS=1\nMAX_AGE=1M\n\
        VERBOSITY=4\nTEMP_DIR=\"$PWD/.tmp\"\n",
        key.trim()
    );
    sandbox.sh(&format!("cat >.home/.duply/p/conf <<EOF\n{conf}EOF")).silent();
    sandbox
}

fn run(sandbox: &Sandbox, path: &str, call: &str) -> tests::Run {
    let run = sandbox.sh(&format!("{path} duply p {call}"));
    later(sandbox);
    run
}

#[test]
fn duply_lives_with_it_and_changes_to_stock_and_back() {
    let sandbox = profile();
    let duply = |call: &str| run(&sandbox, "", call);
    duply("backup").succeeds().stdout_has("Backup Statistics");
    sandbox.sh("echo two >src/a").silent();
    duply("incr").succeeds();
    duply("status")
        .succeeds()
        .stdout_has("Incremental")
        .stdout_has("Number of contained backup sets: 2");
    duply("list").succeeds().stdout_has(" sub/b c");
    duply("verify").succeeds().stdout_has("5 files compared, 0 differences found");
    duply("verify --compare-data").succeeds();
    duply("fetch 'sub/b c' part").succeeds();
    duply("restore all").succeeds();
    sandbox.sh("cmp part 'src/sub/b c' && diff -r --no-dereference src all").silent();
    duply("restore all").fails();
    // Stock goes on with all of it.
    let stock = |call: &str| run(&sandbox, STOCK, call);
    stock("status").succeeds().stdout_has("Number of contained backup sets: 2");
    stock("verify --compare-data").succeeds().stdout_has("0 differences found");
    sandbox.sh("echo three >src/a").silent();
    stock("incr").succeeds();
    // And so do we.
    duply("status").succeeds().stdout_has("Number of contained backup sets: 3");
    sandbox.sh("echo four >src/a").silent();
    duply("incr").succeeds();
    duply("full").succeeds();
    duply("verify --compare-data").succeeds();
    sandbox.sh("echo five >src/a").silent();
    duply("verify --compare-data").fails();
    duply("purgeFull").succeeds().stdout_has("Rerun command with --force option");
    duply("purgeIncr --force").succeeds();
    duply("status").succeeds().stdout_has("Found 1 secondary backup chain.");
    duply("purgeFull --force").succeeds();
    duply("status").succeeds().stdout_has("Found 0 secondary backup chains.");
    duply("purge --force").succeeds();
    duply("cleanup").succeeds();
    duply("cleanup --force").succeeds();
    sandbox.sh("ls store | grep -c 'manifest'").stdout_is("1");
}
