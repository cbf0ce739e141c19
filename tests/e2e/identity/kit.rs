//! The configuration and the recovery kit name the identity of each source.

use tests::Sandbox;

const ETC: &str = "0123456789abcdef0123456789abcdef";
const HOME: &str = "fedcba9876543210fedcba9876543210";

/// Two sources, their configuration, and a kit that has been unpacked.
fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    let conf = format!(
        "moo keygen --no-passphrase backup >/dev/null && moo keygen --sign-only host >/dev/null
        mkdir etc home stores; echo etc >etc/file; echo home >home/file; echo 'a good one' >word
        cat >kit.conf <<END
remote file://$PWD/stores
encrypt-key $PWD/backup.cert.pgp
seal-key $PWD/host.secret.pgp
source etc $PWD/etc
    identity {ETC}
source home $PWD/home
    identity {HOME}
END
        chmod 644 kit.conf
        b() {{
            moo backup --archive-dir archives --name $1 --identity $2 --encrypt-key backup.cert.pgp \\
                --seal-key host.secret.pgp $PWD/$1 file://$PWD/stores/$1
        }}
        b etc {ETC} && b home {HOME} && sleep 1.1 && echo new >>etc/file && b etc {ETC}"
    );
    sandbox.sh(&conf).silent();
    let kit = "moo recovery-kit --user $(id -un) --config kit.conf --secret-key backup.secret.pgp --passphrase-file word kit";
    sandbox.sh(kit).succeeds();
    sandbox.sh("tar -xf kit && cd moobacker-kit && sha256sum --quiet -c SHA256SUMS").silent();
    sandbox.sh("gpg -q --batch --import backup.secret.pgp host.cert.pgp 2>/dev/null").succeeds();
    sandbox
}

#[test]
fn the_sets_of_a_source_have_the_identity_that_the_configuration_tells() {
    let sandbox = prepared();
    for (name, identity) in [("etc", ETC), ("home", HOME)] {
        let read = format!("cat stores/{name}/*.seal | sed -n 's/^# identity //p' | sort -u");
        sandbox.sh(&read).stdout_is(identity);
    }
    sandbox.sh("moo status --json file://$PWD/stores/etc").stdout_has(ETC);
    sandbox.sh("moo status file://$PWD/stores/etc").stdout_has(ETC);
}

#[test]
fn a_kit_names_the_identities_and_its_ways_refuse_exchanged_folders() {
    let sandbox = prepared();
    let names = format!("etc {ETC}\nhome {HOME}");
    sandbox.sh("cat moobacker-kit/identities").stdout_is(&names);
    let restore = "sed -n 's/^    moo restore/moo restore/p' moobacker-kit/README.txt";
    let page = sandbox.sh(restore).out();
    for (name, identity) in [("etc", ETC), ("home", HOME)] {
        let line = page.lines().find(|line| line.contains(&format!("/{name} "))).unwrap();
        assert!(line.contains(&format!(" --identity {identity} file://")), "{line}");
    }
    let rescue = "sh moobacker-kit/rescue.sh stores/etc out";
    sandbox.sh(&format!("{rescue} && diff -r etc out && rm -r out")).silent();
    sandbox.sh("mv stores/etc x && mv stores/home stores/etc && mv x stores/home").silent();
    sandbox.sh(rescue).fails().stderr_has("another backup").stderr_has(HOME);
    sandbox.sh("test ! -e out").silent();
    // The same script apart from the kit knows of no identity.
    sandbox
        .sh("cp moobacker-kit/rescue.sh . && sh rescue.sh stores/etc out && diff -r home out")
        .silent();
}
