//! The nightly calls of Mail-in-a-Box, and what it parses.

use super::{drop_in, later};

#[test]
fn the_calls_of_mail_in_a_box_do_what_it_expects() {
    let sandbox = drop_in();
    let status = "duplicity collection-status --archive-dir $PWD/cache --gpg-options --cipher-algo=AES256 \
        --log-fd 1 file://$PWD/store --ssh-options='-oStrictHostKeyChecking=no -i /root/.ssh/id' \
        --rsync-options='-e \"ssh -p 22\"' | grep -E '^ (full|inc) [0-9TZ]* [0-9]+ enc'";
    sandbox.sh(status).fails_with(1);
    for kind in ["full", "incr"] {
        let backup = format!(
            "duplicity {kind} --verbosity warning --no-print-statistics --archive-dir $PWD/cache \
            --exclude $PWD/src/sub --volsize 250 --gpg-options '--cipher-algo=AES256' \
            --allow-source-mismatch $PWD/src file://$PWD/store"
        );
        sandbox.sh(&backup).silent();
        later(&sandbox);
    }
    assert_eq!(sandbox.sh(status).succeeds().out().lines().count(), 2);
    for action in ["remove-older-than 3D", "cleanup"] {
        let run = format!(
            "duplicity {action} --verbosity error --archive-dir $PWD/cache --force file://$PWD/store"
        );
        sandbox.sh(&run).silent();
    }
    let verify = "duplicity --verbosity info verify --compare-data --archive-dir $PWD/cache \
        --exclude $PWD/src/sub file://$PWD/store $PWD/src";
    sandbox.sh(verify).succeeds().stdout_has("0 differences found");
    let restore = "duplicity restore --archive-dir $PWD/cache file://$PWD/store out && ls out";
    sandbox.sh(restore).stdout_has("a\nlink");
}
