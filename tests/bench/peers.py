"""The programs that are measured: how each is called, and where it keeps what it makes."""
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS = "moobacker"
# Another build of ours, in a checkout of its own.
BEFORE = "before"
PROGRAMS = f"{ROOT}/target/release"
INSTALLED = f"{ROOT}/target/peers/duplicity-new/bin/duplicity"


class Program:
    """One of them, with a store and a state of its own in a working folder."""

    # The SFTP server that it reaches its store through, and at which port, if it does.
    server, port = None, None

    def __init__(self, path, work, name):
        self.path, self.work, self.name = path, work, name
        self.store, self.state = f"{work}/{name}/store", f"{work}/{name}/state"

    def go(self, server, port):
        """Reaches its store over SFTP from now on."""
        self.server, self.port = server, port

    # What it does of a backup's life; one that has no increments only does the first and the last.
    actions = ("full", "same", "day", "restore", "one")

    def speaks_sftp(self):
        return True

    def url(self):
        if self.server:
            return self.server.url(self.port, self.store)
        return f"file://{self.store}"

    def reset(self):
        """Starts over with nothing stored."""
        shutil.rmtree(f"{self.work}/{self.name}", ignore_errors=True)
        os.makedirs(self.store)
        os.mkdir(self.state)

    def prepare(self, _environment):
        """What it needs before the first backup, and nobody measures."""

    def version(self):
        said = subprocess.run([self.path, "version" if self.name == "restic" else "--version"],
                              capture_output=True, text=True, check=True).stdout
        # Ours speaks with the name of its first program.
        return said.splitlines()[0].replace("moo-scan", OURS)


class Moobacker(Program):
    def _call(self, action, *options):
        return [self.path, *action, "--archive-dir", self.state, "--name", "a", *options]

    def backup(self, kind, source, key):
        options = ("--encrypt-key", key, source, self.url())
        return self._call(("backup", kind), *options)

    def restore(self, to, path=None):
        one = ("--path", path) if path else ()
        return self._call(("restore",), *one, self.url(), to)

    def list(self):
        return self._call(("list",), self.url())


class Duplicity(Program):
    one = "--file-to-restore"
    quiet = ("--no-print-statistics", "-v1")

    def speaks_sftp(self):
        """It does with paramiko, for the Python that its first line names."""
        with open(self.path, "rb") as file:
            python = os.fsdecode(file.readline()).removeprefix("#!").split()
        words = [*python, "-c", "import paramiko"]
        return subprocess.run(words, stderr=subprocess.DEVNULL).returncode == 0

    def _call(self, action, *options):
        common = ("--archive-dir", self.state, "--name", "a", *self.quiet)
        return [self.path, action, *common, *options]

    def backup(self, kind, source, key):
        return self._call(kind, "--encrypt-key", key, source, self.url())

    def restore(self, to, path=None):
        one = (self.one, path) if path else ()
        return self._call("restore", *one, self.url(), to)


class NewDuplicity(Duplicity):
    one = "--path-to-restore"


class Restic(Program):
    """With its own encryption, and no fulls: its full is the first backup of a store."""

    def _call(self, *words):
        return [self.path, "-q", "--cache-dir", self.state, *self._place(), *words]

    def _place(self):
        if not self.server:
            return ("-r", self.store)
        ssh = " ".join(["ssh", *self.server.words(self.port), "-s", "sftp"])
        return ("-r", f"sftp:{self.server.user}@127.0.0.1:{self.store}", "-o", f"sftp.command={ssh}")

    def prepare(self, environment):
        subprocess.run(self._call("init"), env=environment, check=True)

    def backup(self, _kind, source, _key):
        return self._call("backup", source)

    def restore(self, to, path=None):
        # It restores below the whole path of the source, which bench.py follows.
        one = ("--include", f"{self.work}/src/{path}") if path else ()
        return self._call("restore", "latest", "--target", to, *one)


class Floor(Program):
    """A stream without any increments: what a backup costs that knows nothing of what it holds."""

    actions = ("full", "restore")

    def speaks_sftp(self):
        return False

    def version(self):
        return "floor: tar | zstd -3 | gpg -z 0"

    def backup(self, _kind, source, key):
        seal = f"gpg -q --batch --trust-model always -z 0 -e -r {key}"
        return ["sh", "-c", f"tar -c -C {source} . | zstd -q -3 | {seal} >{self.store}/all"]

    def restore(self, to, _path=None):
        unseal = f"gpg -q --batch -d {self.store}/all"
        return ["sh", "-c", f"mkdir {to} && {unseal} | zstd -q -d | tar -x -C {to}"]


def programs(names, work, before=None):
    """Those of the names that are here, and the names of those that are not. The checkout of another
    build is one of them, where there is one."""
    new = os.environ.get("MOO_DUPLICITY_NEW", INSTALLED)
    known = {
        OURS: (Moobacker, f"{ROOT}/pipelines/moo"),
        BEFORE: (Moobacker, f"{before}/pipelines/moo"),
        "duplicity-0.8": (Duplicity, "/usr/bin/duplicity"),
        "duplicity-new": (NewDuplicity, new),
        "restic": (Restic, shutil.which("restic") or "restic"),
        "floor": (Floor, shutil.which("zstd") or "zstd"),
    }
    chosen = [(name, *known[name]) for name in names]
    there = [kind(path, work, name) for name, kind, path in chosen if os.path.exists(path)]
    return there, [name for name, _, path in chosen if not os.path.exists(path)]


PEERS = ("duplicity-0.8", "duplicity-new", "restic", "floor")
