//! moobacker-recipes(7): each command of the page runs on machines as it stands there, and prints what the
//! page says. With the variable `MOO_CAPTURE` set, what they print is written into the page instead.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::{env, fs};

use tests::machine::{Machine, Network};
use tests::{Run, Sandbox};

use crate::page;

/// The page that is followed.
const PAGE: &str = "moobacker-recipes.7";

/// The page is written by one test at a time.
static WRITING: Mutex<()> = Mutex::new(());

/// What each machine has before the first command.
const BEFORE: &str = "umask 022; useradd -m you && cd ~you && mkdir -p /srv/backup /root/.ssh && chown you /srv/backup";

/// The same for a machine whose backups a user of their own makes.
const OWN_USER: &str = "useradd -r -m -d /var/lib/moobacker moobacker
    mkdir -p /srv/backup /srv/disk /srv/second /srv/etc && echo hosts >/srv/etc/hosts
    chown moobacker /srv/backup /srv/disk /srv/second";

/// With a key whose public half that user can read.
const KEY: &str = "moo keygen --no-passphrase /root/backup
    install -D -m 644 /root/backup.cert.pgp /etc/moobacker/backup.cert.pgp";

/// A command of the page, and what it prints there.
struct Step {
    machine: String,
    root: bool,
    /// As it stands there, with its prompt.
    typed: String,
    command: String,
    printed: String,
}

/// The lines of a block as commands with what follows each.
fn steps(block: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut open = false;
    for line in block.lines() {
        let prompt = line.find(['#', '$']).filter(|&at| {
            at > 0
                && line[..at].bytes().all(|b| b.is_ascii_lowercase())
                && line[at + 1..].starts_with(' ')
        });
        match (prompt.filter(|_| !open), steps.last_mut()) {
            (Some(at), _) => steps.push(Step {
                machine: line[..at].to_owned(),
                root: line.as_bytes()[at] == b'#',
                typed: format!("{line}\n"),
                command: line[at + 2..].to_owned(),
                printed: String::new(),
            }),
            (None, Some(step)) if open => {
                step.typed.push_str(&format!("{line}\n"));
                step.command.push_str(&format!("\n{line}"));
            }
            (None, Some(step)) => step.printed.push_str(&format!("{line}\n")),
            (None, None) => panic!("no command before {line}"),
        }
        let command = &steps.last().unwrap().command;
        let document = command.contains("<<'END'") && !command.ends_with("\nEND");
        open = document || line.ends_with('\\');
    }
    steps
}

/// A text without what is another one each time: numbers, units, keys, and the width of columns.
fn alike(text: &str) -> String {
    let word = |word: &str| {
        let key = word.trim_start_matches("SHA256:").trim_end_matches('.');
        let is_key = key.len() >= 32
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"+/=".contains(&b));
        if is_key {
            return "KEY".to_owned();
        }
        if ["B", "KiB", "MiB", "s"].contains(&word) {
            return "UNIT".to_owned();
        }
        let mut out = String::new();
        for c in word.chars() {
            match c {
                '0'..='9' if out.ends_with('0') => {}
                '0'..='9' => out.push('0'),
                c => out.push(c),
            }
        }
        out.replace("0.0", "0")
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The machines of a recipe, by name; each is made when a command first names it.
struct Scene<'a> {
    network: &'a Network<'a>,
    prepare: &'a str,
    machines: BTreeMap<String, Machine>,
    /// Carries files from one machine to another, as the page asks for between two blocks.
    carry: fn(&BTreeMap<String, Machine>),
}

/// Nothing is to be carried.
const NOTHING: fn(&BTreeMap<String, Machine>) = |_| ();

impl Scene<'_> {
    fn run(&mut self, step: &Step) -> Run {
        let (network, prepare) = (self.network, self.prepare);
        let machine = self.machines.entry(step.machine.clone()).or_insert_with(|| {
            let machine = network.machine(&format!("{}.example.org", step.machine));
            prepared(&machine, prepare);
            machine
        });
        let script = format!("umask 022\n{}", aged(machine, &step.command));
        // Two sets have two seconds.
        if step.command.contains("moo backup") {
            machine.sh("sleep 1.1").silent();
        }
        if step.root { machine.sh(&format!("cd\n{script}")) } else { machine.sh_as("you", &script) }
    }
}

/// The command, as it is typed a day later: the oldest state is that of a day ago.
fn aged(machine: &Machine, command: &str) -> String {
    let oldest = "ls /srv/backup/work | sed -n 's/.*full[.]\\([0-9TZ]*\\)[.]manifest.*/\\1/p'";
    if !command.contains(" 1D ") {
        return command.to_owned();
    }
    command.replace("1D", machine.sh(oldest).out().trim_end())
}

fn prepared(machine: &Machine, prepare: &str) {
    machine.install();
    machine.sh(BEFORE).silent();
    machine.sh(prepare).succeeds();
}

/// Follows a section of the page.
fn follow(section: &str, prepare: &str) {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let machines = BTreeMap::new();
    follow_on(section, Scene { network: &network, prepare, machines, carry: NOTHING });
}

