//! What the programs that speak SFTP are linked with.

use std::fs;

use tests::sandbox::programs;

/// In all of libssh2.
const LIBSSH2: &[u8] = b"SSH-2.0-libssh2_";
/// In its portable ChaCha20 alone: the constant for keys of half the length, which SSH never has.
const PORTABLE: &[u8] = b"expand 16-byte k";

#[test]
fn no_program_that_speaks_sftp_has_the_slow_cipher_of_libssh2_in_it() {
    let mut speaking = Vec::new();
    for entry in fs::read_dir(programs()).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if !name.starts_with("moo-") || name.contains('.') {
            continue;
        }
        let program = fs::read(entry.path()).unwrap();
        if !has(&program, LIBSSH2) {
            continue;
        }
        assert!(!has(&program, PORTABLE), "{name} is linked with libssh2's own");
        speaking.push(name);
    }
    eprintln!("speak sftp: {speaking:?}");
    for name in ["moo-fetch", "moo-status", "moo-prune", "moo-upload"] {
        assert!(speaking.iter().any(|speaks| speaks == name), "{name} has no libssh2");
    }
}

fn has(program: &[u8], what: &[u8]) -> bool {
    program.windows(what.len()).any(|bytes| bytes == what)
}
