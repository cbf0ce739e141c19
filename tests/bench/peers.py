"""The programs that are measured: how each is called, and where it keeps what it makes."""
import os
import shutil
import subprocess

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
OURS = "moobacker"
INSTALLED = f"{ROOT}/target/peers/duplicity-new/bin/duplicity"


class Program:
    """One of them, with a store and a state of its own in a working folder."""

    def __init__(self, path, work, name):
        self.path, self.work, self.name = path, work, name
        self.store, self.state = f"{work}/{name}/store", f"{work}/{name}/state"

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
        options = ("--encrypt-key", key, source, f"file://{self.store}")
        return self._call(("backup", kind), *options)

    def restore(self, to, path=None):
        one = ("--path", path) if path else ()
        return self._call(("restore",), *one, f"file://{self.store}", to)


class Duplicity(Program):
    one = "--file-to-restore"
    quiet = ("--no-print-statistics", "-v1")

    def _call(self, action, *options):
        common = ("--archive-dir", self.state, "--name", "a", *self.quiet)
        return [self.path, action, *common, *options]

    def backup(self, kind, source, key):
        return self._call(kind, "--encrypt-key", key, source, f"file://{self.store}")

    def restore(self, to, path=None):
        one = (self.one, path) if path else ()
        return self._call("restore", *one, f"file://{self.store}", to)


class NewDuplicity(Duplicity):
    one = "--path-to-restore"


class Restic(Program):
    """With its own encryption, and no fulls: its full is the first backup of a store."""

    def _call(self, *words):
        return [self.path, "-q", "--cache-dir", self.state, "-r", self.store, *words]

    def prepare(self, environment):
        subprocess.run(self._call("init"), env=environment, check=True)

    def backup(self, _kind, source, _key):
        return self._call("backup", source)

    def restore(self, to, path=None):
        # It restores below the whole path of the source, which bench.py follows.
        one = ("--include", f"{self.work}/src/{path}") if path else ()
        return self._call("restore", "latest", "--target", to, *one)


def programs(names, work):
    """Those of the names that are here, and the names of those that are not."""
    new = os.environ.get("MOO_DUPLICITY_NEW", INSTALLED)
    known = {
        OURS: (Moobacker, f"{ROOT}/pipelines/moo"),
        "duplicity-0.8": (Duplicity, "/usr/bin/duplicity"),
        "duplicity-new": (NewDuplicity, new),
        "restic": (Restic, shutil.which("restic") or "restic"),
    }
    chosen = [(name, *known[name]) for name in names]
    there = [kind(path, work, name) for name, kind, path in chosen if os.path.exists(path)]
    return there, [name for name, _, path in chosen if not os.path.exists(path)]


PEERS = ("duplicity-0.8", "duplicity-new", "restic")
