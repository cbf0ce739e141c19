# check.py SOURCE RESTORED MESSAGES: what of the source was restored, and what the messages say of the rest.
# Prints what is wrong. Run in the folder that holds them, with MESSAGES as moo restore wrote them.
import os, re, stat, sys

source, restored, messages = map(os.fsencode, sys.argv[1:])
said = open(messages, encoding='utf-8').read()
named = set(re.findall(r'^moo restore: (.*?): not restored', said, re.M))
given = ''.join(re.findall(r'^moo restore: could not restore: (.*)', said, re.M))

def shown(path):
    text = path.decode('utf-8', 'surrogateescape')
    odd = lambda letter: '\\x%02x' % (ord(letter) & 0xff)
    return ''.join(odd(c) if ord(c) < 32 or c == '\\' or 0xdc80 <= ord(c) <= 0xdcff else c for c in text)

def tree(root, path=b''):
    for name in os.listdir(os.path.join(root, path)):
        below = os.path.join(path, name)
        yield below
        found = os.lstat(os.path.join(root, below))
        if stat.S_ISDIR(found.st_mode):
            yield from tree(root, below)

def is_named(path):
    return shown(path) in named or b'/' in path and is_named(path.rpartition(b'/')[0])

def content(path):
    kind = stat.S_IFMT(os.lstat(path).st_mode)
    if kind == stat.S_IFREG:
        return kind, open(path, 'rb').read()
    if kind == stat.S_IFLNK:
        return kind, os.readlink(path)
    return kind, os.lstat(path).st_rdev

def attribute(path, name):
    try:
        return os.getxattr(path, name, follow_symlinks=False)
    except OSError:
        return None

old, new = set(tree(source)), set(tree(restored))
for path in sorted(new - old):
    print('never in the source:', shown(path))
for path in sorted(old):
    is_there = path in new
    if is_there == is_named(path):
        print('restored, and named as not restored:' if is_there else 'lost in silence:', shown(path))
for name in named - set(map(shown, old)):
    print('named, and never in the source:', name)
lost = {what: [] for what in
        ['the owner of', 'the mode of', 'the modification time of', 'extended attributes of']}
for path in sorted(old & new):
    was, there = os.path.join(source, path), os.path.join(restored, path)
    if content(was) != content(there):
        print('other content:', shown(path))
    one, two = os.lstat(was), os.lstat(there)
    owner = (one.st_uid, one.st_gid) != (two.st_uid, two.st_gid)
    differs = {'the owner of': owner}
    if not stat.S_ISLNK(one.st_mode):
        # What runs as its owner must not run as another one.
        mode = one.st_mode & (0o1777 if owner else 0o7777)
        differs['the mode of'] = mode != stat.S_IMODE(two.st_mode)
    differs['the modification time of'] = abs(one.st_mtime - two.st_mtime) > 2
    differs['extended attributes of'] = any(
        attribute(was, name) != attribute(there, name)
        for name in os.listxattr(was, follow_symlinks=False))
    for what in differs:
        lost[what] += [shown(path)] if differs[what] else []
for what, which in lost.items():
    number = re.search(what + r' (\d+)', given)
    if len(which) > (int(number[1]) if number else 0):
        print(what, which, 'is not given, but the messages say:', given)
