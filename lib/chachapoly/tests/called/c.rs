//! The C declarations, and how they are to be called.

#![allow(unsafe_code)]

use std::ptr;

use libssh2_sys as _;

unsafe extern "C" {
    fn chacha_keysetup(state: *mut [u32; 16], key: *const u8, bits: u32);
    fn chacha_ivsetup(state: *mut [u32; 16], nonce: *const u8, block: *const u8);
    fn chacha_encrypt_bytes(state: *mut [u32; 16], from: *const u8, to: *mut u8, len: usize);
    fn poly1305_auth(tag: *mut u8, text: *const u8, len: usize, key: *const u8);
    // Of libssh2, on top of these.
    fn chachapoly_init(context: *mut [u32; 32], key: *const u8, len: usize) -> i32;
    fn chachapoly_crypt(
        context: *mut [u32; 32],
        number: u64,
        to: *mut u8,
        from: *const u8,
        len: usize,
        head: usize,
        encrypt: i32,
    ) -> i32;
    fn chachapoly_get_length(
        context: *mut [u32; 32],
        len: *mut u32,
        number: u64,
        packet: *const u8,
        held: usize,
    ) -> i32;
}

pub(crate) struct ChaCha20([u32; 16]);

impl ChaCha20 {
    pub(crate) fn new(key: &[u8; 32], nonce: &[u8; 8], block: Option<u64>) -> ChaCha20 {
        chachapoly::link();
        // What libssh2 has allocated has anything in it.
        let mut state = [0xa5a5_a5a5; 16];
        let block = block.map(u64::to_le_bytes);
        let block = block.as_ref().map_or(ptr::null(), |block| block.as_ptr());
        // SAFETY: all have the size that is declared.
        unsafe {
            chacha_keysetup(&raw mut state, key.as_ptr(), 256);
            chacha_ivsetup(&raw mut state, nonce.as_ptr(), block);
        }
        ChaCha20(state)
    }

    pub(crate) fn apply(&mut self, from: &[u8], to: &mut [u8]) {
        assert_eq!(from.len(), to.len());
        // SAFETY: both have that length.
        unsafe {
            chacha_encrypt_bytes(&raw mut self.0, from.as_ptr(), to.as_mut_ptr(), from.len());
        }
    }

    pub(crate) fn apply_in_place(&mut self, text: &mut [u8]) {
        let (start, len) = (text.as_mut_ptr(), text.len());
        // SAFETY: both are the same, and have that length.
        unsafe { chacha_encrypt_bytes(&raw mut self.0, start, start, len) }
    }

    /// With no text at all.
    pub(crate) fn apply_to_nothing(&mut self) {
        // SAFETY: nothing is read or written.
        unsafe { chacha_encrypt_bytes(&raw mut self.0, ptr::null(), ptr::null_mut(), 0) }
    }

    pub(crate) fn next_block(&self) -> u64 {
        u64::from(self.0[12]) | u64::from(self.0[13]) << 32
    }
}

pub(crate) fn poly1305(key: &[u8; 32], text: &[u8]) -> [u8; 16] {
    let mut tag = [0; 16];
    // SAFETY: all have the size that is declared.
    unsafe { poly1305_auth(tag.as_mut_ptr(), text.as_ptr(), text.len(), key.as_ptr()) }
    tag
}

/// The cipher of a connection's one direction, as libssh2 has it.
pub(crate) struct Packets([u32; 32]);

/// Bytes of a packet that tell its length, and those of its tag.
pub(crate) const HEAD: usize = 4;
pub(crate) const TAG: usize = 16;

impl Packets {
    pub(crate) fn new(key: &[u8; 64]) -> Packets {
        let mut context = [0xa5a5_a5a5; 32];
        // SAFETY: the key has 64 bytes.
        let done = unsafe { chachapoly_init(&raw mut context, key.as_ptr(), 64) };
        assert_eq!(done, 0);
        Packets(context)
    }

    /// Encrypts a packet, which has room for its tag.
    pub(crate) fn encrypt(&mut self, number: u64, packet: &mut [u8]) {
        let (start, len) = (packet.as_mut_ptr(), packet.len() - HEAD - TAG);
        // SAFETY: the packet has head, text and tag.
        let done = unsafe { chachapoly_crypt(&raw mut self.0, number, start, start, len, HEAD, 1) };
        assert_eq!(done, 0);
    }

    /// Decrypts a packet to elsewhere, and tells whether its tag was right.
    pub(crate) fn decrypt(&mut self, number: u64, packet: &[u8], to: &mut [u8]) -> bool {
        assert_eq!(packet.len(), to.len());
        let (from, to, len) = (packet.as_ptr(), to.as_mut_ptr(), packet.len() - HEAD - TAG);
        // SAFETY: both have head, text and tag.
        unsafe { chachapoly_crypt(&raw mut self.0, number, to, from, len, HEAD, 0) == 0 }
    }

    /// The length that a packet tells.
    pub(crate) fn length(&mut self, number: u64, packet: &[u8]) -> u32 {
        let (mut len, held) = (0, packet.len());
        // SAFETY: the packet has that length.
        let done = unsafe {
            chachapoly_get_length(&raw mut self.0, &raw mut len, number, packet.as_ptr(), held)
        };
        assert_eq!(done, 0);
        len
    }
}
