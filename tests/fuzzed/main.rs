//! What `fuzz/run` does with each parser, on the seeds, the corpus and seeded changes of both, so
//! that it is of use without a fuzzer too.

// A test that can't go on should stop, loudly; what a fuzzer runs, too.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tests::scale;

#[path = "../../fuzz/src/lib.rs"]
#[allow(unreachable_pub)]
mod fuzz;
mod mutator;

use mutator::{Numbers, mutated};

/// No input may take longer than this: a few kilobytes of it are all there is.
const SLOW: Duration = Duration::from_secs(10);

/// Feeds so many changed inputs to a target.
#[track_caller]
fn holds(target: &str, short: usize, long: usize) {
    let seeds = inputs(target);
    assert!(!seeds.is_empty(), "{target} has seeds");
    seeds.iter().for_each(|seed| feed(target, seed));
    let cases = scale(short, long);
    let mut numbers = Numbers(7);
    for _ in 0..cases {
        feed(target, &mutated(&seeds, &mut numbers));
    }
    eprintln!("{target}: {} inputs and {cases} changed ones", seeds.len());
}

/// The seeds of a target and what is in its corpus.
fn inputs(target: &str) -> Vec<Vec<u8>> {
    let mut inputs = fuzz::seeds::seeds(target);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let Ok(entries) = fs::read_dir(folder) else { return inputs };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    inputs.extend(files.iter().map(|file| fs::read(file).unwrap()));
    inputs
}

fn feed(target: &str, data: &[u8]) {
    let (body, start) = (fuzz::body(target), Instant::now());
    if catch_unwind(AssertUnwindSafe(|| body(data))).is_err() {
        panic!("{target} fails on b\"{}\"", data.escape_ascii());
    }
    assert!(start.elapsed() < SLOW, "{target} is slow on b\"{}\"", data.escape_ascii());
}

#[test]
fn every_target_has_whole_inputs_and_a_program_for_the_fuzzer() {
    let fuzz = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
    let mut programs: Vec<String> = fs::read_dir(fuzz.join("targets"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    programs.sort();
    let names: Vec<String> = fuzz::TARGETS.iter().map(|(name, _)| format!("{name}.rs")).collect();
    assert_eq!(programs, names);
    for (name, _) in fuzz::TARGETS {
        let text = fs::read_to_string(fuzz.join(format!("targets/{name}.rs"))).unwrap();
        assert!(text.contains(&format!("\"{name}\"")), "{name}");
    }
    for (read, target) in [
        (fuzz::streams::read_tree as fuzz::streams::Reader, "tree_stream"),
        (fuzz::streams::read_files, "file_stream"),
        (fuzz::streams::read_receipts, "receipts"),
    ] {
        inputs(target).iter().for_each(|seed| read(seed).unwrap());
    }
}

/// `fuzz/run` starts from these, and names the folder.
#[test]
fn the_seeds_are_there_for_the_fuzzer() {
    let scratch = tempfile::tempdir().unwrap();
    let named = std::env::var_os("MOO_SEEDS").map(PathBuf::from);
    let folder = named.unwrap_or_else(|| scratch.path().to_owned());
    for (target, _) in fuzz::TARGETS {
        fs::create_dir_all(folder.join(target)).unwrap();
        for (number, seed) in inputs(target).iter().enumerate() {
            fs::write(folder.join(target).join(format!("seed{number}")), seed).unwrap();
        }
    }
}

#[test]
fn names_of_files_are_what_they_say() {
    holds("file_name", 20_000, 5_000_000);
}

#[test]
fn each_file_of_a_store_is_found_in_one_place() {
    holds("collection", 4_000, 500_000);
}

#[test]
fn names_of_members_are_what_they_say() {
    holds("entry_name", 20_000, 5_000_000);
}

#[test]
fn paths_stay_below_the_root_and_in_their_order() {
    holds("tree_path", 20_000, 5_000_000);
}

#[test]
fn times_are_what_they_say() {
    holds("set_time", 20_000, 5_000_000);
}

#[test]
fn any_deflated_stream_is_read_as_zlib_reads_it_or_refused() {
    holds("inflate", 10_000, 1_000_000);
}

#[test]
fn manifests_are_what_they_say_before_and_after_they_are_sealed() {
    holds("manifest", 10_000, 2_000_000);
}

#[test]
fn a_path_is_looked_for_in_every_volume_that_may_hold_it() {
    holds("place", 20_000, 5_000_000);
}

#[test]
fn seals_are_what_they_say() {
    holds("seal", 10_000, 2_000_000);
}

#[test]
fn nothing_but_the_text_that_was_signed_counts_as_signed() {
    holds("seal_text", 2_000, 100_000);
}

#[test]
fn nothing_but_the_content_that_was_encrypted_comes_out_of_a_message() {
    holds("openpgp", 3_000, 200_000);
}

#[test]
fn whatever_a_tar_holds_what_was_read_is_written_and_read_again() {
    holds("tar", 10_000, 1_000_000);
}

#[test]
fn a_tree_stream_that_is_taken_is_not_taken_when_it_is_cut_or_goes_on() {
    holds("tree_stream", 2_000, 200_000);
}

#[test]
fn a_file_stream_that_is_taken_is_not_taken_when_it_is_cut_or_goes_on() {
    holds("file_stream", 5_000, 500_000);
}

#[test]
fn receipts_that_are_taken_are_not_taken_when_they_are_cut_or_go_on() {
    holds("receipts", 10_000, 1_000_000);
}

#[test]
fn any_delta_is_refused_or_makes_some_content() {
    holds("delta", 10_000, 1_000_000);
}

#[test]
fn a_patched_file_is_the_new_one_whatever_the_two_were() {
    holds("rsync_pair", 2_000, 200_000);
}

#[test]
fn any_signature_is_refused_or_a_delta_is_made_with_it() {
    holds("signature", 4_000, 400_000);
}

#[test]
fn any_signature_tars_add_up_to_a_state_or_are_refused() {
    holds("signatures", 5_000, 300_000);
}
