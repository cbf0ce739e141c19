//! Tars, packings, names and times of other days.

use tests::{Sandbox, Snapshot, Tree, long};

use super::programs::{New, Old, Program, all};
use crate::moo::{second, stored};

/// Writes each tar of a store again, in the format of Python's `tarfile` that is asked for, as
/// duplicity does; and then the hashes in the manifests.
const REWRITE: &str = r#"
import glob, hashlib, io, sys, tarfile
for name in glob.glob("store/*tar"):
    with open(name, "rb") as file:
        old = file.read()
    out = io.BytesIO()
    source = tarfile.open(fileobj=io.BytesIO(old), errorlevel=2)
    with tarfile.open(fileobj=out, mode="w", format=getattr(tarfile, sys.argv[1])) as target:
        for member in source:
            member.pax_headers, member.mtime = {}, int(member.mtime)
            target.addfile(member, source.extractfile(member) if member.isreg() else None)
    new = out.getvalue()
    with open(name, "wb") as file:
        file.write(new)
    old, new = hashlib.sha1(old).hexdigest(), hashlib.sha1(new).hexdigest()
    for manifest in glob.glob("store/*manifest"):
        with open(manifest, "rb") as file:
            text = file.read()
        with open(manifest, "wb") as file:
            file.write(text.replace(old.encode(), new.encode()))
"#;

/// Makes the archive again out of what the store has.
const SYNC: &str = "rm -rf archive && moo-fetch --metadata file://$PWD/store | moo-decrypt |
    moo-upload file://$PWD/archive >receipts";

/// A store of a full set and an increment is rewritten, read, and extended by us.
fn rewritten(tree: &Tree, sandbox: &Sandbox, format: &str) {
    let programs = all(sandbox, "--no-encryption --no-compression");
    let mut states = vec![Snapshot::by_stock(tree.root())];
    programs[1].full("src");
    tree.day(1);
    states.push(Snapshot::by_stock(tree.root()));
    programs[1].increment("src");
    std::fs::write(sandbox.path("rewrite.py"), REWRITE).unwrap();
    sandbox.sh(&format!("python3 rewrite.py {format}")).silent();
    sandbox.sh(SYNC).silent();
    programs[0].brings_back_all(&states);
    tree.day(2);
    states.push(Snapshot::by_stock(tree.root()));
    programs[0].increment("src");
    programs[0].brings_back_all(&states);
    for reader in &programs[1..] {
        if long() || reader.who == New {
            reader.brings_back("now", &states[2]);
        }
    }
}

#[test]
fn tars_as_duplicity_wrote_them_with_an_old_python_are_restored_and_extended() {
    let sandbox = Sandbox::new();
    let tree = Tree::every_kind(sandbox.path("src"));
    rewritten(&tree, &sandbox, "GNU_FORMAT");
}

#[test]
fn tars_of_plain_ustar_are_restored_and_extended() {
    let sandbox = Sandbox::new();
    let tree = Tree::every_kind(sandbox.path("src"));
    // It has no place for these.
    for name in ["names", "folders", "deep", "links", "owners", "times", "deep"] {
        tree.remove(name);
    }
    tree.noise(format!("{}/{}", "folder".repeat(15), "file".repeat(20)), 70_000);
    rewritten(&tree, &sandbox, "USTAR_FORMAT");
}

/// A packed store of duplicity's with an increment.
fn packed<'a>(sandbox: &'a Sandbox, options: &str) -> ([Program<'a>; 3], Vec<Snapshot>) {
    let tree = Tree::small(sandbox.path("src"));
    let programs = all(sandbox, "--no-encryption");
    let old = Program::new(sandbox, Old, &format!("--no-encryption {options}"));
    let mut states = vec![Snapshot::by_stock(tree.root())];
    old.full("src");
    tree.noise("news", 70_000);
    states.push(Snapshot::by_stock(tree.root()));
    old.increment("src");
    (programs, states)
}

#[test]
fn several_members_of_gzip_and_packed_manifests_are_restored_and_extended() {
    let sandbox = Sandbox::new();
    let (programs, mut states) = packed(&sandbox, "");
    sandbox
        .sh("cd store && for file in *.gz; do
                old=$(sha1sum <$file) && zcat $file >whole &&
                { head -c 700 whole | gzip -1; tail -c +701 whole | gzip; } >$file && rm whole &&
                new=$(sha1sum <$file) && sed -i \"s/${old%  -}/${new%  -}/\" *manifest
            done && gzip *manifest")
        .silent();
    for program in &programs {
        sandbox.sh("rm -rf archive").silent();
        program.brings_back("now", &states[1]);
    }
    sandbox.sh(SYNC).silent();
    programs[0].brings_back_all(&states);
    Tree::small(sandbox.path("src/more"));
    states.push(Snapshot::by_stock(sandbox.path("src")));
    programs[0].increment("src");
    programs[0].brings_back_all(&states);
}

#[test]
fn short_names_are_extended_by_us_and_by_the_new_duplicity() {
    let sandbox = Sandbox::new();
    let (programs, states) = packed(&sandbox, "--short-filenames");
    sandbox.sh("echo moo >src/three").silent();
    let third = Snapshot::by_stock(sandbox.path("src"));
    programs[0].increment("src");
    sandbox.sh("echo moo >src/four").silent();
    let fourth = Snapshot::by_stock(sandbox.path("src"));
    programs[2].increment("src");
    sandbox.sh("rm -r archive").silent();
    sandbox.sh("ls store | grep ^duplicity-full").fails_with(1);
    for reader in &programs {
        reader.brings_back(&stored(&sandbox)[0], &third);
        reader.brings_back("now", &fourth);
    }
    assert_eq!(states.len(), 2);
}

#[test]
fn names_with_times_of_other_zones_and_in_lower_case_are_restored() {
    let sandbox = Sandbox::new();
    let (programs, states) = packed(&sandbox, "");
    let times = stored(&sandbox);
    // The same second five hours to the west.
    let zone = |time: &str| {
        let west =
            format!("date -u -d @{} +%Y-%m-%dT%H:%M:%S-05:00", second(&sandbox, time) - 5 * 3600);
        sandbox.sh(&west).succeeds().out().trim().to_owned()
    };
    let (full, inc) = (zone(&times[0]), zone(&times[1]));
    let rename = format!(
        "cd store && for file in *; do
            mv $file $(echo $file | sed 's/{}/{full}/; s/{}/{inc}/')
        done; rm -r ../archive",
        times[0], times[1]
    );
    sandbox.sh(&rename).silent();
    for program in &programs {
        for (time, state) in times.iter().zip(&states) {
            program.brings_back(time, state);
        }
    }
    let lower = format!(
        "cd store && for file in *; do
            mv $file $(echo $file | sed 's/{full}/{}/; s/{inc}/{}/')
        done; rm -r ../archive",
        times[0].to_lowercase(),
        times[1].to_lowercase()
    );
    sandbox.sh(&lower).silent();
    for program in &programs {
        program.brings_back("now", &states[1]);
    }
}
