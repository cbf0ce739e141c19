//! A seal tells how long a file is: no more of it is read, whatever the store's list says.

use tests::Sandbox;

/// A store whose volume goes on after its end.
fn longer(keys: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.sh("moo-keygen --sign-only host >/dev/null && mkdir src && echo 1 >src/file").silent();
    let moo = "moo backup --archive-dir archives --name a --no-encryption";
    sandbox.sh(&format!("{moo} {keys} src file://$PWD/store")).silent();
    // A terabyte of nothing.
    sandbox.sh("truncate -s 1T store/*.vol1.*").silent();
    sandbox
}

#[test]
fn an_endless_volume_filled_the_temporary_files_and_is_read_up_to_its_sealed_size() {
    for keys in ["", "--seal-key host.secret.pgp"] {
        let sandbox = longer(keys);
        for archive in ["none", "a"] {
            let all = format!("--archive-dir archives --name {archive} file://$PWD/store");
            for command in ["restore", "restore --keep-going"] {
                let run =
                    sandbox.sh(&format!("ulimit -f 2000; moo {command} {all} out")).fails_with(5);
                run.stderr_has("is longer than its seal says");
                sandbox.sh("test ! -e out/file && rm -rf out").silent();
            }
            for command in ["verify", "verify --quick --sample 100%"] {
                let run = sandbox.sh(&format!("ulimit -f 2000; moo {command} {all}"));
                run.fails_with(5).stderr_has("longer than its seal says");
            }
        }
        let copy = "ulimit -f 2000; moo replicate file://$PWD/store file://$PWD/copy";
        sandbox.sh(copy).fails_with(5).stderr_has("longer than its seal says");
        sandbox.sh("! ls copy/*.manifest* 2>/dev/null").silent();
    }
}
