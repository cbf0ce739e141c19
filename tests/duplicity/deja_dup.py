"""deja_dup.py PID PASSWORD SECONDS: goes through the windows of the Déjà Dup that is that process, by the
accessibility bus: fills in the password and presses Forward, Restore and Close, until it has ended.

Prints the title of each window. Exits with 3 if a window asks for the password again: with that window left
open; and with 4 if it has not ended within that many seconds.
"""
import os
import sys
import time

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib

ONWARD = ("Forward", "Restore", "Close", "OK")
ASKING = ("Require Password?", "Encryption Password Needed")


def all_below(node):
    """The node and all below it; less if the window closes meanwhile."""
    try:
        yield node
        for index in range(node.get_child_count()):
            child = node.get_child_at_index(index)
            if child:
                yield from all_below(child)
    except GLib.Error:
        return


def programs():
    """What is on the bus, but its own parts."""
    desktop = Atspi.get_desktop(0)
    found = (desktop.get_child_at_index(index) for index in range(desktop.get_child_count()))
    return [program for program in found if program and program.get_child_count()]


def look():
    """The labels of the window, the entries for a password, and the button that leads on."""
    labels, entries, onward = [], [], None
    for program in programs():
        for node in all_below(program):
            role, name, states = node.get_role_name(), node.get_name(), node.get_state_set()
            if role == "label":
                labels.append(name)
            elif role == "text" and "password" in name:
                entries.append(node)
            elif role == "push button" and states.contains(Atspi.StateType.SENSITIVE):
                # A name is "_Forward Forward", the mnemonic first.
                onward = node if name.split(" ")[-1] in ONWARD else onward
    return labels, entries, onward


def title(labels):
    """The header has the left button, the title and the right button."""
    return labels[1] if len(labels) > 1 else ""


def lives(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def answer(password):
    """Fills in the password. An entry enables the button."""
    for entry in look()[1]:
        Atspi.EditableText.set_text_contents(entry, password)
    return look()[2]


def main():
    pid, password, end = sys.argv[1], sys.argv[2], time.monotonic() + float(sys.argv[3])
    last, answered = "", False
    while lives(pid):
        if time.monotonic() > end:
            os.kill(int(pid), 15)
            print(f"it has not ended: {last}", file=sys.stderr)
            return 4
        time.sleep(1)
        try:
            labels, _, onward = look()
            now = title(labels)
            if now and now != last:
                print(now, flush=True)
                if now in ASKING and answered:
                    return 3
                last = now
            if now in ASKING and not answered:
                onward = answer(password)
                answered = onward is not None
            if onward is not None:
                onward.do_action(0)
        except GLib.Error:
            continue
    return 0


sys.exit(main())
