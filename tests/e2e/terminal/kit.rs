//! What these tests share.

use tests::{Run, Sandbox};

/// Starts `command` on a terminal as the process `moo`. What it shows goes into the file `seen`, and the
/// screen that remains is printed, with the exit status or the signal in the last line.
const PYTHON: &str = r"import os, pexpect, re, sys, time
command, term, columns = sys.argv[1], sys.argv[2], int(sys.argv[3])
moo = pexpect.spawn('sh', ['-c', 'exec ' + command], timeout=60, dimensions=(24, columns),
                    env=dict(os.environ, TERM=term))
moo.logfile_read = open('seen', 'wb')
def go(): open('go', 'w').close()
def screen(shown):
    # As a terminal does, of which the lines are long enough.
    lines, column = [''], 0
    for piece in re.findall('\x1b\\[K|\r|\n|[^\r\n\x1b]', shown):
        if piece == '\r': column = 0
        elif piece == '\n': lines.append(''); column = 0
        elif piece == '\x1b[K': lines[-1] = lines[-1][:column]
        else:
            lines[-1] = lines[-1][:column].ljust(column) + piece + lines[-1][column + 1:]
            column += 1
    return '\n'.join(line for line in lines if line)
";

const END: &str = r"
moo.expect(pexpect.EOF)
moo.close()
moo.logfile_read.flush()
print(screen(open('seen', 'rb').read().decode('utf-8', 'replace')))
print('status', moo.exitstatus if moo.signalstatus is None else 128 + moo.signalstatus)";

/// A terminal.
#[derive(Clone, Copy)]
pub(super) struct Terminal {
    pub(super) name: &'static str,
    pub(super) columns: u16,
}

pub(super) const XTERM: Terminal = Terminal { name: "xterm", columns: 200 };

impl Terminal {
    /// Runs a command on it; what a person does meanwhile is in Python.
    pub(super) fn run(self, sandbox: &Sandbox, command: &str, steps: &str) -> Run {
        let script = sandbox.path("terminal.py");
        std::fs::write(script, format!("{PYTHON}{steps}{END}")).unwrap();
        let command = command.replace('\'', "'\\''");
        let Terminal { name, columns } = self;
        sandbox.sh(&format!("python3 terminal.py '{command}' {name} {columns}"))
    }
}

/// All bytes that the last command has shown.
pub(super) fn seen(sandbox: &Sandbox) -> Vec<u8> {
    std::fs::read(sandbox.path("seen")).unwrap()
}
