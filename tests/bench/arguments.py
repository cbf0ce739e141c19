"""The options of tests/bench/run."""
import argparse
import tempfile

from peers import PEERS

# What is backed up: large and small files, 5,000 small ones, 100,000 small ones.
TREES = ("home", "etc", "many")


def parse(description):
    parser = argparse.ArgumentParser(prog="tests/bench/run", description=description)
    add = parser.add_argument
    add("--trees", default="home", metavar="NAMES",
        help=f"which of {', '.join(TREES)}: what is backed up (home)")
    add("--size", type=int, default=300, metavar="MIB", help="of home (300)")
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
    part.add_argument("--local-only", action="store_true", help="nothing that goes over SFTP")
    part.add_argument("--growth", metavar="NUMBERS",
                      help="only how time and memory grow with so many small files, such as "
                           "100000,300000,1000000")
    part.add_argument("--before", metavar="CHECKOUT",
                      help="only the ratios to another build of moobacker, such as that of the last "
                           "release, with their 95 %% intervals; with --rounds 15 or more")
    part.add_argument("--duply", action="store_true",
                      help="only duply, on moobacker and on duplicity")
    part.add_argument("--chain", type=int, metavar="N",
                      help="only what a chain of that many increments costs")
    add("--no-install", action="store_true", help="install and build nothing")
    add("--keep", action="store_true", help="leave the working folder, and name it")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.size, chosen.rounds, chosen.stage_size, chosen.sftp_size = 8, 1, 16, 2
    # Of the trees of small files.
    chosen.files = 50 if chosen.quick else 5000
    chosen.many = 200 if chosen.quick else 100_000
    chosen.peers = [name for name in chosen.peers.split(",") if name and not chosen.stages_only]
    chosen.trees = chosen.trees.split(",")
    chosen.growth = [int(number) for number in (chosen.growth or "").split(",") if number]
    unknown = (set(chosen.peers) - set(PEERS)) | (set(chosen.trees) - set(TREES))
    numbers = (chosen.size, chosen.rounds, chosen.stage_size, chosen.sftp_size)
    if unknown or min(numbers) < 1:
        parser.error(f"no such peer or tree: {', '.join(unknown)}" if unknown else "numbers start with 1")
    return chosen
