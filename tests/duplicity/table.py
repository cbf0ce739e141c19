"""Prints what became of the tests of duplicity: a table, and those that were patched or did not pass, with
the reasons."""

import sys
import xml.etree.ElementTree as tree
from collections import Counter

RESULTS = ("passed", "patched", "failed", "skipped")


def results(path):
    """The name, the result and the reasons for the patches of each test in `result-VERSION.xml`. One that has
    passed with a patch is `patched`."""
    for case in tree.parse(path).iter("testcase"):
        module = case.get("classname").split(".")
        name = f"{module[-2]}.{module[-1]}.{case.get('name')}"
        patches = [one.get("value") for one in case.iter("property") if one.get("name") == "patch"]
        if case.find("skipped") is not None:
            yield name, "skipped", patches
        elif case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed", patches
        else:
            yield name, "patched" if patches else "passed", patches


def causes(path):
    """The known causes: `NAME: CAUSE` a line."""
    with open(path) as lines:
        told = (line.rstrip("\n").split(": ", 1) for line in lines if line.strip() and line[0] != "#")
        return {name: cause for name, cause in told}


def row(title, count):
    return title + "".join(f" {count[result]:7}" for result in RESULTS)


def main():
    known = causes(sys.argv[1])
    counts, wrong = {}, False
    told = []
    for version, name, result, patches in (
        (path.rsplit("-", 1)[1].removesuffix(".xml"), *one) for path in sys.argv[2:] for one in results(path)
    ):
        counts.setdefault((version, name.split(".")[0]), Counter())[result] += 1
        if result == "failed":
            told.append(f"failed   {name}: {known.get(name, 'UNKNOWN')}")
            wrong |= name not in known
        elif result in ("passed", "patched") and name in known:
            told.append(f"passed   {name}, which has a cause to fail: delete it")
            wrong = True
        elif result == "patched":
            told.append(f"patched  {name}: {'; '.join(patches)}")
    print(f"{'version':8}{'module':20}" + "".join(f" {result:>7}" for result in RESULTS))
    total = Counter()
    for (version, module), count in sorted(counts.items()):
        total.update(count)
        print(row(f"{version:8}{module:20}", count))
    print(row(f"{'all':28}", total))
    print("\n".join(sorted(told)))
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
