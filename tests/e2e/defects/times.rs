//! Times that duplicity takes for others.

use tests::{Sandbox, Tree};

use super::{nothing_came_of_it, restore};
use crate::forge::{FULL, INC, file, patch_header, put, root, tar};
use crate::interop::programs::{New, Old, Program, sample};
use crate::moo::{second, stored};

#[test]
fn before_the_first_set_the_first_was_restored_without_a_word_and_is_an_error() {
    for who in sample(&[Old, New], 13) {
        let sandbox = Sandbox::new();
        Tree::small(sandbox.path("src"));
        Program::new(&sandbox, who, "--no-encryption").full("src");
        let first = stored(&sandbox).remove(0);
        let before = second(&sandbox, &first) - 1;
        let run = restore(&sandbox, &format!("--time {before}")).fails_with(10).one_message();
        run.stderr_has(&format!("the first one is of {first}"));
        nothing_came_of_it(&sandbox);
    }
}

#[test]
fn a_local_time_in_summer_was_an_hour_off_and_is_by_the_clock_on_the_wall() {
    let mut sandbox = Sandbox::new();
    let (full, inc) = ("20200615T100000Z", "20200615T110000Z");
    let name = |name: &str| name.replace("20200101T000000Z", full).replace("20200102T000000Z", inc);
    put(&sandbox, &name(FULL), &[tar(&[root(), file("snapshot/f", b"full")])]);
    put(&sandbox, &name(INC), &[tar(&[file("snapshot/f", b"inc")])]);
    // In Berlin the sets were made at noon and at one.
    for zone in ["Europe/Berlin", "CET-1CEST,M3.5.0,M10.5.0/3"] {
        sandbox.set("TZ", zone);
        for (time, content) in [("12:30:00", "full"), ("12:59:59", "full"), ("13:00:00", "inc")] {
            restore(&sandbox, &format!("--time 2020-06-15T{time}")).silent();
            sandbox.sh("cat out/f; rm -r out").succeeds().stdout_is(content);
        }
        restore(&sandbox, "--time 2020-06-15T11:59:59").fails_with(10).one_message();
    }
}

#[test]
fn a_file_from_before_1970_crashed_the_restore_and_comes_back_with_its_time() {
    let sandbox = Sandbox::new();
    let mut volume = tar(&[root(), file("snapshot/f", b"moo")]);
    // GNU's way to write a number below zero; the field is the 136th byte of the second header.
    let five_before = [&[0xff; 11][..], &[0xfb]].concat();
    patch_header(&mut volume, 512, 136, &five_before);
    put(&sandbox, FULL, &[volume]);
    restore(&sandbox, "").silent();
    sandbox.sh("stat -c %Y out/f").succeeds().stdout_is("-5");
}
