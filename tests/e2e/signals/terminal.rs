//! What is typed on a terminal.

use tests::Sandbox;

use super::kit::{hold, sandbox};

/// A shell with job control on a terminal of its own.
const SHELL: &str = r"import glob, os, pexpect, re, sys, time
shell = pexpect.spawn('bash', ['--norc', '--noprofile', '--noediting', '-i'], encoding='utf-8', timeout=60)
shell.setecho(False)
shell.sendline('PS1=; PS2=; echo rea\'\'dy')
shell.expect('ready\r\n')
def until(what, is_so):
    for _ in range(1200):
        if is_so(): return
        time.sleep(0.05)
    sys.exit(what + ': not in a minute')
def stat(pid):
    return open('/proc/%s/stat' % pid).read().rsplit(')')[-1].split()[0]
def family(pid):
    found = [pid]
    for pid in found:
        for task in glob.glob('/proc/%s/task/*/children' % pid):
            found += open(task).read().split()
    return found
";

fn python(sandbox: &Sandbox, script: &str) -> tests::Run {
    std::fs::write(sandbox.path("terminal.py"), format!("{SHELL}{script}")).unwrap();
    sandbox.sh("python3 terminal.py")
}

/// A backup of which two volumes have arrived and the others wait for a file `go`.
fn backup() -> Sandbox {
    let mut sandbox = sandbox();
    hold(&mut sandbox, "moo-upload", 2_300_000);
    sandbox
}

const START: &str = r"
shell.sendline('moo backup --volsize 1 src file://$PWD/store')
def note():
    # The supervisor is the first process of the shell.
    for name in glob.glob('/proc/%s/fd/*' % (family(str(shell.pid)) + ['none'])[1]):
        try:
            if 'memfd:note' in os.readlink(name): return open(name).read().split('\0')[0]
        except OSError: pass
until('two volumes', lambda: note() == '2')
";

#[test]
fn ctrl_c_ends_a_backup_with_130_and_one_line() {
    a_key_ends_a_backup("sendintr()", 130);
}

#[test]
fn ctrl_backslash_left_a_backup_without_a_line_and_ends_it_with_131_and_one() {
    a_key_ends_a_backup("sendcontrol('\\\\')", 131);
}

fn a_key_ends_a_backup(key: &str, status: i32) {
    let sandbox = backup();
    let script = format!(
        "{START}
shell.{key}
shell.sendline('echo status=$?')
shell.expect('status=([0-9]+)')
said = re.findall('moo[ -][a-z]+: [^\\r\\n]*', shell.before)
print('|'.join(said), shell.match.group(1))"
    );
    // On a terminal the first set of a store is announced, too.
    let store = sandbox.path("store");
    let said = format!(
        "moo backup: file://{}: a new store|\
         moo backup: interrupted; the next run resumes after volume 2 {status}",
        store.display()
    );
    python(&sandbox, &script).succeeds().stderr_is("").stdout_is(&said);
    super::kit::is_over(&sandbox, key);
}

#[test]
fn ctrl_z_stops_all_of_a_backup_and_fg_brings_it_to_its_end() {
    let sandbox = backup();
    let script = format!(
        "{START}
shell.sendcontrol('z')
shell.expect('Stopped')
run = family(str(shell.pid))[1:]
# The keeper, the second one, only holds the others. The last sleep of the stage that is held may have
# ended, and its shell is stopped before it could reap it; or it has not begun: its shell is in vfork
# then, which shows as D, until it is continued.
def stopped(pid):
    return stat(pid) in 'TZ' or stat(pid) == 'D' and all(map(stopped, family(pid)[1:]))
assert len(run) > 8, run
until('all stopped', lambda: all(stopped(pid) for pid in run if pid != run[1]))
assert sum(stat(pid) == 'T' for pid in run) > 7, run
open('go', 'w').close()
before = sorted(os.listdir('store'))
time.sleep(1)
assert before == sorted(os.listdir('store'))
shell.sendline('fg; echo status=$?')
shell.expect('status=([0-9]+)')
print(shell.match.group(1))"
    );
    python(&sandbox, &script).succeeds().stderr_is("").stdout_is("0");
    sandbox.sh("moo restore file://$PWD/store out && diff -r src out").silent();
}

#[test]
fn ctrl_z_stops_what_the_command_has_moved_to_another_session_too() {
    let sandbox = Sandbox::new();
    let script = "
shell.sendline('moo-run --forward list sh -c \"setsid sh -c \\'echo \\\\$\\\\$ >away; exec sleep 800\\' & wait\"')
until('the other', lambda: os.path.exists('away') and open('away').read())
away = open('away').read().strip()
until('it sleeps', lambda: 'sleep' in open('/proc/%s/stat' % away).read())
shell.sendcontrol('z')
shell.expect('Stopped')
until('stopped', lambda: stat(away) == 'T')
shell.sendline('fg')
until('continued', lambda: stat(away) == 'S')
shell.sendintr()
shell.sendline('kill -TERM %1; kill -KILL '+ away + '; echo do\\'\\'ne')
shell.expect('done')
print('well')";
    python(&sandbox, script).succeeds().stdout_is("well");
}
