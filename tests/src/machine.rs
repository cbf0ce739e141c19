//! Whole machines: each is a view of this one whose changes vanish, with its own files,
//! processes, name and network address, so that a test can add users, write to `/etc` and run a
//! server on port 22. Only root can make them.

use std::cell::Cell;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::geteuid;

use crate::log::not_tried;
use crate::run::Run;
use crate::sandbox::{Sandbox, programs, workspace};

/// How long one snippet may take, in seconds.
const TIME_LIMIT: &str = "600";

/// All that a snippet's environment holds.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/root"),
    ("LC_ALL", "C.UTF-8"),
];

/// Where a machine has the checkout, for root to read.
const CHECKOUT: &str = "/usr/src/moobacker";

/// Keeps namespaces until the input ends. Whoever loses its parent in there is reaped, since the keeper
/// ignores the death of children.
const KEEP: &str = "exec env --ignore-signal=CHLD cat";

/// Keeps them until a line of input says what to become.
const WAIT: &str = "go=$(head -n 1); eval \"$go\"";

/// Makes the root of a machine, with empty folders where this machine's users keep their own,
/// and changes to it. Arguments: a folder, hosts, checkout, programs, name, address.
const BOOT: &str = r#"set -eu
mount -t tmpfs -o mode=755 machine "$1"
mkdir "$1/changes" "$1/work" "$1/root"
mount -t overlay -o "lowerdir=/,upperdir=$1/changes,workdir=$1/work" machine "$1/root"
cd "$1/root"
for folder in root home tmp run srv var/tmp var/mail usr/local usr/src dev dev/pts dev/shm; do
    mkdir -p $folder
    mount -t tmpfs -o mode=755 machine $folder
done
chmod 700 root usr/src
chmod 1777 tmp var/tmp dev/shm
mkdir usr/local/bin usr/local/sbin usr/local/lib run/lock
for part in pipelines man; do
    mkdir -p .$5/$part
    mount -o bind,ro "$3/$part" .$5/$part
done
mkdir -p .$5/target/release
mount -o bind,ro "$4" .$5/target/release
mount --bind "$2" etc/hosts
for device in null zero full random urandom tty; do
    : >dev/$device
    mount --bind /dev/$device dev/$device
done
mount -t devpts -o newinstance,ptmxmode=666,mode=620 machine dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
ln -s fd/0 dev/stdin
ln -s fd/1 dev/stdout
ln -s fd/2 dev/stderr
mount -t proc machine proc
pivot_root . mnt
umount -l /mnt
rm -rf /etc/moobacker /etc/cron.d/moobacker* /etc/sudoers.d/moobacker* /var/lib/moobacker
rm -rf /etc/ssh/ssh_host_* /etc/ssh/sshd_config.d/* /etc/ssh/authorized_keys.d
for user in moobacker purrbackups; do
    ! id $user >/dev/null 2>&1 || userdel $user
done
ssh-keygen -q -t ed25519 -N '' -C "$6" -f /etc/ssh/ssh_host_ed25519_key
hostname "$6"
echo "$6" >/etc/hostname
ip link set lo up
ip addr add "$7/24" dev eth0
ip link set eth0 up
"#;

/// Makes the keeper of a machine its systemd, in control groups of the machine's own: a group with the
/// name of the argument is the top of each hierarchy.
const SYSTEMD: &str = r#"set -eu
trap 'echo its control groups can not be made >/run/not-booted; exec cat' EXIT
[ -d /sys/fs/cgroup ] || mount -t sysfs -o ro machine /sys
# Of the first version, as far as this kernel has it, beside the second; or of the second alone.
mount_groups() {
    if ! grep -q :name=systemd: /proc/self/cgroup; then
        mount -t cgroup2 machine /sys/fs/cgroup
        cd /sys/fs/cgroup
        return
    fi
    mount -t tmpfs -o mode=755 machine /sys/fs/cgroup
    cd /sys/fs/cgroup
    mkdir systemd unified devices pids memory
    mount -t cgroup -o none,name=systemd machine systemd
    mount -t cgroup2 machine unified
    for controller in devices pids memory; do mount -t cgroup -o $controller machine $controller; done
}
mount_groups
if [ $# -eq 1 ]; then
    for group in . */; do
        [ ! -e $group/cgroup.procs ] || { mkdir $group/$1; echo 0 >$group/$1/cgroup.procs; }
    done
    cd /
    umount -R /sys/fs/cgroup
    exec unshare --cgroup sh /run/boot