fn follow_on(section: &str, mut scene: Scene<'_>) {
    for block in page::blocks(PAGE, section) {
        (scene.carry)(&scene.machines);
        let mut captured = String::new();
        for step in steps(&page::plain(&block)) {
            let run = scene.run(&step);
            let printed = run.out() + &run.err();
            captured.push_str(&format!("{}{printed}", step.typed));
            if env::var_os("MOO_CAPTURE").is_none() {
                assert_eq!(alike(&step.printed), alike(&printed), "{}", step.typed);
            }
        }
        if env::var_os("MOO_CAPTURE").is_some() {
            let _one = WRITING.lock().unwrap();
            let path = page::path(PAGE);
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replace(&block, &page::escaped(&captured))).unwrap();
        }
    }
}

#[test]
fn a_database() {
    follow("A DATABASE", ":");
}

#[test]
fn all_databases_every_night() {
    follow(
        "ALL DATABASES EVERY NIGHT",
        &format!(
            "{OWN_USER}
            runuser -u you -- sh -c 'cd && sqlite3 shop.db \"CREATE TABLE goods (name)\" &&
                sqlite3 wiki.db \"CREATE TABLE pages (title); INSERT INTO pages VALUES (1)\"'"
        ),
    );
}

#[test]
fn a_service_that_must_stand_still() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = network.booted("laptop.example.org") else { return };
    let service = format!(
        "{OWN_USER}; mkdir /srv/wiki; echo page >/srv/wiki/page
        printf '[Service]\\nExecStart=/bin/sleep infinity\\n' >/etc/systemd/system/wiki.service
        systemctl daemon-reload; systemctl start wiki; {KEY}"
    );
    prepared(&laptop, &service);
    let machines = BTreeMap::from([("laptop".to_owned(), laptop)]);
    let scene = Scene { network: &network, prepare: ":", machines, carry: NOTHING };
    follow_on("A SERVICE THAT MUST STAND STILL", scene);
}

#[test]
fn two_stores() {
    follow("TWO STORES", &format!("{OWN_USER}; {KEY}"));
}

#[test]
fn one_file_back() {
    follow("ONE FILE BACK", ":");
}

#[test]
fn what_changed() {
    follow("WHAT CHANGED", ":");
}

#[test]
fn can_it_be_restored() {
    follow("CAN IT BE RESTORED?", ":");
}

/// The store's host has an account that takes the key of that machine.
fn store(network: &Network<'_>) -> Machine {
    let store = network.machine("store.example.org");
    prepared(&store, ":");
    store.start_sshd();
    store
}

/// The user knows the host of the store, as after a first connection.
fn trust(machine: &Machine, store: &Machine, home: &str) {
    let key = store.sh("cat /etc/ssh/ssh_host_ed25519_key.pub").out();
    let known = format!("store.example.org {}", key.trim_end());
    machine
        .sh(&format!("mkdir -p {home}/.ssh && echo '{known}' >>{home}/.ssh/known_hosts"))
        .silent();
}

#[test]
fn moving_to_a_new_server() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let store = store(&network);
    let [old, new] = ["old", "new"].map(|name| network.machine(&format!("{name}.example.org")));
    for machine in [&old, &new] {
        prepared(machine, ":");
        trust(machine, &store, "~you");
    }
    old.sh("cd ~you && ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519 &&
        moo keygen --no-passphrase backup >/dev/null && chown -R you .")
        .silent();
    let public = old.sh("cat ~you/.ssh/id_ed25519.pub").out();
    let set_up = format!("moo setup-remote --from 10.0.0.0/24 --key '{}' site", public.trim_end());
    store.sh(&set_up).succeeds();
    for file in [".ssh/id_ed25519", ".ssh/id_ed25519.pub", "backup.secret.pgp", "backup.cert.pgp"] {
        let [from, to] = [&old, &new].map(|machine| machine.path(format!("/home/you/{file}")));
        fs::copy(from, to).unwrap();
    }
    new.sh("chown -R you ~you").silent();
    let machines = BTreeMap::from([("old".to_owned(), old), ("new".to_owned(), new)]);
    let scene = Scene { network: &network, prepare: ":", machines, carry: NOTHING };
    follow_on("MOVING TO A NEW SERVER", scene);
}

#[test]
fn ten_machines_one_store() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let store = store(&network);
    let machines = ["one", "two"].map(|name| {
        let machine = network.machine(&format!("{name}.example.org"));
        prepared(&machine, ":");
        trust(&machine, &store, "/root");
        (name.to_owned(), machine)
    });
    let mut machines = BTreeMap::from(machines);
    machines.insert("store".to_owned(), store);
    let carry = |machines: &BTreeMap<String, Machine>| {
        for name in ["one", "two"] {
            let key = machines[name].path("/root/.ssh/id_ed25519.pub");
            if key.exists() {
                fs::copy(key, machines["store"].path(format!("/root/{name}.pub"))).unwrap();
            }
        }
    };
    let scene = Scene { network: &network, prepare: ":", machines, carry };
    follow_on("TEN MACHINES, ONE STORE", scene);
}

#[test]
fn a_copy_of_a_store() {
    follow("A COPY OF A STORE", ":");
}
