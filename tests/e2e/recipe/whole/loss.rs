//! The machine is lost: on a new one, which has the kit and nothing else of ours, its page is
//! followed.

use std::fs;

use tests::machine::Machine;
use tests::peers::times;
use tests::scale::long;
use tests::{Run, Snapshot, assert_same};

use super::ledger::Ledger;
use super::readme::Recipe;
use super::scene::{ARCHIVES, PASSPHRASE, SOURCES, Scene};
use super::year::set_clock;
use crate::recipe::kit::steps;

/// A day of the week whose state is asked for, too.
const OLDER: u32 = 3;

/// gpg takes the passphrase from where somebody would type it.
const ANSWERS: &str = "batch\npinentry-mode loopback\npassphrase-file /root/passphrase\n";

/// Where the backups of a source are.
const STORE: &str = "/srv/purrbackups/backups";

/// All sources come back as they were at last, and one as it was on a day of the week. `day` is that of the
/// year, if there was one.
pub(crate) fn all_comes_back(scene: Scene<'_>, recipe: &Recipe, day: Option<usize>) {
    let newest = scene.state();
    // The rules have deleted the sets of the week by the end of a whole year, in which /home has not changed.
    let older = if day.is_some() && long() { newest.clone() } else { scene.state_of(OLDER) };
    let kit = fs::read(scene.local.path("/media/stick/server.kit")).unwrap();
    let Scene { network, local, remote, ledger, .. } = scene;
    drop(local);
    let bare = network.machine("new.example.org");
    prepare(&bare, &kit);
    if let Some(day) = day {
        set_clock(&bare, day);
    }
    let rescue = Rescue { bare, remote, ledger };
    let page = rescue.types(recipe.open_kit()).succeeds().out();
    let [steps, end, _] = steps(&page, &[]);
    steps.lines().for_each(|command| rescue.follows(command));
    for (source, state) in SOURCES.iter().zip(&newest) {
        rescue.has(source, state);
    }
    let time = &times(rescue.remote.path(format!("{STORE}/home")))[OLDER as usize];
    rescue.follows(&older_state(&page, time));
    rescue.has(&format!("home-{time}"), older.last().unwrap());
    end.lines().for_each(|command| rescue.follows(command));
    println!("{}", rescue.ledger);
}

/// A machine with stock tools, the kit, and somebody who knows the passphrase.
fn prepare(bare: &Machine, kit: &[u8]) {
    bare.without(&["duplicity"]);
    bare.sh("cd /usr/src/moobacker && umount target/release man pipelines").silent();
    bare.sh("command -v moo || command -v moo-patch || command -v duplicity").fails();
    fs::write(bare.path("/root/server.kit"), kit).unwrap();
    fs::write(bare.path("/root/passphrase"), PASSPHRASE).unwrap();
    bare.sh("mkdir -m 700 /root/.gnupg").silent();
    fs::write(bare.path("/root/.gnupg/gpg.conf"), ANSWERS).unwrap();
}

/// The page's command for an older state of /home, with that time.
fn older_state(page: &str, time: &str) -> String {
    let mut lines = page.lines().map(str::trim);
    let line = lines.find(|line| line.ends_with("restored/home-TIME TIME"));
    line.expect("a command for an older state").replace("TIME", time)
}

/// Who follows the page.
struct Rescue {
    bare: Machine,
    remote: Machine,
    ledger: Ledger,
}

impl Rescue {
    /// Types a command where the page is, once it is unpacked.
    fn types(&self, command: &str) -> Run {
        let script =
            format!("cd /root && {{ [ ! -d moobacker-kit ] || cd moobacker-kit; }}\n{command}");
        self.ledger.typed(self.bare.sh(&script))
    }

    /// Types a command of the page, and does what the page says when the store lets nobody in.
    fn follows(&self, command: &str) {
        let run = self.types(command);
        if run.status == 0 || !run.err().contains("Permission denied") {
            run.succeeds();
            return;
        }
        let add = format!(r#"sed -i 's/from="/&{},/'"#, self.bare.address);
        self.remote.sh(&format!("{add} /etc/ssh/authorized_keys.d/purrbackups")).silent();
        self.types(command).succeeds();
    }

    /// That was restored, as it was.
    #[track_caller]
    fn has(&self, name: &str, state: &Snapshot) {
        let restored = self.bare.path("/root/moobacker-kit/restored").join(name);
        assert_same(state, &Snapshot::of(restored).as_stock().without(&[ARCHIVES]));
    }
}
