//! Pruning on the machine that keeps the backups.

use std::fs;

use tests::machine::{Machine, Network};
use tests::{Duplicity, Run, Sandbox};

use super::sets::Chains;

/// Where the store is there.
const STORE: &str = "/srv/barn/backups/etc";

/// A machine with a store of five chains of two sets each, of 25 days each. Its own `stat` takes the
/// time of the last write for that of arrival, since nobody can set the latter.
struct Barn<'a> {
    chains: &'a Chains,
    _network: Network<'a>,
    machine: Machine,
}

impl<'a> Barn<'a> {
    fn new(chains: &'a Chains) -> Option<Barn<'a>> {
        let network = Network::new(&chains.sandbox)?;
        let machine = network.machine("barn");
        machine.install();
        machine.sh(&format!("mkdir -p {STORE} && useradd purr && chown purr {STORE}")).silent();
        let copy = format!("cp store/* {}", machine.path(STORE).display());
        chains.sandbox.sh(&copy).silent();
        let barn = Barn { chains, _network: network, machine };
        barn.in_place_of(
            "stat",
            "s=$2; shift 2; exec /usr/bin/stat -c \"$(echo \"$s\" | sed s/%Z/%Y/)\" \"$@\"",
        );
        for (number, time) in chains.times.iter().enumerate() {
            let age = (chains.times.len() - number) * 25;
            let touch =
                format!("touch -d '-{age} days' {STORE}/*{time}.[msv]* {STORE}/*.{time}.seal");
            barn.machine.sh(&touch).silent();
        }
        Some(barn)
    }

    /// Puts a script in front of a program.
    fn in_place_of(&self, program: &str, script: &str) {
        let path = self.machine.path(format!("/usr/local/bin/{program}"));
        fs::write(path, format!("#!/bin/sh\n{script}\n")).unwrap();
        self.machine.sh(&format!("chmod 755 /usr/local/bin/{program}")).silent();
    }

    fn prune(&self, words: &str) -> Run {
        self.machine.sh(&format!("/usr/local/lib/moobacker/admin/prune-remote.sh {words}"))
    }

    /// The lines that tell of sets that would go.
    fn plan(&self, words: &str) -> Vec<String> {
        let told = self.prune(&format!("{words} {STORE}")).succeeds().out();
        let goes = told.lines().filter(|line| line.starts_with("remove "));
        goes.map(str::to_owned).collect()
    }

    /// The store there is that of the sandbox from now on, without what its archive has forgotten.
    fn bring_back(&self) {
        let copy = format!("rm store/* && cp {}/* store", self.machine.path(STORE).display());
        self.chains.sandbox.sh(&copy).silent();
    }
}

fn chains() -> Chains {
    Chains::new(&["full", "inc", "full", "inc", "full", "inc"])
}

#[test]
fn by_the_time_of_arrival_what_is_old_goes_and_the_rest_is_whole() {
    let chains = chains();
    let Some(barn) = Barn::new(&chains) else { return };
    // The sets have been here for 150, 125, 100, 75, 50 and 25 days.
    assert_eq!(barn.plan("--older-than 160D"), [""; 0]);
    assert_eq!(barn.plan("--older-than 101D"), [""; 0]);
    assert_eq!(barn.plan("--older-than 99D").len(), 3, "two sets and the seals");
    assert_eq!(barn.plan("--older-than 99D --keep-full 3"), [""; 0]);
    assert_eq!(barn.plan("--keep-full 2").len(), 3);
    assert_eq!(barn.plan("--keep-full 1").len(), 5);
    assert_eq!(barn.plan("--keep-full 1 --min-age 60D").len(), 3);
    let [first, second] = [0, 1].map(|index| &chains.times[index]);
    let told = barn.prune(&format!("--keep-full 2 {STORE}")).succeeds();
    let told = told.stdout_has(&format!("remove  inc-{first}-{second}, files: 3, "));
    told.stdout_has(" would be freed (with --force)").stdout_has("keep    sets: 4, ");
    barn.prune(&format!("--keep-full 2 --force {STORE}")).silent();
    barn.machine.sh(&format!("ls -A {STORE}/..")).stdout_is("etc");
    barn.bring_back();
    chains.has_only_without_archive(&[2, 3, 4, 5]);
    chains.comes_back_by(Duplicity::old(&chains.sandbox), 2);
    chains.comes_back_by(Duplicity::new(&chains.sandbox), 5);
    // The machine that is backed up forgets what has gone here.
    chains.prune("--keep-full 2 --force").silent();
    chains.has_only(&[2, 3, 4, 5]);
}

impl Chains {
    #[track_caller]
    fn has_only_without_archive(&self, left: &[usize]) {
        let times: Vec<_> = left.iter().map(|&index| self.times[index].clone()).collect();
        assert_eq!(crate::moo::stored(&self.sandbox), times);
        for &index in left {
            let moo = self.moo().archive("lost");
            moo.brings_back(&self.times[index], &self.states[index]);
        }
    }
}

#[test]
fn a_thousand_full_sets_that_came_in_one_night_change_nothing() {
    let chains = chains();
    let Some(barn) = Barn::new(&chains) else { return };
    let before = barn.plan("--keep-full 2 --older-than 90D");
    let fake = "i=1000; while [ $i -lt 2000 ]; do i=$((i + 1))
        : >duplicity-full.${i}0101T000000Z.vol1.difftar.gpg
        : >duplicity-full.${i}0101T000000Z.manifest.gpg
    done";
    barn.machine.sh(&format!("cd {STORE} && {fake}")).silent();
    assert_eq!(before, barn.plan("--keep-full 2 --older-than 90D"));
    // After a month they count as one.
    barn.machine.sh(&format!("touch -d '-40 days' {STORE}/*.????0101T000000Z.*")).silent();
    assert_eq!(barn.plan("--keep-full 3").len(), 3);
    let space = barn.plan("--keep-full 1").iter().filter(|line| line.contains("0101T")).count();
    assert_eq!(space, 0, "the newest of them stay");
}

#[test]
fn a_file_that_is_swapped_meanwhile_stays() {
    let chains = chains();
    let Some(barn) = Barn::new(&chains) else { return };
    let [first, last] = [0, 5].map(|index| chains.times[index].clone());
    let (old, good) =
        (format!("duplicity-full.{first}.manifest"), format!("moobacker.{last}.seal"));
    let swap = format!(
        "case $* in *{old}*) [ ! -e {good} ] || {{
            /bin/mv {old} aside; /bin/mv {good} {old}; }} ;; esac; exec /bin/mv \"$@\""
    );
    barn.in_place_of("mv", &swap);
    let run = barn.prune(&format!("--keep-full 1 --force {STORE}")).succeeds().one_message();
    run.stderr_is(&format!("prune-remote.sh: {old}: was changed meanwhile, kept"));
    let kept = fs::read(barn.machine.path(STORE).join(old)).unwrap();
    assert_eq!(kept, fs::read(chains.sandbox.path("store").join(good)).unwrap());
}

