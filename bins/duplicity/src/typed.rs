//! The passphrase that is typed where no terminal controls the process, but standard input is one: the
//! stages ask the controlling terminal.

use std::ffi::OsString;
use std::fs::File;
use std::io::{IsTerminal, Read, Write, stderr, stdin};
use std::os::unix::ffi::OsStringExt;

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::action::Action;
use crate::code::Refusal;
use crate::request::Request;

/// The longest passphrase that is read.
const LONGEST: usize = 4096;

/// Asks for the passphrase that a request needs; none if nobody is there to ask.
///
/// # Errors
/// Two different passphrases for a new set.
pub(crate) fn passphrase(request: &Request) -> Result<Option<OsString>, Refusal> {
    let line = &request.line;
    let reads =
        matches!(request.action, Action::Restore | Action::Verify | Action::ListCurrentFiles);
    let keys = ["encrypt-key", "hidden-encrypt-key", "encrypt-sign-key"];
    let writes = request.action.backs_up() && !keys.iter().any(|key| line.has(key));
    if !(reads || writes)
        || line.has("no-encryption")
        || std::env::var_os("PASSPHRASE").is_some()
        || !stdin().is_terminal()
        || File::open("/dev/tty").is_ok()
    {
        return Ok(None);
    }
    let first = ask("GnuPG passphrase for decryption: ");
    if writes && ask("Retype passphrase for decryption to confirm: ") != first {
        return Err(Refusal::usage("the two passphrases differ"));
    }
    Ok(first)
}

/// A line from standard input, which is not shown while it is typed.
fn ask(prompt: &str) -> Option<OsString> {
    let modes = tcgetattr(stdin()).ok()?;
    let mut hidden = modes.clone();
    hidden.local_modes.remove(LocalModes::ECHO);
    hidden.local_modes.insert(LocalModes::ECHONL);
    tcsetattr(stdin(), OptionalActions::Now, &hidden).ok()?;
    let _ = stderr().write_all(prompt.as_bytes());
    let line = first_line();
    let _ = tcsetattr(stdin(), OptionalActions::Now, &modes);
    line.filter(|line| !line.is_empty()).map(OsString::from_vec)
}

/// Byte for byte: what follows is for others.
fn first_line() -> Option<Vec<u8>> {
    let (mut line, mut byte) = (Vec::new(), [0]);
    while line.len() < LONGEST && stdin().read(&mut byte).ok()? == 1 && byte[0] != b'\n' {
        line.extend(byte);
    }
    Some(line)
}
