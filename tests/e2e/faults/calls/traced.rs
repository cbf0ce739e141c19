//! Programs that run under strace, which counts their calls or makes one of them fail.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tests::{Run, Sandbox};

use super::call::{CALLS, Failing, Process, SFTP_SERVER};
use super::census::calls_to_fail;

/// Scripts in the place of programs, in a folder that PATH begins with.
pub(super) struct Traced<'a> {
    sandbox: &'a Sandbox,
}

impl<'a> Traced<'a> {
    /// With no program traced.
    pub(super) fn new(sandbox: &'a Sandbox) -> Traced<'a> {
        let traced = Traced { sandbox };
        fs::create_dir(traced.folder()).unwrap();
        traced
    }

    /// All calls that those processes make when nothing fails, as calls to fail.
    pub(super) fn census(&self, processes: &[Process], run: impl FnOnce()) -> Vec<Failing> {
        let names: Vec<_> = CALLS.iter().map(|(name, _)| format!("?{name}")).collect();
        let words = format!("-y -e trace={},poll,gettid", names.join(","));
        let all: Vec<_> = processes.iter().map(|process| (*process, words.clone())).collect();
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
    pub(super) fn fail(&self, failing: &Failing) {
        let Failing { process, call, error, number } = failing;
        let words = format!("-y -e trace={call} -e inject={call}:error={error}:when={number}");
        self.place(&[(*process, words)]);
    }

    /// The calls that have failed since then.
    pub(super) fn failed(&self) -> Vec<String> {
        let log = self.log(0);
        let lines = log.lines().filter(|line| line.contains("(INJECTED)"));
        lines.map(|line| line.split_once(' ').unwrap().1.trim().to_owned()).collect()
    }

    /// Traces none of them any more.
    pub(super) fn calm(&self, processes: &[Process]) {
        for process in processes {
            self.write(process.program, "");
        }
        for number in 0..processes.len() {
            let _ = fs::remove_file(self.log_file(number));
        }
    }

    /// Runs a snippet with the scripts.
    pub(super) fn sh(&self, script: &str) -> Run {
        self.sandbox.sh(&format!("PATH=$PWD/.traced:$PATH; export PATH; {script}"))
    }

    /// Puts scripts in the place of programs: of those processes each is traced with its options.
    fn place(&self, all: &[(Process, String)]) {
        for (Process { program, .. }, _) in all {
            let numbered = all.iter().enumerate();
            let of_program = numbered.filter(|(_, (process, _))| process.program == *program);
            let cases = of_program.map(|(number, (process, options))| {
                let (words, log) = (process.words, self.log_file(number));
                let strace = format!("strace -f --seccomp-bpf -qqq -A -o '{}'", log.display());
                format!("case $* in {words}) exec {strace} {options} \"$real\" \"$@\" ;; esac\n")
            });
            self.write(program, &cases.collect::<String>());
        }
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
