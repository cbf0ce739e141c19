//! Another process of the user whom the stages run as.

use tests::Sandbox;

/// Runs a program as an ordinary user.
const NOBODY: &str = "setpriv --reuid 65534 --regid 65534 --clear-groups";

/// Asks the kernel for descriptor 0 of the process; prints `taken` or the error's number.
const TAKE: &str = "import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pidfd = os.pidfd_open(int(sys.argv[1]))
got = libc.syscall(438, pidfd, 0, 0)
print('taken' if got >= 0 else ctypes.get_errno())";

#[test]
fn another_process_of_the_user_took_the_descriptors_of_a_stage_and_is_refused() {
    let sandbox = Sandbox::for_everybody();
    let stages = ["sign", "delta", "pack", "encrypt", "upload", "commit"]
        .map(|stage| format!("moo-{stage}"));
    std::fs::write(sandbox.path("take.py"), TAKE).unwrap();
    sandbox.sh("chmod 644 take.py; mkfifo -m 666 never").silent();
    // A process that may be dumped shows what the system allows by itself.
    let script = |program: &str| {
        format!(
            "{NOBODY} {program} <>never >/dev/null 2>&1 & pid=$!
            until grep -q '^Uid:.65534' /proc/$pid/status && grep -q '^State:.S' /proc/$pid/status &&
                tr '\\0' ' ' </proc/$pid/cmdline | grep -q '^{program}'; do sleep 0.01; done; sleep 0.1
            stat -c %u /proc/$pid/environ; {NOBODY} python3 take.py $pid; kill -9 $pid"
        )
    };
    sandbox.sh(&script("sleep 800")).succeeds().stdout_has("65534\n");
    for stage in stages {
        let arguments = match stage.as_str() {
            "moo-upload" => "moo-upload file:///nowhere",
            "moo-encrypt" => "moo-encrypt --no-encryption",
            stage => stage,
        };
        sandbox.sh(&script(arguments)).succeeds().stdout_is("0\n1");
    }
}
