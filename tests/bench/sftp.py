"""The part of the benchmark that goes over SFTP: transfers, whole backups, and turns."""
import sys
from contextlib import contextmanager

import corpus
import relay
import report
import sshd
import transfers
import turns

# Round trips in milliseconds.
OF_TRANSFERS = (0, 25, 100)
OF_BACKUPS = (0, 40)
OF_TURNS = 100


@contextmanager
def running(bench):
    server = sshd.Sshd(f"{bench.work}/sshd", bench.home)
    try:
        yield server
    finally:
        server.close()


@contextmanager
def distances(server, round_trips):
    """Round trips, and what stands at such a distance: the server itself, or a relay to it."""
    relays = {time: relay.Relay(server.port, time / 1000) for time in round_trips if time}
    try:
        for each in relays.values():
            server.know(each.port)
        yield {time: relays.get(time, server) for time in round_trips}
    finally:
        for each in relays.values():
            each.close()


def run(bench, there, chosen):
    """All of it, with those programs."""
    if not sshd.is_there():
        print("tests/bench: sshd or sftp is missing: nothing goes over SFTP", file=sys.stderr)
        return
    speaking = [program for program in there if program.speaks_sftp()]
    for program in (program for program in there if program not in speaking):
        print(f"tests/bench: {program.name} lacks paramiko: left out of SFTP", file=sys.stderr)
    with running(bench) as server:
        print(f"The relay that makes a server distant carries {relay.capacity() / 1e6:,.0f} MB/s.\n")
        with distances(server, OF_TRANSFERS) as places:
            transfers.run(bench, server, places, chosen)
        corpus.remove(bench.source)
        corpus.etc(bench.source, chosen.files)
        with distances(server, OF_BACKUPS) as places:
            backups(bench, server, places, speaking, chosen)
        with distances(server, (OF_TURNS,)) as places:
            turns.run(bench, speaking[0], server, places[OF_TURNS], OF_TURNS)


def backups(bench, server, places, there, chosen):
    """Whole backups and restores of a tree of small files, by all programs in turn."""
    results = {round_trip: {} for round_trip in places}
    for number in range(chosen.rounds):
        turn = number % len(there)
        for program in there[turn:] + there[:turn]:
            for round_trip, place in places.items():
                program.go(server, place.port)
                for what, cost in one_life(bench, program):
                    costs = results[round_trip].setdefault(what, {})
                    costs.setdefault(program.name, []).append(cost)
        print(f"over sftp: round {number + 1} of {chosen.rounds} is done", file=sys.stderr)
    files, size = corpus.count(bench.source)
    print(f"Over SFTP, a tree like /etc of {files:,} files, {size:,} bytes:\n")
    report.distant([program.name for program in there], results)


def one_life(bench, program):
    bench.start(program)
    yield "full", bench.backup(program, "full")
    yield "same", bench.backup(program, "inc")
    yield "restore", bench.restore(program)
