#!/usr/bin/python3
"""moo-upload, which is killed as soon as the file has arrived whose name contains $MOO_END_AFTER. It gets no
content of a later file."""

import os
import signal
import subprocess
import sys
import threading

real = os.path.join(os.path.dirname(os.path.realpath(__file__)), "../target/release/moo-upload")
wanted = os.environ.pop("MOO_END_AFTER", None)
if not wanted:
    os.execv(real, ["moo-upload"] + sys.argv[1:])
wanted = wanted.encode()
upload = subprocess.Popen(
    ["moo-upload"] + sys.argv[1:], executable=real, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
)


def member():
    """The header of the next member of the tar, and how many bytes follow it."""
    header = sys.stdin.buffer.read(512)
    size = int(header[124:136].rstrip(b"\0 ") or b"0", 8) if len(header) == 512 else 0
    return header, -(-size // 512) * 512


def passed(header):
    """Whether a member is a chunk of a file, and of none that is wanted."""
    return header[156:157] in (b"0", b"\0") and header[:1] != b"\0" and wanted not in header[:100]


def feed():
    has_come = False
    while True:
        header, size = member()
        upload.stdin.write(header)
        if not header:
            break
        has_come = has_come or wanted in header[:100]
        if has_come and passed(header):
            # What is held back here can't arrive before the end.
            return
        upload.stdin.write(sys.stdin.buffer.read(size))
    upload.stdin.close()


threading.Thread(target=feed, daemon=True).start()
# Each receipt is written at once, as a member of a tar.
while receipts := upload.stdout.read(1 << 16):
    sys.stdout.buffer.write(receipts)
    sys.stdout.buffer.flush()
    if wanted in receipts:
        upload.kill()
        os.kill(os.getpid(), signal.SIGKILL)
sys.exit(upload.wait())
