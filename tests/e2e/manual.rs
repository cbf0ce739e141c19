//! What `--help` and moo(1) give as examples works as it stands there.

use std::fs;

use tests::sandbox::workspace;
use tests::{Key, Run, Sandbox};

/// The programs, by the folders that they are made in.
fn programs() -> Vec<String> {
    let bins = fs::read_dir(workspace().join("bins")).unwrap();
    let name = |bin: &str| match bin {
        "duplicity" => "moobacker-duplicity".to_owned(),
        _ => format!("moo-{bin}"),
    };
    bins.map(|bin| name(&bin.unwrap().file_name().to_string_lossy())).collect()
}

/// The examples that a program's `--help` ends with; lines that go on are indented further.
fn examples(sandbox: &Sandbox, program: &str) -> Vec<String> {
    let help = sandbox.sh(&format!("{program} --help")).succeeds().out();
    let (_, text) = help.split_once("Examples:\n").expect("examples at the end of --help");
    let mut examples: Vec<String> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("      "), examples.last_mut()) {
            (Some(rest), Some(last)) => *last = format!("{last}\n{rest}"),
            _ => examples.push(line.trim().to_owned()),
        }
    }
    examples
}

/// A source, keys, and a store with one backup of it, where the examples expect them.
struct Scene {
    sandbox: Sandbox,
    key: Key,
}

impl Scene {
    fn new() -> Scene {
        let mut sandbox = Sandbox::new();
        let key = Key::open(&sandbox, "Moo <moo@example.org>");
        key.export_secret(&sandbox, "backup.secret.pgp", "");
        sandbox
            .sh("mkdir -p etc/ssh mnt srv tmp && date >etc/hosts && date >etc/ssh/sshd_config")
            .silent();
        sandbox.sh("moo-keygen --sign-only ~/seal").succeeds();
        sandbox
            .sh("cat >~/moobacker.toml <<END
encrypt-key = 'A'
[stores.main]
url = 'file:///srv'
[sources.etc]
path = '/etc'
END
            chmod 644 ~/moobacker.toml")
            .silent();
        sandbox.set("PASSPHRASE", "moo");
        let scene = Scene { sandbox, key };
        let backup = "moo backup --encrypt-key KEY --archive-dir ~ --name archive";
        scene.run(&format!("{backup} /etc file:///srv/backup")).silent();
        // Two sets without an archive must not bear the same second.
        scene.sandbox.sh("mkdir clean && cp -R srv ~/archive clean && sleep 1.1").silent();
        scene
    }

    /// Runs a snippet in the sandbox instead of in the reader's world.
    fn run(&self, snippet: &str) -> Run {
        let root = self.sandbox.path("").display().to_string();
        let root = root.trim_end_matches('/');
        let replaced = [
            ("KEY", self.key.fingerprint.as_str()),
            (" /tmp/", &format!(" {root}/tmp/")),
            ("</tmp/", &format!("<{root}/tmp/")),
            (" /etc", &format!(" {root}/etc")),
            ("/srv/", &format!("{root}/srv/")),
            ("/mnt/", &format!("{root}/mnt/")),
            // Nothing is three days old here.
            ("--time 3D", "--time 0D"),
            ("--changes 3D", "--changes 0D"),
            ("gpg --import", "gpg --batch --import"),
            ("/usr/local/lib/moobacker/", &format!("{}/", workspace().join("pipelines").display())),
            ("moo config ", "moo config --config ~/moobacker.toml "),
        ];
        let snippet = replaced
            .iter()
            .fold(snippet.to_owned(), |snippet, (from, to)| snippet.replace(from, to));
        self.sandbox.sh(&format!("set -e\n{snippet}"))
    }

    /// What earlier examples have done is undone.
    fn reset(&self) {
        let old = "rm -rf srv ~/archive ~/copy ~/.cache/duplicity tmp/* mnt/*";
        let new = "cp -R clean/srv . && cp -R clean/archive ~ && cp -R srv/backup mnt/copy";
        self.sandbox.sh(&format!("{old}; {new}")).silent();
    }
}

/// An example has worked: the programs have nothing to tell, and a stream ended well.
#[track_caller]
fn worked(run: Run) {
    let run = run.succeeds();
    let told = run.err().lines().any(|line| line.starts_with("moo"));
    assert!(!told && !run.out().contains("failed.json"), "{}{}", run.out(), run.err());
}

#[test]
fn the_examples_of_each_program_work_and_show_it_with_its_neighbours() {
    let scene = Scene::new();
    for program in programs() {
        let mut examples = examples(&scene.sandbox, &program);
        let in_company =
            |example: &String| example.contains(&program) && example.matches("moo-").count() > 1;
        let keygen = program == "moo-keygen";
        // These are no stages of a pipe.
        let alone = keygen
            || ["moo-options", "moo-config", "moo-each", "moobacker-duplicity"]
                .contains(&&*program);
        assert!(alone || examples.iter().any(in_company), "{program}: no neighbours");
        if program == "moo-mount" && !crate::mounted::can_mount() {
            continue;
        }
        if program == "moo-snapshot" {
            // The tests of snapshots run them on a btrfs.
            continue;
        }
        if keygen {
            // They make the keys that the next ones use.
            examples = vec![examples.join("\n")];
        }
        for example in examples {
            scene.reset();
            worked(scene.run(&example));
        }
    }
}

#[test]
fn the_examples_of_the_page_of_moo_work_in_turn() {
    let scene = Scene::new();
    scene.sandbox.sh("rm -r srv && mkdir srv").silent();
    let page = fs::read_to_string(workspace().join("man/man1/moo.1")).unwrap();
    let blocks = page.split(".EX\n").skip(1).filter_map(|rest| rest.split_once(".EE\n"));
    let examples: Vec<_> = blocks.map(|(block, _)| block).collect();
    assert!(examples.len() > 3);
    let script = examples.concat();
    let script = script.replace("\\-", "-").replace("\\(ti", "~").replace("\\e\n", "\\\n");
    worked(scene.run(&script));
    scene
        .sandbox
        .sh("diff -r etc tmp/etc && diff -r etc tmp/again && cmp etc/hosts tmp/hosts")
        .silent();
}

#[test]
fn a_passphrase_is_asked_for_twice_where_there_is_a_terminal() {
    let scene = Scene::new();
    let backup = "moo-scan /etc | moo-sign | moo-delta | moo-pack | moo-encrypt | tar t";
    let terminal = format!(
        "unset PASSPHRASE; (sleep 1; echo moo; sleep 1; echo moo; sleep 1) | script -qec '{backup}' log"
    );
    scene
        .run(&terminal)
        .succeeds()
        .stdout_has("Passphrase of the backup: ")
        .stdout_has("Repeat the passphrase: ")
        .stdout_has("manifest.gpg");
}
