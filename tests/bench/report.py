"""The tables, in Markdown."""
import os
import platform
import subprocess
from math import comb
from statistics import median

from peers import BEFORE, OURS

ACTIONS = {
    "full": "full set",
    "same": "increment, nothing changed",
    "inodes": "increment, all inodes changed and no content",
    "day": "increment, a day of changes",
    "restore": "restore of all",
    "one": "restore of one file",
}
SIZES = {"stored": "bytes stored by the full set", "added": "bytes added by the day's increment"}


def facts(work):
    """What this was measured on."""
    with open("/proc/cpuinfo") as file:
        models = [line.split(": ")[1].strip() for line in file if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 30
    kind = subprocess.run(["stat", "-fc", "%T", work], capture_output=True, text=True).stdout
    processor = f"{os.cpu_count()} × {models[0] if models else platform.machine()}"
    load = os.getloadavg()[0]
    return (f"{processor}, {memory} GiB of memory, Linux {platform.release()}, "
            f"working folder on {kind.strip()}, load {load:.1f} at the end")


def table(head, rows):
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    print("".join(f"| {' | '.join(line)} |\n" for line in lines))


def comparison(names, results):
    """Ours in seconds, the others as multiples of it. results[action][name] has a cost or a
    number of bytes for each round; ratios are of one round, and their median is shown."""
    rows = [[title, *beside(names, results[action])] for action, title in ACTIONS.items() if action in results]
    for what, title in SIZES.items():
        sizes = {name: median(found) for name, found in results[what].items()}
        ratios = {name: f"{size / sizes[OURS]:.2f}×" for name, size in sizes.items()}
        rows.append([title, f"{sizes[OURS]:,.0f}", *(ratios.get(name, "") for name in names[1:])])
    table(["time (processor)", *names], rows)


def beside(names, costs):
    """Ours in seconds, and the others as multiples of it."""
    wall = median(cost.wall for cost in costs[OURS])
    cpu = median(cost.cpu for cost in costs[OURS])
    cells = [f"{wall:.2f} s ({cpu:.2f} s)"]
    for name in names[1:]:
        there = name in costs
        cells.append(f"{ratio(costs[name], costs[OURS], 'wall'):.2f}× "
                     f"({ratio(costs[name], costs[OURS], 'cpu'):.2f}×)" if there else "")
    return cells


def ratio(some, others, what):
    """The median of the ratios that the rounds have."""
    return median(paired(some, others, what))


def paired(some, others, what):
    """The ratio of each round."""
    return [getattr(one, what) / getattr(other, what) for one, other in zip(some, others)]


def ratios(results):
    """What this build takes of the time of another one."""
    rows = []
    for action, title in ACTIONS.items():
        ours, others = results[action][OURS], results[action][BEFORE]
        cells = [f"{median(cost.wall for cost in costs):.2f} s "
                 f"({median(cost.cpu for cost in costs):.2f} s)" for costs in (ours, others)]
        rows.append([title, *cells, *(interval(paired(ours, others, what)) for what in ("wall", "cpu"))])
    table(["median time (processor)", OURS, BEFORE, "ratio of times, 95 %", "of processor, 95 %"], rows)


def interval(found):
    """The median, and the 95 % interval of it that holds however the numbers are distributed: as
    many are below the true median as tosses of a coin come up heads."""
    found, many = sorted(found), len(found)
    outside, left = 0, 0
    while left < (many - 1) // 2:
        outside += 2 * comb(many, left) / 2**many
        if outside > 0.05:
            break
        left += 1
    # Of fewer than six, the interval of all is the best that there is.
    first = max(left - 1, 0)
    return f"{median(found):.3f} ({found[first]:.3f} to {found[many - 1 - first]:.3f})"


def distant(names, results):
    """The same, by round trip in milliseconds."""
    rows = [[f"{ACTIONS[action]}, {round_trip} ms", *beside(names, costs)]
            for round_trip, actions in results.items() for action, costs in actions.items()]
    table(["time (processor of the client), round trip", *names], rows)


def transfers(size, names, results):
    """Rates, processor seconds of the clients, and the ratio of the rates: ours to theirs."""
    ours, theirs = names
    rows = []
    for (way, round_trip), costs in results.items():
        cells = [f"{size / 1e6 / median(cost.wall for cost in costs[name]):,.1f} MB/s "
                 f"({median(cost.cpu for cost in costs[name]):.2f} s)" for name in names]
        times = ratio(costs[theirs], costs[ours], "wall")
        rows.append([f"{way}, {round_trip} ms", *cells, f"{times:.2f}"])
    table(["rate (processor of the client), round trip", *names, "ours/theirs"], rows)


def turns(round_trip, rows):
    """What each command cost in turns, connections and time."""
    told = [[what, str(count), str(connections), f"{cost.wall:.2f} s",
             f"{cost.wall * 1000 / round_trip:.1f}"]
            for what, (count, connections, cost) in rows.items()]
    table([f"turns, at {round_trip} ms", "turns", "connections", "time", "in round trips"], told)


def cell(stage, gib):
    if not stage:
        return ""
    # One that ended between two looks has left no peak.
    peak = f", {stage.peak / 1024:.1f} MiB" if stage.peak else ""
    return f"{stage.cpu / gib:.2f} s{peak}"


def stages(title, runs, gib):
    """Each stage's processor seconds a GiB of source, and peak memory, by what was done."""
    order = ("scan", "sign", "delta", "pack", "encrypt", "upload", "commit", "fetch", "decrypt",
             "patch")
    rows = []
    for name in order:
        found = [costs.stages.get(f"moo-{name}") for costs in runs.values()]
        if any(found):
            rows.append([f"moo-{name}", *(cell(stage, gib) for stage in found)])
    whole = (f"{costs.cpu / gib:.2f} s" for costs in runs.values())
    rows.append(["all, with the shell and gpg", *whole])
    table([title, *runs], rows)
