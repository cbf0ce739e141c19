//! The recovery kit: its page, followed literally, restores on a bare machine.

mod making;

use std::fs;

use tests::machine::{Machine, Network};
use tests::peers::times;
use tests::{Sandbox, Snapshot, Tree, assert_same};

use crate::moo::Moo;

/// The commands of a kit's page: the lines that are indented by four.
fn commands(page: &str) -> Vec<String> {
    page.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .map(|command| {
            assert!(!command.starts_with(' '), "{command}: no command, but indented");
            command.to_owned()
        })
        .collect()
}

/// The commands up to step 8, with each time of the store in place of TIME; those of step 8; and
/// the shorter ways.
pub(crate) fn steps(page: &str, times: &[String]) -> [String; 3] {
    let (steps, shorter) = page.split_once("SHORTER WAYS").unwrap();
    let (steps, end) = steps.split_once("\n8. ").unwrap();
    let each_time = |command: String| match command.contains("TIME") {
        true => times.iter().map(|time| command.replace("TIME", time)).collect(),
        false => vec![command],
    };
    let steps: Vec<_> = commands(steps).into_iter().flat_map(each_time).collect();
    [steps, commands(end), commands(shorter)].map(|commands| commands.join("\n"))
}

/// A store with one backup a day, of which the kit is made; and the states of those days.
struct Backups {
    states: Vec<Snapshot>,
    times: Vec<String>,
}

impl Backups {
    /// Of every kind of object, in the sandbox's folder `store`; keys in `backup.*` and `host.*`.
    fn new(sandbox: &Sandbox) -> Backups {
        sandbox.sh("moo keygen --no-passphrase backup && moo keygen --sign-only host").succeeds();
        let tree = Tree::every_kind(sandbox.path("src"));
        let keys = "--encrypt-key backup.cert.pgp --seal-key host.secret.pgp --volsize 1";
        let states = Moo::new(sandbox, keys).days(&tree, 2);
        Backups { states, times: times(sandbox.path("store")) }
    }

    /// Each state is back, as far as stock tools bring it back, below that folder.
    fn are_in(&self, restored: &std::path::Path) {
        let dated = self.times.iter().map(|time| format!("etc-{time}"));
        for (name, state) in
            dated.chain(["etc".to_owned()]).zip(self.states.iter().chain(self.states.last()))
        {
            let found = Snapshot::of(restored.join(name)).as_stock();
            assert_same(&state.clone().as_stock(), &found);
        }
    }
}

/// The machine that was backed up, the one that has the backups, and those that restore.
struct Scene<'a> {
    network: Network<'a>,
    store: Machine,
    page: String,
    kit: Vec<u8>,
}

/// How the machine that is backed up comes to its user and that user's SSH key.
const USER: &str = "useradd --system --create-home --home-dir /var/lib/moobacker moobacker
    cd /var/lib/moobacker && mkdir -m 700 .ssh && chown moobacker .ssh /root/host.secret.pgp
    mv /root/host.secret.pgp .
    setpriv --reuid moobacker --clear-groups ssh-keygen -q -t ed25519 -N '' -f .ssh/id_ed25519";

