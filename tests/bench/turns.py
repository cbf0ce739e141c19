"""How often a client waits for a distant server: what counts where each answer takes long."""
import time

import corpus
import measure
import report
from peers import PROGRAMS

# Sets are named by the second.
NEXT_SET = 1.1


class Turns:
    """Small requests to a store behind a relay, which counts."""

    def __init__(self, bench, ours, server, relay):
        self.bench, self.ours, self.server, self.relay = bench, ours, server, relay
        self.environment = dict(bench.environment)
        self.environment["PATH"] = f"{PROGRAMS}:{self.environment['PATH']}"
        self.rows = {}

    def count(self, what, command):
        self.relay.reset()
        cost = measure.run(command, self.environment, self.bench.work)
        self.rows[what] = (self.relay.turns, self.relay.connections, cost)

    def shell(self, what, script):
        self.count(what, ["sh", "-c", script])

    def all(self):
        bench, ours, url = self.bench, self.ours, self.ours.url()
        bench.start(ours)
        bench.backup(ours, "full")
        listing = f"printf 'ls -l {ours.store}\n' | sftp -b - \"$@\""
        self.count("sftp: ls", ["sh", "-c", listing, "sh", *self.server.words(self.relay.port)])
        self.shell("moo-fetch --receipts", f"moo-fetch --receipts '{url}'")
        time.sleep(NEXT_SET)
        self.count("moo backup, nothing changed", ours.backup("inc", bench.source, bench.key))
        time.sleep(NEXT_SET)
        measure.run(["sh", "-c", self._increment()], self.environment, bench.work)
        self.shell("moo-upload of it alone", f"moo-upload '{url}' <increment")
        return self.rows

    def _increment(self):
        """The stages before moo-upload, into a file."""
        archive = f"--archive '{self.ours.state}/a'"
        return (f"moo-scan {archive} --incremental '{self.bench.source}' | moo-sign | "
                f"moo-delta {archive} | moo-pack | "
                f"moo-encrypt --encrypt-key {self.bench.key} >increment")


def run(bench, ours, server, relay, round_trip):
    ours.go(server, relay.port)
    rows = Turns(bench, ours, server, relay).all()
    report.turns(round_trip, rows)
    corpus.remove(f"{bench.work}/increment")