fi
cd /
# What is there for a real start, and changes the kernel that all machines have in common.
mkdir -p /run/systemd/system
for unit in systemd-sysctl.service systemd-modules-load.service systemd-remount-fs.service \
    systemd-tmpfiles-setup-dev.service systemd-binfmt.service systemd-random-seed.service \
    proc-sys-fs-binfmt_misc.automount sys-kernel-debug.mount sys-kernel-tracing.mount \
    sys-kernel-config.mount sys-fs-fuse-connections.mount dev-hugepages.mount; do
    ln -s /dev/null /run/systemd/system/$unit
done
exec env -i container=moo PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=basic.target
"#;

/// Removes the control groups with a name that nobody is in any more.
const FORGET: &str = "tries=100
while find /sys/fs/cgroup -path \"*/$1\" -prune -print 2>/dev/null | grep -q . && [ $tries -gt 0 ]; do
    find /sys/fs/cgroup -depth -path \"*/$1*\" -type d -exec rmdir {} + 2>/dev/null
    tries=$((tries - 1))
    sleep 0.1
done";

/// A network of machines, apart from the real one. All of it is gone when it is dropped.
pub struct Network<'a> {
    sandbox: &'a Sandbox,
    switch: Namespaces,
    machines: Cell<u8>,
}

impl<'a> Network<'a> {
    /// An empty network; none, which is said, for who is not root or where a container forbids it.
    pub fn new(sandbox: &'a Sandbox) -> Option<Network<'a>> {
        if !geteuid().is_root() {
            not_tried("not root: there can be no machines to try it on");
            return None;
        }
        if !sandbox
            .sh("unshare --mount --net --pid --fork mount -t tmpfs none /tmp")
            .err()
            .is_empty()
        {
            not_tried("this container lets nobody make machines");
            return None;
        }
        let switch = Namespaces::new(&["--net"], KEEP);
        switch.sh("ip link add switch type bridge && ip link set switch up", &[]).silent();
        fs::write(sandbox.path(".hosts"), "127.0.0.1 localhost\n").unwrap();
        fs::create_dir(sandbox.path(".machine")).unwrap();
        Some(Network { sandbox, switch, machines: Cell::new(0) })
    }

    /// One more machine, which all others know by that name. The first has the address
    /// `10.0.0.1`, the second `10.0.0.2`.
    pub fn machine(&self, name: &str) -> Machine {
        self.kept(name, KEEP)
    }

    /// One more machine, whose first process is a systemd that runs; none, which is said, where that
    /// can't be.
    pub fn booted(&self, name: &str) -> Option<Machine> {
        self.kept(name, WAIT).boot()
    }

    fn kept(&self, name: &str, keep: &str) -> Machine {
        let number = self.machines.get() + 1;
        self.machines.set(number);
        let address = format!("10.0.0.{number}");
        let hosts = self.sandbox.path(".hosts");
        let mut file = OpenOptions::new().append(true).open(&hosts).unwrap();
        writeln!(file, "{address} {name}").unwrap();
        let inside = Namespaces::new(&["--mount", "--net", "--uts", "--pid"], keep);
        self.connect(number, inside.pid);
        let folder = self.sandbox.path(".machine");
        let paths = [folder, hosts, workspace(), programs()].map(|path| path.display().to_string());
        let [folder, hosts, checkout, programs] = paths.each_ref().map(String::as_str);
        let arguments = [folder, hosts, checkout, programs, CHECKOUT, name, &address];
        inside.sh(BOOT, &arguments).silent();
        Machine { inside, address }
    }

    /// Lays a cable from the switch to a machine.
    fn connect(&self, number: u8, machine: u32) {
        let (port, machine) = (format!("port{number}"), machine.to_string());
        let lay = "ip link add $1 type veth peer name eth0 netns $2 &&
            ip link set $1 master switch up";
        self.switch.sh(lay, &[&port, &machine]).silent();
    }
}

/// One machine, until it is dropped.
pub struct Machine {
    inside: Namespaces,
    /// Its address in the network.
    pub address: String,
}

impl Machine {
    /// Runs a snippet of POSIX sh as root, without a terminal or input, to its end.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub fn sh(&self, script: &str) -> Run {
        self.inside.sh(script, &[])
    }

    /// Runs a snippet as that user, in the user's home.
    #[must_use = "a run proves nothing until something is asserted of it"]
    pub fn sh_as(&self, user: &str, script: &str) -> Run {
        let become_user = "exec setpriv --reuid \"$1\" --regid \"$(id -g \"$1\")\" --init-groups \
            --reset-env -- sh -c 'cd && eval \"$1\"' sh \"$2\"";
        self.inside.sh(become_user, &[user, script])
    }

