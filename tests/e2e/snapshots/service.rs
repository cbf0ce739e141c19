//! Snapshots under the service of systemd that runs as root.

use tests::machine::{Machine, Network};
use tests::{Sandbox, not_tried};

const SET_UP: &str = "set -eu
truncate -s 300M /srv/image && mkfs.btrfs -q /srv/image >/dev/null 2>&1 && mkdir /srv/disk
for n in 0 1 2 3 4 5 6 7 8 9; do [ -e /dev/loop$n ] || mknod /dev/loop$n b 7 $n; done
[ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
mount -o loop /srv/image /srv/disk || exit 77
btrfs subvolume create /srv/disk/www >/dev/null
echo secret >/srv/disk/www/f && chmod 600 /srv/disk/www/f
useradd --system --home-dir /var/lib/moobacker moobacker
install -d -o moobacker -g moobacker -m 700 /var/lib/moobacker /srv/store
moo keygen --no-passphrase /root/backup >/dev/null
install -D -m 644 /root/backup.cert.pgp /etc/moobacker/backup.cert.pgp
cat >/etc/moobacker/moobacker.toml <<'END'
user = \"moobacker\"
encrypt-key = \"/etc/moobacker/backup.cert.pgp\"
[stores.disk]
url = \"file:///srv/store\"
[sources.www]
path = \"/srv/disk/www\"
snapshot = \"btrfs\"
END";

const SERVICE: &str = "systemctl start moobacker-root.service";

/// How many snapshots there are.
const SNAPSHOTS: &str = "btrfs subvolume list /srv/disk | grep -c moobacker-";

/// A machine with a btrfs that a configuration takes snapshots of; none, which is said, where there can be none.
fn with_snapshots(network: &Network<'_>) -> Option<Machine> {
    let laptop = network.booted("laptop.example.org")?;
    laptop.install();
    let set_up = laptop.sh(SET_UP);
    if set_up.status == 77 {
        not_tried(&format!("no btrfs can be mounted in a machine here: {}", set_up.err()));
        return None;
    }
    set_up.silent();
    laptop.sh("systemctl daemon-reload").silent();
    Some(laptop)
}

#[test]
fn the_service_of_root_makes_snapshots_and_the_other_one_names_it() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = with_snapshots(&network) else { return };
    laptop.sh("systemctl start moobacker.service").fails();
    laptop.sh("journalctl --sync; journalctl -q -o cat -u moobacker.service").succeeds().stdout_has(
        "--snapshot: needs root; run the backup by root: with systemd, systemctl enable --now moobacker-root.timer",
    );
    let run = laptop.sh(SERVICE);
    let said =
        laptop.sh("journalctl --sync; journalctl -q -o cat _SYSTEMD_UNIT=moobacker-root.service");
    assert_eq!((run.status, &*said.out()), (0, ""));
    laptop
        .sh("moo restore --secret-key /root/backup.secret.pgp www /srv/out && cat /srv/out/f")
        .stdout_is("secret");
    laptop
        .sh("stat -c %U /srv/store/www/*.seal /var/lib/moobacker")
        .stdout_is("moobacker\nmoobacker");
    laptop.sh(SNAPSHOTS).stdout_is("0");
}

#[test]
fn a_service_that_is_stopped_while_it_reads_a_snapshot_leaves_no_snapshot_and_no_process() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = with_snapshots(&network) else { return };
    let slow = "cd /usr/local/lib/moobacker && mkdir real && mv moo-scan real
        printf '#!/bin/sh\necho >/var/lib/moobacker/begun; sleep 600\n' >moo-scan; chmod 755 moo-scan";
    laptop.sh(slow).silent();
    let begin = "systemctl mask --quiet moobacker-failure.service
        systemctl start --no-block moobacker-root.service
        until [ -e /var/lib/moobacker/begun ]; do sleep 0.1; done";
    laptop.sh(begin).silent();
    laptop.sh(SNAPSHOTS).stdout_is("1");
    laptop.sh("systemctl stop moobacker-root.service; pgrep moo-; pgrep -u moobacker").fails();
    laptop.sh(SNAPSHOTS).stdout_is("0");
    laptop.sh("cd /usr/local/lib/moobacker && mv real/moo-scan moo-scan").silent();
    laptop.sh(&format!("systemctl reset-failed moobacker-root.service; {SERVICE}")).silent();
    laptop.sh("ls /srv/store/www/*.manifest.gpg | wc -l").stdout_is("1");
}
