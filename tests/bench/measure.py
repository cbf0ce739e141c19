"""What a command costs: its time, its processor, and, where asked, each stage's memory."""
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

# How often the stages are looked at. What one takes after the last look before its end is missed.
LOOK = 0.01
TICK = os.sysconf("SC_CLK_TCK")


@dataclass
class Stage:
    """A program of a pipe: processor seconds, and the most memory it ever had, in KiB."""

    cpu: float = 0.0
    peak: int = 0


@dataclass
class Cost:
    """Seconds on the clock, and on the processor with all that it waited for."""

    wall: float
    cpu: float
    stages: dict = field(default_factory=dict)


def run(command, environment, folder, watch=False):
    """Runs a command that is to succeed, and to say nothing on standard error."""
    os.sync()
    log = f"{environment['HOME']}/log"
    with open(log, "wb") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, env=environment, cwd=folder, stdout=output,
                                   stderr=output, stdin=subprocess.DEVNULL,
                                   start_new_session=True)
        watcher = Watcher(process.pid) if watch else None
        status, used = wait(process)
        wall = time.perf_counter() - start
    stages = watcher.stop() if watcher else {}
    if status:
        with open(log, errors="replace") as output:
            said = output.read()[-2000:]
        sys.exit(f"tests/bench: exit status {status}: {' '.join(command)}\n{said}")
    return Cost(wall, used.ru_utime + used.ru_stime, stages)


def wait(process):
    """Its exit status, and what it and those below it have used. Stopped, it stops them all."""
    try:
        _, status, used = os.wait4(process.pid, 0)
    except BaseException:
        os.killpg(process.pid, signal.SIGTERM)
        raise
    process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode, used


class Watcher(threading.Thread):
    """Looks at our own programs below a process, until told to stop."""

    def __init__(self, root):
        super().__init__(daemon=True)
        self.root, self.done, self.seen = root, threading.Event(), {}
        self.start()

    def run(self):
        while not self.done.wait(LOOK):
            for process in below(self.root):
                self.look(process)

    def look(self, process):
        try:
            name, cpu, peak = status(process)
        except (OSError, ValueError):
            return
        if name.startswith("moo-"):
            stage = self.seen.setdefault((process, name), Stage())
            stage.cpu, stage.peak = max(cpu, stage.cpu), max(peak, stage.peak)

    def stop(self):
        """The stages by name; one that ran twice counts as one."""
        self.done.set()
        self.join()
        stages = {}
        for (_, name), seen in self.seen.items():
            stage = stages.setdefault(name, Stage())
            stage.cpu, stage.peak = stage.cpu + seen.cpu, max(stage.peak, seen.peak)
        return stages


def below(process):
    """The processes that a process has started, and they."""
    try:
        with open(f"/proc/{process}/task/{process}/children") as file:
            children = file.read().split()
    except OSError:
        return
    for child in children:
        yield child
        yield from below(child)


def status(process):
    """Name, processor seconds and peak memory (VmHWM; none of a process that has ended)."""
    with open(f"/proc/{process}/stat") as file:
        head, _, rest = file.read().rpartition(") ")
    fields = rest.split()
    peak = 0
    with open(f"/proc/{process}/status") as file:
        for line in file:
            if line.startswith("VmHWM"):
                peak = int(line.split()[1])
    return head.partition(" (")[2], (int(fields[11]) + int(fields[12])) / TICK, peak
