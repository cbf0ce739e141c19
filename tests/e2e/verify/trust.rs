//! What the host of a store can do, and who notices it: the table in moobacker(7).

use std::fs;

use tests::sandbox::workspace;
use tests::{Sandbox, Tree};

use crate::moo::{Moo, stored};

/// What is done to the folder `store`; $A to $E are the times of its sets, of which A and C are full.
const DEEDS: [(&str, &str); 14] = [
    (
        "changes a byte of a volume",
        "for f in store/*full.$C.vol1.*; do printf '\\377' | dd of=$f bs=1 seek=100 conv=notrunc status=none; done",
    ),
    ("cuts a volume", "truncate -s 200 store/*full.$C.vol1.*"),
    ("drops a volume", "rm store/*full.$C.vol1.*"),
    (
        "swaps two volumes",
        "mv store/*to.$D.vol1.* x; mv store/*to.$E.vol1.* store/duplicity-inc.$C.to.$D.vol1.difftar.gz; mv x store/duplicity-inc.$D.to.$E.vol1.difftar.gz",
    ),
    ("drops a manifest", "rm store/*to.$D.manifest*"),
    ("drops signatures", "rm store/*to.$D.sigtar*"),
    ("drops a seal", "rm store/moobacker.$C.seal"),
    ("changes a seal", "sed -i 's/^# previous .*/# previous none/' store/moobacker.$D.seal"),
    ("drops an increment in the middle", "rm store/*$C.to.$D.* store/moobacker.$D.seal"),
    ("drops the newest set", "rm store/*$D.to.$E.* store/moobacker.$E.seal"),
    ("drops an older chain", "rm -f store/*$A* store/*$B*"),
    ("drops all", "rm store/*"),
    ("adds a file", "echo >store/duplicity-cow"),
    ("adds a set that decrypts", "cp evil/* store"),
];

/// Sets that others made in the place of ours: they decrypt, and their hashes are right.
const FORGED: [(&str, &str); 2] = [
    (
        "puts another set in place of one",
        "sed -n 1p evil/*.seal >/dev/null; rm store/*full*$C* store/moobacker.$C.seal; for f in evil/dup*; do g=${f#evil/}; cp $f store/${g%%.*}.$C.${g#*.*.}; done",
    ),
    (
        "brings an old set back as a new one",
        "rm store/*$D.to.$E.vol* store/*$D.to.$E.man* store/moobacker.$E.seal; for f in store/*$C.to.$D.vol* store/*$C.to.$D.man*; do cp $f store/duplicity-inc.$D.to.$E.${f##*.to.$D.}; done",
    ),
];

/// Who looks, by three: with the archive, with the certificate of the seals alone, with neither.
const LOOKS: [&str; 10] = [
    "moo restore --name archive $U out",
    "moo restore --name lost --seal-key host.cert.pgp $U out",
    "moo restore --name lost $U out",
    "moo verify --name archive $U",
    "moo verify --name lost --seal-key host.cert.pgp $U",
    "moo verify --name lost $U",
    "moo verify --quick --sample 100% --name archive $U",
    "moo verify --quick --sample 100% --name lost --seal-key host.cert.pgp $U",
    "moo verify --quick --sample 100% --name lost $U",
    "moo backup --no-encryption --name archive src $U",
];

const HEAD: [&str; 2] = [
    "                                    restore     verify      --quick     backup",
    "                                    A   K   -   A   K   -   A   K   -   A",
];

/// A store of two chains, and one that a stranger has made.
fn barn(sandbox: &Sandbox) -> String {
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("large", 100_000);
    sandbox.sh("moo-keygen --sign-only host >/dev/null").silent();
    let moo = Moo::new(sandbox, "--no-encryption --seal-key host.secret.pgp");
    for (day, kind) in ["full", "inc", "full", "inc", "inc"].into_iter().enumerate() {
        tree.noise(format!("day {day}"), 100);
        moo.backup(kind).silent();
    }
    let evil = "mkdir evil-src && echo moo >evil-src/cow && sleep 1.1 && moo-scan evil-src | moo-sign |
        moo-delta | moo-pack | moo-encrypt --no-encryption | moo-upload file://$PWD/evil >/dev/null";
    sandbox.sh(evil).succeeds();
    sandbox.sh("cp -a store good; cp -a archive known").silent();
    let times = stored(sandbox);
    let names = "ABCDE".chars().zip(&times).map(|(name, time)| format!("{name}={time}; "));
    names.collect::<String>() + "U=\"--archive-dir . file://$PWD/store\"; "
}

#[test]
fn who_notices_what_the_host_of_a_store_does_is_told_in_the_manual() {
    let sandbox = Sandbox::new();
    let set = barn(&sandbox);
    let fresh = "rm -rf store archive out x; cp -a good store; cp -a known archive; ";
    for look in LOOKS {
        sandbox.sh(&format!("{fresh}{set}{look}")).silent();
    }
    let mut table = HEAD.map(str::to_owned).to_vec();
    let mut count = 0;
    for (deed, script) in DEEDS.iter().chain(&FORGED) {
        let mut line = format!("{deed:<36}");
        for look in LOOKS {
            sandbox.sh(&format!("{fresh}{set}{script}")).succeeds();
            let run = sandbox.sh(&format!("{set}{look}"));
            let told = !run.err().is_empty();
            line += if told { "yes " } else { "no  " };
            // Nobody fails in silence, and verify never talks of what is well.
            if look.contains("verify") {
                drop(if told { run.fails() } else { run.silent() });
            }
            count += 1;
        }
        table.push(line.trim_end().to_owned());
    }
    eprintln!("{}\n{count} deeds and looks", table.join("\n"));
    let page = fs::read_to_string(workspace().join("man/man7/moobacker.7")).unwrap();
    let page = page.replace("\\-", "-");
    for line in table {
        assert!(page.lines().any(|known| known == line), "moobacker.7 does not say:\n{line}");
    }
}
