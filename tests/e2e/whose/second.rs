//! Two backups of the very same second into one folder.

use tests::{Run, Sandbox};

struct Second(Sandbox);

impl Second {
    /// The streams of two sources whose sets are of the same second; the second one is encrypted.
    fn new() -> Second {
        let sandbox = Sandbox::new();
        sandbox.sh("moo-keygen --no-passphrase key >/dev/null && mkdir etc www out").silent();
        sandbox.sh("echo etc >etc/file; echo www >www/file; mkdir store").silent();
        let stages = |name: &str, how: &str| {
            format!(
                "moo-scan --archive {name}.a {name} | moo-sign | moo-delta --archive {name}.a |
                moo-pack --archive {name}.a | moo-encrypt {how} >{name}.stream"
            )
        };
        let both = format!(
            "while :; do
                rm -rf etc.a www.a
                {{ {}; }} & {{ {}; }} & wait
                time=$(ls -A etc.a | sed -n 's/.*full[.]\\(.*Z\\).*manifest.*/\\1/p')
                ! ls -A www.a | grep -q \"full.$time.manifest\" || exit 0
            done",
            stages("etc", "--no-encryption"),
            stages("www", "--encrypt-key key.cert.pgp")
        );
        sandbox.sh(&both).silent();
        Second(sandbox)
    }

    fn stores(&self, name: &str) -> Run {
        let upload = format!("moo-upload file://$PWD/store <{name}.stream");
        self.0.sh(&format!("{upload} | moo-commit --archive {name}.a"))
    }
}

#[test]
fn the_second_of_two_backups_of_one_second_is_refused_and_does_not_mix() {
    for (first, second) in [("etc", "www"), ("www", "etc")] {
        let both = Second::new();
        both.stores(first).silent();
        both.0.sh("cp -a store before").silent();
        both.stores(second).fails_with(10).stderr_has("already has the full 2");
        both.0.sh("diff -r store before").silent();
        both.0.sh("moo status --archive-dir none file://$PWD/store").succeeds();
    }
}

#[test]
fn where_both_begin_before_one_has_ended_the_seal_lets_only_one_of_them_in() {
    let both = Second::new();
    // The files of www have come, and it is about to name them.
    both.0.sh("mkdir other && moo-upload file://$PWD/other <www.stream >/dev/null").silent();
    both.0.sh("for f in other/*; do mv $f store/.upload-0-${f#other/}; done").silent();
    both.stores("etc").silent();
    both.0.sh("ls store/duplicity-full.*.manifest* | wc -l").stdout_is("1");
    both.0.sh("moo restore --archive-dir none file://$PWD/store got && diff -r etc got").succeeds();
}

#[test]
fn exchanged_folders_whose_full_sets_are_of_one_second_took_a_set_of_the_other_source() {
    let sandbox = Sandbox::new();
    sandbox.sh("mkdir etc home && echo etc >etc/file && echo home >home/file").silent();
    let backup = |name: &str| {
        format!(
            "moo backup --no-encryption --archive-dir a --name {name} {name} file://$PWD/{name}.s"
        )
    };
    let night = |when: &str, name: &str| {
        sandbox.sh(&format!("faketime -f '@2026-01-0{when} 00:00:00' sh -c '{}'", backup(name)))
    };
    for name in ["etc", "home"] {
        night("1", name).silent();
        sandbox.sh(&format!("echo more >>{name}/file")).silent();
    }
    night("2", "etc").silent();
    night("3", "home").silent();
    let swap = "mv etc.s x && mv home.s etc.s && mv x home.s";
    sandbox.sh(swap).silent();
    for name in ["etc", "home"] {
        sandbox.sh("cp -a etc.s etc.b; cp -a home.s home.b").silent();
        let run = sandbox.sh(&backup(name)).fails_with(10);
        run.stderr_has("is of another backup").stderr_has("check the URL");
        sandbox.sh("diff -r etc.s etc.b && diff -r home.s home.b && rm -r etc.b home.b").silent();
    }
    sandbox.sh(swap).silent();
    sandbox.sh(&backup("etc")).silent();
    sandbox.sh(&backup("home")).silent();
}
