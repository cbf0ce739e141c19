//! Programs that run under strace, which counts their calls or makes one of them fail.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tests::{Run, Sandbox};

use super::call::{CALLS, Failing, Process, SFTP_SERVER};
use super::census::calls_to_fail;
use crate::faults::kills::point::Point;

/// A file that tells that a kill has happened.
const MARK: &str = "killed";

/// Scripts in the place of programs, in a folder that PATH begins with.
pub(in crate::faults) struct Traced<'a> {
    sandbox: &'a Sandbox,
}

impl<'a> Traced<'a> {
    /// With no program traced.
    pub(in crate::faults) fn new(sandbox: &'a Sandbox) -> Traced<'a> {
        let traced = Traced { sandbox };
        fs::create_dir(traced.folder()).unwrap();
        traced
    }

    /// All calls that those processes make when nothing fails, as calls to fail.
    pub(in crate::faults) fn census(
        &self,
        processes: &[Process],
        run: impl FnOnce(),
    ) -> Vec<Failing> {
        let names: Vec<_> = CALLS.iter().map(|(name, _)| format!("?{name}")).collect();
        let words = format!("-y -e trace={},poll,gettid", names.join(","));
        let options = |number| format!("{} {words}", self.logged(number));
        let numbered = processes.iter().enumerate();
        let all: Vec<_> = numbered.map(|(number, process)| (*process, options(number))).collect();
        self.place(&all);
        run();
        let numbered = processes.iter().enumerate();
        let found =
            numbered.flat_map(|(number, process)| calls_to_fail(*process, &self.log(number)));
        let found = found.collect();
        self.calm(processes);
        found
    }

    /// Makes that call fail from now on; its process is the only one that is traced.
    pub(in crate::faults) fn fail(&self, failing: &Failing) {
        let Failing { process, call, error, number } = failing;
        let words = format!("-y -e trace={call} -e inject={call}:error={error}:when={number}");
        self.place(&[(*process, format!("{} {words}", self.logged(0)))]);
    }

    /// Makes that kill happen from now on.
    pub(in crate::faults) fn kill(&self, point: &Point) {
        let mark = self.folder().join(MARK);
        self.place(&[(point.process, point.options(&mark.display().to_string()))]);
    }

    /// Whether it has happened.
    pub(in crate::faults) fn has_killed(&self) -> bool {
        self.folder().join(MARK).exists()
    }

    /// The calls that have failed since then.
    pub(in crate::faults) fn failed(&self) -> Vec<String> {
        let log = self.log(0);
        let lines = log.lines().filter(|line| line.contains("(INJECTED)"));
        lines.map(|line| line.split_once(' ').unwrap().1.trim().to_owned()).collect()
    }

    /// Traces none of them any more.
    pub(in crate::faults) fn calm(&self, processes: &[Process]) {
        for process in processes {
            self.write(process.program, "");
        }
        for number in 0..processes.len() {
            let _ = fs::remove_file(self.log_file(number));
        }
        let _ = fs::remove_file(self.folder().join(MARK));
    }

    /// Runs a snippet with the scripts.
    pub(in crate::faults) fn sh(&self, script: &str) -> Run {
        self.sandbox.sh(&format!("PATH=$PWD/.traced:$PATH; export PATH; {script}"))
    }

    /// Puts scripts in the place of programs: of those processes each is traced with its options.
    fn place(&self, all: &[(Process, String)]) {
        for (Process { program, .. }, _) in all {
            let of_program = all.iter().filter(|(process, _)| process.program == *program);
            let cases = of_program.map(|(Process { words, .. }, options)| {
                let strace = format!("strace -f {options}");
                format!("case $* in {words}) exec {strace} \"$real\" \"$@\" ;; esac\n")
            });
            self.write(program, &cases.collect::<String>());
        }
    }

    /// The options for a log of nothing but calls.
    fn logged(&self, number: usize) -> String {
        format!("--seccomp-bpf -qqq -A -o '{}'", self.log_file(number).display())
    }

    fn write(&self, program: &str, cases: &str) {
        let real = match program {
            SFTP_SERVER => PathBuf::from("/usr/lib/openssh/sftp-server"),
            ours => tests::sandbox::programs().join(ours),
        };
        let text = format!("#!/bin/sh\nreal='{}'\n{cases}exec \"$real\" \"$@\"\n", real.display());
        let file = self.folder().join(program);
        fs::write(&file, text).unwrap();
        fs::set_permissions(file, PermissionsExt::from_mode(0o755)).unwrap();
    }

    fn folder(&self) -> PathBuf {
        self.sandbox.path(".traced")
    }

    fn log(&self, number: usize) -> String {
        fs::read_to_string(self.log_file(number)).unwrap_or_default()
    }

    fn log_file(&self, number: usize) -> PathBuf {
        self.folder().join(format!("log{number}"))
    }
}
