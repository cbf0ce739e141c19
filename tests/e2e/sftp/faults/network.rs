//! A network that cuts, stalls, refuses and babbles.

use std::time::{Duration, Instant};

use tests::relay::{Mode, Relay, Way};
use tests::sshd::Sshd;
use tests::{Sandbox, Snapshot};

use super::upload::{again, has_both, is_as_before, is_complete, prepare, upload};
use crate::sftp::kit::Remote;

/// A prepared upload through a relay, and the URL of its store.
fn relayed(sandbox: &Sandbox) -> (Sshd<'_>, Relay, String) {
    prepare(sandbox);
    let sshd = Sshd::start(sandbox);
    let relay = Relay::to(sshd.port());
    sshd.known_at(relay.port());
    let url = sshd.url_at(relay.port(), "store");
    (sshd, relay, url)
}

/// Offsets all over what a good upload sends that way.
fn offsets(total: u64) -> impl Iterator<Item = u64> {
    let early = [0, 1, 21, 500, 1500, 2500, 4000];
    early.into_iter().chain((1..10).map(move |part| total * part / 10)).chain([total - 40])
}

#[test]
fn a_connection_that_is_cut_anywhere_is_lost_without_another_and_mended_by_another() {
    let sandbox = Sandbox::new();
    let (_sshd, relay, url) = relayed(&sandbox);
    upload(&sandbox, &url, "").silent();
    is_complete(&sandbox);
    for way in [Way::Up, Way::Down] {
        let before = relay.bytes(way);
        upload(&sandbox, &url, "").silent();
        for after in offsets(relay.bytes(way) - before) {
            relay.set(Mode::Cut(way, after));
            let run = upload(&sandbox, &url, "--num-retries 1");
            if run.status != 0 {
                run.fails_with(8).one_message().stderr_has("given up after 1 try");
            }
            if has_both(&sandbox) {
                // Only the last answer was lost, or less.
                is_complete(&sandbox);
                continue;
            }
            is_as_before(&sandbox);
            relay.first(1, Mode::Cut(way, after));
            let run = again(&sandbox, &url, "--num-retries 2");
            if run.status == 0 {
                run.silent();
            } else {
                // All had arrived, and only names were to be given.
                run.fails_with(10).one_message().stderr_has("already has the");
            }
            is_complete(&sandbox);
        }
    }
}

#[test]
fn a_restore_goes_on_where_its_connection_was_cut() {
    let sandbox = Sandbox::new();
    let (_sshd, relay, url) = relayed(&sandbox);
    sandbox.sh("cp -a after store").silent();
    let state = Snapshot::kept(sandbox.path("src"));
    let remote = Remote::new(&sandbox, &url).archive("lost");
    let before = relay.bytes(Way::Down);
    remote.brings_back("", &state);
    for after in offsets(relay.bytes(Way::Down) - before) {
        relay.set(Mode::Cut(Way::Down, after));
        let run = remote.restore("");
        if run.status != 0 {
            run.fails_with(8).one_message();
            assert!(!sandbox.path("out").exists());
        } else {
            sandbox.remove("out");
        }
        relay.first(1, Mode::Cut(Way::Down, after));
        remote.clone().tries(2, 20).brings_back("", &state);
    }
}

#[test]
fn a_connection_that_stalls_is_given_up_in_time() {
    let sandbox = Sandbox::new();
    let (_sshd, relay, url) = relayed(&sandbox);
    for after in [0, 30, 2000, 4000, 50_000] {
        relay.set(Mode::Stall(Way::Up, after));
        let start = Instant::now();
        upload(&sandbox, &url, "--num-retries 1 --timeout 2").fails_with(8).one_message();
        assert!(start.elapsed() < Duration::from_secs(12), "{after}: {:?}", start.elapsed());
        is_as_before(&sandbox);
        relay.first(1, Mode::Stall(Way::Down, after));
        again(&sandbox, &url, "--num-retries 2 --timeout 2").silent();
        is_complete(&sandbox);
    }
}

#[test]
fn nobody_or_somebody_else_at_the_port_is_a_lost_store() {
    let sandbox = Sandbox::new();
    let (_sshd, relay, url) = relayed(&sandbox);
    relay.set(Mode::Refuse);
    let run = upload(&sandbox, &url, "--num-retries 2").fails_with(8).one_message();
    run.stderr_is(&format!("moo-upload: {url}: connection refused (given up after 2 tries)"));
    for text in ["HTTP/1.1 400 Bad Request\r\n\r\n", "", "SSH-1.5-old\r\n", "SSH-2.0-x\r\nnonsense"]
    {
        relay.set(Mode::Answer(text.as_bytes().to_vec()));
        upload(&sandbox, &url, "--num-retries 1 --timeout 5").fails_with(8).one_message();
        is_as_before(&sandbox);
    }
    let noise: Vec<u8> = (0..500_000_u32).map(|number| (number * number / 7) as u8).collect();
    relay.set(Mode::Answer(noise));
    upload(&sandbox, &url, "--num-retries 1 --timeout 5").fails_with(8).one_message();
    relay.set(Mode::Pass);
    again(&sandbox, &url, "").silent();
    is_complete(&sandbox);
}

#[test]
fn a_port_that_opens_while_it_is_tried_again_is_good_enough() {
    let sandbox = Sandbox::new();
    let (_sshd, relay, url) = relayed(&sandbox);
    relay.set(Mode::Refuse);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| upload(&sandbox, &url, ""));
        std::thread::sleep(Duration::from_millis(1500));
        relay.set(Mode::Pass);
        run.join().unwrap().silent();
    });
    is_complete(&sandbox);
}

#[test]
fn a_long_way_takes_its_time_and_no_more() {
    let sandbox = Sandbox::new();
    let (_sshd, relay, url) = relayed(&sandbox);
    relay.delay(Duration::from_millis(100));
    upload(&sandbox, &url, "").silent();
    is_complete(&sandbox);
    assert_eq!(relay.connections(), 1);
}

#[test]
fn sessions_that_end_at_the_server_are_begun_again() {
    let sandbox = Sandbox::new();
    let (sshd, _relay, url) = relayed(&sandbox);
    std::thread::scope(|scope| {
        let run = scope.spawn(|| upload(&sandbox, &url, "--bwlimit 20 --num-retries 3"));
        // Between them it logs in again, after a pause of a second.
        for time in [1000, 2500] {
            std::thread::sleep(Duration::from_millis(time));
            sshd.end_sessions();
        }
        run.join().unwrap().silent();
    });
    is_complete(&sandbox);
}
