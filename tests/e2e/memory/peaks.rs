//! Programs that write down how much memory they took, and that get no more than they may have.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tests::sandbox::{programs, workspace};
use tests::{Run, Sandbox};

/// The most that a program may take, in KiB.
pub(crate) const MOST: u64 = 64 << 10;

/// A backup of a small source, without encryption.
pub(crate) const BACKUP: &str =
    "moo-scan --archive archive src | moo-sign | moo-delta --archive archive |
    moo-pack --archive archive | moo-encrypt --no-encryption | moo-upload file://$PWD/store |
    moo-commit --archive archive";

/// What programs took at most, in KiB, by the name of the program and of what was done.
pub(crate) type Peaks = BTreeMap<(String, &'static str), u64>;

/// A sandbox whose programs are measured: in the place of each is a script that runs it.
pub(crate) struct Measured {
    pub(crate) sandbox: Sandbox,
    pub(crate) peaks: Peaks,
}

impl Measured {
    pub(crate) fn new() -> Measured {
        let mut sandbox = Sandbox::without_us();
        let pipelines = workspace().join("pipelines");
        sandbox.sh(&format!("mkdir .bin && cp -r {}/* .bin", pipelines.display())).silent();
        for program in fs::read_dir(programs()).unwrap() {
            stand_in(&program.unwrap().path(), &sandbox.path(".bin"));
        }
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", sandbox.path(".bin").display());
        sandbox.set("PATH", path).set("PEAKS", "peaks");
        Measured { sandbox, peaks: Peaks::new() }
    }

    /// Does something, and notes what each program took meanwhile.
    #[track_caller]
    pub(crate) fn does(&mut self, what: &'static str, script: &str) -> Run {
        let run = self.sandbox.sh(script);
        let told = self.sandbox.sh("cat peaks && rm peaks").succeeds().out();
        for line in told.lines() {
            let (program, peak) = line.split_once(' ').unwrap();
            let peak: u64 = peak.parse().unwrap();
            assert!(peak <= MOST, "{what}: {program} takes {peak} KiB\n{}", run.err());
            let most = self.peaks.entry((program.to_owned(), what)).or_default();
            *most = peak.max(*most);
        }
        run
    }
}

/// Puts a script in the place of a program. `ulimit -d` counts what could be written to: the heap
/// and the stacks of threads, whether they have been used or not.
fn stand_in(program: &Path, folder: &Path) {
    let name = program.file_name().unwrap().to_string_lossy();
    let runs = program.metadata().unwrap().permissions().mode() & 0o100 != 0;
    if !name.starts_with("moo-") || name.contains('.') || !runs {
        return;
    }
    let time = format!("/usr/bin/time -q -a -o \"$PEAKS\" -f '{name} %M'");
    let script = format!("#!/bin/sh\nulimit -d {MOST}\nexec {time} {} \"$@\"\n", program.display());
    let path = folder.join(&*name);
    fs::write(&path, script).unwrap();
    fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
}

/// A line for each program, with a column for all that was done, in MiB.
pub(crate) fn table(name: &str, peaks: &Peaks, columns: &[&'static str]) -> String {
    let mut text = format!("MiB, {name}\n{:<12}", "");
    text.extend(columns.iter().map(|column| format!("{column:>10}")));
    let mut programs: Vec<&String> = peaks.keys().map(|(program, _)| program).collect();
    programs.dedup();
    for program in programs {
        text += &format!("\n{program:<12}");
        for column in columns {
            let peak = peaks.get(&(program.clone(), *column));
            let cell = peak.map(|peak| format!("{:.1}", *peak as f64 / 1024.0));
            text += &format!("{:>10}", cell.unwrap_or_default());
        }
    }
    text
}
