"""stock.py PROGRAM: runs that duplicity for each line of standard input, a list of words as JSON, and answers
with a line of JSON: the exit status and the output.

duplicity's modules are loaded once; each call is a process of its own.
"""

import json
import os
import runpy
import sys
import tempfile

import duplicity.__main__

program = sys.argv[1]


def run(words, output):
    """The child: becomes duplicity."""
    os.dup2(output, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = [program, *words]
    runpy.run_path(program, run_name="__main__")


for line in sys.stdin:
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            run(json.loads(line), output.fileno())
            sys.exit(0)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        print(json.dumps([status, os.fsdecode(output.read())]), flush=True)
