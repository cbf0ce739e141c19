//! ZFS and LVM, which kernels of test machines lack: programs that stand in for theirs write down how they
//! are called, and make copies.

use tests::Sandbox;

/// `zfs` of a dataset `tank/www` that is mounted on `src`, with a snapshot of somebody and a leftover.
const ZFS: &str = "mkdir -p src/.zfs/snapshot bin store && cat >bin/zfs <<'END' && chmod +x bin/zfs
#!/bin/sh
echo \"zfs $*\" | sed 's/[0-9a-f]\\{16\\}/ID/g' >>HERE/log
name=${3#*@}
case \"$*\" in
    'list -H -o name,mountpoint -- HERE/src'*) printf 'tank/www\\tHERE/src\\n' ;;
    'list -H -t snapshot'*) ls HERE/src/.zfs/snapshot | sed 's,^,tank/www@,' ;;
    snapshot*) mkdir HERE/src/.zfs/snapshot/$name && cp -a HERE/src/d HERE/src/.zfs/snapshot/$name ;;
    destroy*) rm -r \"HERE/src/.zfs/snapshot/$name\" ;;
    *) echo \"cannot open '$6': not a ZFS filesystem\" >&2 && exit 1 ;;
esac
END
cd src && mkdir d .zfs/snapshot/yesterday .zfs/snapshot/moobacker-0123456789abcdef && echo one >d/f";

