"""duply on moobacker and on duplicity: one profile each, and the same life of a backup."""
import os
import shutil

import report
from peers import INSTALLED, OURS, PROGRAMS, Program

# Which duplicity each of them runs.
KINDS = {OURS: f"{PROGRAMS}/moobacker-duplicity", "duplicity-0.8": "/usr/bin/duplicity",
         "duplicity-new": os.environ.get("MOO_DUPLICITY_NEW", INSTALLED)}


class Duply(Program):
    """duply with a duplicity of its own in front of PATH."""

    # Its fetch of one file has an option that new versions of duplicity have not.
    actions = ("full", "same", "day", "restore")

    def reset(self):
        super().reset()
        self.profile, self.bin = f"{self.work}/{self.name}/profile", f"{self.work}/{self.name}/bin"
        os.mkdir(self.profile)
        os.mkdir(self.bin)
        os.symlink(self.path, f"{self.bin}/duplicity")

    def version(self):
        return f"duply on {self.path}"

    def _call(self, *words):
        return ["env", f"PATH={self.bin}:{os.environ['PATH']}", "duply", self.profile, *words]

    def backup(self, kind, source, key):
        with open(f"{self.profile}/conf", "w") as conf:
            conf.write(f"GPG_KEY='{key}'\nGPG_PW=''\nSOURCE='{source}'\nTARGET='{self.url()}'\n"
                       f"ARCH_DIR='{self.state}'\nTEMP_DIR='{self.work}/tmp'\nVERBOSITY=1\n"
                       "GPG_TEST='disabled'\n")
        return self._call({"full": "full", "inc": "incr"}[kind])

    def restore(self, to, _path=None):
        return self._call("restore", to)


def programs(bench):
    """Those whose duplicity is here; the others are named."""
    if not shutil.which("duply"):
        return [], ["duply"]
    there = [Duply(path, bench.work, name) for name, path in KINDS.items() if os.path.exists(path)]
    return there, [name for name, path in KINDS.items() if not os.path.exists(path)]


def tell(there, results):
    report.comparison([program.name for program in there], results)