impl<'a> Scene<'a> {
    /// Two machines with the recipe's users and folders. The store lets in the machines with the
    /// addresses 1 and 3 to 4.
    fn new(sandbox: &'a Sandbox) -> Option<Scene<'a>> {
        let network = Network::new(sandbox)?;
        let (web, store) = (network.machine("web"), network.machine("store.example.org"));
        web.install();
        store.install();
        sandbox.sh(&format!("cp backup.* host.* {}", web.path("/root").display())).silent();
        web.sh(USER).succeeds();
        let key = fs::read_to_string(web.path("/var/lib/moobacker/.ssh/id_ed25519.pub")).unwrap();
        let setup =
            "/usr/local/lib/moobacker/admin/setup-remote.sh --from 10.0.0.1,10.0.0.3,10.0.0.4";
        store.sh(&format!("{setup} --key '{}' etc", key.trim())).succeeds();
        store.start_sshd();
        let folder = store.path("/srv/purrbackups/backups/etc");
        sandbox.sh(&format!("cp store/* {}", folder.display())).silent();
        store.sh("chown -R purrbackups /srv/purrbackups/backups/etc").silent();
        let kit = make_kit(&web, &store);
        let page = web.sh("tar -xOf /root/kit moobacker-kit/README.txt").succeeds().out();
        Some(Scene { network, store, page, kit })
    }

    /// A machine with the kit, unpacked, and somebody who knows the passphrase.
    fn machine(&self, name: &str) -> Machine {
        let machine = self.network.machine(name);
        fs::write(machine.path("/root/kit"), &self.kit).unwrap();
        let answers = "batch\npinentry-mode loopback\npassphrase-file /root/passphrase\n";
        machine.sh("cd && tar -xf kit && mkdir -m 700 .gnupg && echo moo >passphrase").silent();
        fs::write(machine.path("/root/.gnupg/gpg.conf"), answers).unwrap();
        machine
    }
}

/// Makes the kit on the machine that is backed up.
fn make_kit(web: &Machine, store: &Machine) -> Vec<u8> {
    let host = fs::read_to_string(store.path("/etc/ssh/ssh_host_ed25519_key.pub")).unwrap();
    let known = format!("store.example.org {host}");
    fs::write(web.path("/var/lib/moobacker/.ssh/known_hosts"), known).unwrap();
    let configuration = "remote sftp://purrbackups@store.example.org/backups
        encrypt-key /root/backup.cert.pgp\nseal-key /var/lib/moobacker/host.secret.pgp
        source etc /srv/etc\n";
    web.sh("mkdir /etc/moobacker && chmod 755 /root").silent();
    fs::write(web.path("/etc/moobacker/backup.conf"), configuration).unwrap();
    let words = "--secret-key backup.secret.pgp --passphrase-file passphrase kit";
    let make = format!(
        "cd && echo moo >passphrase && /usr/local/lib/moobacker/admin/recovery-kit.sh {words}"
    );
    web.sh(&make).silent();
    web.sh("test \"$(stat -c '%a %U' /root/kit)\" = '600 root'").silent();
    fs::read(web.path("/root/kit")).unwrap()
}

#[test]
fn the_page_restores_every_state_on_a_bare_machine() {
    let sandbox = Sandbox::new();
    let backups = Backups::new(&sandbox);
    let Some(scene) = Scene::new(&sandbox) else { return };
    let bare = scene.machine("bare");
    bare.without(&["duplicity"]);
    bare.sh("command -v moo || command -v moo-patch || command -v duplicity").fails();
    let [steps, end, _] = steps(&scene.page, &backups.times);
    let run = bare.sh(&format!("cd /root/moobacker-kit; set -e\n{steps}")).succeeds();
    let printed = format!("{}{}", run.out(), run.err());
    for promise in [
        "rescue.sh: OK",
        "encrypted with 1 passphrase",
        "secret keys imported: 1",
        "Connected to store.",
    ] {
        assert!(printed.contains(promise), "{promise}: {printed}");
        assert!(promise.contains("rescue.sh") || scene.page.contains(promise), "{promise}");
    }
    assert!(!printed.contains("not checked"), "{printed}");
    backups.are_in(&bare.path("/root/moobacker-kit/restored"));
    bare.sh(&format!("cd /root/moobacker-kit; set -e\n{end}")).succeeds();
    let left = bare.sh("gpg --list-secret-keys; cd /root/moobacker-kit; ls -d secrets*");
    left.succeeds().stdout_is("secrets.tar.gpg");
}

#[test]
fn the_shorter_ways_restore_too() {
    let sandbox = Sandbox::new();
    let backups = Backups::new(&sandbox);
    let Some(scene) = Scene::new(&sandbox) else { return };
    let machine = scene.machine("helper");
    machine.install();
    let [steps, _, shorter] = steps(&scene.page, &backups.times);
    let script = format!(
        "cd /root/moobacker-kit; set -e; PASSPHRASE=; export PASSPHRASE\n{steps}\n{shorter}"
    );
    machine.sh(&script).succeeds();
    let newest = backups.states.last().unwrap().clone().as_stock();
    for name in ["etc-by-duplicity", "etc-by-moo"] {
        let found = machine.path("/root/moobacker-kit/restored").join(name);
        assert_same(&newest, &Snapshot::of(found).as_stock());
    }
}

#[test]
fn who_is_not_let_in_finds_the_message_in_the_page() {
    let sandbox = Sandbox::new();
    let backups = Backups::new(&sandbox);
    let Some(scene) = Scene::new(&sandbox) else { return };
    let [steps, ..] = steps(&scene.page, &backups.times);
    let script = format!("cd /root/moobacker-kit; set -e\n{steps}");
    let other = "sed -i 's| AAAA.*| '\"$(ssh-keygen -q -t ed25519 -N '' -f k; cut -d ' ' -f 2 k.pub)|\" known_hosts";
    let imposed = scene.machine("imposed");
    imposed.sh(&format!("cd /root/moobacker-kit && {other}")).silent();
    let fetch: String = steps.lines().filter(|line| line.starts_with("sftp")).collect();
    let opened =
        steps.lines().filter(|line| line.contains("secrets.tar")).collect::<Vec<_>>().join("\n");
    let run =
        imposed.sh(&format!("cd /root/moobacker-kit; {opened}\nmkdir store; {fetch}")).fails();
    run.stderr_has("Host key verification failed");
    let _fourth = scene.network.machine("fourth");
    scene.machine("stranger").sh(&script).fails().stderr_has("Permission denied");
    for message in ["Host key verification failed", "Permission denied"] {
        assert!(scene.page.contains(message), "{message}");
    }
    let fingerprint = scene.store.sh("ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub").out();
    assert!(scene.page.contains(fingerprint.split(' ').nth(1).unwrap()), "{}", scene.page);
}
