//! Comparing content with a signature: whether it is that of which the signature was made.

use std::io::{self, Read};

use crate::block::{LONGEST, lanes};
use crate::sums::Sums;
use crate::window::Window;

/// Whether content has, block by block, the sums of a signature, and as many blocks. False for a signature
/// that we do not know, or whose blocks are longer than any that we make. The content is read until a block differs.
///
/// # Errors
/// The content cannot be read.
pub fn matches(content: impl Read, signature: &[u8]) -> io::Result<bool> {
    let Some(sums) = Sums::read(signature) else { return Ok(false) };
    let head = sums.head;
    if head.block > LONGEST {
        return Ok(false);
    }
    let mut window = Window::new(content);
    let mut block = 0;
    loop {
        let most = lanes(head.block).saturating_mul(head.block);
        window.fill(most)?;
        let length = window.bytes().len().min(most);
        if length == 0 {
            return Ok(block == sums.count());
        }
        let blocks = || window.bytes()[..length].chunks(head.block);
        for (piece, strong) in blocks().zip(head.hash.sums(blocks())) {
            let same = sums.weak_is(block, head.weak.sum(piece))
                && sums.strong(block) == &strong[..head.strong];
            if !same {
                return Ok(false);
            }
            block += 1;
        }
        window.pass(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Hash, sign};

    #[test]
    fn content_matches_its_own_signature_and_no_other() {
        let content: Vec<u8> = (0..200_000_u64).map(|at| (at * at % 251) as u8).collect();
        for hash in [Hash::Blake2, Hash::Md4] {
            for length in [0, 1, 1023, 1024, 4096, 199_999, 200_000] {
                let content = &content[..length];
                let signature = sign("x", content, length as u64, hash).unwrap();
                assert!(matches(content, &signature).unwrap());
                let mut longer = content.to_vec();
                longer.push(0);
                assert!(!matches(&longer[..], &signature).unwrap());
                let cut = &content[..length.saturating_sub(1)];
                assert_eq!(matches(cut, &signature).unwrap(), length == 0);
                for at in [0, length / 2, length.saturating_sub(1)] {
                    let mut other = content.to_vec();
                    if let Some(byte) = other.get_mut(at) {
                        *byte ^= 1;
                        assert!(!matches(&other[..], &signature).unwrap());
                    }
                }
                assert!(!matches(content, &signature[..signature.len() - 1]).unwrap());
            }
        }
        assert!(!matches(&content[..], b"").unwrap());
    }
}
