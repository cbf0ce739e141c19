//! Snapshots under the service of systemd, with the drop-in of moobacker.toml(5).

use std::fs;

use tests::machine::Network;
use tests::sandbox::workspace;
use tests::{Sandbox, not_tried};

/// The drop-in, as the page shows it.
fn drop_in() -> String {
    let page = fs::read_to_string(workspace().join("man/man5/moobacker.toml.5")).unwrap();
    let (_, text) = page.split_once(".EX\n[Service]\n").unwrap();
    let (text, _) = text.split_once(".EE\n").unwrap();
    format!("[Service]\n{}", text.replace("\\-", "-"))
}

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

#[test]
fn the_service_makes_snapshots_with_the_drop_in_of_the_page_and_says_without_it_what_it_lacks() {
    let sandbox = Sandbox::new();
    let Some(network) = Network::new(&sandbox) else { return };
    let Some(laptop) = network.booted("laptop.example.org") else { return };
    laptop.install();
    let set_up = laptop.sh(SET_UP);
    if set_up.status == 77 {
        not_tried(&format!("no btrfs can be mounted in a machine here: {}", set_up.err()));
        return;
    }
    set_up.silent();
    laptop.sh("systemctl daemon-reload; systemctl start moobacker.service").fails();
    let printed = "journalctl --sync; journalctl -q -o cat -u moobacker.service";
    laptop.sh(printed).succeeds().stdout_has("--snapshot: needs root; run the backup by root");
    let folder = "/etc/systemd/system/moobacker.service.d";
    laptop.sh(&format!("mkdir -p {folder}")).silent();
    fs::write(laptop.path(format!("{folder}/snapshots.conf")), drop_in()).unwrap();
    let run = laptop.sh("systemctl daemon-reload; systemctl start moobacker.service");
    let said = laptop.sh(printed).out();
    assert_eq!(run.status, 0, "{said}");
    laptop
        .sh("moo restore --secret-key /root/backup.secret.pgp www /srv/out && cat /srv/out/f")
        .stdout_is("secret");
    laptop
        .sh("stat -c %U /srv/store/www/*.seal /var/lib/moobacker")
        .stdout_is("moobacker\nmoobacker");
    laptop.sh("btrfs subvolume list /srv/disk | grep -c moobacker-").stdout_is("0");
}
