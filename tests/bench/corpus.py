"""The tree that is backed up, and what a day does to it: the same bytes on every run, but for the
binaries, which are this machine's own."""
import os
import random
import shutil
import stat

MIB = 1 << 20
# No time of a file is near now.
START = 1_700_000_000
DAY = 86_400
PAGE = 4096
DATABASE = "data/app.db"
LOG = "data/service.log"


def make(top, mib):
    """A tree of about that size: a quarter each of small texts, binaries and incompressible
    files, the rest a database of few, large pages and a log."""
    quarter = mib * MIB // 4
    rng = random.Random(1)
    lines = vocabulary(rng)
    texts(f"{top}/text", quarter, lines, rng)
    noise(f"{top}/noise", quarter, rng)
    database(f"{top}/{DATABASE}", quarter * 9 // 10, rng)
    # By a choice of their own, since it takes as many numbers as the machine has binaries.
    binaries(f"{top}/bin", quarter, random.Random(2))
    put(f"{top}/{LOG}", b"".join(rng.choices(lines, k=quarter // 10 // 80)), rng)
    os.symlink(f"../{DATABASE}", f"{top}/text/database")
    os.mkdir(f"{top}/empty")


def put(path, content, rng, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)
    os.chmod(path, mode)
    moment = START - rng.randrange(200 * DAY)
    os.utime(path, (moment, moment))


def vocabulary(rng):
    """Lines of about 80 bytes that look like prose to a compressor."""
    letters = b"etaoinshrdlucmfwypvbgk"
    words = [bytes(rng.choices(letters, k=rng.randrange(2, 11))) for _ in range(3000)]
    return [b" ".join(rng.choices(words, k=12)) + b"\n" for _ in range(20_000)]


def texts(top, budget, lines, rng):
    """Files of 80 bytes to 110 KiB, most of them small, in folders of 40."""
    number = 0
    while budget > 0:
        content = b"".join(rng.choices(lines, k=int(2 ** rng.uniform(0, 10.5))))
        folder = f"{top}/{number // 1600:02}/{number // 40 % 40:02}"
        put(f"{folder}/note-{number}.txt", content, rng, 0o640 if number % 7 == 0 else 0o644)
        budget -= len(content)
        number += 1


def binaries(top, budget, rng):
    """Programs and libraries of this machine, some from everywhere."""
    found = []
    for folder, folders, names in os.walk("/usr"):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if stat.S_ISREG(info.st_mode) and info.st_mode & 0o004 and 2 * MIB > info.st_size > 999:
                with open(path, "rb") as file:
                    if file.read(4) == b"\x7fELF":
                        found.append(path)
    rng.shuffle(found)
    for path in found:
        with open(path, "rb") as file:
            content = file.read()
        if budget < len(content):
            return
        put(top + path, content, rng, 0o755)
        budget -= len(content)


def noise(top, budget, rng):
    """What is packed or encrypted already, such as photos."""
    number = 0
    while budget > 0:
        content = rng.randbytes(min(budget, rng.randrange(MIB // 4, 6 * MIB)))
        put(f"{top}/{number // 8:02}/photo-{number:03}.jpg", content, rng)
        budget -= len(content)
        number += 1


def database(path, size, rng):
    """Pages that are a third full."""
    pages = range(size // PAGE)
    filled = ((b"PAGE%012d" % n).ljust(64) + rng.randbytes(1400) for n in pages)
    put(path, b"".join(page.ljust(PAGE, b"\0") for page in filled), rng)


def live_a_day(top, day):
    """Edits, touches, removes and adds a two-hundredth of the files each, renames a folder,
    writes a few pages of the database and appends to the log."""
    rng = random.Random(1000 + day)
    moment = START + day * DAY

    def write(path, mode, content, at=None):
        with open(path, mode) as file:
            if at is not None:
                file.seek(at)
            file.write(content)
        os.utime(path, (moment, moment))

    paths = small_files(top)
    count = max(1, len(paths) // 200)
    chosen = rng.sample(paths, 3 * count)
    for path in chosen[:count]:
        write(path, "r+b", b"edited %d" % day, os.path.getsize(path) // 2)
        write(path, "ab", b"a line of day %d\n" % day)
    for path in chosen[count : 2 * count]:
        os.utime(path, (moment, moment))
    for path in chosen[2 * count :]:
        os.remove(path)
    for number in range(count):
        folder = os.path.dirname(rng.choice(paths))
        write(f"{folder}/new-{day}-{number}.txt", "wb", rng.randbytes(500) + b"news\n" * 200)
    if os.path.exists(f"{top}/{DATABASE}"):
        pages = os.path.getsize(f"{top}/{DATABASE}") // PAGE
        for _ in range(1 + pages // 300):
            write(f"{top}/{DATABASE}", "r+b", rng.randbytes(PAGE), PAGE * rng.randrange(pages))
        write(f"{top}/{LOG}", "ab", b"".join(b"%d: day %d\n" % (n, day) for n in range(5000)))
    folder = os.path.dirname(rng.choice([path for path in paths if path not in chosen]))
    os.rename(folder, f"{folder}-of-day-{day}")


def small_files(top):
    found = []
    for folder, folders, names in os.walk(top):
        folders.sort()
        found += [f"{folder}/{name}" for name in sorted(names)]
    special = (DATABASE, LOG)
    return [path for path in found if not os.path.islink(path) and not path.endswith(special)]


def middle_file(top):
    """A small file in the middle of the tree, relative to its top."""
    paths = sorted(path for path in small_files(top) if path.endswith((".txt", ".conf", ".dat")))
    return os.path.relpath(paths[len(paths) // 2], top)


def count(top):
    """Files, and their bytes."""
    paths = [f"{folder}/{name}" for folder, _, names in os.walk(top) for name in names]
    return len(paths), sum(os.lstat(path).st_size for path in paths)


def warm(top):
    """Reads it all, so that no round waits for the disk where another does not."""
    for folder, _, names in os.walk(top):
        for name in names:
            with open(f"{folder}/{name}", "rb") as file:
                while file.read(MIB):
                    pass


def change_inodes(top):
    """Sets the change time of each file's inode, and nothing else, as chown -R does."""
    for folder, _, names in os.walk(top):
        for name in names:
            path = f"{folder}/{name}"
            if not os.path.islink(path):
                os.chmod(path, os.stat(path).st_mode & 0o7777)


def etc(top, count):
    """A tree like /etc: that many small texts, most of them below 4 KiB, in folders of 25."""
    rng = random.Random(3)
    lines = vocabulary(rng)
    for number in range(count):
        content = b"".join(rng.choices(lines, k=int(2 ** rng.uniform(0, 7))))
        put(f"{top}/{number // 500:02}/{number // 25 % 20:02}.d/{number}.conf", content, rng)


def many(top, count):
    """That many files of 1 to 4 KiB, half of each text and half noise, in folders of 50."""
    rng = random.Random(5)
    lines = vocabulary(rng)
    for number in range(count):
        size = rng.randrange(1024, 4096) // 2
        content = b"".join(rng.choices(lines, k=1 + size // 80)) + rng.randbytes(size)
        put(f"{top}/{number // 5000:03}/{number // 50 % 100:02}/{number}.dat", content, rng)


def incompressible(path, mib):
    """A file of that size that no compressor makes smaller."""
    rng = random.Random(4)
    with open(path, "wb") as file:
        for _ in range(mib):
            file.write(rng.randbytes(MIB))


def large(path, mib):
    """A sparse file of that size: much to read, little to keep."""
    with open(path, "wb") as file:
        file.truncate(mib * MIB)
    os.utime(path, (START, START))


def change_large(path):
    """Writes a page in the middle of a large file."""
    with open(path, "r+b") as file:
        file.seek(os.path.getsize(path) // 2)
        file.write(random.Random(2).randbytes(PAGE))
    os.utime(path, (START + DAY, START + DAY))


def remove(path):
    """Removes a tree or a file, if it is there."""
    if os.path.isdir(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.remove(path)