    /// Where the test finds one of the machine's files, given by its absolute path there. An
    /// absolute symbolic link would lead back to the real machine.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.inside.pid));
        root.join(name.as_ref().strip_prefix("/").unwrap())
    }

    /// Installs our programs and pipelines.
    pub fn install(&self) {
        self.sh(&format!("{CHECKOUT}/pipelines/install.sh")).succeeds();
    }

    /// Removes programs: all that PATH has under those names.
    pub fn without(&self, programs: &[&str]) {
        let remove = "for name; do
            while path=$(command -v \"$name\"); do rm \"$path\" || exit; done
        done";
        self.inside.sh(remove, programs).silent();
    }

    /// Starts the machine's sshd, on port 22; it logs to `/var/log/sshd.log`.
    pub fn start_sshd(&self) {
        self.sh("mkdir -p /run/sshd && /usr/sbin/sshd -E /var/log/sshd.log").silent();
    }

    /// Has the sshd read its configuration again, and returns when it listens with it and has
    /// written its file anew: how long that takes on a busy machine nobody knows.
    pub fn reload_sshd(&self) {
        let reload = "started() { stat -c '%i %z' /run/sshd.pid 2>&1; }
            before=$(started); kill -HUP $(cat /run/sshd.pid)
            until [ -e /run/sshd.pid ] && [ \"$(started)\" != \"$before\" ]; do sleep 0.05; done";
        self.sh(reload).silent();
    }

    /// Ends the sshd, and returns when nothing listens any more.
    pub fn stop_sshd(&self) {
        let stop = "kill $(cat /run/sshd.pid); while [ -e /run/sshd.pid ]; do sleep 0.05; done";
        self.sh(stop).silent();
    }

    /// The machine with a systemd as its first process.
    fn boot(mut self) -> Option<Machine> {
        fs::write(self.path("/run/boot"), SYSTEMD).unwrap();
        let go = format!("exec sh /run/boot {}\n", self.inside.groups());
        self.inside.keeper.stdin.as_mut().unwrap().write_all(go.as_bytes()).unwrap();
        let ready =
            "until [ -e /run/not-booted ] || systemctl is-system-running --wait 2>/dev/null |
            grep -qxE 'running|degraded'; do sleep 0.1; done; cat /run/not-booted 2>/dev/null || :";
        let why = self.sh(ready).succeeds().out();
        if !why.is_empty() {
            not_tried(&format!("no systemd can run in a machine here: {why}"));
            return None;
        }
        self.inside.booted = true;
        Some(self)
    }
}

/// Namespaces, and the process that keeps them.
struct Namespaces {
    keeper: Child,
    /// The keeper's number on the real machine, by which its namespaces are entered.
    pid: u32,
    /// Whether the keeper has become a systemd.
    booted: bool,
}

impl Namespaces {
    fn new(kinds: &[&str], keep: &str) -> Namespaces {
        let keep = format!("read -r pid rest </proc/self/stat; echo $pid; {keep}");
        let mut command = Command::new("unshare");
        command.args(kinds).args(["--fork", "--kill-child", "sh", "-c", &keep]);
        command.env_clear().envs(ENVIRONMENT).current_dir("/");
        let mut keeper = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(keeper.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Namespaces { keeper, pid: line.trim().parse().unwrap(), booted: false }
    }

    /// The name of the control groups that the keeper has as a systemd.
    fn groups(&self) -> String {
        format!("moo-machine-{}", self.pid)
    }

    fn sh(&self, script: &str, arguments: &[&str]) -> Run {
        let mut command = Command::new("nsenter");
        command.args(["--target", &self.pid.to_string(), "--mount", "--net", "--uts", "--pid"]);
        command.args([
            "--wdns=/", "setsid", "--wait", "timeout", TIME_LIMIT, "sh", "-c", script, "sh",
        ]);
        command.args(arguments).env_clear().envs(ENVIRONMENT).stdin(Stdio::null());
        Run::new(script, command.output().unwrap())
    }
}

impl Drop for Namespaces {
    /// The keeper ends with its input, all processes in there with the keeper, and the mounts
    /// with them.
    fn drop(&mut self) {
        if self.booted {
            let _ = self.keeper.kill();
        }
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
        if self.booted {
            let _ = Command::new("sh").args(["-c", FORGET, "sh", &self.groups()]).status();
        }
    }
}
