//! The whole recipe, as README.md tells it: two machines are set up, a week of nights, a night that
//! goes wrong, for the package the nights of a year, and the loss of the machine.

mod cron;
mod ledger;
mod loss;
mod readme;
mod scene;
mod year;

use tests::Sandbox;

use cron::Cron;
use readme::Recipe;
use scene::Scene;

/// The days of the week after that of the first backup.
const DAYS: u32 = 6;

/// Where the programs of both machines come from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A checkout, which is built on the machine that is backed up.
    Checkout,
    /// The Debian package; there is no checkout.
    Package,
}

/// What befalls a folder of the store, and what mends it.
struct Trouble {
    begins: &'static str,
    ends: &'static str,
}

/// Sets up both machines by the commands of README.md, and backs up for the first time.
fn set_up(scene: &Scene<'_>, recipe: &Recipe, plain: bool) {
    let [first, there, second, by_hand] = recipe.on_both_machines();
    let told = scene.by_hand(&scene.local, &recipe.here(first, plain)).succeeds().out();
    let command = recipe.there(there, &scene.local.address, &told, plain);
    let told = scene.by_hand(&scene.remote, &command).succeeds().stderr_is("").out();
    scene.on_terminal(&recipe.with_fingerprint(second, &told));
    for command in by_hand {
        scene.by_hand(&scene.local, command).silent();
    }
    for command in recipe.by_name() {
        scene.by_hand(&scene.local, command).succeeds().stderr_is("");
    }
}

/// A week of nights, of which cron itself starts one; each is silent and leaves an increment.
fn week(scene: &Scene<'_>, cron: &Cron) {
    let mut by_daemon = false;
    for day in 1..=DAYS {
        scene.change(day);
        // A minute that is about to begin is waited for, since that has to be done once.
        if !by_daemon && cron::seconds_to_next_minute() < 8 {
            by_daemon = true;
            cron.daemon_starts_it(scene, "* * * * *");
        } else {
            cron.starts_it(scene).silent();
        }
        scene.remembers_day(day);
    }
    if !by_daemon {
        scene.change(DAYS + 1);
        cron.daemon_starts_it(scene, "* * * * *");
    }
    cron.checks(scene);
    scene
        .local
        .sh("ls /var/lib/moobacker-checks")
        .succeeds()
        .stdout_is("etc.main.verify\nhome.main.verify\nvar.main.verify");
    assert_eq!(cron.mails(scene), [""; 0], "no mail tells of a good night");
    scene.has_a_full_set_and_increments();
}

/// A night on which one store takes nothing: one line of one mail, and the doctor finds it too.
fn bad_night(scene: &Scene<'_>, cron: &Cron, doctor: &str, trouble: &Trouble) {
    scene.change(DAYS + 2);
    scene.to_first_store(trouble.begins);
    scene.by_hand(&scene.local, doctor).fails().stderr_has("moo doctor: sftp://purrbackups@");
    cron.daemon_starts_it(scene, "@reboot");
    cron.has_one_mail_with_one_message(scene);
    scene.to_first_store(trouble.ends);
    cron.starts_it(scene).silent();
    scene.by_hand(&scene.local, doctor).silent();
}

/// All of it, with one of the two kinds of accounts.
fn whole_story(origin: Origin, plain: bool, trouble: &Trouble) {
    let sandbox = Sandbox::new();
    let recipe = Recipe::of_readme(origin);
    let Some(scene) = Scene::new(&sandbox, origin) else { return };
    set_up(&scene, &recipe, plain);
    scene.remembers_day(0);
    let cron = Cron::of(&scene);
    week(&scene, &cron);
    bad_night(&scene, &cron, recipe.doctor(), trouble);
    let day = (origin == Origin::Package).then(|| year::passes(&scene, &cron));
    loss::all_comes_back(scene, &recipe, day);
}

#[test]
fn the_recipe_of_the_readme_holds_from_the_package_with_an_account_that_may_delete() {
    whole_story(Origin::Package, true, &Trouble { begins: "chmod 500", ends: "chmod 700" });
}

#[test]
fn the_recipe_of_the_readme_holds_from_the_first_command_to_the_loss_of_the_machine() {
    whole_story(
        Origin::Checkout,
        false,
        &Trouble { begins: "chown root", ends: "chown purrbackups" },
    );
}
