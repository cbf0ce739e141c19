"""How the cost of a backup grows: with the number of files, and with the number of increments."""
import sys
from statistics import median

import corpus
import measure
import report

# How often an increment of nothing is made, of which the median counts.
TIMES = 3


def by_files(bench, there, chosen):
    """Increments of nothing over more and more small files, by those that hold many at all."""
    rows = []
    for count in chosen.growth:
        corpus.remove(bench.source)
        corpus.many(bench.source, count)
        corpus.warm(bench.source)
        for program in (program for program in there if "same" in program.actions):
            bench.start(program)
            full = bench.backup(program, "full", watch=True)
            same = [bench.backup(program, "inc", watch=True) for _ in range(TIMES)]
            rows.append([f"{count:,}", program.name, f"{full.wall:.2f} s", peak([full]),
                         f"{median(cost.wall for cost in same):.2f} s", peak(same)])
        print(f"{count:,} files are done", file=sys.stderr)
    report.table(["files", "", "full set", "peak of a stage", "nothing changed",
                  "peak of a stage"], rows)


def by_increments(bench, ours, chosen):
    """A chain with a day's changes in each increment: what the next one costs, and a restore."""
    corpus.remove(bench.source)
    corpus.many(bench.source, 2 * chosen.many)
    bench.start(ours)
    bench.backup(ours, "full")
    rows = [state(bench, ours, 0)]
    for day in range(1, chosen.chain + 1):
        corpus.live_a_day(bench.source, day)
        bench.backup(ours, "inc")
        if day == chosen.chain:
            rows.append(state(bench, ours, day))
    report.table(["increments", "nothing changed", "list of all", "restore of all",
                  "restore of one file", "peak of a stage"], rows)


def state(bench, ours, day):
    same = [bench.backup(ours, "inc", watch=True) for _ in range(TIMES)]
    listed = measure.run(ours.list(), bench.environment, bench.work, watch=True)
    whole = bench.restore(ours, watch=True)
    one = bench.restore(ours, corpus.middle_file(bench.source), watch=True)
    return [str(day), f"{median(cost.wall for cost in same):.2f} s", f"{listed.wall:.2f} s",
            f"{whole.wall:.2f} s", f"{one.wall:.2f} s", peak([*same, listed, whole, one])]


def peak(costs):
    """The most memory that any one of our stages took."""
    peaks = [(stage.peak, name) for cost in costs for name, stage in cost.stages.items()]
    return "{1}, {0:.0f} MiB".format(max(peaks)[0] / 1024, max(peaks)[1]) if peaks else ""
