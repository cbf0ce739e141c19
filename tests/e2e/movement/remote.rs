//! Copies to a store behind SFTP, also to one that only grows.

use std::fs;

use tests::sshd::{Setup, Sshd};

use super::kit::{Barn, with_keys};

/// Puts files of the set with that number under their own names, as an interrupted copy would
/// leave them.
fn leave_in_part(barn: &Barn, sshd: &Sshd, set: usize, content: Option<&str>) -> Vec<String> {
    let names = barn.named("store", set);
    let part: Vec<_> =
        names.into_iter().filter(|name| !name.contains("manifest")).take(2).collect();
    for name in &part {
        let from = barn.sandbox.path("store").join(name);
        let from = content.map_or(from, |text| {
            fs::write(barn.sandbox.path("other"), text).unwrap();
            barn.sandbox.path("other")
        });
        sshd.sftp(&format!("put {} store/{name}", from.display())).succeeds();
    }
    assert_eq!(part.len(), 2);
    part
}

#[test]
fn a_copy_goes_to_a_machine_that_sftp_reaches_and_comes_back() {
    let (sandbox, _, new) = with_keys();
    let barn = Barn::chain(sandbox, "--no-encryption");
    let sshd = Setup::new(&barn.sandbox).start();
    leave_in_part_of_folder(&barn);
    barn.copy_to("replicate", &sshd.url("copy")).silent();
    barn.sandbox.sh("diff -r store copy").silent();
    barn.copy_to(&format!("rekey --encrypt-key {new}"), &sshd.url("rekeyed")).silent();
    let back = format!("moo replicate {} file://$PWD/back", sshd.url("rekeyed"));
    barn.sandbox.sh(&back).silent();
    barn.is_in("back", "");
}

/// The same where all can be removed.
fn leave_in_part_of_folder(barn: &Barn) {
    let volume = barn.named("store", 1).into_iter().find(|name| name.contains(".vol1.")).unwrap();
    barn.sandbox.sh(&format!("mkdir copy && echo other >copy/{volume}")).silent();
}

#[test]
fn a_store_that_only_grows_takes_copies_and_an_interrupted_one_is_gone_on_with() {
    let (sandbox, _, new) = with_keys();
    let barn = Barn::chain(sandbox, "--no-encryption");
    let Some(sshd) = Setup::new(&barn.sandbox).append_only().chroot(&["store", "again"]) else {
        return;
    };
    let url = sshd.url("store");
    leave_in_part(&barn, &sshd, 0, None);
    barn.copy_to("replicate", &url).silent();
    barn.backup("inc");
    leave_in_part(&barn, &sshd, 2, None);
    barn.copy_to("replicate", &url).silent();
    barn.sandbox.sh(&format!("diff -r store {}", sshd.path("store").display())).silent();
    barn.copy_to(&format!("rekey --encrypt-key {new}"), &sshd.url("again")).silent();
    barn.sandbox.sh(&format!("cp -r {} copy", sshd.path("again").display())).silent();
    barn.is_in("copy", "");
}

#[test]
fn what_is_in_the_way_in_a_store_that_only_grows_is_named() {
    let (sandbox, _, new) = with_keys();
    let barn = Barn::chain(sandbox, "--no-encryption");
    let Some(sshd) = Setup::new(&barn.sandbox).append_only().chroot(&["store"]) else { return };
    let url = sshd.url("store");
    let part = leave_in_part(&barn, &sshd, 1, Some("other bytes"));
    for command in ["replicate", &format!("rekey --encrypt-key {new}")] {
        let run = barn.copy_to(command, &url).fails_with(7).one_message();
        let run = run.stderr_has(&part[0]).stderr_has(&part[1]);
        run.stderr_has("another copy of the set").stderr_has("does not let us remove");
    }
    let names = fs::read_dir(sshd.path("store")).unwrap().map(|file| file.unwrap().file_name());
    let manifests = names.filter(|name| {
        let name = name.to_string_lossy();
        name.contains("manifest") && !name.starts_with('.')
    });
    assert_eq!(manifests.count(), 1, "the set before is there");
}