#[test]
fn temporary_files_of_last_week_go_but_for_those_that_were_renamed() {
    let chains = chains();
    let Some(barn) = Barn::new(&chains) else { return };
    let old = ".upload-1a.2.0-duplicity-full.20261122T201500Z.vol1.difftar.gpg";
    let renamed = format!("{old}.renamed");
    barn.machine.sh("rm /usr/local/bin/stat").silent();
    let make = format!("cd {STORE} && : >{old} && : >{renamed} && touch -d '-2 hours' {renamed}");
    barn.machine.sh(&make).silent();
    let words = "--older-than 1Y --force";
    barn.prune(&format!("{words} {STORE}")).silent();
    let there = |name: &str| barn.machine.path(STORE).join(name).exists();
    assert!(there(old) && there(&renamed), "a day is no week");
    barn.in_place_of("date", "echo $(($(/bin/date +%s) + 8 * 86400))");
    let told = barn.prune(&format!("--older-than 1Y {STORE}")).succeeds();
    told.stdout_has("remove  temporary, files: 1,").stdout_has("the file has borne another");
    barn.prune(&format!("{words} {STORE}")).silent();
    assert!(!there(old) && there(&renamed));
}

#[test]
fn what_is_no_folder_of_backups_is_refused() {
    let chains = chains();
    let Some(barn) = Barn::new(&chains) else { return };
    let refuses = |status: i32, words: &str, why: &str| {
        let run = barn.prune(words).fails_with(status).one_message();
        run.stderr_is(&format!("prune-remote.sh: {why}"));
    };
    let make = "ln -s barn/backups/etc /srv/link; mkdir /srv/empty /srv/open /srv/open/etc
        chmod 777 /srv/open; cp /srv/barn/backups/etc/* /srv/open/etc";
    barn.machine.sh(make).silent();
    refuses(1, "--keep-full 1 /srv/link", "/srv/link: a symbolic link");
    refuses(1, "--keep-full 1 /srv/none", "/srv/none: not a folder");
    refuses(10, "--keep-full 1 /srv/empty", "/srv/empty: no full set is in it");
    refuses(
        1,
        "--keep-full 1 /srv/open/etc",
        "/srv/open: others than root may write to it (chmod go-w)",
    );
    refuses(2, STORE, "a rule is needed, such as --older-than 6M (see --help)");
    refuses(2, "--older-than 6m x", "--older-than: 6m: not an age, such as 90D, 12W, 6M or 1Y");
    refuses(2, "--keep-full x y", "--keep-full: x: not a number");
    let as_user =
        "setpriv --reuid nobody --clear-groups /usr/local/lib/moobacker/admin/prune-remote.sh";
    let run = barn.machine.sh(&format!("{as_user} --keep-full 1 /srv/empty")).fails_with(1);
    run.stderr_is("prune-remote.sh: run as root: only root can do this");
}

#[test]
fn a_file_beside_the_sealed_one_is_named_and_goes_only_if_that_is_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.sh("moo-keygen --sign-only host >/dev/null").silent();
    let options = "--no-encryption --seal-key host.secret.pgp";
    let chains = Chains::with(sandbox, options, &["full", "inc"]);
    let Some(barn) = Barn::new(&chains) else { return };
    let twin = format!("duplicity-full.{}.vol1.difftar", chains.times[0]);
    let before = barn.machine.sh(&format!("ls {STORE}")).out();
    barn.machine.sh(&format!("cd {STORE} && echo moo >{twin} && echo moo >{twin}.gpg")).silent();
    let told = barn.prune(&format!("--keep-full 1 {STORE}")).succeeds();
    let words = "a stranger beside a file of a set (--strangers removes it)";
    told.stdout_has(&format!("keep    {twin}, {words}"))
        .stdout_has(&format!("{twin}.gpg, {words}"));
    barn.prune(&format!("--strangers {STORE}"))
        .succeeds()
        .stdout_has("remove  strangers, files: 2");
    barn.prune(&format!("--strangers --force {STORE}")).silent();
    barn.machine.sh(&format!("ls {STORE}")).succeeds().stdout_is(before.trim());
    // One whose rival nobody has sealed stays, and so does the rival.
    let volume = format!("{STORE}/{twin}.gz");
    barn.machine.sh(&format!("echo moo >{STORE}/{twin}; echo >>{volume}")).silent();
    let told = barn.prune(&format!("--strangers {STORE}")).succeeds();
    told.stdout_has("no seal has either").stdout_has("nothing would go");
}

#[test]
fn a_manifest_that_was_renamed_as_its_upload_is_no_temporary_file() {
    // Without a seal key, the text of a seal is in armor.
    for options in ["--no-encryption --seal-key host.secret.pgp", "--no-encryption"] {
        let sandbox = Sandbox::new();
        sandbox.sh("moo-keygen --sign-only host >/dev/null").silent();
        let chains = Chains::with(sandbox, options, &["full", "inc"]);
        let Some(barn) = Barn::new(&chains) else { return };
        let manifest = format!("duplicity-inc.{}.to.{}.manifest", chains.times[0], chains.times[1]);
        let hidden = format!(".upload-1a.2.0-{manifest}");
        barn.machine.sh("rm /usr/local/bin/stat").silent();
        let hide = format!("cd {STORE} && mv {manifest} {hidden} && touch {hidden}");
        barn.machine.sh(&hide).silent();
        barn.in_place_of("date", "echo $(($(/bin/date +%s) + 8 * 86400))");
        let told = barn.prune(&format!("--older-than 1Y {STORE}")).succeeds();
        told.stdout_has(&format!("keep    {hidden}, a temporary name, but a seal lists the file"));
        barn.prune(&format!("--older-than 1Y --force {STORE}")).silent();
        assert!(barn.machine.path(STORE).join(hidden).exists());
    }
}

#[test]
fn a_set_all_of_whose_files_were_renamed_as_uploads_is_no_set_of_temporary_files() {
    for options in ["--no-encryption --seal-key host.secret.pgp", "--no-encryption"] {
        let sandbox = Sandbox::new();
        sandbox.sh("moo-keygen --sign-only host >/dev/null").silent();
        let chains = Chains::with(sandbox, options, &["full", "inc"]);
        let Some(barn) = Barn::new(&chains) else { return };
        barn.machine.sh("rm /usr/local/bin/stat").silent();
        let time = &chains.times[1];
        // Soon after the backup, so that the time of the last write does not tell.
        let hide = format!(
            "cd {STORE} && for f in *.to.{time}.* moobacker.{time}.seal; do
                mv $f .upload-1a.2.0-$f; touch .upload-1a.2.0-$f; done; ls -A"
        );
        let before = barn.machine.sh(&hide).succeeds().out();
        barn.in_place_of("date", "echo $(($(/bin/date +%s) + 8 * 86400))");
        let told = barn.prune(&format!("--older-than 1Y {STORE}")).succeeds();
        told.stdout_has("a temporary name, but a seal lists the file")
            .stdout_has("a temporary name, but it is the seal of files that are here");
        barn.prune(&format!("--older-than 1Y --force {STORE}")).silent();
        assert_eq!(barn.machine.sh(&format!("ls -A {STORE}")).succeeds().out(), before);
    }
}

#[test]
fn with_prefixes_only_files_that_have_them_go_and_without_them_only_those_that_have_none() {
    let chains = chains();
    let Some(barn) = Barn::new(&chains) else { return };
    let plain = barn.plan("--keep-full 2");
    let there =
        |pattern: &str| barn.machine.sh(&format!("ls -A {STORE} | grep -cE '{pattern}'")).out();
    // The same backup beside itself, with a prefix for each kind.
    let copies = "for f in *; do
        case $f in *.sigtar*) p=g-s- ;; *.difftar*) p=g-a- ;; *) p=g-m- ;; esac
        cp -p $f $p$f; done
        : >.upload-1a.2.0-g-a-duplicity-full.20261122T201500Z.vol1.difftar.gpg";
    barn.machine.sh(&format!("cd {STORE} && {copies}")).silent();
    let prefixes = "--file-prefix g- --file-prefix-manifest m- --file-prefix-archive a- \
                    --file-prefix-signature s-";
    assert_eq!(barn.plan("--keep-full 2"), plain);
    assert_eq!(barn.plan(&format!("--keep-full 2 {prefixes}")), plain);
    assert_eq!(plain.len(), 3);
    barn.in_place_of("date", "echo $(($(/bin/date +%s) + 8 * 86400))");
    let (old, none) = ("--older-than 1Y", "--older-than 1Y --file-prefix none-");
    assert_eq!(barn.plan(old), [""; 0]);
    let told = barn.plan(&format!("{old} {prefixes}"));
    assert!(told[0].starts_with("remove  temporary, files: 1,"), "{told:?}");
    barn.prune(&format!("{none} {STORE}")).fails_with(10);
    let unprefixed = there("^(duplicity|moobacker)");
    barn.prune(&format!("--keep-full 2 --force {prefixes} {STORE}")).silent();
    assert_eq!(there("^(duplicity|moobacker)"), unprefixed);
    assert_eq!(there("^g-m-duplicity.*manifest").trim(), "4");
    assert_eq!(there("^g-m-moobacker.*seal").trim(), "4");
    assert_eq!(there("^g-a-duplicity").trim(), "4");
    barn.prune(&format!("--keep-full 2 --force {STORE}")).silent();
    assert_eq!(there("^duplicity.*manifest").trim(), "4");
    assert_eq!(there("^g-m-duplicity.*manifest").trim(), "4");
    for wrong in ["a/b", ".a", "'a b'"] {
        let run = barn.prune(&format!("--keep-full 2 --file-prefix-archive {wrong} {STORE}"));
        run.fails_with(2).one_message().stderr_has("--file-prefix-archive: ");
    }
}