/// `lvs`, `lvcreate` and `lvremove` of a volume `vg/www`: an image on a loop device, mounted on `disk`.
const LVM: &str = "mkdir -p bin disk store snap && truncate -s 16M image && mkfs.ext4 -q image &&
for program in lvs lvcreate lvremove; do cat >bin/$program <<'END'
#!/bin/sh
program=${0##*/} snap=HERE/snap
echo \"$program $*\" | sed 's/[0-9a-f]\\{16\\}/ID/g; s,/dev/loop[0-9]*,DEVICE,' >>HERE/log
case \"$program $*\" in
    *vg_name,lv_name,pool_lv*/dev/loop*) echo \"  vg/www/$(cat HERE/pool 2>/dev/null)\" ;;
    *vg_name,lv_name,pool_lv*) echo '  Failed to find physical volume' >&2 && exit 5 ;;
    *lv_name,origin*)
        printf '  www/\\n  moobacker-mine/www\\n  moobacker-fedcba9876543210/other\\n'
        for name in $snap/*; do [ ! -e $name ] || echo \"  ${name##*/}/www\"; done
        ;;
    *lv_path*) cat $snap/${5#vg/} ;;
    *lv_snapshot_invalid*) echo \"  $(cat HERE/overflow 2>/dev/null)\" ;;
    lvcreate*)
        fsfreeze -f HERE/disk && cp HERE/image HERE/copy && fsfreeze -u HERE/disk &&
            losetup -f --show HERE/copy >$snap/$7
        ;;
    lvremove*)
        device=$(cat $snap/${4#vg/})
        [ -z \"$device\" ] || losetup -d $device
        rm $snap/${4#vg/} HERE/copy
        ;;
esac
END
done && chmod +x bin/* && : >snap/moobacker-0123456789abcdef && touch copy";

/// A sandbox with these programs first in PATH.
fn sandbox(programs: &str) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let here = sandbox.path("").display().to_string();
    let make = programs.replace("HERE", here.trim_end_matches('/'));
    drop(sandbox.sh(&make).succeeds());
    // `moo` looks beside itself and in the target folder first, and finds no such programs there.
    let path = sandbox.sh("printf %s \"$PWD/bin:$PATH\"").out();
    sandbox.set("PATH", path);
    sandbox
}

fn backup(kind: &str, source: &str) -> String {
    let options = "--archive-dir $PWD --name archive --no-encryption";
    format!("moo backup {options} --snapshot {kind} {source} file://$PWD/store")
}

#[test]
fn a_dataset_of_zfs_is_read_in_its_snapshot_which_is_destroyed() {
    let sandbox = sandbox(ZFS);
    let run = sandbox.sh(&backup("zfs", "src/d"));
    let log = sandbox.sh("cat log").out();
    run.silent();
    let here = sandbox.path("").display().to_string();
    let list = "zfs list -H -t snapshot -d 1 -o name -- tank/www";
    let wanted = [
        &format!("zfs list -H -o name,mountpoint -- {here}src/d"),
        list,
        list,
        "zfs destroy -- tank/www@moobacker-ID",
        "zfs snapshot -- tank/www@moobacker-ID",
        list,
        "zfs destroy -- tank/www@moobacker-ID",
    ];
    assert_eq!(log.lines().collect::<Vec<_>>(), wanted);
    sandbox.sh("ls src/.zfs/snapshot").stdout_is("yesterday");
    sandbox.sh("moo restore file://$PWD/store out && cat out/f").stdout_is("one");
    let other = sandbox.sh(&backup("zfs", "store"));
    other.fails_with(2).one_message().stderr_has("store: is not in a dataset of ZFS");
    sandbox.sh("rm bin/zfs").silent();
    let run = sandbox.sh(&backup("zfs", "src/d"));
    run.fails_with(2).one_message().stderr_has("zfs: not found; install zfsutils-linux");
}

/// Unmounts `disk` when dropped.
struct Mounted<'a>(&'a Sandbox);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = self.0.sh("umount disk; for snap in snap/*; do losetup -d $(cat $snap); done");
    }
}

#[test]
fn a_logical_volume_is_read_in_its_snapshot_which_is_removed() {
    let sandbox = sandbox(LVM);
    if sandbox.sh("mount -o loop image disk").status != 0 {
        tests::not_tried("no loop device can be mounted here");
        return;
    }
    let _mounted = Mounted(&sandbox);
    sandbox.sh("mkdir disk/d && echo one >disk/d/f && sleep 0.1").silent();
    let run = sandbox.sh(&backup("lvm", "disk/d"));
    let log = sandbox.sh("cat log; rm log").out();
    run.silent();
    let list = "lvs --noheadings --separator / -o lv_name,origin -- vg";
    let deleted = [
        list,
        "lvs --noheadings -o lv_snapshot_invalid -- vg/moobacker-ID",
        "lvremove --quiet --force -- vg/moobacker-ID",
    ];
    let made = [
        "lvcreate --quiet --yes --snapshot --extents 10%ORIGIN --name moobacker-ID -- vg/www",
        "lvs --noheadings -o lv_path -- vg/moobacker-ID",
    ];
    let first = ["lvs --noheadings --separator / -o vg_name,lv_name,pool_lv -- DEVICE", list];
    let wanted = [&first[..], &deleted, &made, &deleted].concat();
    assert_eq!(log.lines().collect::<Vec<_>>(), wanted);
    sandbox.sh("ls snap").stdout_is("");
    sandbox.sh("moo restore file://$PWD/store out && cat out/f").stdout_is("one");
    // Nothing is read again, a thin volume needs no room, and an overflow is said.
    sandbox.sh("echo pool >pool; sleep 1.1").silent();
    sandbox.sh(&backup("lvm", "disk/d")).silent();
    sandbox.sh("grep -c -e '--setactivationskip n --name' log; rm pool").stdout_is("1");
    sandbox.sh("zcat archive/duplicity-new-signatures.*.gz | tar t").succeeds().stdout_is("");
    sandbox.sh("echo snapshot invalid >overflow; sleep 1.1").silent();
    let run = sandbox.sh(&backup("lvm", "disk/d"));
    run.succeeds().one_message().stderr_has("more than 10%ORIGIN of the volume changed");
    let run = sandbox.sh(&backup("lvm", "store"));
    run.fails_with(2).one_message().stderr_has("is not a logical volume");
}
