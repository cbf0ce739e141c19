//! That libssh2's own functions are not there.

/// What libssh2's `chacha.o` alone has, the constant for keys of half the length; in the other case,
/// so that this program does not have it by itself.
const OWN: &str = "EXPAND 16-BYTE K";

#[test]
fn libssh2_is_linked_without_its_own_cipher() {
    let program = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let own = std::hint::black_box(OWN).to_lowercase();
    assert!(!program.windows(own.len()).any(|bytes| bytes == own.as_bytes()));
}
