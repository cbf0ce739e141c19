"""tests/bench/run: moobacker beside its peers, and its stages one by one, in one folder that goes
again. Encrypted to a fresh key, with each program's own defaults, into a file: store and over
SFTP."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import arguments
import corpus
import duply
import growth
import measure
import report
import sftp
from peers import BEFORE, OURS, programs


class Bench:
    """A working folder, with an environment that nothing of the user's is in."""

    def __init__(self, work):
        self.work, self.source, self.out = work, f"{work}/src", f"{work}/out"
        self.home = home = f"{work}/home"
        self.environment = {"PATH": os.environ["PATH"], "HOME": home, "GNUPGHOME": f"{home}/gnupg",
                            "TMPDIR": f"{work}/tmp", "LC_ALL": "C.UTF-8", "TZ": "UTC",
                            # duplicity and restic would ask.
                            "PASSPHRASE": "", "RESTIC_PASSWORD": "x"}
        for folder in (home, f"{home}/gnupg", f"{work}/tmp"):
            os.mkdir(folder, 0o700)
        self.key = self._key()

    def _key(self):
        make = ["gpg", "-q", "--batch", "--passphrase", ""]
        self._do([*make, "--quick-generate-key", "bench", "ed25519", "sign", "never"])
        listed = self._do(["gpg", "-q", "--batch", "--with-colons", "-k", "bench"])
        key = next(line.split(":")[9] for line in listed.splitlines() if line.startswith("fpr"))
        self._do([*make, "--quick-add-key", key, "cv25519", "encr", "never"])
        return key

    def _do(self, command):
        return subprocess.run(command, env=self.environment, check=True, text=True,
                              stdout=subprocess.PIPE).stdout

    def close(self):
        self._do(["gpgconf", "--kill", "all"])

    def start(self, program):
        program.reset()
        program.prepare(self.environment)

    def backup(self, program, kind, watch=False):
        # Sets are named by the second; nobody is to wait for the next one.
        time.sleep(1.1)
        command = program.backup(kind, self.source, self.key)
        return measure.run(command, self.environment, self.work, watch)

    def restore(self, program, path=None, watch=False):
        """Restores, and compares what came with the source."""
        corpus.remove(self.out)
        cost = measure.run(program.restore(self.out, path), self.environment, self.work, watch)
        source = f"{self.source}/{path}" if path else self.source
        found = self.out + source if program.name == "restic" else self.out
        differ = subprocess.run(["diff", "-rq", "--no-dereference", source, found],
                                stdout=subprocess.PIPE, text=True)
        if differ.returncode:
            sys.exit(f"tests/bench: {program.name} restored something else: {differ.stdout[:2000]}")
        corpus.remove(self.out)
        return cost


def compare(bench, there, rounds):
    """What all programs cost on the same trees, first one first, then another: by action and program,
    a cost or a number of bytes for each round."""
    results = {}

    def note(what, program, cost):
        results.setdefault(what, {}).setdefault(program.name, []).append(cost)

    for number in range(rounds):
        turn = number % len(there)
        order = there[turn:] + there[:turn]
        stored = {}
        corpus.warm(bench.source)
        for program in order:
            bench.start(program)
            note("full", program, bench.backup(program, "full"))
            note("stored", program, corpus.count(program.store)[1])
            if "same" in program.actions:
                note("same", program, bench.backup(program, "inc"))
            else:
                note("restore", program, bench.restore(program))
        # Once for all of them: whoever comes first has no other inodes to read again afterwards.
        corpus.change_inodes(bench.source)
        for program in (program for program in order if "same" in program.actions):
            note("inodes", program, bench.backup(program, "inc"))
            stored[program] = corpus.count(program.store)[1]
        corpus.live_a_day(bench.source, number + 1)
        corpus.warm(bench.source)
        one = corpus.middle_file(bench.source)
        for program in (program for program in order if "day" in program.actions):
            note("day", program, bench.backup(program, "inc"))
            note("added", program, corpus.count(program.store)[1] - stored[program])
            note("restore", program, bench.restore(program))
            if "one" in program.actions:
                note("one", program, bench.restore(program, one))
        print(f"round {number + 1} of {rounds} is done", file=sys.stderr)
    return results


