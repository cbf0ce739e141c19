//! What happens on the way to a store is said at once.

use tests::Sandbox;

use super::kit::XTERM;

#[test]
fn a_lost_connection_is_named_at_once_on_a_terminal_and_only_there() {
    let sandbox = Sandbox::new();
    // Nobody listens at that port.
    let verify = "moo verify --num-retries 2 sftp://cat@127.0.0.1:1/store";
    let steps = "moo.expect_exact('trying again in 1 s (1 of 2 tries)')";
    let out = XTERM.run(&sandbox, verify, steps).succeeds().out();
    assert!(
        out.starts_with("moo verify: sftp://cat@127.0.0.1:1/store: connection refused; "),
        "{out}"
    );
    assert!(out.trim_end().ends_with("status 8"), "{out}");
    sandbox.sh(verify).fails_with(8).one_message().stderr_has("given up after 2 tries");
}

#[test]
fn a_host_that_does_not_answer_is_named_while_the_command_waits() {
    let sandbox = Sandbox::new();
    let steps = "import socket
silent = socket.create_server(('127.0.0.1', 0))
open('port', 'w').write(str(silent.getsockname()[1]))
moo.expect_exact('waiting for 127.0.0.1, 0:0')
moo.sendintr()";
    let verify = "sh -c 'until test -s port; do sleep 0.1; done
        exec moo verify sftp://cat@127.0.0.1:$(cat port)/store'";
    XTERM.run(&sandbox, verify, steps).succeeds().stdout_has("moo verify: interrupted");
}
