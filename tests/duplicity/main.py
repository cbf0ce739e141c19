#!/usr/bin/python3
"""Stands in for the main program of duplicity in its own tests: a call becomes one of moobacker-duplicity.

What is translated is what only the tests have: their own kind of store, a clock of 1970, the faults that they
ask for by variables; and what moobacker refuses on purpose: a state before the first set (they get the first
one), and a source that has lost most of its entries (--allow-deletions).
"""

import os
import sys

OURS = "@ours@"
# The rclone whose store has the faults that the tests ask for, see rclone.py.
FAULTY = os.environ.pop("MOO_FAULTY_STORE", None)
FAKETIME = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
# The variable with the part of a file's name after which duplicity is to end at once.
END_AFTER = "DUP_FAIL_BY_SYSTEM_EXIT"


# The tests begin in 1970, before any key was made; this is some days ago.
EPOCH = int("@epoch@")
# What they ask for before their first set, which is of the next second.
BEFORE = "99999"


def translated(words):
    """The words of a call, and the time that it takes for the current one. 1.2.3 asks for a fault by --fail."""
    time, told = None, []
    words = iter(words)
    for word in words:
        if word == "--current-time":
            time = EPOCH + int(next(words))
        elif word == "--fail":
            os.environ[END_AFTER] = f"vol{next(words)}.difftar"
        elif word in ("--restore-time", "remove-older-than"):
            told += [word, moved(next(words))]
        else:
            told.append(word.replace("fortestsonly://", "rclone::local:" if FAULTY else "file://"))
    if told and told[0] in ("full", "inc", "backup"):
        # Some tests back up nothing, or less than before, on purpose.
        told.append("--allow-deletions")
    return time, told


def moved(time):
    """A time of the tests' clock, or one of another form as it is."""
    if time == BEFORE:
        time = str(int(BEFORE) + 1)
    return str(EPOCH + int(time)) if time.isdigit() and int(time) < EPOCH else time


def main():
    time, words = translated(sys.argv[1:])
    environment = dict(os.environ)
    for name in ("PYTHONPATH", "PYTHONHOME"):
        environment.pop(name, None)
    if time:
        environment.update(LD_PRELOAD=FAKETIME, FAKETIME="@" + stamp(time), NO_FAKE_STAT="1")
    if FAULTY:
        environment["PATH"] = f"{OURS}/faulty:{environment['PATH']}"
    if END_AFTER in environment:
        environment["MOO_END_AFTER"] = environment[END_AFTER]
    program = OURS + "/target/release/moobacker-duplicity"
    os.execve(program, [program] + words, environment)


def stamp(time):
    """The time in the form of libfaketime, which reads it as a local one."""
    import datetime

    return datetime.datetime.fromtimestamp(int(time)).strftime("%Y-%m-%d %H:%M:%S")


if __name__ == "__main__":
    main()
