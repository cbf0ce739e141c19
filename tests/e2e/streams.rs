//! The streams between the programs: cut ones, wrong ones, and failures that travel in them.

use std::collections::BTreeSet;

use failure::Status;
use tests::{Sandbox, scale};

use crate::captured::{Captured, Flow, STAGES, Stage, ending};

mod prefixes;

/// Streams up to this length are cut at every byte, longer ones around each block of a tar and at
/// some places between; in the long run all are cut at every byte.
fn short() -> usize {
    scale(2500, usize::MAX)
}

/// Cuts what flows into a stage in many places. Nothing but a message and a failure that travels
/// on may come of it; the whole stream is taken in the end.
fn is_cut(name: &str) {
    let captured = Captured::small();
    let stage = STAGES.iter().find(|stage| stage.name == name).unwrap();
    let whole = captured.input_of(stage);
    captured.feed(stage, b"").fails_with(4).one_message();
    let before = captured.names();
    let cuts = cuts(whole.len());
    eprintln!("{name}: cut at {} of {} bytes", cuts.len(), whole.len());
    for cut in cuts {
        let run = captured.feed(stage, &whole[..cut]).fails_with(4).one_message();
        let run = run.stderr_has(&format!("{name}: standard input: "));
        passes_on(stage, &run.stdout, Status::Killed);
        assert_eq!(captured.names(), before, "{name} cut at {cut} leaves nothing behind");
    }
    let run = captured.feed(stage, &whole).succeeds().stderr_is("");
    assert!(ending(stage.writes, &run.stdout).is_ok(), "{name} takes the whole stream");
}

fn cuts(length: usize) -> BTreeSet<usize> {
    if length <= short() {
        return (0..length).collect();
    }
    let edges = (512..=length).step_by(512).flat_map(|at| [at - 1, at, at + 1]);
    edges.chain((0..length).step_by(331)).filter(|at| *at < length).collect()
}

/// The output of a stage that failed ends with its failure.
fn passes_on(stage: &Stage, output: &[u8], status: Status) {
    match ending(stage.writes, output) {
        Ok(()) => {
            assert_eq!(stage.writes, Flow::Nothing, "{} ends as if all were well", stage.name);
        }
        Err(failure) => {
            assert_eq!((failure.stage(), failure.status()), (Some(stage.name), status));
        }
    }
}

#[test]
fn moo_sign_refuses_a_cut_stream() {
    is_cut("moo-sign");
}

#[test]
fn moo_delta_refuses_a_cut_stream() {
    is_cut("moo-delta");
}

#[test]
fn moo_pack_refuses_a_cut_stream() {
    is_cut("moo-pack");
}

#[test]
fn moo_encrypt_refuses_a_cut_stream() {
    is_cut("moo-encrypt");
}

#[test]
fn moo_upload_refuses_a_cut_stream() {
    is_cut("moo-upload");
}

#[test]
fn moo_commit_refuses_cut_receipts() {
    is_cut("moo-commit");
}

#[test]
fn moo_decrypt_refuses_a_cut_stream() {
    is_cut("moo-decrypt");
}

#[test]
fn moo_patch_refuses_a_cut_stream() {
    is_cut("moo-patch");
}

#[test]
fn each_stage_refuses_the_streams_of_the_other_kinds_and_junk_behind_its_own() {
    let captured = Captured::small();
    let before = captured.names();
    for stage in &STAGES {
        let own = captured.input_of(stage);
        for other in STAGES.iter().filter(|other| other.reads != stage.reads) {
            let run = captured.feed(stage, &captured.input_of(other)).fails_with(5).one_message();
            passes_on(stage, &run.stdout, Status::Integrity);
        }
        for junk in [&b"\0"[..], b"junk\n", &own] {
            let run = captured.feed(stage, &[&own, junk].concat()).fails_with(5).one_message();
            passes_on(stage, &run.stdout, Status::Integrity);
        }
        captured.feed(stage, b"anything else\n").fails_with(5).one_message();
    }
    assert_eq!(captured.names().len(), before.len() + 1, "nothing but the input has come");
}

#[test]
fn tar_reads_every_pipe_without_a_warning() {
    let captured = Captured::every_kind();
    for stage in &STAGES {
        let list = format!("tar tvf flow/{}", stage.name);
        let list = captured.sandbox.sh(&list).succeeds().stderr_is("").out();
        assert!(list.lines().next().is_some_and(|line| line.ends_with("begin.json")));
        assert!(list.lines().last().is_some_and(|line| line.ends_with("end.json")));
    }
    captured
        .sandbox
        .sh("tar xOf flow/moo-sign end.json | grep -q '\"members\":'")
        .succeeds()
        .stderr_is("");
}

#[test]
fn receipts_are_lines_of_json_for_tar_and_on_a_terminal() {
    let sandbox = Sandbox::new();
    let files = "mkdir src && touch src/x && moo-scan src | moo-sign | moo-delta | moo-pack >files";
    sandbox.sh(files).silent();
    let stored = |lines: &str| -> Vec<String> {
        let lines =
            lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let names = lines.filter_map(|line| Some(line.get("stored")?.as_str()?.to_owned()));
        names.collect()
    };
    let piped = sandbox.sh("moo-upload file://$PWD/one <files | tar xO").succeeds().out();
    let names = stored(&piped);
    assert!(names.len() >= 3 && names.iter().any(|name| name.ends_with(".manifest")), "{piped}");
    for command in ["moo-upload file://$PWD/two <files", "moo-fetch --receipts file://$PWD/two"] {
        // A new store is told of on a terminal.
        let call = format!("script -qec '{command} 2>said' /dev/null && test ! -s said");
        let shown = sandbox.sh(&call).succeeds().out();
        let mut shown_names = stored(&shown);
        assert_eq!(shown.lines().count(), names.len(), "only receipts: {shown}");
        shown_names.sort();
        let mut wanted = names.clone();
        wanted.sort();
        assert_eq!(shown_names, wanted, "{command}");
    }
}

#[test]
fn a_header_that_promises_much_takes_no_memory() {
    let sandbox = Sandbox::new();
    // A member of 200 MiB, of which nothing comes.
    let script = "truncate -s 200M huge && mkdir src && touch src/x &&
        moo-scan src | head -c 1024 >start && tar cf - huge | head -c 512 >>start
        ulimit -v 100000; moo-sign <start";
    sandbox.sh(script).fails_with(4).one_message();
}
