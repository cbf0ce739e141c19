"""Prints what became of the tests of duplicity: a table, and those that did not pass with their causes."""

import sys
import xml.etree.ElementTree as tree
from collections import Counter


def results(path):
    """The name and the result of each test in `result-VERSION.xml`."""
    for case in tree.parse(path).iter("testcase"):
        module = case.get("classname").split(".")
        name = f"{module[-2]}.{module[-1]}.{case.get('name')}"
        if case.find("skipped") is not None:
            yield name, "skipped"
        elif case.find("failure") is not None or case.find("error") is not None:
            yield name, "failed"
        else:
            yield name, "passed"


def causes(path):
    """The known causes: `NAME: CAUSE` a line."""
    with open(path) as lines:
        told = (line.rstrip("\n").split(": ", 1) for line in lines if line.strip() and line[0] != "#")
        return {name: cause for name, cause in told}


def main():
    known = causes(sys.argv[1])
    counts, wrong = {}, False
    told = []
    for version, name, result in (
        (path.rsplit("-", 1)[1].removesuffix(".xml"), *one) for path in sys.argv[2:] for one in results(path)
    ):
        counts.setdefault((version, name.split(".")[0]), Counter())[result] += 1
        if result == "failed":
            told.append(f"failed   {name}: {known.get(name, 'UNKNOWN')}")
            wrong |= name not in known
        elif result == "passed" and name in known:
            told.append(f"passed   {name}, which has a cause to fail: delete it")
            wrong = True
    print(f"{'version':8}{'module':20} {'passed':>7} {'failed':>7} {'skipped':>7}")
    total = Counter()
    for (version, module), count in sorted(counts.items()):
        total.update(count)
        print(f"{version:8}{module:20} {count['passed']:7} {count['failed']:7} {count['skipped']:7}")
    print(f"{'all':28} {total['passed']:7} {total['failed']:7} {total['skipped']:7}")
    print("\n".join(told))
    return int(wrong)


if __name__ == "__main__":
    sys.exit(main())
