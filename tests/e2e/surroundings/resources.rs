//! Every command where something that it needs is scarce or missing. It works, or says in one line
//! what is wrong; and afterwards it works as if nothing had happened.

use tests::{Run, Sandbox, Snapshot, Tree, assert_same, scale, spread};

use crate::mount::Mount;

/// What a command is called, the words behind `moo`, and what shows that it has done its work.
const COMMANDS: [(&str, &str, &str); 13] = [
    ("backup", "backup --no-encryption $A src $U", "test $(ls store/*.manifest | wc -l) = 3"),
    ("restore", "restore $A $U out", "diff -r src out"),
    ("list", "list $A $U", "grep -q 'news$' said"),
    ("status", "status $A $U", "grep -q . said"),
    ("verify", "verify $A $U", ":"),
    ("compare", "verify $A $U src", ":"),
    ("drill", "drill $A $U", ":"),
    ("sync", "sync --archive-dir . --name got $U", "test $(ls got/*.manifest | wc -l) = 2"),
    ("prune", "prune $A --keep-full 1 --force $U2", "test $(ls two/*.manifest | wc -l) = 1"),
    ("cleanup", "cleanup $A --force $U", "! ls store/.upload-* 2>/dev/null"),
    ("consolidate", "consolidate --no-encryption $A $U", "test $(ls store/*.manifest | wc -l) = 3"),
    ("replicate", "replicate $U file://$W/copy", "test $(ls copy/*.manifest | wc -l) = 2"),
    ("rekey", "rekey --no-encryption $U file://$W/copy", "test $(ls copy/*.manifest | wc -l) = 2"),
];

/// What is scarce, and the words before a command that make it so.
const SCARCE: [(&str, &str); 14] = [
    ("no file may grow", "ulimit -f 0"),
    ("files stay below 4 MiB", "ulimit -f 8192"),
    ("memory for nothing", "ulimit -v 5000"),
    ("little memory", "ulimit -v 30000"),
    ("hardly any open files", "ulimit -n 14"),
    ("few open files", "ulimit -n 20"),
    ("standard input is closed", "exec <&-"),
    ("standard output is closed", NO_OUTPUT),
    ("standard error is closed", NO_MESSAGES),
    ("no folder for temporary files", "export TMPDIR=$W/nowhere"),
    ("a full folder for temporary files", "export TMPDIR=$W/small"),
    ("a folder for temporary files that gets full", "export TMPDIR=$W/middle"),
    ("no home", "unset HOME XDG_STATE_HOME XDG_CONFIG_HOME"),
    ("no working directory", "mkdir gone; cd gone; rmdir ../gone"),
];

const NO_OUTPUT: &str = "exec >&-";
const NO_MESSAGES: &str = "exec 2>&-";

/// Statuses that moobacker(7) has.
const DOCUMENTED: [i32; 11] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

struct Barn {
    sandbox: Sandbox,
    state: Snapshot,
}

fn barn() -> Barn {
    let sandbox = Sandbox::new();
    let tree = Tree::small(sandbox.path("src"));
    tree.noise("large", 9_000_000);
    let backup =
        "moo backup --no-encryption --archive-dir $PWD --name archive $PWD/src file://$PWD/store";
    sandbox.sh(backup).silent();
    tree.noise("news", 1000);
    sandbox.sh(backup).silent();
    let leave = "cp -a store two; rm two/*.to.*; sleep 1.1
        touch store/.upload-1.2.3-duplicity-full.20200101T000000Z.vol1.difftar.gz
        mkdir good && cp -a store two archive good";
    sandbox.sh(leave).silent();
    Barn { state: Snapshot::kept(tree.root()), sandbox }
}

impl Barn {
    fn fresh(&self) {
        let fresh = "rm -rf store two archive out copy got gone said; cp -a good/* .";
        self.sandbox.sh(fresh).silent();
    }

    fn run(&self, before: &str, words: &str) -> Run {
        let set =
            "W=$PWD; A=\"--archive-dir $W --name archive\"; U=file://$W/store; U2=file://$W/two";
        self.sandbox.sh(&format!("{set}\n{before}\n{words}"))
    }

    /// What is wrong with a command that has something scarce.
    fn faults(
        &self,
        (name, words, done): (&str, &str, &str),
        (what, before): (&str, &str),
    ) -> Option<String> {
        let words = words.replace(" src", " $W/src").replace(" out", " $W/out");
        let to = if before == NO_OUTPUT { "" } else { ">$W/said" };
        self.fresh();
        let run = self.run(before, &format!("exec moo {words} {to}"));
        let says = run.err();
        // The shell's words: of its directory, and of a program that the kernel had no room to load.
        let of_shell = ["getcwd() failed", "Segmentation fault"];
        let ours = |line: &&str| !of_shell.iter().any(|words| line.contains(words));
        let says: Vec<_> = says.lines().filter(ours).collect();
        let told = format!("{name}: {what}: {} {}", run.status, says.join(" | "));
        eprintln!("{told}");
        let is_told = says.len() == 1 && says[0].starts_with("moo") || before == NO_MESSAGES;
        if !DOCUMENTED.contains(&run.status) {
            return Some(format!("not a status of ours: {told}"));
        }
        if run.status != 0 && !is_told {
            return Some(format!("not one line: {told}"));
        }
        if run.status == 0 && before != NO_OUTPUT && self.run("", done).status != 0 {
            return Some(format!("the work is not done: {told}"));
        }
        self.breaks(&words, done, run.status == 0).map(|why| format!("{why}, after {told}"))
    }

    /// Why the same command does not work afterwards, or the state does not come back.
    fn breaks(&self, words: &str, done: &str, is_done: bool) -> Option<String> {
        self.sandbox.sh("rm -rf out").silent();
        if !is_done || words.starts_with("restore") {
            let run = self.run("", &format!("moo {words} >said && {{ {done}\n}}"));
            if run.status != 0 {
                return Some(format!("does not work: {}", run.err()));
            }
        }
        self.sandbox.sh("rm -rf out").silent();
        let run = self.run("", "moo restore $A $U $W/out");
        if run.status != 0 || !run.err().is_empty() {
            return Some(format!("no restore: {}", run.err()));
        }
        assert_same(&self.state, &Snapshot::kept(self.sandbox.path("out")));
        None
    }
}

#[test]
fn whatever_is_scarce_each_command_works_or_says_what_it_lacks_and_works_afterwards() {
    let barn = barn();
    let Some(_small) = Mount::new(&barn.sandbox, "small", "64k") else { return };
    let Some(_middle) = Mount::new(&barn.sandbox, "middle", "2m") else { return };
    let count = COMMANDS.len() * SCARCE.len();
    let faults = spread(scale(60, count), count).into_iter().filter_map(|index| {
        barn.faults(COMMANDS[index % COMMANDS.len()], SCARCE[index / COMMANDS.len()])
    });
    let faults: Vec<_> = faults.collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
