#!/usr/bin/python3
"""rclone, with the faults that the tests of duplicity ask for by variables."""

import os
import subprocess
import sys

REAL = "/usr/bin/rclone"


def asked(fault, name):
    """Whether a fault is asked for with this name: the variable has a part of it."""
    part = os.environ.get("DUP_FAIL_" + fault)
    return part is not None and part in name


def put(words):
    """Stores a file: `rcat --size=BYTES PLACE OPTION…`. Returns the exit status."""
    place = next(word for word in words if not word.startswith("--"))
    if asked("WITH_EXCEPTION", place):
        print("Failed to rcat: the connection was reset", file=sys.stderr)
        return 5
    content = sys.stdin.buffer.read()
    if asked("SKIP_PUT_SILENT", place):
        return 0
    if asked("LAST_BYTE_MISSING", place):
        content = content[:-1]
    words = [f"--size={len(content)}" if word.startswith("--size=") else word for word in words]
    return subprocess.run(["rclone", "rcat", *words], executable=REAL, input=content).returncode


if sys.argv[1:2] != ["rcat"]:
    os.execv(REAL, ["rclone", *sys.argv[1:]])
sys.exit(put(sys.argv[2:]))
