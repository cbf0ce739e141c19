"""The options of tests/bench/run."""
import argparse
import tempfile

from peers import PEERS


def parse(description):
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=description)
    add = parser.add_argument
    add("--size", type=int, default=300, metavar="MIB", help="of the tree (300)")
    add("--rounds", type=int, default=3, metavar="N", help="whose medians are told (3)")
    add("--stage-size", type=int, default=3072, metavar="MIB", help="of the large file (3072)")
    add("--peers", default=",".join(PEERS), metavar="NAMES",
        help=f"which of {', '.join(PEERS)}; '' for none")
    add("--dir", default=tempfile.gettempdir(), metavar="FOLDER",
        help="where the working folder is made, such as /dev/shm, where no disk is in the way")
    add("--quick", action="store_true", help="a small tree, one round: only shows that it works")
    add("--sftp-size", type=int, default=256, metavar="MIB", help="that goes over SFTP (256)")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--sftp-only", action="store_true", help="only what goes over SFTP")
    part.add_argument("--stages-only", action="store_true", help="no peers and no comparison")
    add("--no-install", action="store_true", help="install and build nothing")
    add("--keep", action="store_true", help="leave the working folder, and name it")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.size, chosen.rounds, chosen.stage_size, chosen.sftp_size = 8, 1, 16, 2
    # Of the tree of small files that goes over SFTP.
    chosen.files = 50 if chosen.quick else 5000
    chosen.peers = [name for name in chosen.peers.split(",") if name and not chosen.stages_only]
    unknown = set(chosen.peers) - set(PEERS)
    numbers = (chosen.size, chosen.rounds, chosen.stage_size, chosen.sftp_size)
    if unknown or min(numbers) < 1:
        parser.error(f"no such peer: {', '.join(unknown)}" if unknown else "numbers start with 1")
    return chosen
