//! What libssh2's `chacha.h` and `poly1305.h` declare.
//!
//! Pointers are libssh2's: they are not null, what they point at has the size that the C
//! declaration names, and nobody else has it meanwhile.

// These are called by C. All that is unsafe is to trust it with the above.
#![allow(unsafe_code)]

use chacha20::cipher::inout::InOutBuf;
use poly1305::Poly1305;
use poly1305::universal_hash::KeyInit;

use crate::chacha::State;

/// Does nothing. A program that calls it is linked with all that is in this file, and with none of
/// what libssh2 has instead.
// Its own code has to stay here.
#[inline(never)]
pub fn link() {}

/// `void chacha_keysetup(struct chacha_ctx *x, const u8 *k, u32 kbits)`
#[unsafe(no_mangle)]
unsafe extern "C" fn chacha_keysetup(state: *mut State, key: *const [u8; 32], bits: u32) {
    if bits != 256 {
        // libssh2 has no such keys, and what is not encrypted must not look as if it were.
        std::process::abort();
    }
    // SAFETY: the key has 256 bits; the state may be uninitialized, so it is only written.
    unsafe { state.write(State::new(&*key)) }
}

/// `void chacha_ivsetup(struct chacha_ctx *x, const u8 *iv, const u8 *counter)`
#[unsafe(no_mangle)]
unsafe extern "C" fn chacha_ivsetup(
    state: *mut State,
    nonce: *const [u8; 8],
    block: Option<&[u8; 8]>,
) {
    // SAFETY: the state was written by chacha_keysetup; the nonce has 8 bytes. A counter, which may
    // be null, is none or has 8 too.
    unsafe { (*state).start(&*nonce, block.unwrap_or(&[0; 8])) }
}

/// `void chacha_encrypt_bytes(struct chacha_ctx *x, const u8 *m, u8 *c, size_t bytes)`
#[unsafe(no_mangle)]
unsafe extern "C" fn chacha_encrypt_bytes(
    state: *mut State,
    from: *const u8,
    to: *mut u8,
    len: usize,
) {
    if len == 0 {
        return;
    }
    // SAFETY: the state was written by both of the above; from and to have that many bytes, and are
    // the same or do not overlap, which is what InOutBuf is made for.
    unsafe { (*state).apply(InOutBuf::from_raw(from, to, len)) }
}

/// `void poly1305_auth(unsigned char out[16], const unsigned char *m, size_t inlen,
/// const unsigned char key[32])`
#[unsafe(no_mangle)]
unsafe extern "C" fn poly1305_auth(
    tag: *mut [u8; 16],
    text: *const u8,
    len: usize,
    key: *const [u8; 32],
) {
    let text = match len {
        0 => &[],
        // SAFETY: the text has that many bytes. It may lie before the tag, but not overlap it.
        _ => unsafe { std::slice::from_raw_parts(text, len) },
    };
    // SAFETY: the key has 32 bytes.
    let key = unsafe { &*key };
    let computed = Poly1305::new(key.into()).compute_unpadded(text);
    // SAFETY: the tag has room for 16 bytes, and may be uninitialized.
    unsafe { tag.write(computed.into()) }
}
