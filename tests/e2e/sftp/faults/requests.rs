//! Each request in turn is answered wrongly, or never.

use std::collections::BTreeSet;
use std::thread::scope;

use tests::sshd::{Action, Faults, Setup};
use tests::{Run, Sandbox};

use super::upload::{again, is_as_before, is_complete, prepare, upload};
use crate::sftp::kit::temporary;

/// Requests without which nothing is stored.
const NEEDED: [&str; 6] = ["open", "write", "close", "rename", "opendir", "readdir"];

/// An upload to a server with faults.
struct Attempts {
    sandbox: Sandbox,
    options: &'static str,
}

impl Attempts {
    fn new(options: &'static str) -> Attempts {
        let sandbox = Sandbox::new();
        prepare(&sandbox);
        Attempts { sandbox, options }
    }

    /// Lets the first request of each type fail, then the second, until there are no more, and
    /// looks at each run with the request that failed.
    fn each_in_turn(&self, action: Action, look: impl Fn(&Sandbox, Run, &str) + Sync) {
        let kinds = self.kinds();
        assert!(NEEDED.iter().all(|kind| kinds.contains(*kind)), "{kinds:?}");
        // Most of the time they wait.
        scope(|scope| {
            for kind in &kinds {
                scope.spawn(|| self.each_of(kind, action, &look));
            }
        });
    }

    /// The types of requests that an upload makes.
    fn kinds(&self) -> BTreeSet<String> {
        let sandbox = self.copy();
        let faults = Faults::new(&sandbox);
        let sshd = Setup::new(&sandbox).faults(&faults).start();
        upload(&sandbox, &sshd.url("store"), self.options).silent();
        let requests = faults.requests();
        requests.iter().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
    }

    fn each_of(&self, kind: &str, action: Action, look: &(impl Fn(&Sandbox, Run, &str) + Sync)) {
        let sandbox = self.copy();
        let faults = Faults::new(&sandbox);
        let sshd = Setup::new(&sandbox).faults(&faults).start();
        for which in 1.. {
            faults.calm();
            faults.inject(kind, which, action);
            let run = upload(&sandbox, &sshd.url("store"), self.options);
            let Some(hit) = faults.requests().into_iter().find(|line| line.contains(" !")) else {
                run.silent();
                return is_complete(&sandbox);
            };
            faults.calm();
            look(&sandbox, run, &hit);
        }
    }

    /// A sandbox that is prepared as this one is.
    fn copy(&self) -> Sandbox {
        let copy = Sandbox::new();
        let from = self.sandbox.path("");
        let from = from.display();
        copy.sh(&format!("cp -a {from}/before {from}/after {from}/stream .")).silent();
        copy
    }
}

/// A single refusal lets the upload fail with a message, unless it was of nothing that matters.
fn is_refused_or_passed_over(sandbox: &Sandbox, run: Run, hit: &str) {
    let request = hit.split(' ').next().unwrap();
    if request == "init" {
        run.fails().one_message();
        return is_as_before(sandbox);
    }
    assert!(run.status != 0 || !is_needed(hit), "{hit} was overlooked");
    if run.status == 0 {
        return is_complete(sandbox);
    }
    run.fails_with(7).one_message();
    is_as_before(sandbox);
    // A later run may go on with volumes. Once names are being given, the rest is kept for it to
    // clear away as a whole.
    let left = temporary(sandbox.path("store"));
    let volumes = left.iter().all(|name| name.contains(".vol"));
    assert_eq!(volumes, request != "rename", "{hit}: {left:?}");
}

/// Whether that request matters: not what only ends the listing of a folder.
fn is_needed(hit: &str) -> bool {
    let request = hit.split(' ').next().unwrap();
    NEEDED.contains(&request) && request != "close"
}

/// What the end of a connection may do where nothing is tried twice.
fn is_lost_or_done(sandbox: &Sandbox, run: Run, hit: &str) {
    if run.status == 0 {
        assert!(!is_needed(hit), "{hit} was overlooked");
        return is_complete(sandbox);
    }
    run.fails_with(8).one_message();
    is_as_before(sandbox);
}

/// Another connection has done it.
fn is_done(sandbox: &Sandbox, run: Run, hit: &str) {
    assert_eq!(run.status, 0, "{hit}: {}", run.err());
    run.silent();
    is_complete(sandbox);
}

#[test]
fn each_request_can_be_denied() {
    let attempts = Attempts::new("--num-retries 1 --timeout 2");
    attempts.each_in_turn(Action::Status(3), is_refused_or_passed_over);
}

#[test]
fn each_request_can_fail() {
    let attempts = Attempts::new("--num-retries 1 --timeout 2");
    attempts.each_in_turn(Action::Status(4), is_refused_or_passed_over);
}

#[test]
fn each_request_can_be_executed_and_answered_with_a_failure() {
    let attempts = Attempts::new("--num-retries 1 --timeout 2");
    attempts.each_in_turn(Action::Deny(4), |sandbox, run, hit| {
        if run.status == 0 {
            return is_complete(sandbox);
        }
        run.fails_with(7).one_message();
        if !hit.starts_with("rename") {
            is_as_before(sandbox);
        }
    });
}

#[test]
fn the_connection_can_end_before_each_request() {
    let attempts = Attempts::new("--num-retries 1");
    attempts.each_in_turn(Action::Cut, is_lost_or_done);
}

#[test]
fn the_connection_can_end_before_each_request_and_another_one_does_it() {
    Attempts::new("--num-retries 2").each_in_turn(Action::Cut, is_done);
}

#[test]
fn the_connection_can_end_after_each_request_and_another_one_does_it() {
    Attempts::new("--num-retries 2").each_in_turn(Action::CutAfter, is_done);
}

#[test]
fn the_server_can_end_before_each_request_and_another_one_does_it() {
    Attempts::new("--num-retries 2").each_in_turn(Action::Exit, |sandbox, run, hit| {
        if hit.starts_with("init") {
            run.fails_with(7).one_message().stderr_has("no sftp");
            return;
        }
        is_done(sandbox, run, hit);
    });
}

#[test]
fn each_request_can_stay_without_an_answer_and_another_connection_does_it() {
    Attempts::new("--num-retries 4 --timeout 2").each_in_turn(Action::Stall, is_done);
}

#[test]
fn nonsense_in_place_of_each_answer_is_no_answer() {
    for action in [Action::Garbage, Action::WrongId, Action::Length, Action::Short] {
        let attempts = Attempts::new("--num-retries 1 --timeout 3");
        attempts.each_in_turn(action, |sandbox, run, hit| {
            assert!(run.status != 0 || !is_needed(hit), "{hit} was overlooked");
            if run.status == 0 {
                return is_complete(sandbox);
            }
            assert!([7, 8].contains(&run.status), "{hit}: {}", run.status);
            run.fails().one_message();
            is_as_before(sandbox);
        });
    }
}

#[test]
fn an_upload_that_was_lost_is_made_up_for_by_the_next() {
    let sandbox = Sandbox::new();
    let faults = Faults::new(&sandbox);
    let sshd = Setup::new(&sandbox).faults(&faults).start();
    let url = sshd.url("store");
    prepare(&sandbox);
    for (kind, which) in [("open", 1), ("write", 2), ("close", 3), ("rename", 1)] {
        faults.calm();
        faults.inject_from(kind, which, Action::Cut);
        upload(&sandbox, &url, "--num-retries 1").fails_with(8).one_message();
        is_as_before(&sandbox);
        faults.calm();
        again(&sandbox, &url, "--num-retries 1").silent();
        is_complete(&sandbox);
    }
}
