#!/usr/bin/python3
"""moo-upload, which is killed as soon as the file has arrived whose name contains $MOO_END_AFTER."""

import os
import signal
import subprocess
import sys

real = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../target/release/moo-upload")
wanted = os.environ.pop("MOO_END_AFTER", None)
if not wanted:
    os.execv(real, ["moo-upload"] + sys.argv[1:])
upload = subprocess.Popen(["moo-upload"] + sys.argv[1:], executable=real, stdout=subprocess.PIPE)
# Each receipt is written at once, as a member of a tar.
while receipts := upload.stdout.read1():
    sys.stdout.buffer.write(receipts)
    sys.stdout.buffer.flush()
    if wanted.encode() in receipts:
        upload.kill()
        os.kill(os.getpid(), signal.SIGKILL)
sys.exit(upload.wait())
