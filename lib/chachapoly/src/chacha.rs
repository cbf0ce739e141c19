//! ChaCha20 over the state that libssh2 keeps.

use chacha20::ChaCha20LegacyCore;
use chacha20::cipher::inout::InOutBuf;
use chacha20::cipher::{Block, KeyIvInit, StreamCipherCore};

/// libssh2's `struct chacha_ctx`: 16 words, of which 4 are constants, then 8 of the key, 2 of the
/// number of the next block and 2 of the nonce (D. J. Bernstein's ChaCha, where both have 64 bits).
/// The constants are not looked at here.
#[repr(transparent)]
pub(crate) struct State([u32; 16]);

impl State {
    /// One with that key, which needs a nonce yet.
    pub(crate) fn new(key: &[u8; 32]) -> State {
        let mut words = [0; 16];
        set(&mut words[4..12], key);
        State(words)
    }

    /// Starts at a block, whose number has its low byte first.
    pub(crate) fn start(&mut self, nonce: &[u8; 8], block: &[u8; 8]) {
        set(&mut self.0[12..14], block);
        set(&mut self.0[14..16], nonce);
    }

    /// Encrypts or decrypts. What is left of the last block is not used again.
    pub(crate) fn apply(&mut self, text: InOutBuf<'_, '_, u8>) {
        let mut core = self.core();
        let (blocks, rest) = text.into_chunks();
        core.apply_keystream_blocks_inout(blocks);
        if !rest.is_empty() {
            apply_to_part(&mut core, rest);
        }
        set(&mut self.0[12..14], &core.get_block_pos().to_le_bytes());
    }

    fn core(&self) -> ChaCha20LegacyCore {
        let key: [u8; 32] = bytes(&self.0[4..12]);
        let nonce: [u8; 8] = bytes(&self.0[14..16]);
        let mut core = ChaCha20LegacyCore::new(&key.into(), &nonce.into());
        core.set_block_pos(u64::from_le_bytes(bytes(&self.0[12..14])));
        core
    }
}

fn apply_to_part(core: &mut ChaCha20LegacyCore, mut part: InOutBuf<'_, '_, u8>) {
    let mut block = Block::<ChaCha20LegacyCore>::default();
    block[..part.len()].copy_from_slice(part.get_in());
    core.apply_keystream_block_inout((&mut block).into());
    let len = part.len();
    part.get_out().copy_from_slice(&block[..len]);
}

/// Words of bytes, low byte first.
fn set(words: &mut [u32], bytes: &[u8]) {
    let (four, _) = bytes.as_chunks();
    for (word, four) in words.iter_mut().zip(four) {
        *word = u32::from_le_bytes(*four);
    }
}

/// Bytes of words, low byte first.
fn bytes<const N: usize>(words: &[u32]) -> [u8; N] {
    let mut bytes = [0; N];
    let (four, _) = bytes.as_chunks_mut();
    for (four, word) in four.iter_mut().zip(words) {
        *four = word.to_le_bytes();
    }
    bytes
}
