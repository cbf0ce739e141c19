"""The tables, in Markdown."""
import os
import platform
import subprocess
from statistics import median

from peers import OURS

ACTIONS = {
    "full": "full set",
    "same": "increment, nothing changed",
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
    rows = []
    for action, title in ACTIONS.items():
        costs = results[action]
        wall = median(cost.wall for cost in costs[OURS])
        cpu = median(cost.cpu for cost in costs[OURS])
        cells = [f"{wall:.2f} s ({cpu:.2f} s)"]
        for name in names[1:]:
            walls = [his.wall / my.wall for his, my in zip(costs[name], costs[OURS])]
            cpus = [his.cpu / my.cpu for his, my in zip(costs[name], costs[OURS])]
            cells.append(f"{median(walls):.1f}× ({median(cpus):.1f}×)")
        rows.append([title, *cells])
    for what, title in SIZES.items():
        sizes = {name: median(results[what][name]) for name in names}
        ratios = (f"{sizes[name] / sizes[OURS]:.2f}×" for name in names[1:])
        rows.append([title, f"{sizes[OURS]:,.0f}", *ratios])
    table(["time (processor)", *names], rows)


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