def watch(bench, ours, change):
    """Our stages, one by one, from a full set to its restore."""
    bench.start(ours)
    runs = {"full": bench.backup(ours, "full", watch=True)}
    change()
    runs["increment"] = bench.backup(ours, "inc", watch=True)
    runs["restore"] = bench.restore(ours, watch=True)
    if not all(cost.stages for cost in runs.values()):
        sys.exit("tests/bench: no stage was seen: is there a /proc/PID/task/PID/children?")
    return runs


def main():
    chosen = arguments.parse(__doc__)
    # However it is stopped, it leaves nothing.
    for stop in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(stop, lambda *_: sys.exit("tests/bench: stopped"))
    work = tempfile.mkdtemp(prefix="moo.", dir=chosen.dir)
    try:
        bench = Bench(work)
        try:
            measure_all(bench, chosen)
        finally:
            bench.close()
    finally:
        if chosen.keep:
            print(f"kept: {work}", file=sys.stderr)
        else:
            shutil.rmtree(work)


def measure_all(bench, chosen):
    peers = [BEFORE] if chosen.before else chosen.peers
    there, missing = programs([OURS, *peers], bench.work, chosen.before)
    if chosen.duply:
        there, missing = duply.programs(bench)
    if OURS in missing:
        sys.exit("tests/bench: pipelines/moo is missing")
    if BEFORE in missing:
        sys.exit(f"tests/bench: {chosen.before}: no pipelines/moo in it")
    for name in missing:
        print(f"tests/bench: {name} is missing, and left out", file=sys.stderr)
    print("# moobacker, measured\n")
    for program in there:
        print(f"- {program.name}: {program.version()}")
    print(f"- rounds: {chosen.rounds}, of which medians are told\n")
    if chosen.growth:
        growth.by_files(bench, there, chosen)
    elif chosen.before:
        measure_ratios(bench, there, chosen)
    elif chosen.duply:
        measure_duply(bench, there, chosen)
    elif chosen.chain:
        growth.by_increments(bench, there[0], chosen)
    else:
        measure_programs(bench, there, chosen)
    print(f"Measured on {report.facts(bench.work)}.")


def measure_programs(bench, there, chosen):
    if not chosen.sftp_only:
        for tree in chosen.trees:
            measure_tree(bench, there, tree, chosen)
    if not chosen.sftp_only and "home" in chosen.trees:
        measure_large(bench, there, chosen)
    if not chosen.stages_only and not chosen.local_only:
        sftp.run(bench, there, chosen)


def plant(bench, tree, chosen):
    """Makes a tree, and tells what it is."""
    corpus.remove(bench.source)
    if tree == "home":
        corpus.make(bench.source, chosen.size)
    elif tree == "etc":
        corpus.etc(bench.source, chosen.files)
    else:
        corpus.many(bench.source, chosen.many)
    files, size = corpus.count(bench.source)
    print(f"{tree}, a tree of {files:,} files, {size:,} bytes:\n")
    return size


def measure_tree(bench, there, tree, chosen):
    """What needs no network."""
    size = plant(bench, tree, chosen)
    if not chosen.stages_only:
        report.comparison([program.name for program in there], compare(bench, there, chosen.rounds))
    another_day = chosen.rounds + 1
    runs = watch(bench, there[0], lambda: corpus.live_a_day(bench.source, another_day))
    report.stages("processor a GiB of the tree, peak memory", runs, size / 2**30)


def measure_ratios(bench, there, chosen):
    """This build beside another one."""
    for tree in chosen.trees:
        plant(bench, tree, chosen)
        report.ratios(compare(bench, there, chosen.rounds))


def measure_duply(bench, there, chosen):
    """duply on each duplicity."""
    for tree in chosen.trees:
        plant(bench, tree, chosen)
        duply.tell(there, compare(bench, there, chosen.rounds))


def measure_large(bench, there, chosen):
    corpus.remove(bench.source)
    os.mkdir(bench.source)
    large = f"{bench.source}/large"
    corpus.large(large, chosen.stage_size)
    runs = watch(bench, there[0], lambda: corpus.change_large(large))
    report.stages(f"the same, of a sparse file of {chosen.stage_size} MiB", runs,
                  chosen.stage_size / 1024)


if __name__ == "__main__":
    main()
