//! Somebody who has the key of the backups, and no manners: every request of SFTP and every feature
//! of ssh is tried against an account that `setup-remote.sh` made, and what came of it is counted.

mod aside;
mod attack;
mod forwarding;
mod house;
mod oddities;
mod opens;
mod outside;
mod paths;
mod ssh;
mod state;
mod tally;

use tests::Sandbox;

use attack::Intruder;
use house::House;

/// Everything that SFTP has, and what it came to.
fn everything(house: &House<'_>) -> [usize; 8] {
    let mut intruder = Intruder::new(house);
    opens::every_way_to_open(&mut intruder);
    opens::handles_of_others(&mut intruder);
    paths::everything_by_path(&mut intruder);
    paths::files_in_place_of_others(&mut intruder);
    paths::files_swapped(&mut intruder);
    outside::every_way_out(&mut intruder);
    outside::links_out(&mut intruder);
    outside::questions(&mut intruder);
    oddities::every_type(&mut intruder);
    oddities::broken_packets(&mut intruder);
    let kind = if house.append_only { "append-only" } else { "plain" };
    println!("{kind} account, which announces {}", intruder.announced().join(", "));
    println!("{}", intruder.tally);
    intruder.tally.total()
}

#[test]
fn an_intruder_spoils_not_one_byte_where_files_can_only_be_added() {
    let sandbox = Sandbox::new();
    let Some(house) = House::new(&sandbox, true) else { return };
    let [tried, refused, .., changed, modes, lost] = everything(&house);
    assert_eq!((changed, modes, lost), (0, 0, 0));
    assert!(tried > 5000 && refused > tried * 3 / 4, "{refused} of {tried} refused");
    house.is_untouched_outside();
    house.comes_back();
}

#[test]
fn an_intruder_in_a_plain_account_reaches_nothing_but_its_own_folders() {
    let sandbox = Sandbox::new();
    let Some(house) = House::new(&sandbox, false) else { return };
    let [.., changed, _, lost] = everything(&house);
    assert!(changed > 0 && lost > 0, "the attacks are such that hurt where they can");
    house.is_untouched_outside();
    house.comes_back();
}

/// Everything that ssh has but SFTP.
fn neither_shell_nor_port(append_only: bool) {
    let sandbox = Sandbox::new();
    let Some(house) = House::new(&sandbox, append_only) else { return };
    let tried = [
        ssh::no_program_runs(&house),
        forwarding::nothing_is_forwarded(&house),
        ssh::other_channels_are_no_better(&house),
        ssh::nobody_else_logs_in(&house),
    ];
    println!("ssh: programs, forwarding, channels, logins: tried {tried:?}, granted none");
    house.is_untouched_outside();
    house.comes_back();
}

#[test]
fn an_intruder_gets_neither_a_shell_nor_a_port_where_files_can_only_be_added() {
    neither_shell_nor_port(true);
}

#[test]
fn an_intruder_gets_neither_a_shell_nor_a_port_in_a_plain_account() {
    neither_shell_nor_port(false);
}
