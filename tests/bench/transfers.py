"""Bytes a second through SFTP: moo-upload and moo-fetch beside OpenSSH's own sftp, which moves the
same files in one session."""
import os
import subprocess
import sys

import corpus
import measure
import report
from peers import OURS, PROGRAMS

THEIRS = "sftp"


class Transfers:
    """The files of a set that does not compress, as a stream and in a folder."""

    def __init__(self, bench, server, mib):
        self.server, self.work = server, f"{bench.work}/transfers"
        self.environment = dict(bench.environment)
        self.environment["PATH"] = f"{PROGRAMS}:{self.environment['PATH']}"
        self.stream, self.files = f"{self.work}/stream", f"{self.work}/files"
        self.there, self.here = f"{self.work}/there", f"{self.work}/here"
        os.makedirs(f"{self.work}/source")
        corpus.incompressible(f"{self.work}/source/large", mib)
        make = "moo-scan source | moo-sign | moo-delta | moo-pack |"
        self._run(f"{make} moo-encrypt --no-encryption --no-compression >stream")
        self._run(f"moo-upload 'file://{self.files}' <stream >receipts")
        corpus.remove(f"{self.work}/source")
        self.size = corpus.count(self.files)[1]

    def _run(self, script):
        return measure.run(["sh", "-c", script], self.environment, self.work)

    def round(self, port, ours_first):
        """What each of both took each way: (up or down, who, cost)."""
        costs = []
        for way, pair in (("up", (self.upload, self.put)), ("down", (self.fetch, self.get))):
            both = list(zip((OURS, THEIRS), pair))
            for who, transfer in both if ours_first else reversed(both):
                costs.append((way, who, transfer(port)))
        return costs

    def upload(self, port):
        url = self.server.url(port, self.there)
        cost = self._run(f"exec moo-upload '{url}' <stream >receipts")
        self._compare(self.there)
        return cost

    def put(self, port):
        # moo-upload has the server write all to disk before it believes that it is there.
        cost = self._sftp(port, self.there, f'lcd "{self.files}"\ncd "{self.there}"\nput -f *\n')
        self._compare(self.there)
        return cost

    def fetch(self, port):
        url = self.server.url(port, self.files)
        return self._run(f"exec moo-fetch --all '{url}' >/dev/null")

    def get(self, port):
        cost = self._sftp(port, self.here, f'cd "{self.files}"\nlcd "{self.here}"\nget *\n')
        self._compare(self.here)
        return cost

    def _sftp(self, port, folder, lines):
        os.mkdir(folder)
        with open(f"{self.work}/batch", "w") as file:
            file.write(lines)
        words = ["sftp", "-b", f"{self.work}/batch", *self.server.words(port)]
        return measure.run(words, self.environment, self.work)

    def _compare(self, folder):
        """Nobody wins by losing a byte. The folder goes."""
        differ = subprocess.run(["diff", "-rq", self.files, folder], capture_output=True, text=True)
        if differ.returncode:
            sys.exit(f"tests/bench: something else has arrived: {differ.stdout[:2000]}")
        corpus.remove(folder)


def run(bench, server, distances, chosen):
    """All rounds at all distances (see sftp.py), and their table."""
    transfers = Transfers(bench, server, chosen.sftp_size)
    results = {}
    for number in range(chosen.rounds):
        for round_trip, place in distances.items():
            for way, who, cost in transfers.round(place.port, number % 2 == 0):
                results.setdefault((way, round_trip), {}).setdefault(who, []).append(cost)
        print(f"transfers: round {number + 1} of {chosen.rounds} is done", file=sys.stderr)
    print(f"{transfers.size:,} bytes in {corpus.count(transfers.files)[0]} files over SFTP:\n")
    report.transfers(transfers.size, (OURS, THEIRS), results)
    corpus.remove(transfers.work)
