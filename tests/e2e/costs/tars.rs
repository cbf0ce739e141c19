//! Tars mean to us what they mean to GNU tar and to Python's tarfile, which duplicity uses; or nothing.

use std::fs;
use std::path::Path;

use stream::member::Kind;
use stream::{Next, TarReader};
use tests::{Sandbox, scale};

/// Writes tars of all kinds of headers, of which many are odd, and lists those that it reads itself:
/// number, kind, size and name of each member.
const MAKE: &str = r#"
import random, sys, tarfile

random.seed(int(sys.argv[1]))

def field(number, width):
    return b"%0*o\0" % (width - 1, number)

def block(name, kind, size, magic, prefix=b"", link=b""):
    head = bytearray(512)
    head[0:len(name)] = name
    head[100:108], head[108:116], head[116:124] = field(0o644, 8), field(0, 8), field(0, 8)
    head[124:136] = random.choice([field(size, 12)] * 8 + [b"%11o " % size, b"\x80" + size.to_bytes(11, "big"),
        b"\x80\0\1" + bytes(9), b"+%010o\0" % size])
    head[136:148] = field(1_600_000_000, 12)
    head[156:157] = kind
    head[157:157 + len(link)] = link
    head[257:265] = magic
    head[345:345 + len(prefix)] = prefix
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)

def body(data):
    return data + bytes(-len(data) % 512)

def record(key, value):
    length = len(key) + len(value) + 5
    return b"%02d %s=%s\n" % (length, key, value)

def member():
    out = b""
    magic = random.choice([b"ustar\x0000"] * 4 + [b"ustar  \0", bytes(8)])
    for _ in range(random.choice([0, 0, 0, 1, 1, 2])):
        kind = random.choice([b"x", b"x", b"x", b"g", b"L", b"K"])
        if kind in b"xg":
            data = b"".join(record(*random.choice([(b"path", b"p%d" % random.randrange(9)), (b"path", b"folder/"),
                (b"size", b"%d" % random.choice([0, 3, 600])), (b"mtime", b"1700000000"), (b"comment", b"moo"),
                (b"path", b"")])) for _ in range(random.randrange(1, 3)))
        else:
            data = random.choice([b"long%d\0" % random.randrange(9), b"longfolder/\0"])
        out += block(b"extended", kind, len(data), magic) + body(data)
    size = random.choice([0, 0, 5, 600])
    kind = random.choice([b"0"] * 5 + [b"\0", b"\0", b"5", b"5", b"2", b"6", b"7"])
    name = random.choice([b"a", b"dir/", b"dir/b", b"dir/c/", b"name"])
    prefix = random.choice([b""] * 6 + [b"pre"])
    return out + block(name, kind, size, magic, prefix, b"to" if kind == b"2" else b"") + body(b"m" * size)

for number in range(int(sys.argv[2])):
    path = f"tars/{number}.tar"
    with open(path, "wb") as file:
        file.write(b"".join(member() for _ in range(random.randrange(1, 4))) + bytes(1024))
    lines = []
    try:
        with tarfile.open(path, "r:", errorlevel=2) as tar:
            for one in tar:
                kind = "d" if one.isdir() else "f" if one.isreg() else "o"
                lines.append(f"{kind} {one.size if one.isreg() else 0} {one.name.rstrip('/')}")
        with open(path, "rb") as file, open(f"tars/{number}.python", "w") as out:
            out.write("".join(line + "\n" for line in lines))
    except Exception:
        pass
"#;

/// The same list, of GNU tar; of a tar that it complains about there is none.
const GNU: &str = r#"
for tar in tars/*.tar; do
    LC_ALL=C tar --no-auto-compress --numeric-owner -tvf "$tar" >list 2>said || continue
    awk '{
        kind = substr($1, 1, 1); name = $6; sub("/*$", "", name)
        print (kind == "d" ? "d" : kind == "-" || kind == "C" ? "f" : "o"), (kind == "-" || kind == "C" ? $3 : 0), name
    }' <list >"${tar%.tar}.gnu"
done
"#;

/// The same list, of ours; none where we refuse.
fn ours(tar: &Path) -> Option<String> {
    let bytes = fs::read(tar).unwrap();
    let (mut tar, mut list) = (TarReader::new(bytes.as_slice()), String::new());
    loop {
        let Next::Member(member) = tar.advance().ok()? else { return Some(list) };
        let kind = match member.kind {
            Kind::Directory => 'd',
            Kind::File => 'f',
            _ => 'o',
        };
        let name = String::from_utf8(member.name.clone()).unwrap();
        list += &format!("{kind} {} {name}\n", member.size);
        tar.body(u64::MAX).ok()?;
    }
}

#[test]
fn what_gnu_tar_and_python_read_in_different_ways_is_refused_and_the_rest_is_read_alike() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.path("make.py"), MAKE).unwrap();
    let cases = scale(600, 20_000);
    sandbox.sh(&format!("mkdir tars && python3 make.py 7 {cases}")).silent();
    sandbox.sh(GNU).succeeds();
    let mut accepted = 0;
    for number in 0..cases {
        let path = sandbox.path(format!("tars/{number}"));
        let Some(ours) = ours(&path.with_extension("tar")) else { continue };
        accepted += 1;
        for other in ["python", "gnu"] {
            let list = fs::read_to_string(path.with_extension(other)).unwrap_or_default();
            let tar = fs::read(path.with_extension("tar")).unwrap();
            assert_eq!(ours, list, "{number}, {other}: {}", tar.escape_ascii());
        }
    }
    assert!(accepted * 10 > cases, "{accepted} of {cases} are read");
}
