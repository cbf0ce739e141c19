"""An SFTP server of OpenSSH on loopback, with keys of its own; whoever runs this gets in."""
import os
import pwd
import shutil
import socket
import subprocess
import time

SSHD = "/usr/sbin/sshd"
# How long it may take to listen, in seconds.
PATIENCE = 20

# Taken by the clients of all programs; each looks for the file in another place.
CLIENT = """Host *
    IdentityFile {ssh}/id_ed25519
    IdentitiesOnly yes
    UserKnownHostsFile {ssh}/known_hosts
    GlobalKnownHostsFile /dev/null
    UpdateHostKeys no
    StrictHostKeyChecking yes
    BatchMode yes
"""
# The ciphers and all else that costs time are what OpenSSH has by default.
SERVER = """ListenAddress 127.0.0.1
HostKey {own}/host
AuthorizedKeysFile {own}/accepted
Subsystem sftp internal-sftp
ForceCommand internal-sftp
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin yes
StrictModes no
UsePAM no
UseDNS no
PidFile none
"""


def is_there():
    return os.access(SSHD, os.X_OK) and bool(shutil.which("sftp"))


class Sshd:
    """A server that runs until it is closed. HOME/.ssh has what its clients need."""

    def __init__(self, folder, home):
        self.own, self.ssh = folder, f"{home}/.ssh"
        self.user = pwd.getpwuid(os.geteuid()).pw_name
        self.config = f"{self.ssh}/config"
        os.mkdir(folder)
        self._set_up_client()
        self.process, self.port = self._start()
        self.know(self.port)

    def _set_up_client(self):
        os.mkdir(self.ssh, 0o700)
        for key in (f"{self.own}/host", f"{self.ssh}/id_ed25519"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        shutil.copy(f"{self.ssh}/id_ed25519.pub", f"{self.own}/accepted")
        with open(self.config, "w") as file:
            file.write(CLIENT.format(ssh=self.ssh))

    def _start(self):
        if os.geteuid() == 0:
            # Debian's service makes it when it starts.
            os.makedirs("/run/sshd", exist_ok=True)
        for _ in range(20):
            process, port = self._attempt(free_port())
            if process:
                return process, port
        raise OSError("no port is free for sshd")

    def _attempt(self, port):
        config, log = f"{self.own}/config", f"{self.own}/log"
        with open(config, "w") as file:
            file.write(SERVER.format(own=self.own) + f"Port {port}\n")
        open(log, "w").close()
        # It dies with the benchmark, however that ends.
        words = ["setpriv", "--pdeathsig", "KILL", SSHD, "-D", "-f", config, "-E", log]
        process = subprocess.Popen(words, env={"PATH": "/usr/bin:/bin"}, stdin=subprocess.DEVNULL)
        if listens(log):
            return process, port
        process.kill()
        process.wait()
        return None, port

    def know(self, port):
        """Makes its key known at that port, which may be a relay's."""
        with open(f"{self.own}/host.pub") as file:
            key = " ".join(file.read().split()[:2])
        with open(f"{self.ssh}/known_hosts", "a") as file:
            file.write(f"[127.0.0.1]:{port} {key}\n")

    def words(self, port):
        """What brings stock `ssh` and `sftp` to that port."""
        return ["-F", self.config, "-o", f"Port={port}", f"{self.user}@127.0.0.1"]

    def url(self, port, path):
        """An absolute path at that port, as moobacker and duplicity name it."""
        return f"sftp://{self.user}@127.0.0.1:{port}/{path}"

    def close(self):
        self.process.kill()
        self.process.wait()


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def listens(log):
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        with open(log) as file:
            said = file.read()
        if "Server listening on" in said:
            return True
        if "Cannot bind any address" in said:
            return False
        time.sleep(0.01)
    raise OSError(f"sshd does not start: {said}")
